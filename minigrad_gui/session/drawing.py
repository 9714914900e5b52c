"""The drawing on the canvas and its reading; or a picture that is shown in its place, and its reading."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal, Slot

from minigrad_gui import digits
from minigrad_gui.digits import Picture
from minigrad_gui.reader import Number, Prediction, ReadDigit

READING_DELAY_MS = 8

WHOLE_SHEET = (0.0, 0.0, 1.0, 1.0)

Strokes = Sequence[NDArray[np.float64]]


class ShownPicture(NamedTuple):
    """A picture that was not drawn, float32 (28, 28), and what it is, such as "Test digit 4,163, labelled 9"."""

    picture: Picture
    name: str


class Drawing(QObject):
    """Strokes, the number that they are read as a few milliseconds later, and which of its digits is selected.

    read: reads strokes; predict: reads a picture, float32 (28, 28).
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
        self._shown: ShownPicture | None = None
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
    def shown(self) -> ShownPicture | None:
        """The picture that is read in place of a drawing, if there is one."""
        return self._shown

    @property
    def number(self) -> Number:
        return self._number

    @property
    def pointed(self) -> int:
        """The index of the selected digit: the last one until another is chosen; -1 if there is none."""
        return self._pointed

    @property
    def _digit(self) -> ReadDigit | None:
        return self._number.digits[self._pointed] if self._number.digits else None

    @property
    def picture(self) -> Picture:
        """The selected digit as the network sees it: float32 (28, 28)."""
        return self._blank if self._digit is None else self._digit.picture

    @property
    def prediction(self) -> Prediction | None:
        """What the selected digit was read as."""
        return None if self._digit is None else self._digit.prediction

    @property
    def pointed_strokes(self) -> list[NDArray[np.float64]]:
        """The strokes of the selected digit; those of the whole drawing until it has been read."""
        if self._changed or self._digit is None:
            return self._strokes
        return list(self._digit.lines)

    def set_strokes(self, strokes: Strokes) -> None:
        """Read these strokes, (n, 2) each, within milliseconds; changes in between are read together."""
        self._strokes, self._changed, self._shown = list(strokes), True, None
        if not self._timer.isActive():
            self._timer.start()

    def show_picture(self, picture: Picture, name: str) -> None:
        """Read this picture now, in place of the drawing, which is dropped. The next strokes, or none, replace it."""
        self._strokes, self._changed, self._shown = [], True, ShownPicture(picture, name)
        self._timer.stop()
        self._read()

    @Slot()
    def read_again(self) -> None:
        """Read the drawing again soon, with a reader that has changed."""
        self._timer.start()

    def point_at(self, index: int) -> None:
        """Select a digit of the number; an index out of range selects the first or last."""
        self.settle()
        index = min(max(index, 0), len(self._number.digits) - 1)
        if index != self._pointed:
            self._pointed = index
            self.predictionChanged.emit()

    def settle(self) -> None:
        """If a reading is due, do it now."""
        if self._timer.isActive():
            self._timer.stop()
            self._read()

    def read_as_drawn(self) -> tuple[Picture, Prediction | None]:
        """The whole sheet scaled down, without centring or thickening, and how the network reads that."""
        picture = digits.as_drawn(self._strokes) if self._shown is None else self._shown.picture
        return picture, self._predict(picture)

    def close(self) -> None:
        self._timer.stop()

    @Slot()
    def _read(self) -> None:
        was_blank = not self._number.digits
        drawn, self._changed = self._changed, False
        before, self._number = self._number, self._read_number()
        if len(self._number.digits) != len(before.digits):
            self._pointed = len(self._number.digits) - 1
        if drawn or not was_blank:  # another network makes no difference to a blank canvas
            self.predictionChanged.emit()

    def _read_number(self) -> Number:
        if self._shown is None:
            return self._read_strokes(self._strokes)
        picture = self._shown.picture
        return Number((ReadDigit(WHOLE_SHEET, picture, self._predict(picture)),))
