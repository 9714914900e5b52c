"""What a file of a dataset holds, before anything about it is decided: pictures, read block by block, and their labels.

Readers of formats make these. Blocks bound the memory: beside the finished pictures, only one block is in memory.
"""

import base64
import itertools
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.streams import TemporaryFolder
from minigrad_gui.pictures import PictureError, UnknownFormatError, decode
from minigrad_gui.wording import counted

BLOCK_BYTES = 1 << 18
MAX_PICTURES = 1_000_000
MAX_SIDE_PX = 4096
FEWEST_SIDE_PX = 8
"""Of pictures that are a row of numbers; 16 numbers are more often 16 measurements than 4 x 4 pixels."""
COMPARED, CLEARLY = 50, 0.9
"""Flattened colours: seen were at most 0.72 if each pixel's are together, and at least 1.04 if they are apart."""
MAX_ENTRIES = 1_100_000
"""Files in a folder or an archive."""
DATA_URL = re.compile(r"data:image/[\w.+-]+;base64,")

Block = Sequence[NDArray[Any]] | NDArray[Any]
"""Pictures, each (height, width), (height, width, channels) or (channels, height, width), of any numeric dtype."""


@dataclass(frozen=True)
class Pictures:
    """Pictures that are read when they are asked for, as often as they are.

    count: how many; blocks(step): every step-th of them in order, in blocks. are_encoded: each was a picture file, so
    that its values run from 0 to 255; are_slow: reading takes so long that a sample is measured; remark: a sentence
    about what was guessed.
    """

    count: int
    blocks: Callable[[int], Iterator[Block]]
    are_encoded: bool = False
    are_slow: bool = False
    remark: str = ""


@dataclass(frozen=True)
class Samples:
    """Pictures with their labels, (N,): whole numbers or text."""

    pictures: Pictures
    labels: NDArray[Any]


@dataclass(frozen=True)
class Others:
    """A folder of files that may hold a dataset, where there are no pictures with labels.

    folder: that, or what unpacks it, which lasts as long as something refers to it; fault: what is wrong with the
    pictures, None if there are none.
    """

    folder: Path | Callable[[], TemporaryFolder]
    fault: str | None = None


@dataclass(frozen=True)
class Found:
    """What a reader found: the parts to train on and those to test on (none: some are held out).

    class_names: by label, if the file names them; orientation: what is usual for such files, where their pictures do
    not tell; labels: what they mean, both as in `Choices`; remarks: sentences about what was left out; files: the
    names of those that were read, if they were others than those given: all in a folder, or only the first; left_out:
    the names of arrays, or of files with one array, that belong to no others; others: what to look at instead, if
    nothing else was found.
    """

    train: Sequence[Samples]
    test: Sequence[Samples] = ()
    class_names: Mapping[int, str] | None = None
    orientation: str | None = None
    labels: str | None = None
    remarks: Sequence[str] = ()
    files: Collection[str] = ()
    left_out: Collection[str] = ()
    others: Others | None = None


