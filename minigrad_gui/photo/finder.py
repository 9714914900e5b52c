"""The digits in a photograph, a scan or any other picture, and nothing else that may be in it.

Uneven light, grain, ruled lines, specks and frames around the digits are left out. A small copy of the picture shows
where the digits are; a second look at each place alone, with the pen's width known, gives the ink.
"""

from collections.abc import Callable
from itertools import takewhile
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from minigrad_gui.frame import Picture, fitted, thickness_of
from minigrad_gui.morphology import dilated, opened
from minigrad_gui.photo.doubts import Inked, settled
from minigrad_gui.photo.lines import without_borders, without_lines
from minigrad_gui.photo.paper import (
    MIN_CONTRAST,
    SMALL_PX,
    WINDOW,
    Box,
    Gray,
    Mask,
    as_bytes,
    gray_of,
    ink_on_paper,
    is_dark_paper,
    opaque,
    panel_of,
    shrunk,
    without_salt,
)
from minigrad_gui.photo.parts import (
    Parts,
    followed,
    groups_of,
    in_reading_order,
    without_shadows,
    without_specks,
    without_surroundings,
)
from minigrad_gui.photo.touching import Judge

LOOK_PX = 240
"""Pictures are shrunk to this before they are looked at: fine enough for a digit, and read in milliseconds."""

CLOSE_LOOK_PX = 960
"""Sheets of small digits are looked at more closely."""
FEW_PX = 32
MANY = 3
"""So many digits, shorter than that in a small copy, make such a sheet."""
LARGE_PX = 1500
"""A larger picture that shows no digit at first sight may show small ones."""
AT_RIM = 0.1
"""Digits cover less of a picture's rim than this, or they are its paper."""
RIM = 0.06
"""The rim's width, as a share of the picture's sides."""
FAINTEST, WIDE = 0.12, 0.5
"""Minimum darkness of ink, as a share of the darkest, and minimum width of the palest, as a share of the pen's."""
PALE = 0.55
EVEN = 0.9
"""Strokes as dark as most are dark enough at EVEN; they are told apart from pale ones at PALE."""


class Found(NamedTuple):
    """A digit that was found in a picture.

    box: left, top, right, bottom, in pixels of the picture, right and bottom just outside; ink: from 0 (paper) to 1,
    float32 (height, width); picture: the same as MNIST's digits are, (28, 28).
    """

    box: tuple[int, int, int, int]
    ink: Gray
    picture: Picture

    def with_pen(self, pen_px: float) -> Picture:
        """The picture, (28, 28), if the digit had been written with a pen of this width, in pixels of the result."""
        return fitted(self.ink, pen_px)


class _Look(NamedTuple):
    """What a small copy of a picture shows: its ink, the ink's parts, and for each digit the parts' indices."""

    ink: Gray
    parts: Parts
    digits: list[NDArray[np.intp]]
    is_dark: bool
    factor: int
    corner: tuple[int, int] = (0, 0)
    """Left and top, in pixels of the picture, of what was looked at."""


def find_digits(
    array: NDArray[Any], judge: Judge | None = None, cancelled: Callable[[], bool] = lambda: False
) -> list[Found]:
    """The digits of a picture in reading order: lines from top to bottom, each from left to right.

    array: (height, width), (height, width, 3) RGB or (height, width, 4) RGBA; integers from 0 to 255 or floats from 0
    to 1. With a judge, pieces that look like a digit together are joined, and digits that touch are cut apart. Once
    `cancelled()` is true, no more are looked for. Raises ValueError for another shape or an empty array.
    """
    picture, look = _seen(array)
    wanted = takewhile(lambda _: not cancelled(), look.digits)
    seen = [(group, ink) for group in wanted if (ink := _inked(picture, look, group)) is not None]
    inks = [ink for _, ink in seen]
    if judge is not None and not cancelled():
        inks = settled(
            inks, lambda which: _inked(picture, look, np.concatenate([seen[index][0] for index in which])), judge
        )
    found = [_found(picture, look.corner, ink) for ink in inks]
    order = in_reading_order(np.array([digit.box for digit in found], np.int64).reshape(-1, 4))
    return [found[index] for index in order]


