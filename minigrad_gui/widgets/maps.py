"""Arrays as coloured pixels: ink white on black, amounts from dark to bright, signed values blue and orange.

Blue is positive and orange negative everywhere, as in TensorFlow Playground: colour-blind people can tell them apart.
"""

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PySide6.QtGui import QColor, QImage

from minigrad_gui import theme
from minigrad_gui.insight.connections import connections
from minigrad_gui.widgets.graphs import pg

Pixels = NDArray[np.uint8]
"""(..., 3): red, green and blue."""

LEVELS = 127
"""Colours on either side of 0."""
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
    table = _even_colors()
    both = np.concatenate([np.repeat(table[:1], len(table), axis=0), table])
    return _looked_up(both, values, limit, theme.colors())


def signed(values: ArrayLike, limit: float | None = None, colors: theme.Colors | None = None) -> Pixels:
    """Values of any shape, from -limit (orange) over 0 (the card's colour) to the limit (blue).

    limit: None for the largest absolute value; colors: None for the application's, which only the GUI's thread may ask
    for. What is not finite is grey.
    """
    colors = colors or theme.colors()
    none, most, least = _rgb(colors.card), _rgb(colors.positive), _rgb(colors.negative)
    shares = np.linspace(0, 1, LEVELS + 1)[:, np.newaxis]
    fading, growing = least + shares * (none - least), none + shares * (most - none)
    both = np.rint(np.concatenate([fading, growing])).astype(np.uint8)
    return _looked_up(both, values, limit, colors)


def signed_weights(values: ArrayLike, limit: float | None = None, colors: theme.Colors | None = None) -> Pixels:
    """Weights of any shape as `signed`, but in the border's colour what is no connection, as outside a window."""
    colors = colors or theme.colors()
    array = np.asarray(values)
    pixels, there = signed(array, limit, colors), connections(array)
    if there is not None:
        pixels[~there] = _rgb(colors.border)
    return pixels


def image_of(pixels: Pixels) -> QImage:
    """An image of its own from pixels (height, width, 3)."""
    height, width, _ = pixels.shape
    data = np.ascontiguousarray(pixels)
    return QImage(data.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()


def _looked_up(table: Pixels, values: ArrayLike, limit: float | None, colors: theme.Colors) -> Pixels:
    """The colours of values. table: LEVELS + 1 colours from -limit to 0, then as many from 0 to the limit."""
    numbers = np.asarray(values)
    if numbers.dtype.kind != "f":
        numbers = numbers.astype(np.float32)
    finite = np.isfinite(numbers)
    odd = None if finite.all() else ~finite
    if odd is not None:
        numbers = np.where(odd, 0, numbers)
    if limit is None:
        limit = float(max(numbers.max(initial=0), -numbers.min(initial=0)))
    levels = np.clip(numbers * (LEVELS / limit if limit > 0 else 0), -LEVELS, LEVELS)
    pixels = np.concatenate([table[:LEVELS], table[LEVELS + 1 :]])[np.rint(levels).astype(np.int16) + LEVELS]
    if odd is not None:
        pixels[odd] = _rgb(colors.muted)
    return np.asarray(pixels)


def _rgb(name: str) -> NDArray[np.intp]:
    color = QColor(name)
    return np.array([color.red(), color.green(), color.blue()])


@cache
def _even_colors() -> Pixels:
    table = pg.colormap.get(EVEN_MAP).getLookupTable(nPts=LEVELS + 1)
    return np.asarray(table[:, :3], np.uint8)