@dataclass(frozen=True)
class Array:
    """An array in a file: its shape and dtype are known, and `blocks()` reads its rows in order.

    sampled(step): every step-th row, where reading all of them takes long.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    blocks: Callable[[], Iterator[NDArray[Any]]] = field(repr=False)
    sampled: Callable[[int], Iterator[NDArray[Any]]] | None = field(default=None, repr=False)

    @classmethod
    def of(cls, array: NDArray[Any]) -> "Array":
        """One that is in memory."""
        rows = block_rows(array.shape, array.dtype)
        return cls(array.shape, array.dtype, lambda: (array[at : at + rows] for at in range(0, len(array), rows)))

    def whole(self) -> NDArray[Any]:
        blocks = list(self.blocks())
        return np.concatenate(blocks) if blocks else np.empty(self.shape, self.dtype)


def labelled(samples: Samples) -> Samples:
    """Those of the samples whose label is not blank."""
    labels = samples.labels
    if labels.dtype.kind not in "US" or not (blank := labels == labels.dtype.type()).any():
        return samples

    def blocks(step: int) -> Iterator[Block]:
        start, wanted = 0, ~blank[::step]
        for block in samples.pictures.blocks(step):
            here = wanted[start : start + len(block)]
            yield block[here] if isinstance(block, np.ndarray) else list(itertools.compress(block, here))
            start += len(block)

    pictures = replace(samples.pictures, count=len(blank) - int(blank.sum()), blocks=blocks)
    return Samples(pictures, labels[~blank])


def block_rows(shape: Sequence[int], dtype: np.dtype[Any]) -> int:
    """How many rows of such an array make a block."""
    return max(1, BLOCK_BYTES // max(1, int(np.prod(shape[1:], dtype=np.int64)) * dtype.itemsize))


def in_blocks(pictures: Iterable[NDArray[Any]]) -> Iterator[list[NDArray[Any]]]:
    """Pictures that come one by one, in blocks of about BLOCK_BYTES."""
    block, size = [], 0
    for picture in pictures:
        block.append(picture)
        size += picture.nbytes
        if size >= BLOCK_BYTES:
            yield block
            block, size = [], 0
    if block:
        yield block


def picture_in(content: bytes) -> NDArray[np.uint8]:
    """The pixels of a picture file in a cell of a table. Raises DataError if it is none."""
    try:
        return decode(content, "a picture")
    except UnknownFormatError as error:
        told = f"a picture's bytes ({len(content):,}) are not those of a picture file"
        raise DataError(f"{told}; if they are its pixels, they can be read as a list of numbers.") from error
    except PictureError as error:
        raise DataError(str(error)) from error


def picture_in_text(text: str) -> NDArray[np.uint8]:
    """The pixels of a picture file in base64, also as a data URL. Raises DataError if it is none."""
    try:
        content = base64.b64decode("".join(DATA_URL.sub("", text, count=1).split()), validate=True)
    except ValueError as error:
        raise DataError("a cell contains no picture in base64.") from error
    return picture_in(content)


def picture_of(numbers: NDArray[Any]) -> NDArray[Any]:
    """An array of its own as a picture, which may be flat or have dimensions of one. Raises DataError if it is none."""
    shape = picture_shape((1, *numbers.shape))
    if shape is None or len(shape) > max(2, numbers.ndim) or numbers.dtype.kind not in "buif":
        raise DataError(f"an array of shape {numbers.shape} is not a picture.")
    return numbers.reshape(shape)


def check_count(count: int) -> None:
    """Raise DataError if there are no pictures or too many."""
    if count < 1:
        raise DataError("it holds no pictures.")
    if count > MAX_PICTURES:
        raise DataError(f"it holds more than {MAX_PICTURES:,} pictures.")


def picture_shape(shape: Sequence[int]) -> tuple[int, ...] | None:
    """The shape of each picture in an array of this shape (N, ...), or None if these cannot be pictures."""
    each = tuple(shape[1:])
    if len(each) == 1 and (side := _side(each[0])) is not None:
        return side
    if len(each) == 3 and 1 in (each[0], each[2]):
        each = tuple(size for size in each if size != 1)[:2] if sum(size != 1 for size in each) == 2 else each
    channels = each[2:] if len(each) == 3 and each[2] in (2, 3, 4) else each[:1] if len(each) == 3 else ()
    sides = each[:2] if channels == each[2:] else each[1:]
    if len(sides) != 2 or not all(4 <= side <= MAX_SIDE_PX for side in sides) or (channels and channels[0] > 4):
        return None
    return each


def _side(pixels: int) -> tuple[int, ...] | None:
    """The shape of flattened pictures: square, grey or of three colours, which may also be (side, side, 3)."""
    side = round(pixels**0.5)
    if side * side == pixels and FEWEST_SIDE_PX <= side <= MAX_SIDE_PX:
        return side, side
    side = round((pixels / 3) ** 0.5)
    return (3, side, side) if 3 * side * side == pixels and FEWEST_SIDE_PX <= side <= MAX_SIDE_PX else None


def as_pictures(array: Array) -> Pictures:
    """An array (N, ...) as pictures. Raises DataError if it cannot be any."""
    shape = picture_shape(array.shape)
    if shape is None or array.dtype.kind not in "buif":
        raise DataError(f"an array of shape {array.shape} is not one of pictures.")
    check_count(array.shape[0])
    each, remark = shape, ""
    if len(array.shape) < len(shape):
        colours, height, width = shape
        are_pixels = _are_pixel_by_pixel(next(array.blocks())[:COMPARED], height)
        each = (height, width, colours) if are_pixels else shape
        order = "pixel by pixel, as its values change least so" if are_pixels else "one colour after the other"
        remark = f"Its rows of {array.shape[1]:,} numbers are taken for {width} x {height} pixels in colours, {order}."

    def blocks(step: int) -> Iterator[NDArray[Any]]:
        if step > 1 and array.sampled is not None:
            yield from (block.reshape(-1, *each) for block in array.sampled(step))
            return
        start = 0
        for block in array.blocks():
            yield block[-start % step :: step].reshape(-1, *each)
            start += len(block)

    return Pictures(array.shape[0], blocks, are_slow=array.sampled is not None, remark=remark)


def _are_pixel_by_pixel(rows: NDArray[Any], side: int) -> bool:
    """Whether rows (n, 3 * side**2) hold three colours for each pixel, and not three pictures of a colour each.

    They do if neighbours are more alike then, or if each pixel is grey.
    """
    numbers = rows.astype(np.float32)
    pixels, planes = numbers.reshape(-1, side, side, 3), numbers.reshape(-1, 3, side, side)
    changes = [
        sum(float(np.abs(np.diff(pictures, axis=axis)).mean()) for axis in axes)
        for pictures, axes in ((pixels, (1, 2)), (planes, (2, 3)))
    ]
    is_grey = bool((pixels == pixels[..., :1]).all())
    return changes[0] < CLEARLY * changes[1] or (is_grey and changes[1] > 0)


def as_labels(array: Array) -> NDArray[Any]:
    """An array of labels as (N,): from (N,), (N, 1), or one-hot (N, C). Raises DataError otherwise."""
    labels = array.whole()
    if labels.ndim == 2 and 1 in labels.shape:
        return labels.reshape(-1)
    if labels.ndim == 2:
        if not (np.isin(labels, (0, 1)).all() and (labels.sum(axis=1) == 1).all()):
            raise DataError("its labels do not give each picture exactly one class.")
        return np.asarray(labels.argmax(axis=1))
    if labels.ndim != 1:
        raise DataError(f"an array of shape {labels.shape} is not one of labels.")
    return labels


def samples_of(pictures: Array, labels: Array) -> Samples:
    """Pictures and labels, each from an array. Raises DataError if they do not fit each other."""
    if pictures.shape[0] != labels.shape[0] and labels.shape[0] == 1 and len(labels.shape) == 2:
        labels = Array(labels.shape[::-1], labels.dtype, lambda whole=labels.whole: iter([whole().T]))  # type: ignore[misc]
    if pictures.shape[0] != labels.shape[0]:
        raise DataError(f"it holds {counted(pictures.shape[0], 'picture')}, but {counted(labels.shape[0], 'label')}.")
    return Samples(as_pictures(pictures), as_labels(labels))
