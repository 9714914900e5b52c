"""Separates ink from paper: colours are reduced to a shade, and its contrast with the paper is the ink."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from minigrad_gui.morphology import closed_within, opened_within

MIN_CONTRAST = 0.1
"""A picture whose ink is fainter than this, from 0 to 1, counts as blank."""
SMALL_PX = 60
"""A picture no longer than this is pixel art: it has no ruled lines, and no grain to average."""
WINDOW = 0.3
"""Anything wider than this share of a picture's longer side is not a stroke but a shadow, a table or the paper."""
GRAIN_VARIANCE = 1e-3
"""Minimum variation of paper, in every direction of colour."""
SALTED_PX = 480
"""In a larger picture, single pixels vanish when it is shrunk."""
CELLS = 7
STREWN = 0.8
"""Single pixels in this many of 7 x 7 cells of a picture are grain; the ends of thin lines are not so widespread."""
MOSTLY = 0.7
"""A shade that covers more of a picture than this is not ink."""
FILLED = 0.9
"""Share of its box's edge that a rectangle covers; an ellipse only touches it."""
SHOWN = 0.005
"""Minimum share of a rectangle that its content covers."""
EVEN = 0.06
"""Evenly lit paper varies less; a quarter of it may lie at the edges of strokes."""
LEAST_PAPER = 0.3
"""Minimum share of a picture that is paper."""
TWO_SHADES = 0.8
"""The share of the variance that lies between the two halves of an inked picture; between those of noise 0.64."""

Gray = NDArray[np.float32]
Mask = NDArray[np.bool_]
Box = tuple[slice, slice]


def as_bytes(array: NDArray[Any]) -> NDArray[np.uint8]:
    """The picture as integers from 0 to 255. Raises ValueError if the shape is not that of a picture."""
    if array.size == 0 or array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise ValueError(f"a picture is (height, width), with 3 or 4 channels if in colour, not {array.shape}")
    if array.dtype == np.uint8:
        return array
    return np.clip(np.rint(array * 255.0) if array.dtype.kind == "f" else array, 0, 255).astype(np.uint8)


