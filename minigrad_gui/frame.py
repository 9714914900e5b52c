"""Scales ink of any size into the frame of MNIST's digits.

MNIST's digits were cropped, scaled until the longer side measured 20 pixels, and placed with their centre of mass in
the middle of 28 x 28 (http://yann.lecun.com/exdb/mnist).
"""

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.morphology import dilated, eroded_within

SIDE_PX = 28
DIGIT_PX = 20.0
PEN_PX = 2.6
CENTRE_PX = 14.5
"""The centre of mass of MNIST's digits on both axes: the middle of pixel 14, not of the frame."""
THIN_PX = 1.5
"""Nearly all of MNIST's strokes are wider than this. Thinner ones are widened to PEN_PX."""
HAIR_PX = 1.3
"""The same for pictures as small as MNIST's, where strokes down to this width are legible."""
SMALL_PX = 30
LEGIBLE = 0.5
"""Strokes are not narrowed if no ink as dark as that is left."""
FINE_PX, COARSE_PX = 80, 2048
"""Ink is enlarged to at least this before its pen is changed, so that a pixel is small compared with the pen. It is
shrunk to at most that, because for a long line the pen is wide, and drawing with it takes gigabytes."""

Picture = NDArray[np.float32]


def blank() -> Picture:
    return np.zeros((SIDE_PX, SIDE_PX), np.float32)


def fitted(ink: Picture, pen_px: float | None = None) -> Picture:
    """Fit ink from 0 to 1, (height, width) and cropped to its bounding box, into a picture like MNIST's: (28, 28).

    pen_px: the strokes become that wide, in pixels of the result; None: only those thinner than MNIST's are widened.
    """
    if pen_px is None and _is_thin(ink):
        pen_px = PEN_PX
    return _placed(_scaled(ink if pen_px is None else _with_pen(ink, pen_px)))


def thickness_of(ink: Picture) -> float:
    """The width of the pen in pixels: twice the area divided by the length of the edges, as a stroke has two."""
    height, width = ink.shape
    wide = np.zeros((height + 2, width + 2), ink.dtype)
    wide[1:-1, 1:-1] = ink
    corner = wide[:-1, :-1]
    down, right = wide[1:, :-1] - corner, wide[:-1, 1:] - corner
    edges = float(np.sqrt(down * down + right * right).sum())
    return 2 * float(ink.sum()) / edges


def _is_thin(ink: Picture) -> bool:
    """Whether strokes are thinner than MNIST's once the digit is scaled to 20 pixels."""
    extent: int = max(ink.shape)
    return thickness_of(ink) * DIGIT_PX / extent < (THIN_PX if extent > SMALL_PX else HAIR_PX)


def _with_pen(ink: Picture, pen_px: float) -> Picture:
    """Widen or narrow strokes so that they are as wide as that once the digit is scaled to 20 pixels."""
    extent: int = max(ink.shape)
    if not FINE_PX <= extent <= COARSE_PX:
        factor = min(max(extent, FINE_PX), COARSE_PX) / extent
        ink = _resized(ink, (round(ink.shape[1] * factor), round(ink.shape[0] * factor)))
    thickness = thickness_of(ink)
    # The centre lines stay where they are; scaled, they will measure 20 pixels less the width of the pen.
    radius = round((pen_px * (max(ink.shape) - thickness) / (DIGIT_PX - pen_px) - thickness) / 2)
    if radius >= 0:
        return dilated(np.pad(ink, radius), 2 * radius + 1)
    radius = min(-radius, (min(ink.shape) - 1) // 2)
    narrow = eroded_within(ink, 2 * radius + 1)
    return narrow if narrow.max() > LEGIBLE else ink


def _resized(ink: Picture, size: tuple[int, int]) -> Picture:
    """Resize to (width, height). Areas are averaged, so that thin lines survive."""
    from PIL import Image

    shrinks = max(size) < max(ink.shape)
    filter = Image.Resampling.BOX if shrinks else Image.Resampling.BILINEAR
    return np.asarray(Image.fromarray(ink).resize((max(1, size[0]), max(1, size[1])), filter), np.float32)


def _scaled(ink: Picture) -> Picture:
    """Scale the longer side to 20 pixels."""
    height, width = ink.shape
    ratio = DIGIT_PX / max(height, width)
    if ratio == 1:
        return ink
    small = _resized(ink, (round(width * ratio), round(height * ratio)))
    return np.asarray(np.clip(small / small.max(), 0, 1))


def _placed(ink: Picture) -> Picture:
    """Centre in 28 x 28 by the centre of mass, in whole pixels as in MNIST, without crossing the edge."""
    picture = blank()
    offset = []
    for axis in (0, 1):
        weights = ink.sum(axis=1 - axis)
        centre = float(np.average(np.arange(len(weights)) + 0.5, weights=weights))
        offset.append(int(np.clip(round(CENTRE_PX - centre), 0, SIDE_PX - len(weights))))
    picture[offset[0] : offset[0] + ink.shape[0], offset[1] : offset[1] + ink.shape[1]] = ink
    return picture
