"""Connected parts of the ink: which of them belong to digits, and which form a digit together."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from minigrad_gui.morphology import dilated
from minigrad_gui.photo.paper import MIN_CONTRAST, SMALL_PX, Box, Gray, Mask

SHARP = 0.15
"""Minimum rise of ink at its edge from pixel to pixel, as a share of its maximum; a soft shadow rises less."""
SHARP_PEN = 0.8
"""The same within the width of the pen, for large pictures."""
SOFT_CONTRAST = 0.3
"""Anything as soft as this is a shadow if it is also pale."""
FRAME_PEN = 0.05
"""Maximum width of a frame's line, as a share of the frame's longer side."""
DARK = 0.6
"""Ink as dark as this is not a shadow."""
EDGE = 0.12
"""Maximum distance of the rest of a frame or neighbour from the picture's edge, as a share of its shorter side."""
PIECE = 3.5
"""Anything shorter than this many pen widths is only a piece of a digit; bold digits measure 5."""
SHORTEST = 5
"""Minimum size of digits, in pen widths."""
FAR = np.iinfo(np.int64).max
SPECK = 0.03
LARGE_PX = 240
"""Specks are shorter than this share of a picture's longer side, and than this many pixels."""
WHOLE: Box = (slice(None), slice(None))
EVERYWHERE = np.ones((3, 3))
"""Pixels are connected in eight directions."""


class Parts(NamedTuple):
    """The connected parts of a mask and their measures."""

    labels: NDArray[np.int32]
    """(height, width): the number of each pixel's part, from 1; 0 outside all parts."""
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    """(parts, 2): the box from (top, left) to (bottom, right), which lie just outside."""
    peak: NDArray[np.float64]
    mass: NDArray[np.float64]
    steepness: NDArray[np.float64]
    """(parts,): greatest ink, sum of ink, and greatest change of ink from pixel to pixel."""
    pen: NDArray[np.float64]
    """(parts,): how wide the strokes are, in pixels: twice the area over the length of the edges."""

    @property
    def sides(self) -> NDArray[np.int64]:
        """(parts, 2): height and width of each part's box."""
        return self.high - self.low

    @property
    def extent(self) -> NDArray[np.int64]:
        """The longer side of each part's box."""
        return np.asarray(self.sides.max(axis=1))

    def box(self, group: NDArray[np.intp]) -> Box:
        """The rows and columns that contain these parts."""
        (top, left), (bottom, right) = self.low[group].min(axis=0).tolist(), self.high[group].max(axis=0).tolist()
        return slice(top, bottom), slice(left, right)

    def mask(self, chosen: NDArray[Any], box: Box = WHOLE) -> Mask:
        """The pixels of the chosen parts, in a box or the whole picture; chosen: (parts,) booleans, or indices."""
        among = np.zeros(len(self.mass) + 1, bool)
        among[1:][chosen] = True
        return among[self.labels[box]]

    def area(self, mask: Mask) -> NDArray[np.int64]:
        """(parts,): how many pixels each part has in a mask (height, width)."""
        return np.bincount(self.labels[mask], minlength=len(self.mass) + 1)[1:]


def parts_of(ink: Gray, mask: Mask) -> Parts:
    rows, columns = near = _surroundings(mask)
    labels = np.zeros(mask.shape, np.int32)
    mask, ink = mask[near], ink[near]
    own, count = ndimage.label(mask, EVERYWHERE)
    labels[near] = own
    boxes = [[(side.start, side.stop) for side in box] for box in ndimage.find_objects(own)]
    corner = np.array([rows.start, columns.start])
    low, high = np.moveaxis(np.array(boxes, np.int64).reshape(-1, 2, 2), 2, 0) + corner
    steps = _steps(ink)
    peak, steepness = np.zeros((2, count))
    inked = own[mask] - 1
    np.maximum.at(peak, inked, ink[mask].astype(np.float64))  # of another type they would be cast one by one
    np.maximum.at(steepness, inked, steps[mask].astype(np.float64))
    mass = np.bincount(inked, weights=ink[mask], minlength=count).astype(np.float64)
    edges = np.bincount(dilated(own, 3).ravel(), weights=steps.ravel(), minlength=count + 1)[1:]
    return Parts(labels, low, high, peak, mass, steepness, 2 * mass / np.maximum(edges, 1e-6))


def _surroundings(mask: Mask) -> Box:
    """The rows and columns that are not empty, and two more on each side, as far as the picture goes."""
    rows, columns = box_of(mask) if mask.any() else (slice(0, 0), slice(0, 0))
    return slice(max(0, rows.start - 2), rows.stop + 2), slice(max(0, columns.start - 2), columns.stop + 2)


