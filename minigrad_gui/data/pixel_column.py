"""Tables whose pictures are in one column, as numbers in FER-2013, a label, "70 80 82 …", and what the picture is for,
or as files in base64.

pandas writes lists and arrays in such a column as "[70, 80, 82, …]" or "[70 80 82 …]", the latter in several lines.
"""

import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.pairing import in_splits, is_called_label, split_of
from minigrad_gui.data.siblings import Files
from minigrad_gui.data.stored import (
    Array,
    Block,
    Found,
    Pictures,
    Samples,
    block_rows,
    check_count,
    in_blocks,
    picture_in_text,
    samples_of,
)
from minigrad_gui.data.streams import lines_of

FEWEST_NUMBERS = 32
SAMPLED_ROWS = 50
MAX_NUMBER = 1e9
ENCODED = re.compile(r"(data:image/[\w.+-]+;base64,)?(iVBORw0KGg|/9j/|Qk[0-3]|R0lGOD|UklGR|SUkq|TU0AK)[\w+/]{40}")
"""How PNG, JPEG, BMP, GIF, WebP and TIFF begin in base64."""
IS_SHORTENED = re.compile(r"\[[-+.e\d,\s]+ \.\.\.").search
"""NumPy prints only the corners of arrays of more than 1,000 numbers, and pandas writes what it prints."""
BRACKETS_AND_COMMAS = str.maketrans("[],", "   ")
EMOTIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""What FER-2013's labels mean: https://www.kaggle.com/competitions/challenges-in-representation-learning."""


@dataclass(frozen=True)
class Columns:
    """Which columns hold the pixels, the label and the split (None: there is none), and lines before the first row.

    are_encoded: whether the pixels are files in base64.
    """

    pixels: int
    label: int
    split: int | None
    skipped: int
    names: Sequence[str]
    are_encoded: bool


def recognises(start: bytes) -> bool:
    """Whether a field of the first or second row is a file in base64, or holds many numbers, and others are there, or
    it is a list."""
    if b"\0" in start:
        return False
    text = start.decode("utf-8-sig", "replace")
    if any(map(_is_encoded, itertools.chain(*itertools.islice(csv.reader(io.StringIO(text, newline="")), 2)))):
        return True
    whole = text.rpartition(" ")[0]  # the last number may be cut
    if IS_SHORTENED(whole):
        return True
    rows = list(itertools.islice(csv.reader(io.StringIO(whole, newline="")), 2))
    found = [(row, at) for row in rows if (at := _numbers_at(row)) is not None]
    return any(max(map(len, rows)) > 1 or row[at].startswith("[") for row, at in found)


def read(files: Files) -> Found:
    """The dataset of such tables."""
    splits: dict[str, list[Samples]] = {}
    class_names = None
    for name, file in files.items():
        columns = _columns(file)
        found = [(_split(row, columns, name), row[columns.label].strip()) for row in _rows(file, columns)]
        check_count(len(found))
        width = len(_pieces(next(_rows(file, columns))[columns.pixels]))
        for split, count in Counter(split for split, _ in found).items():
            labels = np.array([label for each, label in found if each == split])
            cells = partial(_cells, file, columns, name, split)
            if columns.are_encoded:
                pictures = Pictures(count, partial(_decoded, cells), are_encoded=True, are_slow=True)
                splits.setdefault(split, []).append(Samples(pictures, labels))
                continue
            shape, dtype = (count, width), np.dtype(np.float32)
            pixels = partial(_pixels, cells, shape)
            array = Array(shape, dtype, partial(pixels, 1), pixels)
            splits.setdefault(split, []).append(samples_of(array, Array.of(labels)))
        if columns.names[columns.label : columns.label + 1] == ["emotion"]:
            class_names = dict(enumerate(EMOTIONS))
    return replace(in_splits(splits, []), class_names=class_names)


def _is_encoded(field: str) -> bool:
    return ENCODED.match(field.strip()) is not None


def _pixels_at(fields: Sequence[str]) -> int | None:
    """Which of several fields is a picture."""
    return next((at for at, field in enumerate(fields) if _is_encoded(field)), _numbers_at(fields))


def _numbers_at(fields: Sequence[str]) -> int | None:
    """Which of several fields holds many numbers."""
    return next((at for at, field in enumerate(fields) if _are_numbers(_pieces(field))), None)


def _pieces(field: str) -> list[str]:
    """What should be the numbers of a picture."""
    return field.translate(BRACKETS_AND_COMMAS).split()


def _are_numbers(pieces: Sequence[str]) -> bool:
    with suppress(ValueError):
        return len(pieces) >= FEWEST_NUMBERS and bool(np.isfinite([float(piece) for piece in pieces]).all())
    return False


def _read(path: Path) -> Iterator[list[str]]:
    return csv.reader(f"{line}\n" for line in lines_of(path))


def _columns(path: Path) -> Columns:
    rows = list(itertools.islice(_read(path), SAMPLED_ROWS + 1))
    if any(IS_SHORTENED(field) for row in rows for field in row):
        raise DataError(
            "only the corners of its pictures are there, and “...” for the rest; save all of their numbers."
        )
    skipped = int(_pixels_at(rows[0]) is None)
    if len(rows) <= skipped or (pixels := _pixels_at(rows[skipped])) is None:
        raise DataError("it holds no pictures.")
    names = [name.strip().lower() for name in rows[0]] if skipped else []
    others = [at for at in range(len(rows[skipped])) if at != pixels]
    split = next((at for at in others if all(len(row) > at and split_of(row[at]) for row in rows[skipped:])), None)
    rest = [at for at in others if at != split]
    named = [at for at in rest if at < len(names) and is_called_label(names[at])]
    if not rest or (len(rest) > 1 and len(named) != 1):
        raise DataError("it is not clear which column holds the labels.")
    return Columns(pixels, (named or rest)[0], split, skipped, names, _is_encoded(rows[skipped][pixels]))


def _rows(path: Path, columns: Columns) -> Iterator[list[str]]:
    for number, row in enumerate(_read(path)):
        if number < columns.skipped:
            continue
        if len(row) <= max(columns.pixels, columns.label, columns.split or 0):
            raise DataError(f"its row {number + 1:,} is cut.")
        yield row


def _split(row: Sequence[str], columns: Columns, name: str) -> str:
    return (split_of(row[columns.split]) if columns.split is not None else split_of(name)) or "train"


def _cells(path: Path, columns: Columns, name: str, split: str, step: int) -> Iterator[str]:
    """The pixels of every step-th row of a split."""
    chosen = (row[columns.pixels] for row in _rows(path, columns) if _split(row, columns, name) == split)
    return itertools.islice(chosen, 0, None, step)


def _decoded(cells: Callable[[int], Iterator[str]], step: int) -> Iterator[Block]:
    return in_blocks(map(picture_in_text, cells(step)))


def _pixels(cells: Callable[[int], Iterator[str]], shape: tuple[int, int], step: int) -> Iterator[NDArray[np.float32]]:
    rows, block = block_rows(shape, np.dtype(np.float32)), []
    for text in cells(step):
        try:
            numbers = np.array(_pieces(text), np.float64)
        except ValueError as error:
            raise DataError("a picture holds something other than numbers.") from error
        if len(numbers) != shape[1]:
            raise DataError("its pictures do not all hold as many numbers.")
        if not (np.abs(numbers) <= MAX_NUMBER).all():
            raise DataError("its numbers are too large.")
        block.append(numbers.astype(np.float32))
        if len(block) == rows:
            yield np.stack(block)
            block = []
    if block:
        yield np.stack(block)
