"""A digit key pressed alone is an answer; numbers and words typed in the wrong place are not."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from minigrad_gui.widgets.digit_keys import DigitKeys


@pytest.fixture
def keys(qtbot):
    widget = QWidget()
    qtbot.addWidget(widget)
    keys = DigitKeys(widget)
    keys.listens = True
    yield keys
    widget.close()


@pytest.fixture
def told(keys):
    told = []
    keys.pressed.connect(lambda digit: told.append(("pressed", digit)))
    keys.answered.connect(lambda digit: told.append(("answered", digit)))
    keys.dropped.connect(lambda: told.append("dropped"))
    return told


def type_text(keys, text: str) -> None:
    QTest.keyClicks(keys.parent(), text)


def test_a_digit_alone_is_the_answer_after_a_moment(keys, told, qtbot):
    type_text(keys, "7")
    assert keys.pending == 7
    qtbot.waitUntil(lambda: told == [("pressed", 7), ("answered", 7)])
    assert keys.pending is None


@pytest.mark.parametrize("typed", ["0.05", "128", "10", "1e-4", "8 ", "88"])
def test_more_than_a_digit_is_not_an_answer(keys, told, typed):
    type_text(keys, typed)
    keys.settle()
    assert told == [("pressed", int(typed[0])), *["dropped"] * (len(typed) - 1)]


@pytest.mark.parametrize("typed", ["a1", "-1", ".5"])
def test_text_that_does_not_begin_with_a_digit_is_not_an_answer(keys, told, typed):
    type_text(keys, typed)
    keys.settle()
    assert not [each for each in told if each != "dropped"]


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Enter])
def test_enter_confirms_at_once(keys, told, key):
    type_text(keys, "3")
    QTest.keyClick(keys.parent(), key)
    assert told == [("pressed", 3), ("answered", 3)]


@pytest.mark.parametrize("key", [Qt.Key.Key_Escape, Qt.Key.Key_Backspace])
def test_escape_cancels_the_answer(keys, told, key):
    type_text(keys, "3")
    QTest.keyClick(keys.parent(), key)
    keys.settle()
    assert told == [("pressed", 3), "dropped"]


def test_a_digit_with_control_is_a_shortcut(keys, told):
    QTest.keyClick(keys.parent(), Qt.Key.Key_3, Qt.KeyboardModifier.ControlModifier)
    keys.settle()
    assert told == []


def test_a_digit_is_not_an_answer_if_none_is_expected(keys, told):
    keys.listens = False
    type_text(keys, "3")
    keys.settle()
    assert told == []