def _steps(ink: Gray) -> Gray:
    """How much the ink changes from pixel to pixel, whatever the direction."""
    if min(ink.shape) < 2:
        return np.zeros_like(ink)
    down, right = np.gradient(ink)
    return np.asarray(np.sqrt(down * down + right * right))


def followed(strong: Mask, weak: Mask) -> Mask:
    """The weak pixels that are connected with strong ones: J. Canny's hysteresis (1986)."""
    labels, count = ndimage.label(weak | strong, EVERYWHERE)
    connected = np.zeros(count + 1, bool)
    connected[labels[strong]] = True
    return np.asarray(connected[labels])


def without_shadows(ink: Gray, mask: Mask) -> Mask:
    """Remove soft shadows, dust, and what lies at the very edge, such as the end of a ruled line in a corner."""
    parts = parts_of(ink, mask)
    size = np.array(mask.shape)
    alive = (parts.peak >= MIN_CONTRAST) & (parts.extent >= _shortest(mask))
    if size.max() > SMALL_PX:
        # The shadow of the photographer comes from outside the picture.
        at_edge = ((parts.low == 0) | (parts.high == size)).any(axis=1) & (parts.peak < DARK)
        sharp_in_pen = parts.steepness * parts.pen > np.where(at_edge, 2.5, SHARP_PEN) * parts.peak
        sharp_in_pen &= parts.peak > SOFT_CONTRAST
        alive &= (parts.steepness > SHARP * parts.peak) | sharp_in_pen
        margin = 0.03 * size.max()
        alive &= ((parts.high > margin) & (parts.low < size - margin)).all(axis=1)
    return parts.mask(alive)


def without_surroundings(ink: Gray, mask: Mask) -> Mask:
    """Remove frames around a digit, lines from edge to edge, and the remains of either along the picture's edge.

    Lines and remains stay if nothing else would be left. Frames are always removed, as no 0 is so straight.
    """
    parts = parts_of(ink, mask)
    frames = _are_frames(parts)
    if frames.any():
        mask = parts.mask(~frames)
        parts = parts_of(ink, mask)
    size = np.array(mask.shape)
    away = ~(_along_edge(parts, mask) | _from_edge_to_edge(parts, size) | _around_others(parts, mask))
    return parts.mask(away) if (away & (parts.extent > 0.15 * size.max())).any() else mask


def _are_frames(parts: Parts) -> Mask:
    """(parts,): which are upright rectangles of a thin line, half as long as the picture or more."""
    found = np.zeros(len(parts.mass), bool)
    large = (parts.extent > 0.5 * max(parts.labels.shape)) & (parts.pen < FRAME_PEN * parts.extent)
    for number in np.flatnonzero(large & (parts.sides.min(axis=1) > 0.3 * parts.extent)):
        (top, left), (bottom, right) = parts.low[number], parts.high[number]
        own = parts.labels[top:bottom, left:right] == number + 1
        pen = 2 + int(parts.pen[number])
        sides = own[:pen].any(axis=0).mean(), own[:, :pen].any(axis=1).mean()
        found[number] = own[pen:-pen, pen:-pen].sum() < 0.02 * own.sum() and min(sides) > 0.9
    return found


def _along_edge(parts: Parts, mask: Mask) -> Mask:
    """(parts,): which lie along the picture's edge, and are long or touch it."""
    size = np.array(mask.shape)
    rim = np.ones_like(mask)
    width = int(EDGE * size.min())
    rim[tuple(slice(width, side - width) for side in size)] = False
    long = (parts.sides > 0.5 * size).any(axis=1)
    touching = ((parts.low == 0) | (parts.high == size)).any(axis=1)
    return np.asarray((parts.area(rim) > 0.9 * parts.area(mask)) & (long | touching))


def _from_edge_to_edge(parts: Parts, size: NDArray[np.int64]) -> Mask:
    """(parts,): which are straight lines across the picture."""
    across = parts.sides > 0.9 * size
    return np.asarray((across[:, ::-1] & (parts.sides < max(0.08 * size.min(), 4))).any(axis=1))


