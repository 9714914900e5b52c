"""Warnings, and questions with custom labels on their buttons."""

import pytest
from PySide6 import QtGui
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QLabel, QMessageBox, QWidget

from minigrad_gui.widgets.questions import choose, warn

ROLES = QMessageBox.ButtonRole
CHOICES = {"Keep the run": ROLES.AcceptRole, "Discard it": ROLES.DestructiveRole, "Cancel": ROLES.RejectRole}
EXEC, WARNING = QMessageBox.exec, QMessageBox.warning


@pytest.fixture
def ask(qtbot, monkeypatch):
    """`ask(answer)`: asks the question, and lets this function act on the message box."""
    monkeypatch.setattr(QMessageBox, "exec", EXEC)
    monkeypatch.setattr(QMessageBox, "warning", WARNING)
    parent = QWidget()
    qtbot.addWidget(parent)

    def put(answer, text: str = "What is to become of it?") -> str | None:
        QTimer.singleShot(0, lambda: answer(QApplication.activeModalWidget()))
        return choose(parent, "Leave", text, CHOICES)

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


TAGGED = "Could not write <b>seven</b>.png."


def drawn_text(box) -> str:
    """The text of a message box without the tags that it took for HTML."""
    label = box.findChild(QLabel, "qt_msgbox_label")
    is_rich = label.textFormat() != Qt.TextFormat.PlainText and QtGui.Qt.mightBeRichText(label.text())
    return QtGui.QTextDocumentFragment.fromHtml(label.text()).toPlainText() if is_rich else label.text()


def test_names_that_look_like_html_stand_as_they_are(ask, qtbot):
    told = []
    ask(lambda box: (told.append(drawn_text(box)), box.reject()), TAGGED)
    parent = QWidget()
    qtbot.addWidget(parent)

    def look() -> None:
        box = QApplication.activeModalWidget()
        told.append(drawn_text(box))
        box.reject()

    QTimer.singleShot(0, look)
    warn(parent, "Export", TAGGED)
    assert told == [TAGGED, TAGGED]


def test_closing_a_question_counts_as_cancel(ask):
    assert ask(lambda box: box.close()) in ("Cancel", None)
