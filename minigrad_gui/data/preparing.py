"""Turns pictures of any size, colour and scale into bytes 28 x 28 with light ink, as MNIST's are.

The first pass over the pictures measures them, the second converts them block by block into the finished array.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.data.cancelling import check_cancelled
from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.stored import Block, Pictures, Samples
from minigrad_gui.frame import SIDE_PX, fitted

SAMPLED = 1000
"""So many of the pictures that need decoding are measured."""
FULL_SCALES = (1, 16, 255, 65535)
"""The largest values of usual scales; 16: optdigits and scikit-learn's digits."""
ROUNDING = 1e-3
MIXED, CLEAR = 0.1, 0.75
"""If more than this share of the pictures has each polarity, clearly, by a border that is so light or dark, each is
judged alone: letters that fill their pictures have borders in between."""
INK = 0.2
"""Ink fainter than this share of the darkest is not what a digit is cropped to."""
FULL = 0.4
"""Seen were 0.5 to 1 of photographs and faces, and at most 0.26 of digits that fill their pictures of 8 x 8 pixels."""
MAX_NUMBER = 1e30
"""Differences of larger ones might not fit into float32."""
LUMA = np.array([0.299, 0.587, 0.114], np.float32)

Grey = NDArray[np.float32]


@dataclass(frozen=True)
class Measures:
    """What the first pass found: the values of paper and ink at full contrast, whether sizes differ, and polarity.

    size_px: (height, width) of all pictures, None if they differ; dark: the share of pictures with a light border;
    rarer: the share of the rarer polarity among all, counting only those with a clearly light or dark border; full: the
    share of pictures whose border is mostly neither as light nor as dark as they get.
    """

    low: float
    high: float
    size_px: tuple[int, int] | None
    dark: float
    rarer: float
    full: float

    @property
    def polarity(self) -> str:
        if self.rarer > MIXED:
            return "each its own"
        return "dark ink" if self.dark > 0.5 else "light ink"

    @property
    def sizing(self) -> str:
        """Photographs and faces have no paper around an ink to which they could be cropped; 28 x 28 pixels fit."""
        return "scaled" if self.full > FULL or self.size_px == (SIDE_PX, SIDE_PX) else "as MNIST"


def measure(parts: Sequence[Samples]) -> Measures:
    """Look at all pictures, or at a sample of those that need decoding. Raises DataError for values that are none."""
    low, high, are_whole, borders, full, sizes = np.inf, -np.inf, True, [], [], set()
    encoded = all(samples.pictures.are_encoded for samples in parts)
    for block in _blocks(parts, sample=True):
        for stack in _stacks(block):
            _check_numbers(stack)
            low, high = min(low, float(stack.min())), max(high, float(stack.max()))
            are_whole = are_whole and (stack.dtype.kind != "f" or bool((stack == np.rint(stack)).all()))
            grey = _grey(stack)
            sizes.add(grey.shape[1:])
            borders.append(_border(grey))
            full.append(_are_full(grey))
    low, high = (0.0, 255.0) if encoded else _full_scale(low, high, are_whole)
    lightness = (np.concatenate(borders) - low) / (high - low)
    dark, rarer = (lightness > 0.5).mean(), min((lightness > CLEAR).mean(), (lightness < 1 - CLEAR).mean())
    size_px = sizes.pop() if len(sizes) == 1 else None
    return Measures(low, high, size_px, float(dark), float(rarer), float(np.concatenate(full).mean()))


def _full_scale(low: float, high: float, are_whole: bool) -> tuple[float, float]:
    """The values of no and full ink: 0 to 255 and the like; the values themselves if they were normalised."""
    if low < 0 or low == high:
        return low, max(high, low + 1)
    if not are_whole and high > 1 + ROUNDING and high < 16:  # no usual scale
        return low, high
    if 255 < high < FULL_SCALES[-1] / 2:
        return 0.0, high
    return 0.0, next((float(full) for full in FULL_SCALES if high <= full + ROUNDING), high)


def _check_numbers(stack: NDArray[Any]) -> None:
    if stack.dtype.kind != "f":
        return
    if not np.isfinite(stack).all():
        raise DataError("it holds numbers that are not finite.")
    if max(-float(stack.min()), float(stack.max())) > MAX_NUMBER:
        raise DataError("its numbers are too large.")


def convert(parts: Sequence[Samples], measures: Measures, polarity: str, sizing: str) -> NDArray[np.uint8]:
    """All pictures of the parts, in order: uint8 (N, 28, 28). Raises as `measure` does."""
    images = np.empty((sum(samples.pictures.count for samples in parts), SIDE_PX, SIDE_PX), np.uint8)
    done = 0
    for block in _blocks(parts, sample=False):
        for stack in _stacks(block):
            if done + len(stack) > len(images):
                raise DataError("it holds more pictures than labels.")
            _check_numbers(stack)
            images[done : done + len(stack)] = _converted(stack, measures, polarity, sizing)
            done += len(stack)
    if done != len(images):
        raise DataError("it holds fewer pictures than labels.")
    return images


