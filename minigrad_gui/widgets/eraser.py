"""What an eraser leaves of strokes: it cuts discs out of them. No Qt here."""

import math

import numpy as np
from numpy.typing import NDArray

ERASER_RADIUS = 0.06
POINT_SPACING = 0.01
"""In units of the paper's side. Before erasing, points are added until they are no further apart than POINT_SPACING."""

Stroke = NDArray[np.float64]
Strokes = tuple[Stroke, ...]


def erase(strokes: Strokes, start: tuple[float, float], end: tuple[float, float]) -> Strokes:
    """The strokes, (n, 2) each, after the eraser has moved from start to end; the same tuple if it touched none."""
    for point in _between(start, end):
        strokes = _without(strokes, point)
    return strokes


def _without(strokes: Strokes, point: NDArray[np.float64]) -> Strokes:
    """The strokes without a disc around the point; the same tuple if it touches none."""
    result: list[Stroke] = []
    touched = False
    for stroke in strokes:
        dense = _dense(stroke)
        remaining = np.hypot(*(dense - point).T) > ERASER_RADIUS
        if remaining.all():
            result.append(stroke)
            continue
        touched = True
        pieces = np.split(np.arange(len(dense)), np.flatnonzero(np.diff(remaining)) + 1)
        result.extend(dense[piece] for piece in pieces if remaining[piece[0]])
    return tuple(result) if touched else strokes


def _between(start: tuple[float, float], end: tuple[float, float]) -> NDArray[np.float64]:
    """Points without gaps along the eraser's path from start to end, including the end."""
    steps = max(1, math.ceil(math.dist(start, end) / (ERASER_RADIUS / 2)))
    return np.linspace(end, start, steps, endpoint=False)[::-1]


def _dense(stroke: Stroke) -> Stroke:
    """The stroke with points added, so that neighbours are at most POINT_SPACING apart."""
    lengths = np.hypot(*np.diff(stroke, axis=0).T)
    walked = np.concatenate([[0.0], lengths.cumsum()])
    added = np.arange(0.0, walked[-1], POINT_SPACING)
    at = np.unique(np.concatenate([walked, added]))
    return np.column_stack([np.interp(at, walked, stroke[:, axis]) for axis in (0, 1)])
