"""The wheel over a choice: it changes it only where the focus is."""

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QLineEdit, QWidget

from minigrad_gui.widgets.building import column
from minigrad_gui.widgets.wheel import ChoiceBox


@pytest.fixture
def panel(qtbot):
    """A choice below another field."""
    panel, choice = QWidget(), ChoiceBox()
    choice.addItems(["one", "two", "three"])
    column(QLineEdit(), choice, parent=panel)
    qtbot.addWidget(panel)
    with qtbot.waitExposed(panel):
        panel.show()
    return panel


def turn(choice):
    """Turn the wheel towards the person, by a notch. Returns whether the choice has used it."""
    middle, none = QPointF(choice.rect().center()), Qt.MouseButton.NoButton
    where, keys, phase = choice.mapToGlobal(middle), Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase
    event = QWheelEvent(middle, where, QPoint(), QPoint(0, -120), none, keys, phase, False)
    QApplication.sendEvent(choice, event)
    return event.isAccepted()


def test_without_the_focus_the_wheel_is_left_to_what_is_around(panel, qtbot):
    choice, other = panel.findChild(ChoiceBox), panel.findChild(QLineEdit)
    other.setFocus()
    qtbot.waitUntil(other.hasFocus)
    assert not turn(choice)
    assert choice.currentText() == "one"
    assert other.hasFocus()


def test_with_the_focus_the_choice_changes(panel, qtbot):
    choice = panel.findChild(ChoiceBox)
    choice.setFocus()
    qtbot.waitUntil(choice.hasFocus)
    assert turn(choice)
    assert choice.currentText() == "two"