def _around_others(parts: Parts, mask: Mask) -> Mask:
    """(parts,): which are frames, as large as the picture or around something larger than a speck."""
    size = np.array(mask.shape)
    area = parts.area(mask)
    thin = area < 0.5 * parts.sides.prod(axis=1)
    around = (parts.sides > 0.9 * size).all(axis=1) & (area < 0.25 * size.prod())
    for number in np.flatnonzero(parts.extent > 0.3 * size.max()):
        inside = (parts.low > parts.low[number]).all(axis=1) & (parts.high < parts.high[number]).all(axis=1)
        around[number] |= bool((parts.extent[inside] > 0.35 * parts.extent[number]).any())
    return np.asarray(around & thin)


def without_specks(ink: Gray, mask: Mask) -> Mask:
    """Remove what is too small, compared with the largest part, to be a piece of a stroke."""
    parts = parts_of(ink, mask)
    return parts.mask(parts.extent >= 0.12 * parts.extent.max(initial=0))


def groups_of(ink: Gray, mask: Mask) -> tuple[Parts, list[NDArray[np.intp]]]:
    """The parts, and for each digit an unordered list of its parts' indices.

    Specks are left out: parts too pale or too small to be a piece of a stroke.
    """
    parts = parts_of(ink, mask)
    alive = (parts.peak >= MIN_CONTRAST) & (parts.extent >= _shortest(mask))
    if not alive.any():
        return parts, []
    height = _height(parts, alive)
    main = int(np.argmax(np.where(alive, parts.mass, 0)))
    alive &= (parts.peak > 0.4 * parts.peak[main]) & (parts.extent >= 0.12 * height)
    indices = np.flatnonzero(alive)
    near = _near(parts.low[indices], parts.high[indices], parts.pen[indices], height)
    _, which = connected_components(coo_array(near), directed=False)
    groups = [indices[which == number] for number in range(int(which.max()) + 1)]
    extents = [float((parts.high[group].max(axis=0) - parts.low[group].min(axis=0)).max()) for group in groups]
    return parts, [group for group, extent in zip(groups, extents, strict=True) if extent > 0.4 * max(extents)]


def _shortest(mask: Mask) -> float:
    """Minimum length of a piece of a digit, in pixels: a closer look shows smaller digits."""
    return float(SPECK * min(max(mask.shape), LARGE_PX))


def _height(parts: Parts, alive: Mask) -> float:
    """The height of digits, estimated from the larger parts."""
    extents = parts.extent[alive]
    return float(np.median(extents[extents >= 0.5 * extents.max()]))


def _near(low: NDArray[np.int64], high: NDArray[np.int64], pen: NDArray[np.float64], height: float) -> Mask:
    """(n, n): which parts belong to the same digit: pieces one above another, or small and close to another one."""
    gap = np.maximum(low[:, np.newaxis] - high, low - high[:, np.newaxis])  # (n, n, 2), negative where they overlap
    sides = high - low
    narrower = np.minimum(sides[:, np.newaxis], sides)[..., 1]
    above = -gap[..., 1] > 0.4 * narrower
    extent = sides.max(axis=1)
    height = max(height, SHORTEST * float(np.median(pen)))
    small = (extent < 0.6 * height) | (extent < PIECE * pen)
    piece = small[:, np.newaxis] | small
    only_column = above.all()
    reach = np.where(piece | only_column, 0.35, 0.12) * height
    stacked = above & (gap[..., 0] < reach)
    beside = piece & (gap.max(axis=2) < 0.3 * height)
    return np.asarray(stacked | beside)


def in_reading_order(boxes: NDArray[np.int64]) -> list[int]:
    """The reading order of boxes (n, 4), left, top, right, bottom: lines from top to bottom, each from left to right.

    A line continues from each box to the next one on its right at about the same height, so it may slope.
    """
    if not len(boxes):
        return []
    left, top, right, bottom = boxes.T
    height, middle = bottom - top, left + right
    overlap = np.minimum(bottom[:, np.newaxis], bottom) - np.maximum(top[:, np.newaxis], top)
    beside = overlap > 0.4 * np.minimum(height[:, np.newaxis], height)
    away = np.where(beside & (middle > middle[:, np.newaxis]), middle - middle[:, np.newaxis], FAR)
    last = away.min(axis=1) == FAR
    neighbours = np.zeros_like(beside)
    neighbours[~last, away.argmin(axis=1)[~last]] = True
    _, line = connected_components(coo_array(neighbours), directed=False)
    heights = np.asarray(ndimage.mean(top + bottom, line, np.arange(int(line.max()) + 1)))
    return [int(index) for index in np.lexsort((left, heights[line]))]


def box_of(mask: NDArray[Any]) -> Box:
    """The rows and columns that are not empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
