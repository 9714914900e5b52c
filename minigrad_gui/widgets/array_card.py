"""An array in a few square centimetres: its numbers if they are few, else a small picture and its range."""

import math

import numpy as np
from PySide6.QtWidgets import QWidget

from engine.graph import FULL_COUNT, summary
from engine.ops import Array
from minigrad_gui import theme
from minigrad_gui.widgets.building import column, row, styled
from minigrad_gui.widgets.map_picture import MapPicture
from minigrad_gui.widgets.maps import Pixels, ink, signed
from minigrad_gui.widgets.paragraph import Paragraph

PICTURE_PX = 2 * 28 + 2
"""Two pixels of the screen for each of a digit, and a frame."""
MOST_LINES = 4
MOST_CELLS = 112
NOT_YET = "not computed yet"


class ArrayCard(QWidget):
    """title: what the array is, such as "Value"."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = title
        self._caption = styled(Paragraph(1), "muted")
        self._picture = MapPicture(title)
        self._text = Paragraph(MOST_LINES)
        side = row(self._picture, column(self._text, 1), spacing=theme.SPACING_PX)
        side.setStretch(1, 1)
        column(self._caption, side, 1, spacing=2, parent=self)
        self._picture.hide()
        self.set_picture_px(PICTURE_PX)

    def set_picture_px(self, side_px: int) -> None:
        """How large the picture is."""
        self._picture.setFixedSize(side_px, side_px)
        self.setFixedHeight(self._caption.sizeHint().height() + 2 + side_px)

    @property
    def text(self) -> str:
        return self._text.text()

    @property
    def pixels(self) -> Pixels | None:
        """The picture that is shown."""
        return self._picture.pixels

    def show_array(self, told: str, array: Array | None, *, is_ink: bool = False) -> None:
        """told: of what it is; array: None while it is yet to be computed.

        is_ink: whether it is a picture with ink from 0 to 1, not positive and negative numbers.
        """
        self._caption.setText(f"{self._title} of {told}")
        self._text.setText(NOT_YET if array is None else summary(array))
        pixels = None
        if array is not None and array.size > FULL_COUNT:
            pixels = ink(as_map(array)) if is_ink else signed(as_map(array))
        self._picture.show_pixels(pixels)
        self._picture.setVisible(pixels is not None)


def as_map(array: Array, most: int = MOST_CELLS) -> Array:
    """Two-dimensional, at most `most` rows and columns: a vector in rows as in a square picture, the rest is 0; of a
    larger matrix every other row or column, or every third, and so on.
    """
    if array.ndim < 2:
        columns = math.ceil(math.sqrt(array.size))
        padded = np.zeros(columns * math.ceil(array.size / columns), array.dtype)
        padded[: array.size] = array.ravel()
        array = padded.reshape(-1, columns)
    matrix = array.reshape(-1, array.shape[-1])
    down, across = (math.ceil(length / most) for length in matrix.shape)
    return matrix[::down, ::across]
