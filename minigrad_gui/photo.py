"""The ink of a digit in a photograph, a scan or any other picture, and nothing else that may be in it.

Uneven light, grain, ruled lines, specks and a frame around the digit are left out. A small copy of the picture shows
where the digit is; a second look at that place alone, with the pen's width known, gives the ink.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

MIN_CONTRAST = 0.1
"""A picture whose ink is fainter than this, on a scale from 0 to 1, shows nothing."""
LOOK_PX = 240
"""Pictures are shrunk to this before they are looked at: fine enough for a digit, and read in milliseconds."""
SMALL_PX = 60
"""A picture no longer than this is drawn pixel by pixel: it has no lines, and no grain that could be averaged."""
LONG = 15
"""A picture so many times as long as wide has no room for ruled lines."""
WINDOW = 0.3
"""What is wider than this share of a picture's longer side is no stroke: a shadow, a table, the paper itself."""
SHARP = 0.15
"""Ink rises at its edge by at least this share of itself from pixel to pixel; a soft shadow does not."""

Gray = NDArray[np.float32]
Mask = NDArray[np.bool_]


def digit_ink(array: NDArray[Any]) -> Gray | None:
    """The ink of the picture's digit from 0 to 1, cropped to it, at most about 240 pixels long; None if there is none.

    array: (height, width), (height, width, 3) RGB or (height, width, 4) RGBA; integers from 0 to 255 or floats from 0
    to 1. Raises ValueError for another shape or an empty array.
    """
    picture = _bytes(np.asarray(array))
    small, factor = _shrunk(picture)
    gray = _gray(small)
    dark = _is_dark_paper(gray)
    ink, kept = _digit_of(1 - gray if dark else gray)
    if not kept.any():  # a wide table round the sheet may have been taken for the paper
        dark = not dark
        ink, kept = _digit_of(1 - gray if dark else gray)
    if kept.any() and max(gray.shape) > SMALL_PX:
        rows, columns = _around(kept)
        near = ndimage.maximum_filter(kept, 5)[rows, columns]
        part, _ = _shrunk(picture[_times(rows, factor), _times(columns, factor)])
        gray = _gray(part)
        y, x = ((np.arange(fine) * coarse) // fine for fine, coarse in zip(gray.shape, near.shape, strict=True))
        window = min(WINDOW, 3 * thickness_of(ink) / max(near.shape))
        ink, kept = _digit_of(1 - gray if dark else gray, window, near[np.ix_(y, x)])
    return ink[_box(ink)] if kept.any() else None


def _bytes(array: NDArray[Any]) -> NDArray[np.uint8]:
    """The picture in whole numbers from 0 to 255, if it is one."""
    if array.size == 0 or array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise ValueError(f"a picture is (height, width), with 3 or 4 channels if in colour, not {array.shape}")
    if array.dtype == np.uint8:
        return array
    return np.clip(np.rint(array * 255.0) if array.dtype.kind == "f" else array, 0, 255).astype(np.uint8)


def _shrunk(picture: NDArray[np.uint8]) -> tuple[Gray, int]:
    """At most LOOK_PX long, from 0 to 1, and the whole number by which it was shrunk. Areas are averaged."""
    from PIL import Image

    step = 2 if max(picture.shape[:2]) > 8 * LOOK_PX else 1  # of a large photograph every second pixel will do
    picture = picture[::step, ::step]
    factor = -(-max(picture.shape[:2]) // LOOK_PX)
    small = np.asarray(Image.fromarray(picture).reduce(factor)) if factor > 1 else picture
    return small.astype(np.float32) / np.float32(255), factor * step


def _gray(picture: Gray) -> Gray:
    """From 0 to 1 along the direction of colour in which neighbours differ most: for yellow on white this is blue.

    The direction is the first principal component. Where the solid part of a transparent picture has one shade, its
    opacity is the drawing; otherwise what is transparent counts as white paper.
    """
    if picture.ndim == 2:
        return picture
    colour = picture[..., :3]
    if picture.shape[2] == 4 and picture[..., 3].min() < 1:
        alpha = picture[..., 3:]
        solid = colour[alpha[..., 0] > 0.5]
        if len(solid) == 0 or np.ptp(np.percentile(solid.mean(axis=1), [2, 98])) < MIN_CONTRAST:
            return 1 - alpha[..., 0]
        colour = colour * alpha + 1 - alpha
    coarse = colour[::2, ::2]
    window = max(coarse.shape[:2]) // 4 + 1
    around = ndimage.uniform_filter(coarse, (window, window, 1), mode="nearest")
    differences = np.moveaxis(coarse - around, 2, 0).reshape(3, -1)
    along = np.linalg.eigh(differences @ differences.T)[1][:, -1].astype(np.float32)
    along /= np.abs(along).sum() * (1 if along.sum() > 0 else -1)
    return np.asarray(colour @ along - np.minimum(along, 0).sum())


def _is_dark_paper(gray: Gray) -> bool:
    """Whether what stands out from its surroundings is lighter than they are.

    That is the sign of the third moment of their difference: strokes are fewer than the paper around them. Small
    surroundings count most. What is as wide as a table's edge is no stroke and has no vote.
    """
    if min(gray.shape) > 2 * SMALL_PX:
        gray = gray[::2, ::2]
    size = round(max(gray.shape) * WINDOW) | 1
    wide, inside = _extended(gray, size)
    # A closing fills what is dark and narrow, an opening what is light and narrow.
    thin = (ndimage.grey_closing(wide, size) - ndimage.grey_opening(wide, size))[inside] > MIN_CONTRAST / 2
    vote = 0.0
    for share in (0.1, 0.2, 0.4, 0.8):
        around = ndimage.uniform_filter(wide, max(3, round(max(gray.shape) * share) | 1), mode="nearest")
        difference = gray - around[inside]
        vote += float((difference[thin] ** 3).sum()) / share**3
    return vote > 0


def _digit_of(gray: Gray, window: float = WINDOW, near: Mask | None = None) -> tuple[Gray, Mask]:
    """The ink of a digit that is darker than its paper, from 0 to 1, and the pixels that surely belong to it.

    window: strokes are narrower than this share of the picture; near: where the digit is, if that is known.
    """
    ink = _on_paper(gray, window)
    middle = float(np.median(ink))
    grain = 1.4826 * float(np.median(np.abs(ink - middle)))  # the deviation of normal noise, whatever the ink
    ink = np.maximum(ink - middle, 0)
    faint = max(MIN_CONTRAST / 2, 5 * grain)
    kept = ink > faint
    if near is None:
        kept = _without_shadows(ink, kept)
        ink = _without_lines(ink, kept)
    else:
        kept &= near
    if not kept.any():
        return ink, kept
    kept &= ink > max(faint, 0.4 * float(np.percentile(ink[kept], 95)))
    kept = _without_specks(ink, kept)
    if not kept.any():
        return ink, kept
    full = float(np.percentile(ink[kept], 90))
    if full < MIN_CONTRAST:
        return ink, np.zeros_like(kept)
    edge = 5 if max(ink.shape) <= SMALL_PX else 7  # a stroke is blurred over so many pixels
    near = ndimage.maximum_filter(kept, edge) & (ink > max(0.02 * full, min(4 * grain, 0.3 * full)))
    return np.where(near, np.minimum(ink / full, 1), 0), kept


def _on_paper(gray: Gray, window: float) -> Gray:
    """How much darker each pixel is than the paper, as a share of the paper's lightness, so that shadows do not count.

    The paper is the closing of the picture: what is dark and narrower than the window is filled (F. Meyer's black
    top-hat, 1979). Outside, the picture is no lighter than at its edge: there is no paper there but what one sees.
    """
    size = max(9, round(max(gray.shape) * window) | 1)
    wide, inside = _extended(gray, size)
    paper = ndimage.grey_closing(np.minimum(wide, np.pad(gray, size, mode="edge")), size)[inside]
    return np.asarray((paper - gray) / np.maximum(paper, 0.3))


def _without_shadows(ink: Gray, mask: Mask) -> Mask:
    """Without soft shadows, dust, and what lies at the very edge, such as the end of a ruled line in a corner."""
    parts = _parts(ink, mask)
    longest = max(mask.shape)
    alive = (parts.peak >= MIN_CONTRAST) & (parts.extent >= 0.03 * longest)
    if longest > SMALL_PX:
        alive &= parts.steepness > SHARP * parts.peak
        margin = 0.03 * longest
        alive &= ((parts.high > margin) & (parts.low < np.array(mask.shape) - margin)).all(axis=1)
    return parts.mask(alive)


def _without_specks(ink: Gray, mask: Mask) -> Mask:
    """The part with most ink, and what is near it, as dark, and long enough for a stroke: the flag of a 5."""
    parts = _parts(ink, mask)
    alive = (parts.peak >= MIN_CONTRAST) & (parts.extent >= 0.03 * max(mask.shape))
    if not alive.any():
        return np.zeros_like(mask)
    main = int(np.argmax(np.where(alive, parts.mass, 0)))
    reach = parts.extent[main]
    gap = np.maximum(parts.low - parts.high[main], parts.low[main] - parts.high).max(axis=1)
    dark = parts.peak > 0.4 * parts.peak[main]
    return parts.mask(alive & dark & (parts.extent >= 0.12 * reach) & (gap < 0.6 * reach))


def _without_lines(ink: Gray, mask: Mask) -> Gray:
    """Without ruled lines: two or more straight ones that cross most of the picture, up to 5 degrees askew.

    On a line only such ink remains as is higher than the line is thick, as when staff lines leave a page of music.
    """
    if max(ink.shape) <= SMALL_PX or max(ink.shape) > LONG * min(ink.shape):
        return ink
    left = ink
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
        if len(begin) >= 4:  # a whole page of them, so the shorter ones in its corners are lines too
            begin, end = _runs(counts > 0.55 * width)
        if len(begin) < 2 or (thick := int((end - begin).max()) + 2) > 0.12 * height:
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
    """Where each run of what is true begins, and where it has ended."""
    steps = np.diff(np.pad(row, 1).astype(np.int8))
    return np.flatnonzero(steps > 0), np.flatnonzero(steps < 0)


class _Parts(NamedTuple):
    """The connected parts of a mask and their measures."""

    labels: NDArray[np.int32]
    """(height, width): the number of each pixel's part, from 1; 0 outside of all parts."""
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    """(parts, 2): the box from (top, left) to (bottom, right), which lie just outside."""
    peak: NDArray[np.float64]
    mass: NDArray[np.float64]
    steepness: NDArray[np.float64]
    """(parts,): greatest ink, sum of ink, and greatest change of ink from pixel to pixel."""

    @property
    def extent(self) -> NDArray[np.int64]:
        """The longer side of each part's box."""
        return np.asarray((self.high - self.low).max(axis=1))

    def mask(self, chosen: Mask) -> Mask:
        """The pixels of the chosen parts; chosen: (parts,)."""
        return np.append(False, chosen)[self.labels]


def _parts(ink: Gray, mask: Mask) -> _Parts:
    labels, count = ndimage.label(mask, np.ones((3, 3)))
    numbers = np.arange(1, count + 1)
    boxes = [[(side.start, side.stop) for side in box] for box in ndimage.find_objects(labels)]
    low, high = np.moveaxis(np.array(boxes, np.int64).reshape(-1, 2, 2), 2, 0)
    steps = np.hypot(*np.gradient(ink)) if min(ink.shape) > 1 else np.zeros_like(ink)
    seen = mask.copy()
    seen[0, 0] = True  # `maximum` refuses an empty array
    part = labels[seen]
    peak, steepness = (np.asarray(ndimage.maximum(of[seen], part, numbers), np.float64) for of in (ink, steps))
    return _Parts(labels, low, high, peak, ndimage.sum_labels(ink, labels, numbers), steepness)


def _box(ink: NDArray[Any]) -> tuple[slice, slice]:
    """The rows and columns in which there is any ink."""
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _around(mask: Mask) -> tuple[slice, slice]:
    """The rows and columns of a mask's box, and a margin of paper."""
    rows, columns = _box(mask)
    margin = (rows.stop - rows.start + columns.stop - columns.start) // 3 + 4
    top, left = max(0, rows.start - margin), max(0, columns.start - margin)
    return slice(top, rows.stop + margin), slice(left, columns.stop + margin)


def _times(part: slice, factor: int) -> slice:
    return slice(part.start * factor, part.stop * factor)


def _extended(gray: Gray, size: int) -> tuple[Gray, tuple[slice, slice]]:
    """The picture with `size` pixels more on each side, and where in it the picture is.

    It is turned over at its edge: light that falls off falls on, and a table goes on outside.
    """
    turned = [min(size, side - 1) for side in gray.shape]
    wide = np.pad(gray, [(n, n) for n in turned], mode="reflect", reflect_type="odd")
    wide = np.pad(wide, [(size - n, size - n) for n in turned], mode="edge")
    inside = slice(size, size + gray.shape[0]), slice(size, size + gray.shape[1])
    return np.clip(wide, gray.min(), gray.max()), inside


def widened(ink: Gray, radius: int) -> Gray:
    """The ink with `radius` pixels more on each side of every stroke, and of the picture."""
    return np.asarray(ndimage.maximum_filter(np.pad(ink, radius), 2 * radius + 1))


def thickness_of(ink: Gray) -> float:
    """The width of the pen in pixels: a stroke has two edges, so it is twice the area over the length of the edges."""
    wide = np.pad(ink, 1)
    edges = float(np.hypot(np.diff(wide, axis=0)[:, :-1], np.diff(wide, axis=1)[:-1]).sum())
    return 2 * float(ink.sum()) / edges
