"""Which keys are an answer to the question what was drawn."""

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from some_views import every_panel
from taught_drawings import FLAGGED_ONE, TRIANGLE, click_bar, draw, press, taught, text, wait_until_learnt

from minigrad_gui.views.draw_panel import DrawPanel

pytestmark = pytest.mark.panels("DrawPanel")


def test_a_number_or_a_word_typed_at_the_canvas_teaches_nothing(user):
    for typed in ("0.05", "1e-4", "a1"):
        draw(user, FLAGGED_ONE)
        press(user, typed)
        assert taught(user) == [], typed
        assert text(user, "taughtLabel") == "Nothing taught. Press a single digit.", typed
        assert not user.widget("eraserButton").isChecked(), "the e of a number is not a shortcut"
    press(user, "1")
    assert taught(user) == [1]
    wait_until_learnt(user, 1)


@every_panel
@pytest.mark.tabs("curvesView")
def test_a_digit_typed_at_the_plot_teaches_nothing(user):
    draw(user, FLAGGED_ONE)
    user.widget("lossPlot").setFocus()
    assert text(user, "taughtLabel").endswith(" Click its bar."), "a key would have no effect"
    press(user, "5")
    assert taught(user) == []
    keys = {action.shortcut().toString() for action in user.window.findChildren(QAction)}
    assert not keys & set("0123456789"), "a digit alone is not a shortcut"


def test_a_key_held_down_is_one_answer(user):
    draw(user, FLAGGED_ONE)
    canvas = user.widget("drawingCanvas")
    press_1 = QEvent.Type.KeyPress, Qt.Key.Key_1, Qt.KeyboardModifier.NoModifier, "1"
    for repeats in (False, True, True):
        QApplication.sendEvent(canvas, QKeyEvent(*press_1, repeats))
    assert text(user, "taughtLabel") == "Teaching it as a 1… Esc cancels."
    press(user, "")
    assert taught(user) == [1]
    wait_until_learnt(user, 1)


def test_the_numeric_keypad_answers_too(user):
    draw(user, FLAGGED_ONE)
    user.qtbot.keyClick(user.widget("drawingCanvas"), Qt.Key.Key_1, Qt.KeyboardModifier.KeypadModifier)
    press(user, "")
    assert taught(user) == [1]
    wait_until_learnt(user, 1)


def test_enter_confirms_at_once_and_escape_cancels(user):
    draw(user, FLAGGED_ONE)
    canvas = user.widget("drawingCanvas")
    user.qtbot.keyClicks(canvas, "7")
    user.qtbot.keyClick(canvas, Qt.Key.Key_Escape)
    press(user, "")
    assert taught(user) == []
    user.qtbot.keyClicks(canvas, "1")
    user.qtbot.keyClick(canvas, Qt.Key.Key_Return)
    assert taught(user) == [1]
    wait_until_learnt(user, 1)


def test_a_digit_with_control_is_not_an_answer(user):
    draw(user, FLAGGED_ONE)
    user.qtbot.keyClick(user.widget("drawingCanvas"), Qt.Key.Key_1, Qt.KeyboardModifier.ControlModifier)
    press(user, "")
    assert taught(user) == []


def test_long_after_drawing_only_the_bars_answer(user):
    draw(user, FLAGGED_ONE)
    asking = user.window.findChild(DrawPanel)._asking
    assert asking.isActive()
    asking.start(0)  # as if the time had passed
    user.wait(lambda: not asking.isActive())
    assert text(user, "taughtLabel") == "Wrong? Click the bar of the right digit."
    press(user, "1")
    assert taught(user) == []
    click_bar(user, 1)
    assert taught(user) == [1]
    wait_until_learnt(user, 1)


def test_an_answer_is_for_the_drawing_that_was_there(user):
    draw(user, FLAGGED_ONE)
    user.qtbot.keyClicks(user.widget("drawingCanvas"), "1")
    user.click("clearButton")
    user.stroke(TRIANGLE)
    user.qtbot.keyClicks(user.widget("drawingCanvas"), "6")
    press(user, "")
    assert taught(user) == [1, 6]
    assert [len(drawing.strokes[0]) for drawing in user.session.drawing_store.drawings] == [3, 4]
    wait_until_learnt(user)


@pytest.mark.panels("ConfigPanel", "DrawPanel")
def test_moving_to_a_field_cancels_the_answer(user):
    draw(user, FLAGGED_ONE)
    user.qtbot.keyClicks(user.widget("drawingCanvas"), "1")
    user.widget("epochsSpin").setFocus()
    press(user, "2")
    assert taught(user) == []


def test_while_the_pen_is_down_a_key_answers_nothing(user):
    draw(user, FLAGGED_ONE)
    canvas = user.widget("drawingCanvas")
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=QPoint(40, 40))
    press(user, "1")
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=QPoint(60, 90))
    assert taught(user) == []


def test_a_dot_is_not_a_digit(user):
    for dots in (1, 3):
        draw(user, *(np.array([[0.3 + number / 5, 0.5]]) for number in range(dots)))
        assert text(user, "taughtLabel") == "A dot alone is not taught.", dots
        click_bar(user, 3)
        press(user, "3")
        user.session.teach(3)
        assert taught(user) == [], dots


def test_a_or_an(user):
    texts = [user.window.findChild(QAction, f"teach{digit}Action").text() for digit in (7, 8)]
    assert texts == ["It is a &7", "It is an &8"]


def test_only_a_left_click_on_a_bar_teaches(user):
    draw(user, FLAGGED_ONE)
    bars = user.widget("probabilityBars")
    for button in (Qt.MouseButton.RightButton, Qt.MouseButton.MiddleButton):
        user.qtbot.mouseClick(bars, button, pos=bars.rect().center())
    QTest.mousePress(bars, Qt.MouseButton.LeftButton, pos=bars.rect().center())
    QTest.mouseRelease(bars, Qt.MouseButton.LeftButton, pos=QPoint(bars.width() // 2, -30))
    assert taught(user) == []


def test_each_bar_is_its_digit(user):
    draw(user, FLAGGED_ONE)
    bars = user.widget("probabilityBars")
    for y in range(bars.height()):
        user.qtbot.mouseClick(bars, Qt.MouseButton.LeftButton, pos=QPoint(5, y))
        assert taught(user) == [y * 10 // bars.height()]
    wait_until_learnt(user)
