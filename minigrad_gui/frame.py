"""Scales ink of any size into the frame of MNIST's digits.

MNIST's digits were cropped, scaled until the longer side measured 20 pixels, and placed with their centre of mass in
the middle of 28 x 28 (http://yann.lecun.com/exdb/mnist).
"""

import numpy as np
from numpy.typing import NDArray

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
FINE_PX = 80
"""Ink is enlarged to at least this before it is widened, so that a pixel is small compared with the pen."""

Picture = NDArray[np.float32]


def blank() -> Picture:
    return np.zeros((SIDE_PX, SIDE_PX), np.float32)


def fitted(ink: Picture) -> Picture:
    """Fit ink from 0 to 1, (height, width) and cropped to its bounding box, into a picture like MNIST's: (28, 28)."""
    return _placed(_scaled(_with_pen(ink)))


def thickness_of(ink: Picture) -> float:
    """The width of the pen in pixels: twice the area divided by the length of the edges, as a stroke has two."""
    height, width = ink.shape
    wide = np.zeros((height + 2, width + 2), ink.dtype)
    wide[1:-1, 1:-1] = ink
    corner = wide[:-1, :-1]
    edges = float(np.hypot(wide[1:, :-1] - corner, wide[:-1, 1:] - corner).sum())
    return 2 * float(ink.sum()) / edges


def _with_pen(ink: Picture) -> Picture:
    """Widen strokes, if necessary, so that they are as wide as MNIST's once the digit is scaled to 20 pixels."""
    from scipy import ndimage  # takes longer to import than the window takes to open

    if thickness_of(ink) * DIGIT_PX / max(ink.shape) >= (THIN_PX if max(ink.shape) > SMALL_PX else HAIR_PX):
        return ink
    if max(ink.shape) < FINE_PX:
        factor = FINE_PX / max(ink.shape)
        ink = _resized(ink, (round(ink.shape[1] * factor), round(ink.shape[0] * factor)))
    thickness = thickness_of(ink)
    # The centre lines stay where they are; scaled, they will measure 20 pixels less the width of the pen.
    radius = max(0, round((PEN_PX * (max(ink.shape) - thickness) / (DIGIT_PX - PEN_PX) - thickness) / 2))
    return np.asarray(ndimage.maximum_filter(np.pad(ink, radius), 2 * radius + 1))


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
