"""A placeholder says why there is nothing, and may offer help."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton

from minigrad_gui.widgets.placeholder import Placeholder


def test_it_offers_a_button_only_if_something_helps(qtbot):
    placeholder = Placeholder("offerButton")
    qtbot.addWidget(placeholder)
    placeholder.show()
    button = placeholder.findChild(QPushButton, "offerButton")
    placeholder.say("No network.", "Train")
    with qtbot.waitSignal(placeholder.accepted):
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    placeholder.say("Reading…")
    assert not button.isVisible()