def find_digit(array: NDArray[Any]) -> Found | None:
    """The digit of a picture, of several the one with most ink, or None; array: as for `find_digits`."""
    picture, look = _seen(array)
    if not look.digits:
        return None
    ink = _inked(picture, look, max(look.digits, key=lambda group: float(look.parts.mass[group].sum())))
    return None if ink is None else _found(picture, look.corner, ink)


def _seen(array: NDArray[Any]) -> tuple[NDArray[np.uint8], _Look]:
    """The picture, or the sheet or square in it that shows something, and a first look at it."""
    picture = without_salt(as_bytes(np.asarray(array)))
    gray, factor = _small(picture, LOOK_PX)
    panel = panel_of(gray)
    corner = (0, 0)
    if panel is not None:
        top, left = (int(side.start) * factor for side in panel)
        picture = picture[top : panel[0].stop * factor, left : panel[1].stop * factor]
        corner = (left, top)
        gray, factor = _small(picture, LOOK_PX)
    look = _look(gray, factor)
    if look.factor > 1 and _is_too_coarse(look):
        closer = _look(*_small(picture, CLOSE_LOOK_PX))
        look = max(look, closer, key=lambda seen: len(seen.digits))
    return picture, look._replace(corner=corner)


def _is_too_coarse(look: _Look) -> bool:
    """Whether a sheet has many digits too small to be told apart, or a large one shows none."""
    if not look.digits:
        return look.factor * LOOK_PX > LARGE_PX
    extents = [max(side.stop - side.start for side in look.parts.box(group)) for group in look.digits]
    return len(extents) >= MANY and float(np.median(extents)) < FEW_PX


def _small(picture: NDArray[np.uint8], longest: int) -> tuple[Gray, int]:
    """The shades of a copy of so many pixels, and the factor by which it is smaller."""
    small, factor = shrunk(picture, longest)
    return gray_of(opaque(small)), factor


def _look(gray: Gray, factor: int) -> _Look:
    """At dark ink on light paper, or the other way round if that is likelier, in a small copy."""
    dark = is_dark_paper(gray)
    look = _looked(gray, dark, factor)
    if look.digits:
        return look
    # A wide table round the sheet may have been taken for the paper; but paper between lines is no digit.
    other = _looked(gray, not dark, factor)
    return other if other.digits and _rim_cover(other) < AT_RIM else look


def _rim_cover(look: _Look) -> float:
    """The share of a picture's rim that its digits cover."""
    height, width = (1 + int(RIM * side) for side in look.ink.shape)
    rim = np.ones_like(look.ink, bool)
    rim[height:-height, width:-width] = False
    return float(look.parts.mask(np.concatenate(look.digits))[rim].mean())


def _looked(gray: Gray, is_dark: bool, factor: int) -> _Look:
    ink, grain = ink_on_paper(1 - gray if is_dark else gray)
    faint = max(MIN_CONTRAST / 2, 5 * grain)
    kept = without_shadows(ink, ink > faint)
    ink = without_lines(ink, kept)
    ink = without_borders(ink, kept & (ink > faint))
    kept = without_surroundings(ink, kept & (ink > faint))
    kept = _strong(ink, kept, faint)
    parts, groups = groups_of(ink, kept)
    return _Look(ink, parts, [group for group in groups if _is_dark_enough(ink, parts, group)], is_dark, factor)


def _is_dark_enough(ink: Gray, parts: Parts, group: NDArray[np.intp]) -> bool:
    box = parts.box(group)
    return bool(np.percentile(ink[box][parts.mask(group, box)], 90) >= MIN_CONTRAST)


def _strong(ink: Gray, kept: Mask, faint: float, at: Mask | None = None) -> Mask:
    """What is as dark as most of the ink is, and what is paler and goes on from there; at: nowhere else.

    The palest goes on only if it is about as wide as the pen, as ruled lines are not.
    """
    if not kept.any():
        return kept
    full = float(np.percentile(ink[kept], 95))
    strong, weak, faintest = (kept & (ink > max(faint, share * full)) for share in (0.4, 0.22, FAINTEST))
    size = max(1, round(WIDE * thickness_of(np.where(strong, ink, 0)))) if strong.any() else 1
    weak |= opened(faintest, (size, size))
    return followed(strong, weak if at is None else weak & at)


