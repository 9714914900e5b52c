"""Contour lines of values on a grid."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

TRIANGLES = ([(0, 0), (1, 0), (0, 1)], [(1, 1), (1, 0), (0, 1)])
"""Corners of the two triangles of a square, x before y."""


def contours(values: NDArray[np.float64], levels: Iterable[float]) -> NDArray[np.float64]:
    """The lines at all levels as segments: (n, 2, 2), the two ends of each, x (column) before y (row) in steps of the
    grid.

    values: finite, (rows, columns). Each square is cut into two triangles, in which values are linear, so that a line
    crosses none or two of a triangle's edges.
    """
    height, width = values.shape
    squares = np.stack(np.meshgrid(range(width - 1), range(height - 1)), axis=-1).reshape(-1, 1, 2)
    triangles = np.concatenate([squares + np.array(corners) for corners in TRIANGLES])
    heights = values[triangles[..., 1], triangles[..., 0]]
    low, high = heights.min(axis=1), heights.max(axis=1)
    parts = [np.empty((0, 2, 2))]
    for level in levels:
        crossed = (low <= level) & (level < high)
        parts.append(_segments(triangles[crossed], heights[crossed] - level))
    return np.concatenate(parts)


def _segments(triangles: NDArray[np.intp], heights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where the heights (n, 3) of triangles (n, 3, 2) are 0: (n, 2, 2)."""
    above = heights > 0
    # The corner that is alone on its side of the line, and the two others.
    alone = np.where(above.sum(axis=1) == 1, above.argmax(axis=1), above.argmin(axis=1))
    each = np.arange(len(alone))
    ends = []
    for turn in (1, 2):
        other = (alone + turn) % 3
        share = heights[each, alone] / (heights[each, alone] - heights[each, other])
        start, end = triangles[each, alone], triangles[each, other]
        ends.append(start + share[:, np.newaxis] * (end - start))
    return np.stack(ends, axis=1)
