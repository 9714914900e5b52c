"""The list of taught drawings: correcting and deleting them."""

import json
import time

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QMenu
from taught_drawings import (
    BUTTONS,
    CROSS,
    FLAGGED_ONE,
    TRIANGLE,
    click_bar,
    draw,
    labels,
    learnt,
    rows,
    stored,
    taught,
    text,
    wait_until_learnt,
)

pytestmark = pytest.mark.panels("DrawPanel")


@pytest.fixture
def listed(user):
    """A list of three drawings, taught as 1, 6 and 9, newest first."""
    for strokes, digit in (([FLAGGED_ONE], 1), ([TRIANGLE], 6), (CROSS, 9)):
        draw(user, *strokes)
        click_bar(user, digit)
    user.click("handwritingButton")
    found = user.widget("handwritingList")
    user.wait(found.window().isActiveWindow)
    assert labels(found) == ["9", "6", "1"]
    return found


def choose(user, found, row: int, key=Qt.KeyboardModifier.NoModifier) -> None:
    at = found.visualRect(rows(found)[row]).center()
    user.qtbot.mouseClick(found.viewport(), Qt.MouseButton.LeftButton, key, at)


def test_the_chosen_drawings_are_deleted(user, listed, folder):
    assert not user.widget("handwritingDeleteButton").isEnabled()
    strokes = user.widget("drawingCanvas").strokes
    user.qtbot.keyClick(listed, Qt.Key.Key_Delete)
    user.click("handwritingDeleteButton")
    assert taught(user) == [1, 6, 9], "none was selected"
    choose(user, listed, 0)
    user.click("handwritingDeleteButton")
    assert labels(listed) == ["6", "1"]
    assert taught(user) == [1, 6]
    assert [each["label"] for each in stored(user, folder)] == [1, 6]
    choose(user, listed, 0)
    choose(user, listed, 1, Qt.KeyboardModifier.ControlModifier)
    user.qtbot.keyClick(listed, Qt.Key.Key_Delete)
    assert labels(listed) == []
    assert taught(user) == []
    assert stored(user, folder) == []
    assert not user.widget("handwritingDeleteButton").isEnabled()
    assert user.widget("drawingCanvas").strokes == strokes, "the drawing on the canvas stays"
    wait_until_learnt(user)


def test_a_selection_in_the_list_survives_the_end_of_a_job(user, listed):
    assert user.session.is_learning
    choose(user, listed, 2)
    wait_until_learnt(user)
    assert [index.data() for index in listed.selectedIndexes()] == ["1"]
    assert user.widget("handwritingDeleteButton").isEnabled()
    user.qtbot.keyClicks(listed, "3")
    assert taught(user) == [1, 6, 9], "a digit pressed there teaches nothing"


@pytest.mark.parametrize("way", ["button", "key", "right click"])
def test_a_label_is_corrected_in_the_list(user, listed, folder, way):
    wait_until_learnt(user)
    choose(user, listed, 1)
    if way == "key":
        user.qtbot.keyClick(listed, Qt.Key.Key_F2)
    elif way == "button":
        user.click("handwritingCorrectButton")
    else:
        listed.customContextMenuRequested.emit(listed.visualRect(rows(listed)[1]).center())
    user.wait(lambda: isinstance(QApplication.activePopupWidget(), QMenu))
    menu = QApplication.activePopupWidget()
    if way == "key":
        user.qtbot.keyClick(menu, Qt.Key.Key_8)
    else:
        eight = menu.actions()[8]
        assert eight.text() == "It is an &8"
        user.qtbot.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(eight).center())
    assert taught(user) == [1, 8, 9]
    assert labels(listed) == ["9", "8", "1"]
    assert [index.data() for index in listed.selectedIndexes()] == ["8"], "it stays selected"
    assert [each["label"] for each in stored(user, folder)] == [1, 8, 9]
    assert user.session.is_learning, "it is learnt again"
    wait_until_learnt(user)
    user.window.activateWindow()
    draw(user, TRIANGLE)
    user.wait(lambda: user.session.prediction.digit == 8)


@pytest.mark.usefixtures("listed")
def test_a_drawing_corrected_in_the_list_is_still_recognised_on_the_canvas(user):
    user.session.relabel(user.session.drawing_store.drawings[-1:], 4)
    assert user.session.taught_label == 4
    click_bar(user, 5)
    assert taught(user) == [1, 6, 5]
    wait_until_learnt(user)


def test_the_list_follows_what_is_taught(user, listed):
    user.window.activateWindow()
    user.wait(user.window.isActiveWindow)
    draw(user, FLAGGED_ONE * 0.8)
    click_bar(user, 4)
    assert labels(listed) == ["4", "9", "6", "1"]
    user.click("undoTeachingButton")
    assert labels(listed) == ["9", "6", "1"]
    user.click("handwritingCloseButton")
    user.click("undoTeachingButton")
    user.click("handwritingButton")
    assert labels(listed) == ["6", "1"]
    wait_until_learnt(user)


def test_the_list_shows_each_drawing(listed):
    pictures = [index.data(Qt.ItemDataRole.DecorationRole).toImage() for index in rows(listed)]
    assert pictures[0] != pictures[1] != pictures[2] != pictures[0]
    middles = [picture.pixelColor(picture.rect().center()).lightness() for picture in pictures]
    assert middles[0] > 150, "the cross has ink in its middle"
    assert middles[1] < 50, "the triangle has none"


def test_the_list_says_how_many_are_taught(user, monkeypatch):
    for module in ("session.handwriting", "views.draw_panel", "widgets.handwriting_dialog"):
        monkeypatch.setattr(f"minigrad_gui.{module}.MAX_DRAWINGS", 2)
    user.click("handwritingButton")
    assert "No drawings yet" in text(user, "handwritingCountLabel")
    for stroke, digit in ((FLAGGED_ONE, 1), (TRIANGLE, 6), (TRIANGLE * 0.9, 6)):
        draw(user, stroke)
        click_bar(user, digit)
    wait_until_learnt(user, 6)
    assert text(user, "handwritingCheck") == "With your handwriting (2)"
    assert learnt(user) == 2
    assert text(user, "handwritingCountLabel").startswith("The newest 2 of these 3 drawings")
    assert len(labels(user.widget("handwritingList"))) == 3
    user.click("undoTeachingButton")
    wait_until_learnt(user)
    assert text(user, "handwritingCountLabel").startswith("These drawings are used")
    assert learnt(user) == 2, "the oldest is taught again"


def test_thousands_of_drawings_are_listed_and_deleted_quickly(make_user, folder, answer):
    folder.mkdir(parents=True)
    for number in range(5000):
        drawing = {"label": number % 10, "strokes": [[[0.5, 0.1], [0.5, 0.9]]]}
        (folder / f"{number:05d}.json").write_text(json.dumps(drawing))
    user = make_user()
    user.session.use_handwriting(False)  # so that nothing is learnt
    user.wait(lambda: len(taught(user)) == 5000)
    started = time.thread_time()
    user.click("handwritingButton")
    found = user.widget("handwritingList")
    QApplication.processEvents()
    found.scrollToBottom()
    QApplication.processEvents()
    assert len(rows(found)) == 5000
    assert time.thread_time() - started < 3, "all pictures would take far longer"
    assert sum(bool(drawing._made) for drawing in user.session.drawing_store.drawings) < 500
    questions = answer(BUTTONS.Discard)
    started = time.thread_time()
    user.click("handwritingForgetButton")
    assert stored(user, folder) == []
    assert time.thread_time() - started < 3
    assert "5,000 drawings" in questions[0]
