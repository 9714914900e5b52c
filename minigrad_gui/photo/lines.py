"""Removes ruled lines from the ink, but not what was written across them."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from minigrad_gui.frame import thickness_of
from minigrad_gui.photo.paper import SMALL_PX, Gray, Mask

LONG = 15
"""A picture more elongated than this has no room for ruled lines."""


def without_lines(ink: Gray, mask: Mask) -> Gray:
    """Remove ruled lines: straight ones that cross most of the picture, rotated by up to 5 degrees.

    A single line is removed only if it spans the picture and is thinner than the strokes: the bar of a 7 may span it,
    too. On a line, only ink taller than its thickness remains, as in the removal of staff lines from sheet music.
    """
    if max(ink.shape) <= SMALL_PX or max(ink.shape) > LONG * min(ink.shape):
        return ink
    left, pen = ink, thickness_of(np.where(mask, ink, 0)) if mask.any() else 0.0
    for turned in (False, True):
        across, marks = (ink.T, mask.T) if turned else (ink, mask)
        height, width = across.shape
        y, x = np.nonzero(marks)
        columns = np.arange(width) - width // 2
        counts, slope, most = np.zeros(3 * height, np.int64), 0.0, 0
        for tried in np.linspace(-0.09, 0.09, 19):
            found = np.bincount(np.rint(y - tried * columns[x]).astype(int) + height, minlength=3 * height)
            if (total := int(found[found > 0.7 * width].sum())) > most:
                counts, slope, most = found, float(tried), total
        begin, end = _runs(counts > 0.7 * width)
        if len(begin) >= 4:  # a whole ruled page, so the shorter ones in its corners are lines too
            begin, end = _runs(counts > 0.55 * width)
        if not len(begin) or (thick := int((end - begin).max()) + 2) > 0.12 * height:
            continue
        if len(begin) == 1 and (thick - 2 > 0.6 * pen or counts.max() < 0.95 * width):
            continue
        lines = np.zeros(3 * height, bool)
        for first, last in zip(begin, end, strict=True):
            lines[first - 1 : last + 1] = True
        higher = ndimage.grey_opening(across, (thick + 2, 1))
        at = np.rint(np.arange(height)[:, np.newaxis] - slope * columns).astype(int) + height
        cleaned = np.where(lines[at], higher, across)
        left = np.minimum(left, cleaned.T if turned else cleaned)
    return left


def _runs(row: Mask) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The starts and (exclusive) ends of the runs of True."""
    steps = np.diff(np.pad(row, 1).astype(np.int8))
    return np.flatnonzero(steps > 0), np.flatnonzero(steps < 0)
