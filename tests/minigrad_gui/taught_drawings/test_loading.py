"""The window can be used and closed while it loads the drawings."""

import threading
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QApplication
from taught_drawings import (
    CROSS,
    FLAGGED_ONE,
    TRIANGLE,
    click_bar,
    draw,
    files,
    labels,
    press,
    stored,
    taught,
    text,
    wait_until_learnt,
)

from minigrad_gui import handwriting
from minigrad_gui.handwriting import DrawingStore
from minigrad_gui.main_window import MainWindow

pytestmark = pytest.mark.panels("DrawPanel")


@pytest.fixture
def slow_reading(monkeypatch, folder):
    """There are two drawings, which are not loaded before `slow_reading.set()`."""
    for label in (1, 7):
        DrawingStore(folder).add([FLAGGED_ONE * (0.5 + label / 20)], label)
    go_on, read = threading.Event(), handwriting._read_drawing

    def wait_and_read(file: Path) -> handwriting.Drawing | None:
        go_on.wait(60)
        return read(file)

    monkeypatch.setattr(handwriting, "_read_drawing", wait_and_read)
    yield go_on
    go_on.set()


def test_the_window_can_be_used_while_the_drawings_are_loaded(slow_reading, user, monkeypatch, folder):
    lessons: list[list[int]] = []
    learn = handwriting.teach
    monkeypatch.setattr(
        "minigrad_gui.teaching.teach", lambda *given, **more: (lessons.append(given[2]), learn(*given, **more))[1]
    )
    user.click("handwritingButton")
    assert text(user, "handwritingCountLabel") == "Loading your drawings…"
    assert not user.widget("handwritingForgetButton").isEnabled()
    user.window.activateWindow()
    user.wait(user.window.isActiveWindow)
    draw(user, TRIANGLE)
    click_bar(user, 6)
    draw(user, *CROSS)
    click_bar(user, 9)
    user.click("undoTeachingButton")
    assert taught(user) == [6]
    assert not user.widget("handwritingForgetButton").isEnabled(), "drawings not loaded yet would remain"
    assert user.session.is_learning
    assert user.session._handwriting._job is None, "learning would have to start again"

    slow_reading.set()
    wait_until_learnt(user)
    assert taught(user) == [1, 7, 6]
    assert lessons == [[1, 7, 6]], "all of them are learnt at once"
    assert text(user, "handwritingCheck") == "With your handwriting (3)"
    assert labels(user.widget("handwritingList")) == ["6", "7", "1"]
    assert user.widget("handwritingForgetButton").isEnabled()
    assert [each["label"] for each in stored(user, folder)] == [1, 7, 6]
    draw(user, *CROSS)
    click_bar(user, 6)
    press(user, "9")
    assert taught(user) == [1, 7, 6, 9]
    wait_until_learnt(user)


def test_the_handwriting_can_be_forgotten_while_it_is_loaded(slow_reading, user, folder):
    untaught = user.session.model
    user.session.forget_handwriting()  # which reads each drawing, too
    assert taught(user) == []
    with user.qtbot.waitSignal(user.session._handwriting._teacher.drawingsRead):
        slow_reading.set()
    assert stored(user, folder) == []
    assert taught(user) == []
    assert user.session.model is untaught


@pytest.mark.usefixtures("patient_closing")
def test_the_window_can_be_closed_while_the_drawings_are_loaded(make_user, folder, monkeypatch):
    for label in (1, 7, 3):
        DrawingStore(folder).add([FLAGGED_ONE], label)
    reading, read = [threading.Event(), threading.Event()], handwriting._read_drawing
    seen: list[str] = []

    def wait_and_read(file: Path) -> handwriting.Drawing | None:
        seen.append(file.name)
        reading[0].set()
        reading[1].wait(60)
        return read(file)

    monkeypatch.setattr(handwriting, "_read_drawing", wait_and_read)
    user = make_user()
    user.wait(reading[0].is_set)
    threading.Timer(0.1, reading[1].set).start()
    user.window.close()
    assert user.window.has_ended
    assert len(seen) == 1, "the others are no longer loaded"
    QCoreApplication.sendPostedEvents()
    QApplication.processEvents()
    assert taught(user) == []
    assert len(files(folder)) == 3


def test_a_window_closed_before_it_was_shown_loads_nothing(qtbot, folder):
    DrawingStore(folder).add([FLAGGED_ONE], 1)
    window = MainWindow()
    qtbot.addWidget(window)
    window.close()
    QApplication.processEvents()
    assert not window.session._handwriting._teacher._thread.isRunning()
