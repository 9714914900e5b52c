"""Turns drawings and photographs into 28 x 28 pictures like MNIST's.

MNIST's digits were cropped, scaled until the longer side measured 20 pixels, and placed with their centre of mass in
the middle of 28 x 28 (http://yann.lecun.com/exdb/mnist). A picture that is only scaled down looks different, and is
misread four times out of five. Strokes give even better pictures: they are redrawn with a pen as wide as MNIST's,
whatever the size of the drawing.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minigrad_gui import splitting
from minigrad_gui.frame import CENTRE_PX, DIGIT_PX
from minigrad_gui.frame import PEN_PX as PEN_PX
from minigrad_gui.frame import SIDE_PX as SIDE_PX
from minigrad_gui.frame import Picture as Picture
from minigrad_gui.frame import blank as blank

CLASSES = 10
POINT_SPACING_PX = 0.5
"""Points closer together than this, once scaled, only cost time."""
MAX_SEGMENTS = 1000
"""Longer scribbles are drawn more coarsely, so that reading them also takes milliseconds."""


def rasterize(strokes: Sequence[ArrayLike], pen_px: float = PEN_PX) -> Picture:
    """Draw strokes as MNIST's digits look: float32 (28, 28) from 0 (paper) to 1 (ink).

    strokes: a list of (n, 2) arrays of points, x to the right, y down, in any unit; a stroke of one point is a dot.
    pen_px: the width of the pen, in pixels of the result.
    Without any points it is all zeros. Raises ValueError for arrays of another shape or numbers that are not finite.
    """
    lines = [_checked(stroke) for stroke in strokes if np.size(stroke)]
    if not lines:
        return blank()
    points = np.concatenate(lines)
    low, high = points.min(axis=0), points.max(axis=0)
    extent = float((high - low).max())
    scale = (DIGIT_PX - pen_px) / extent if extent > 0 else 1.0
    lines = [(line - low) * scale for line in lines]
    length = sum(float(_steps(line).sum()) for line in lines)
    spacing = max(POINT_SPACING_PX, length / MAX_SEGMENTS)
    segments = np.concatenate([_segments(_thinned(line, spacing)) for line in lines])
    middle = (segments.min(axis=(0, 1)) + segments.max(axis=(0, 1))) / 2
    segments = _moved(segments, SIDE_PX / 2 - middle, pen_px)
    return _ink(_moved(segments, CENTRE_PX - _mass_centre(_ink(segments, pen_px)), pen_px), pen_px)


def split_strokes(
    strokes: Sequence[ArrayLike], *, judge: Callable[[NDArray[np.float32]], ArrayLike] | None = None
) -> list[list[int]]:
    """Which strokes make which digit: for each digit, in reading order, the indices of its strokes.

    strokes: as for `rasterize`. judge: how certain it is, from 0 to 1, that each of the pictures float32 (n, 28, 28)
    shows a digit; it is asked once a line, about all that may be one, if the strokes' places and sizes leave doubts.
    """
    lines = [_checked(stroke) if np.size(stroke) else np.empty((0, 2)) for stroke in strokes]
    if judge is None:
        return splitting.best_groups(lines)
    return splitting.best_groups(
        lines, lambda groups: np.asarray(judge(np.stack([rasterize([lines[i] for i in g]) for g in groups])))
    )


def as_drawn(strokes: Sequence[ArrayLike]) -> Picture:
    """The whole sheet, only scaled down to 28 x 28, for comparison: float32 (28, 28) from 0 (paper) to 1 (ink).

    strokes: a list of (n, 2) arrays of points in units of the sheet's side, x to the right, y down. Raises ValueError
    as `rasterize` does.
    """
    lines = [_checked(stroke) * SIDE_PX for stroke in strokes if np.size(stroke)]
    if not lines:
        return blank()
    length = sum(float(_steps(line).sum()) for line in lines)
    spacing = max(POINT_SPACING_PX, length / MAX_SEGMENTS)
    return _ink(np.concatenate([_segments(_thinned(line, spacing)) for line in lines]), PEN_PX)


def _checked(stroke: ArrayLike) -> NDArray[np.float64]:
    line = np.asarray(stroke, np.float64)
    if line.ndim != 2 or line.shape[1] != 2:
        raise ValueError(f"a stroke is an (n, 2) array of points, not one of shape {line.shape}")
    if not np.isfinite(line).all():
        raise ValueError("a stroke holds a point that is not finite")
    return line


def _steps(line: NDArray[np.float64]) -> NDArray[np.float64]:
    """The distances from point to point."""
    return np.asarray(np.hypot(*np.diff(line, axis=0).T))


def _thinned(line: NDArray[np.float64], spacing: float) -> NDArray[np.float64]:
    """With one point per `spacing` pixels along the line, and both ends."""
    walked = np.concatenate([[0.0], _steps(line).cumsum()])
    selected = np.diff(np.floor(walked / spacing), prepend=-1.0) > 0
    selected[-1] = True
    return line[selected]


def _segments(line: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pairs of neighbouring points, (n, 2, 2); a dot is a segment of no length."""
    return np.stack([line[:-1], line[1:]], axis=1) if len(line) > 1 else np.stack([line, line], axis=1)


def _moved(segments: NDArray[np.float64], shift: NDArray[np.float64], pen_px: float) -> NDArray[np.float64]:
    """The segments, shifted, but no further than their ink fits into the frame."""
    margin = pen_px / 2
    return segments + np.clip(shift, margin - segments.min(axis=(0, 1)), SIDE_PX - margin - segments.max(axis=(0, 1)))


def _mass_centre(picture: Picture) -> NDArray[np.float64]:
    """x and y of the ink's centre of mass."""
    along = np.arange(SIDE_PX) + 0.5
    return np.asarray([picture.sum(axis=0) @ along, picture.sum(axis=1) @ along]) / float(picture.sum())


def _ink(segments: NDArray[np.float64], pen_px: float) -> Picture:
    """Each pixel's ink: 1 within the pen's radius of a segment, falling to 0 over one pixel."""
    centres = np.arange(SIDE_PX, dtype=np.float32) + 0.5
    start, along = segments[:, 0].astype(np.float32), (segments[:, 1] - segments[:, 0]).astype(np.float32)
    squared_length = np.maximum((along**2).sum(axis=1), 1e-12)
    # (segments, rows, columns): the distance of each pixel from each segment.
    dx = (centres - start[:, :1])[:, np.newaxis, :]
    dy = (centres - start[:, 1:])[:, :, np.newaxis]
    ax, ay = along[:, 0, np.newaxis, np.newaxis], along[:, 1, np.newaxis, np.newaxis]
    nearest = np.clip((dx * ax + dy * ay) / squared_length[:, np.newaxis, np.newaxis], 0, 1)
    squared_distance = (dx - nearest * ax) ** 2 + (dy - nearest * ay) ** 2
    distance = np.sqrt(squared_distance.min(axis=0))
    return np.asarray(np.clip(pen_px / 2 + 0.5 - distance, 0, 1), np.float32)


def from_image(array: Any) -> Picture:
    """The digit of a picture, dark on light or light on dark: float32 (28, 28) from 0 (paper) to 1 (ink).

    array: (height, width), (height, width, 3) RGB or (height, width, 4) RGBA; integers from 0 to 255 or floats from 0
    to 1. A picture without contrast gives all zeros. Raises ValueError for another shape or an empty array.
    """
    from minigrad_gui.photo import find_digit  # imports SciPy, which takes longer than opening the window

    found = find_digit(np.asarray(array))
    return blank() if found is None else found.picture
