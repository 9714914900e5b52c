"""Removes ruled lines from the ink, but not what was written across them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.frame import thickness_of
from minigrad_gui.morphology import opened
from minigrad_gui.photo.paper import SMALL_PX, Gray, Mask

LONG = 15
"""A picture more elongated than this has no room for ruled lines."""
SLOPES = np.linspace(-0.09, 0.09, 19)
RULED = 0.7
"""A line runs through rows in which it covers more than this share of the picture."""
ROUNDED = 0.1
"""Fewer columns than this share have two pixels in one row, since rows are rounded half to even."""
BORDER = 0.15
"""A line this close to the picture's edge, as a share of its side, may be what is left of a frame."""
SPAN = 0.8
"""Such a line is at least this long."""
THIN = 0.6
"""A lone line is thinner than this, in widths of the pen: the bar of a 7 may span the picture, too."""


class _Rows(NamedTuple):
    """Rows of ink along a slope: how much ink is in each (3 height,), from a row `height` above the picture."""

    counts: NDArray[np.int64]
    slope: float


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
        cleaned = _without_ruling(across, marks, pen)
        left = np.minimum(left, cleaned.T if turned else cleaned)
    return left


def without_borders(ink: Gray, mask: Mask) -> Gray:
    """Remove thin lines along the picture's edges: what is left of a frame, even if a digit touches it."""
    margins = [round(BORDER * side) for side in ink.shape]
    inner = np.zeros_like(mask)
    inner[tuple(slice(margin, -margin or None) for margin in margins)] = True
    inner &= mask
    if not ink[inner].any() or max(ink.shape) > LONG * min(ink.shape):
        return ink
    most = THIN * thickness_of(np.where(inner, ink, 0))
    for _ in range(4):
        ink, mask = np.rot90(ink), np.rot90(mask)
        height, width = ink.shape
        marks = mask.copy()
        marks[round(BORDER * height) :] = False
        rows = _clearest(marks)
        begin, end = _runs(rows.counts > RULED * width)
        if rows.counts.max() > SPAN * width and (end - begin).max() <= most:
            ink = _erased(ink, rows.slope, begin, end)
    return np.asarray(ink)


def _without_ruling(ink: Gray, mask: Mask, pen: float) -> Gray:
    """The ink without the lines that run from left to right."""
    height, width = ink.shape
    rows = _clearest(mask)
    begin, end = _runs(rows.counts > RULED * width)
    if len(begin) >= 4:  # a whole ruled page, so the shorter ones in its corners are lines too
        begin, end = _runs(rows.counts > 0.55 * width)
    if not len(begin) or (thick := int((end - begin).max())) + 2 > 0.12 * height:
        return ink
    if len(begin) == 1 and (thick > THIN * pen or rows.counts.max() < 0.95 * width):
        return ink
    return _erased(ink, rows.slope, begin, end)


def _clearest(mask: Mask) -> _Rows:
    """The rows along the slope in which lines are longest: those with the greatest sum of squares.

    If no row can be long, all are given as empty.
    """
    height, width = mask.shape
    if np.count_nonzero(mask.any(axis=0)) < (RULED - ROUNDED) * width:
        return _Rows(np.zeros(3 * height, np.int64), 0.0)
    y, x = np.nonzero(mask)
    x = x - width // 2
    rows = [
        _Rows(np.bincount(np.rint(y - slope * x).astype(int) + height, minlength=3 * height), float(slope))
        for slope in SLOPES
    ]
    return max(rows, key=lambda each: int((each.counts[each.counts > RULED * width] ** 2).sum()))


def _erased(ink: Gray, slope: float, begin: NDArray[np.int64], end: NDArray[np.int64]) -> Gray:
    """The ink without lines between these rows along a slope; what is taller than they are remains on them."""
    height, width = ink.shape
    lines = np.zeros(3 * height, bool)
    for first, last in zip(begin, end, strict=True):
        lines[first - 1 : last + 1] = True
    higher = opened(ink, (int((end - begin).max()) + 4, 1))
    at = np.rint(np.arange(height)[:, np.newaxis] - slope * (np.arange(width) - width // 2)).astype(int) + height
    return np.where(lines[at], higher, ink)


def _runs(row: Mask) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The starts and (exclusive) ends of the runs of True."""
    steps = np.diff(np.pad(row, 1).astype(np.int8))
    return np.flatnonzero(steps > 0), np.flatnonzero(steps < 0)
