"""The drawing on the canvas, and what is read in it."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal, Slot

from minigrad_gui import digits
from minigrad_gui.digits import Picture
from minigrad_gui.reader import Prediction

READING_DELAY_MS = 8

Strokes = Sequence[NDArray[np.float64]]


class Drawing(QObject):
    """Strokes, the picture that they make and its prediction, which follow them a few milliseconds later.

    predict: reads a picture, float32 (28, 28).
    """

    predictionChanged = Signal()  # noqa: N815

    def __init__(self, predict: Callable[[Picture], Prediction | None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._predict = predict
        self._strokes: list[NDArray[np.float64]] = []
        self._changed = False
        self._picture = digits.blank()
        self._prediction: Prediction | None = None
        self._timer = QTimer(self, singleShot=True, interval=READING_DELAY_MS)
        self._timer.timeout.connect(self._read)

    @property
    def strokes(self) -> list[NDArray[np.float64]]:
        return self._strokes

    @property
    def picture(self) -> Picture:
        """As the network sees it: float32 (28, 28)."""
        return self._picture

    @property
    def prediction(self) -> Prediction | None:
        return self._prediction

    def set_strokes(self, strokes: Strokes) -> None:
        """Read these strokes, (n, 2) each, soon: many changes within a few milliseconds are read once."""
        self._strokes, self._changed = list(strokes), True
        if not self._timer.isActive():
            self._timer.start()

    @Slot()
    def read_again(self) -> None:
        """Read the drawing soon, as what reads it has changed."""
        self._timer.start()

    def read_as_drawn(self) -> tuple[Picture, Prediction | None]:
        """The sheet merely scaled down, and what the network would make of that."""
        picture = digits.as_drawn(self._strokes)
        return picture, self._predict(picture)

    def close(self) -> None:
        self._timer.stop()

    @Slot()
    def _read(self) -> None:
        was_blank = self._prediction is None and not self._picture.any()
        drawn = self._changed
        if drawn:
            self._picture, self._changed = digits.rasterize(self._strokes), False
        self._prediction = self._predict(self._picture)
        if drawn or not was_blank:  # for a blank canvas, one network is as good as another
            self.predictionChanged.emit()
