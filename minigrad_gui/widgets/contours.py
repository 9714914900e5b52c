"""Contour lines of values on a grid."""

import numpy as np
from numpy.typing import NDArray


def contour(values: NDArray[np.float64], level: float) -> NDArray[np.float64]:
    """The line at a level as segments: (n, 2, 2), the two ends of each, x (column) before y (row) in steps of the grid.

    values: finite, (rows, columns). Each square is cut into two triangles, in which values are linear, so that a line
    crosses none or two of a triangle's edges.
    """
    height, width = values.shape
    corners = np.stack(np.meshgrid(range(width - 1), range(height - 1)), axis=-1).reshape(-1, 2)
    triangles = np.concatenate([corners[:, np.newaxis] + np.array(offsets) for offsets in TRIANGLES])
    heights = values[triangles[..., 1], triangles[..., 0]] - level
    above = heights > 0
    crossed = above.any(axis=1) & ~above.all(axis=1)
    triangles, heights, above = triangles[crossed], heights[crossed], above[crossed]
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


TRIANGLES = ([(0, 0), (1, 0), (0, 1)], [(1, 1), (1, 0), (0, 1)])
