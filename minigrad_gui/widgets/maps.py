"""Arrays as coloured pixels: ink white on black, amounts from dark to bright, signed values blue and orange.

Blue is positive and orange negative everywhere, as in TensorFlow Playground: colour-blind people can tell them apart.
"""

from functools import cache

import numpy as np
import pyqtgraph as pg
from numpy.typing import ArrayLike, NDArray
from PySide6.QtGui import QColor, QImage

from minigrad_gui import theme

Pixels = NDArray[np.uint8]
"""(..., 3): red, green and blue."""

EVEN_MAP = "viridis"
"""Equal steps of a value look equally large: Smith and van der Walt, A Better Default Colormap for Matplotlib, 2015."""


def ink(pictures: ArrayLike) -> Pixels:
    """Pictures of any shape from 0 (paper, black) to 1 (ink, white), or to 255 if they are uint8."""
    values = np.asarray(pictures)
    if values.dtype != np.uint8:
        values = np.rint(np.clip(np.nan_to_num(values), 0, 1) * 255).astype(np.uint8)
    return np.repeat(values[..., np.newaxis], 3, axis=-1)


def amounts(values: ArrayLike, limit: float | None = None) -> Pixels:
    """Values of any shape, from 0 (dark) to the limit (bright); None: to the largest. Grey for what is not finite."""
    numbers = np.asarray(values, np.float64)
    shares = np.clip(_shares(numbers, limit), 0, 1)
    return _with_grey(_even_colors()[np.rint(shares * 255).astype(np.intp)], numbers)


def signed(values: ArrayLike, limit: float | None = None) -> Pixels:
    """Values of any shape, from -limit (orange) over 0 (the card's colour) to the limit (blue).

    limit: None for the largest absolute value. What is not finite is grey.
    """
    numbers = np.asarray(values, np.float64)
    shares = np.clip(_shares(numbers, limit), -1, 1)[..., np.newaxis]
    colors = theme.colors()
    none, most, least = _rgb(colors.card), _rgb(colors.positive), _rgb(colors.negative)
    mixed = none + np.abs(shares) * (np.where(shares < 0, least, most) - none)
    return _with_grey(np.rint(mixed).astype(np.uint8), numbers)


def image_of(pixels: Pixels) -> QImage:
    """An image of its own from pixels (height, width, 3)."""
    height, width, _ = pixels.shape
    data = np.ascontiguousarray(pixels)
    return QImage(data.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()


def _shares(numbers: NDArray[np.float64], limit: float | None) -> NDArray[np.float64]:
    finite = np.where(np.isfinite(numbers), numbers, 0)
    if limit is None:
        limit = float(np.abs(finite).max(initial=0))
    return finite / limit if limit > 0 else np.zeros_like(finite)


def _with_grey(pixels: Pixels, numbers: NDArray[np.float64]) -> Pixels:
    pixels[~np.isfinite(numbers)] = _rgb(theme.colors().muted)
    return pixels


def _rgb(name: str) -> NDArray[np.intp]:
    color = QColor(name)
    return np.array([color.red(), color.green(), color.blue()])


@cache
def _even_colors() -> Pixels:
    table = pg.colormap.get(EVEN_MAP).getLookupTable(nPts=256)
    return np.asarray(table[:, :3], np.uint8)