def _inked(picture: NDArray[np.uint8], look: _Look, group: NDArray[np.intp]) -> Inked | None:
    """The ink of parts of the small copy, in a second look; None if that shows nothing."""
    if max(look.ink.shape) <= SMALL_PX:
        box = slice(0, look.ink.shape[0]), slice(0, look.ink.shape[1])
        ink = _cleaned(look.ink, look.parts.mask(group))
    else:
        box = _around(look.parts.box(group), look.ink.shape)
        ink = _looked_again(picture, look, box, look.parts.mask(group, box))
    if not ink.any():
        return None
    scale = look.factor * (box[0].stop - box[0].start) / ink.shape[0]
    left, top = (look.factor * int(side.start) + at for side, at in zip(box[::-1], look.corner, strict=True))
    return Inked(ink, left, top, scale).under(ink > 0)


def _found(picture: NDArray[np.uint8], corner: tuple[int, int], inked: Inked) -> Found:
    """A digit of a picture that was cut out of another one at this corner, left and top."""
    (left, top), size = corner, picture.shape
    most = (left + size[1], top + size[0]) * 2
    edges = [min(round(float(side)), limit) for side, limit in zip(inked.box, most, strict=True)]
    return Found((edges[0], edges[1], edges[2], edges[3]), inked.ink, fitted(inked.ink))


def _looked_again(picture: NDArray[np.uint8], look: _Look, box: Box, mask: Mask) -> Gray:
    """The ink of a place in the picture, its box in the small copy, at which a digit's pixels are `mask`."""
    rows, columns = (slice(int(side.start) * look.factor, int(side.stop) * look.factor) for side in box)
    part, _ = shrunk(picture[rows, columns], LOOK_PX)
    part = opaque(part)
    near, sure = _resized(dilated(mask, 5), part.shape), _resized(mask, part.shape)
    gray = gray_of(part, sure)
    if look.is_dark if part.ndim == 2 else gray[sure].mean() > gray[~near].mean():
        gray = 1 - gray
    window = min(WINDOW, 3 * thickness_of(np.where(mask, look.ink[box], 0)) / max(mask.shape))
    ink, grain = ink_on_paper(gray, window)
    faint = max(MIN_CONTRAST / 2, 5 * grain)
    kept = without_specks(ink, _strong(ink, near & (ink > faint), faint, sure))
    return _cleaned(ink, kept, grain) if kept.any() else np.zeros_like(ink)


def _cleaned(ink: Gray, kept: Mask, grain: float = 0.0) -> Gray:
    """The digit's ink alone, its edges too, as dark everywhere as if the pen had always been pressed."""
    edge = 5 if max(ink.shape) <= SMALL_PX else 7  # a stroke is blurred over so many pixels
    dark = ink[kept & (ink > 0.4 * float(np.percentile(ink[kept], 95)))]
    full = float(np.percentile(dark, 90))
    near = dilated(kept, edge) & (ink > max(0.02 * full, min(4 * grain, 0.3 * full)))
    return np.where(near, np.minimum(ink / _pressed(ink, kept, full), 1), 0).astype(np.float32)


def _pressed(ink: Gray, kept: Mask, full: float) -> Gray | float:
    """How dark the pen is wherever it goes: the same everywhere, unless a good part of it is much paler."""
    width = 2 * round(thickness_of(np.where(kept, ink, 0))) + 1
    local = ndimage.uniform_filter(dilated(np.where(kept, ink, 0), width), width)
    if np.percentile(local[kept], 15) > PALE * full:
        return full
    return np.asarray(np.clip(local / EVEN, 0.25 * full, full))


def _resized(mask: Mask, shape: tuple[int, ...]) -> Mask:
    """At another size, from pixel to nearest pixel."""
    y, x = ((np.arange(fine) * coarse) // fine for fine, coarse in zip(shape[:2], mask.shape, strict=True))
    return mask[np.ix_(y, x)]


def _around(box: Box, shape: tuple[int, ...]) -> Box:
    """The rows and columns of a box, and a margin of paper as far as the picture, of a shape, goes."""
    margin = sum(side.stop - side.start for side in box) // 3 + 4
    rows, columns = (
        slice(max(0, side.start - margin), min(size, side.stop + margin)) for side, size in zip(box, shape, strict=True)
    )
    return rows, columns
