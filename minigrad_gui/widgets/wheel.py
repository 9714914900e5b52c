"""The wheel over a field that is one of many: it scrolls what is around, unless the field is being used."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QComboBox, QWidget

if TYPE_CHECKING:
    _Base = QWidget
else:
    _Base = object


class WheelWithFocus(_Base):
    """For a field: only while it has the focus does the wheel change it. The wheel does not give it the focus."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class ChoiceBox(WheelWithFocus, QComboBox):
    """A choice that nobody changes by scrolling past."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
