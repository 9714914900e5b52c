"""A choice among the classes of a network; at first it is whichever class is read."""

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QComboBox, QWidget

THE_READING = "The reading"


class ClassChoice(QComboBox):
    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._names: tuple[str, ...] = ()

    def show_classes(self, names: Sequence[str]) -> None:
        """Offer these classes; if they are others than before, the choice is the reading again, without a signal."""
        if self._names != tuple(names):
            self._names = tuple(names)
            with QSignalBlocker(self):
                self.clear()
                self.addItems([THE_READING, *self._names])

    def chosen(self, reading: int) -> int:
        """The index of the chosen class, if this is the one that is read."""
        return self.currentIndex() - 1 if self.currentIndex() > 0 else reading
