"""The drawing on the canvas, and what is read in it."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal, Slot

from minigrad_gui import digits
from minigrad_gui.digits import Picture
from minigrad_gui.reader import Number, Prediction, ReadDigit

READING_DELAY_MS = 8

Strokes = Sequence[NDArray[np.float64]]


class Drawing(QObject):
    """Strokes and the number that they are read as a few milliseconds later; one of its digits is pointed at.

    read: reads strokes, predict: a picture, float32 (28, 28).
    """

    predictionChanged = Signal()  # noqa: N815

    def __init__(
        self,
        read: Callable[[Strokes], Number],
        predict: Callable[[Picture], Prediction | None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._read_strokes = read
        self._predict = predict
        self._strokes: list[NDArray[np.float64]] = []
        self._changed = False
        self._number = Number()
        self._pointed = -1
        self._blank = digits.blank()
        self._timer = QTimer(self, singleShot=True, interval=READING_DELAY_MS)
        self._timer.timeout.connect(self._read)

    @property
    def strokes(self) -> list[NDArray[np.float64]]:
        return self._strokes

    @property
    def number(self) -> Number:
        return self._number

    @property
    def pointed(self) -> int:
        """Which digit of the number is pointed at: the last, until another is chosen; -1 if there is none."""
        return self._pointed

    @property
    def _digit(self) -> ReadDigit | None:
        return self._number.digits[self._pointed] if self._number.digits else None

    @property
    def picture(self) -> Picture:
        """The digit that is pointed at, as the network sees it: float32 (28, 28)."""
        return self._blank if self._digit is None else self._digit.picture

    @property
    def prediction(self) -> Prediction | None:
        """What the digit that is pointed at was read as."""
        return None if self._digit is None else self._digit.prediction

    @property
    def pointed_strokes(self) -> list[NDArray[np.float64]]:
        """The strokes of the digit that is pointed at; those of the whole drawing until it has been read."""
        if self._changed or self._digit is None:
            return self._strokes
        return [self._strokes[index] for index in self._digit.strokes]

    def set_strokes(self, strokes: Strokes) -> None:
        """Read these strokes, (n, 2) each, soon: many changes within a few milliseconds are read once."""
        self._strokes, self._changed = list(strokes), True
        if not self._timer.isActive():
            self._timer.start()

    @Slot()
    def read_again(self) -> None:
        """Read the drawing soon, as what reads it has changed."""
        self._timer.start()

    def point_at(self, index: int) -> None:
        """Point at this digit of the number, or at the first or last where there is none."""
        self.settle()
        index = min(max(index, 0), len(self._number.digits) - 1)
        if index != self._pointed:
            self._pointed = index
            self.predictionChanged.emit()

    def settle(self) -> None:
        """Read the drawing now if it is to be read soon."""
        if self._timer.isActive():
            self._timer.stop()
            self._read()

    def read_as_drawn(self) -> tuple[Picture, Prediction | None]:
        """The sheet merely scaled down, and what the network would make of that."""
        picture = digits.as_drawn(self._strokes)
        return picture, self._predict(picture)

    def close(self) -> None:
        self._timer.stop()

    @Slot()
    def _read(self) -> None:
        was_blank = not self._number.digits
        drawn, self._changed = self._changed, False
        before, self._number = self._number, self._read_strokes(self._strokes)
        if len(self._number.digits) != len(before.digits):
            self._pointed = len(self._number.digits) - 1
        if drawn or not was_blank:  # for a blank canvas, one network is as good as another
            self.predictionChanged.emit()
