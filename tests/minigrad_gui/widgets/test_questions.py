"""Questions with custom labels on their buttons."""

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QMessageBox, QWidget

from minigrad_gui.widgets.questions import choose

ROLES = QMessageBox.ButtonRole
CHOICES = {"Keep the run": ROLES.AcceptRole, "Discard it": ROLES.DestructiveRole, "Cancel": ROLES.RejectRole}
EXEC = QMessageBox.exec


@pytest.fixture
def ask(qtbot, monkeypatch):
    """`ask(answer)`: asks the question, and lets this function act on the message box."""
    monkeypatch.setattr(QMessageBox, "exec", EXEC)
    parent = QWidget()
    qtbot.addWidget(parent)

    def put(answer) -> str | None:
        QTimer.singleShot(0, lambda: answer(QApplication.activeModalWidget()))
        return choose(parent, "Leave", "What is to become of it?", CHOICES)

    return put


@pytest.mark.parametrize("label", CHOICES)
def test_the_pressed_button_is_the_answer(ask, label):
    assert ask(lambda box: next(each for each in box.buttons() if each.text() == label).click()) == label


def test_the_first_button_is_the_default(ask):
    assert ask(lambda box: box.defaultButton().click()) == "Keep the run"


def test_the_question_stands_in_the_box(ask):
    told = []
    ask(lambda box: (told.extend([box.windowTitle(), box.text()]), box.reject()))
    assert told == ["Leave", "What is to become of it?"]


def test_closing_a_question_counts_as_cancel(ask):
    assert ask(lambda box: box.close()) in ("Cancel", None)