def _blocks(parts: Sequence[Samples], *, sample: bool) -> Iterator[Block]:
    for samples in parts:
        pictures: Pictures = samples.pictures
        for block in pictures.blocks(max(1, pictures.count // SAMPLED) if sample and pictures.are_slow else 1):
            check_cancelled()
            yield block


def _stacks(block: Block) -> Iterator[NDArray[Any]]:
    """The pictures of a block as arrays of several of one size."""
    if isinstance(block, np.ndarray):
        if len(block):
            yield block
        return
    start = 0
    for end in range(1, len(block) + 1):
        if end == len(block) or block[end].shape != block[start].shape or block[end].dtype != block[start].dtype:
            yield np.stack(block[start:end])
            start = end


def _grey(stack: NDArray[Any]) -> Grey:
    """(n, height, width) of the same scale, from grey or RGB(A), channels first or last."""
    if stack.ndim == 4 and stack.shape[1] <= 4 and stack.shape[3] > 4:
        stack = np.moveaxis(stack, 1, 3)
    if stack.ndim == 3:
        return stack.astype(np.float32)
    if stack.shape[3] in (2, 4):  # transparent: the ink is what is opaque, or what differs from the paper behind it
        colour, alpha = stack[..., :-1].astype(np.float32), stack[..., -1:].astype(np.float32) / 255
        light = float((colour * alpha).sum()) / max(1.0, float(alpha.sum()) * colour.shape[3]) > 127.5
        stack = colour * alpha + (0 if light else 255) * (1 - alpha)
    values = stack.astype(np.float32, copy=False)
    return np.asarray(values @ LUMA if values.shape[3] == 3 else values[..., 0])


def _edges(grey: Grey) -> Grey:
    """Each picture's outermost pixels, which are mostly paper: (n, pixels)."""
    return np.concatenate((grey[:, 0], grey[:, -1], grey[:, 1:-1, 0], grey[:, 1:-1, -1]), axis=1)


def _border(grey: Grey) -> NDArray[np.float32]:
    """The mean of each picture's outermost pixels: (n,)."""
    return np.asarray(_edges(grey).mean(axis=1))


def _are_full(grey: Grey) -> NDArray[np.bool_]:
    """Whether each picture's outermost pixels are mostly ink, be it light or dark: (n,)."""
    edges, low, high = _edges(grey), grey.min(axis=(1, 2))[:, None], grey.max(axis=(1, 2))[:, None]
    faintest = INK * (high - low)
    shares = np.stack([(edges > low + faintest).mean(axis=1), (edges < high - faintest).mean(axis=1)])
    return np.asarray(shares.min(axis=0) > 0.5)


def _converted(stack: NDArray[Any], measures: Measures, polarity: str, sizing: str) -> NDArray[np.uint8]:
    is_small = stack.shape[1:] == (SIDE_PX, SIDE_PX)
    if is_small and stack.dtype == np.uint8 and polarity == "light ink" and (measures.low, measures.high) == (0, 255):
        return np.asarray(stack, np.uint8)
    if sizing == "as photographs" and not is_small:
        return _photographs(stack, measures)
    ink = (_grey(stack) - measures.low) / (measures.high - measures.low)
    if polarity != "light ink":
        is_dark = _border(ink) > 0.5 if polarity == "each its own" else np.ones(len(ink), bool)
        ink[is_dark] = 1 - ink[is_dark]
    ink = np.clip(ink, 0, 1)
    if not is_small and ink.shape[1:] != (SIDE_PX, SIDE_PX):
        ink = np.stack([_as_mnist(each) if sizing == "as MNIST" else _scaled(each) for each in ink])
    return np.asarray(np.rint(ink * 255), np.uint8)


def _as_mnist(ink: Grey) -> Grey:
    """Cropped to the digit, scaled to 20 pixels and centred by mass; a picture without ink stays blank."""
    is_ink = ink > INK * ink.max(initial=0.0)
    rows, columns = np.flatnonzero(is_ink.any(axis=1)), np.flatnonzero(is_ink.any(axis=0))
    if not len(rows):
        return np.zeros((SIDE_PX, SIDE_PX), np.float32)
    return fitted(ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


def _scaled(ink: Grey) -> Grey:
    """The longer side scaled to 28 pixels, the rest filled with paper."""
    from PIL import Image

    height, width = ink.shape
    ratio = SIDE_PX / max(height, width)
    size = max(1, round(width * ratio)), max(1, round(height * ratio))
    filter = Image.Resampling.BOX if ratio < 1 else Image.Resampling.BILINEAR
    small = np.asarray(Image.fromarray(ink).resize(size, filter))
    picture = np.zeros((SIDE_PX, SIDE_PX), np.float32)
    top, left = (SIDE_PX - size[1]) // 2, (SIDE_PX - size[0]) // 2
    picture[top : top + size[1], left : left + size[0]] = small
    return picture


def _photographs(stack: NDArray[Any], measures: Measures) -> NDArray[np.uint8]:
    from minigrad_gui.digits import from_image

    shades = np.clip((_grey(stack) - measures.low) / (measures.high - measures.low), 0, 1)
    return np.asarray(np.rint(np.stack([from_image(each) for each in shades]) * 255), np.uint8)
