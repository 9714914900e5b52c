"""A choice among the classes of a network; at first it is whichever class is read."""

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, QSize, Qt
from PySide6.QtWidgets import QComboBox, QStyle, QStyleOptionComboBox, QWidget

THE_READING = "The reading"
TEXT_MARGIN_PX = 2
"""What Qt leaves free on both sides of the text."""


class ClassChoice(QComboBox):
    """It asks for no more width than the reading needs: a longer name is cut if there is no room."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._names: tuple[str, ...] = ()
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)

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

    def minimumSizeHint(self) -> QSize:
        whole, reading_px = self.sizeHint(), self._width_px(THE_READING)
        longest_px = max([reading_px, *map(self._width_px, self._names)])
        return QSize(whole.width() - longest_px + reading_px, whole.height())

    def _width_px(self, text: str) -> int:
        return self.fontMetrics().size(Qt.TextFlag.TextSingleLine, text).width()

    def initStyleOption(self, option: QStyleOptionComboBox) -> None:
        super().initStyleOption(option)
        parts, field = QStyle.ComplexControl.CC_ComboBox, QStyle.SubControl.SC_ComboBoxEditField
        room = self.style().subControlRect(parts, option, field, self).width() - TEXT_MARGIN_PX
        shown = self.fontMetrics().elidedText(self.currentText(), Qt.TextElideMode.ElideMiddle, room)
        option.currentText = shown