def without_salt(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Remove isolated pixels if a small picture is strewn with them."""
    if max(picture.shape[:2]) > SALTED_PX:
        return picture
    shade = picture if picture.ndim == 2 else picture[..., :3].mean(axis=2).astype(np.uint8)
    outliers = np.abs(shade.astype(np.int16) - _median(shade)) > 64
    if np.count_nonzero(outliers) < STREWN * CELLS**2:
        return picture
    labels, _ = ndimage.label(outliers, np.ones((3, 3)))
    area = np.bincount(labels.ravel())
    grains = (area[labels] <= 3) & (labels > 0)
    places = np.argwhere(grains) * CELLS // np.array(grains.shape)
    if len(np.unique(places, axis=0)) < STREWN * CELLS**2:
        return picture
    cleaned = picture.copy()
    cleaned[grains] = ndimage.median_filter(picture, (3, 3, 1)[: picture.ndim])[grains]
    return cleaned


def _median(shade: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The median of each pixel and its eight neighbours: that of the columns' greatest low, middle mid and least high.

    As a network of minima and maxima (J. L. Smith, 1996); beyond an edge, its pixels are repeated.
    """
    wide = np.pad(shade, 1, mode="edge")
    low, mid, high = ((of[:, :-2], of[:, 1:-1], of[:, 2:]) for of in _in_order(wide[:-2], wide[1:-1], wide[2:]))
    return _in_order(_in_order(*low)[2], _in_order(*mid)[1], _in_order(*high)[0])[1]


def _in_order(a: NDArray[Any], b: NDArray[Any], c: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """The least, the middle and the greatest of three numbers, for each pixel."""
    less, more = np.minimum(a, b), np.maximum(a, b)
    return np.minimum(less, c), np.maximum(less, np.minimum(more, c)), np.maximum(more, c)


def shrunk(picture: NDArray[np.uint8], longest: int) -> tuple[Gray, int]:
    """Shrink to at most `longest` pixels by an integer factor, averaging areas: values from 0 to 1, and the factor."""
    from PIL import Image

    step = 2 if max(picture.shape[:2]) > 8 * longest else 1  # every second pixel of a large photograph is enough
    picture = picture[::step, ::step]
    factor = -(-max(picture.shape[:2]) // longest)
    small = np.asarray(Image.fromarray(picture).reduce(factor)) if factor > 1 else picture
    return small.astype(np.float32) / np.float32(255), factor * step


def opaque(picture: Gray) -> Gray:
    """Remove transparency: transparent pixels become white paper, unless all opaque pixels have one shade.

    In that case the opacity is the drawing, dark where opaque.
    """
    if picture.ndim == 2 or picture.shape[2] == 3:
        return picture
    colour, alpha = picture[..., :3], picture[..., 3:]
    if alpha.min() == 1:
        return colour
    solid = colour[alpha[..., 0] > 0.5]
    if len(solid) == 0 or np.ptp(np.percentile(solid.mean(axis=1), [2, 98])) < MIN_CONTRAST:
        return 1 - alpha[..., 0]
    return np.asarray(colour * alpha + 1 - alpha)


def gray_of(picture: Gray, ink: Mask | None = None) -> Gray:
    """Project onto the colour direction in which ink and paper differ most, 0 to 1: blue for yellow on white.

    ink: where ink is, if known; otherwise the direction in which neighbouring pixels differ most is used, the first
    principal component.
    """
    if picture.ndim == 2:
        return picture
    along = _main_direction(picture) if ink is None else _from_ink_to_paper(picture, ink)
    along = along / (np.abs(along).sum() * (1 if along.sum() > 0 else -1))
    return np.asarray(picture @ along - np.minimum(along, 0).sum())


def _main_direction(picture: Gray) -> NDArray[np.float32]:
    differences = _from_surroundings(picture[::2, ::2]).reshape(-1, 3)
    return np.asarray(np.linalg.eigh(differences.T @ differences)[1][:, -1], np.float32)


def _from_ink_to_paper(picture: Gray, ink: Mask) -> NDArray[np.float32]:
    """Fisher's linear discriminant (1936), which separates the colours of ink and paper."""
    paper = ~ndimage.binary_dilation(ink, iterations=2)
    if not ink.any() or not paper.any():
        return _main_direction(picture)
    differences = _from_surroundings(picture)
    spread = np.cov(differences[paper].T) + GRAIN_VARIANCE * np.eye(3)
    apart = differences[paper].mean(axis=0) - differences[ink].mean(axis=0)
    return np.asarray(np.linalg.solve(spread, apart), np.float32)


def _from_surroundings(picture: Gray) -> Gray:
    """The difference between each colour and its local mean, so that shadows do not count."""
    window = max(picture.shape[:2]) // 4 + 1
    return np.asarray(picture - ndimage.uniform_filter(picture, (window, window, 1), mode="nearest"))


def is_dark_paper(gray: Gray) -> bool:
    """Whether the strokes are lighter than the paper.

    Of two plain shades, the one that covers much more is the paper. Otherwise the sign of the third moment of the local
    difference decides, as strokes cover less than paper. Small neighbourhoods have more weight. Anything as wide as a
    table's edge is not a stroke and is ignored.
    """
    threshold, between = otsu(gray)
    dark = float((gray <= threshold).mean())
    if between > TWO_SHADES and abs(dark - 0.5) > MOSTLY - 0.5:
        return dark > 0.5
    if min(gray.shape) > 2 * SMALL_PX:
        gray = gray[::2, ::2]
    size = round(max(gray.shape) * WINDOW) | 1
    wide, inside = _extended(gray, size)
    # A closing fills what is dark and narrow, an opening what is light and narrow.
    around = wide[1:-1, 1:-1]
    thin = closed_within(around, size) - opened_within(around, size) > MIN_CONTRAST / 2
    vote = 0.0
    for share in (0.1, 0.2, 0.4, 0.8):
        mean = ndimage.uniform_filter(wide, max(3, round(max(gray.shape) * share) | 1), mode="nearest")
        difference = gray - mean[inside]
        vote += float((difference[thin] ** 3).sum()) / share**3
    return vote > 0


def ink_on_paper(gray: Gray, window: float = WINDOW) -> tuple[Gray, float]:
    """The ink, how much darker each pixel is than the paper, and the grain, how much the shade of the paper varies.

    Ink is relative to the paper's lightness, so that shadows do not count. The paper is the closing of the picture,
    which fills anything dark and narrower than `window`, a share of the picture (F. Meyer's black top-hat, 1979).
    Outside, the picture is taken to be as light as at its edge; but evenly lit paper goes on, in a picture cut tight.
    """
    size = max(9, round(max(gray.shape) * window) | 1)
    margin = size - 1
    even = _even_paper(gray)
    if even is None:
        wide, _ = _extended(gray, margin)
        around = np.minimum(wide, np.pad(gray, margin, mode="edge"))
    else:
        around = np.pad(gray, margin, constant_values=even)
    paper = closed_within(around, size)
    ink = (paper - gray) / np.maximum(paper, 0.3)
    bare = _paper_alone(ink)
    middle = float(np.median(bare))
    grain = 1.4826 * float(np.median(np.abs(bare - middle)))  # the deviation of normal noise, whatever the ink
    return np.maximum(ink - middle, 0), grain


def _even_paper(gray: Gray) -> float | None:
    """The shade of the paper, if it is the same everywhere and clearly another than the ink's."""
    threshold, between = otsu(gray)
    paper = gray[gray > threshold]
    if between < TWO_SHADES or paper.size < LEAST_PAPER * gray.size:
        return None
    return float(np.median(paper)) if np.ptp(np.percentile(paper, [25, 95])) < EVEN else None


def _paper_alone(ink: Gray) -> NDArray[np.float32]:
    """The ink values of the paper's pixels, (n,); of all pixels, if there are not clearly two shades."""
    threshold, between = otsu(ink)
    return ink[ink <= threshold] if between > TWO_SHADES else ink.ravel()


def panel_of(gray: Gray) -> Box | None:
    """The rows and columns of a filled rectangle with content: a sheet on a table, the square of a plot."""
    threshold, between = otsu(gray)
    if between < TWO_SHADES:
        return None
    for mask in (gray <= threshold, gray > threshold):
        labels, _ = ndimage.label(mask)
        for number, box in enumerate(ndimage.find_objects(labels), 1):
            sides = np.array([side.stop - side.start for side in box])
            whole = (sides > 0.97 * np.array(gray.shape)).all()
            rim = 1 + int(sides.min()) // 50
            rows, columns = (slice(side.start + rim, side.stop - rim) for side in box)
            if (
                whole
                or sides.min() < max(0.25 * min(gray.shape), 4 * rim)
                or _rim_share(labels[box] == number) < FILLED
            ):
                continue
            if _leaves_a_margin(~mask[rows, columns]):
                return rows, columns
    return None


def _rim_share(part: Mask) -> float:
    """The share of its box's edge that a part covers."""
    return float(np.concatenate([part[0], part[-1], part[:, 0], part[:, -1]]).mean())


def _leaves_a_margin(shown: Mask) -> bool:
    """Whether a mask shows strokes, with a margin on three sides or four."""
    if shown.mean() < SHOWN or _are_bars(shown):
        return False
    rows, columns = np.flatnonzero(shown.any(axis=1)), np.flatnonzero(shown.any(axis=0))
    margins = sorted((rows[0], columns[0], shown.shape[0] - 1 - rows[-1], shown.shape[1] - 1 - columns[-1]))
    return bool(margins[1] > 0.5 * ndimage.distance_transform_edt(np.pad(shown, 1)).max())


def _are_bars(shown: Mask) -> bool:
    """Whether a mask shows only filled boxes instead of strokes: the inside of an angular 0 or 8."""
    labels, _ = ndimage.label(shown)
    area = np.bincount(labels.ravel())[1:]
    boxes = np.array([[side.stop - side.start for side in box] for box in ndimage.find_objects(labels)])
    bars = (area > 0.85 * boxes.prod(axis=1)) & (boxes.max(axis=1) < 2.2 * boxes.min(axis=1))
    return bool(bars[area > 0.2 * area.max()].all())


def otsu(values: Gray) -> tuple[float, float]:
    """The threshold between two shades (N. Otsu, 1979), and the share of the variance that lies between them."""
    counts, edges = np.histogram(values, 256)
    centres = (edges[1:] + edges[:-1]) / 2
    share = np.cumsum(counts)[:-1] / values.size
    total = np.cumsum(counts * centres)[:-1] / values.size
    mean = float((counts * centres).sum() / values.size)
    variance = float((counts * (centres - mean) ** 2).sum() / values.size)
    if variance == 0:
        return float(edges[-1]), 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        between = np.nan_to_num((mean * share - total) ** 2 / (share * (1 - share)))
    best = int(between.argmax())
    return float(edges[best + 1]), float(between[best]) / variance


def _extended(gray: Gray, size: int) -> tuple[Gray, Box]:
    """Pad the picture by `size` pixels on each side; returns it and the region of the original.

    It is mirrored at its edges, so that gradients of light and a table continue outside.
    """
    turned = [min(size, side - 1) for side in gray.shape]
    wide = np.pad(gray, [(n, n) for n in turned], mode="reflect", reflect_type="odd")
    wide = np.pad(wide, [(size - n, size - n) for n in turned], mode="edge")
    inside = slice(size, size + gray.shape[0]), slice(size, size + gray.shape[1])
    return np.clip(wide, gray.min(), gray.max()), inside
