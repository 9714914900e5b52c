"""JSON in columns: a list of pictures and one of labels, or a table as pandas' `to_json(orient="columns")` writes it.

Pictures are read one by one, or a pixel of all of them at a time, and go through a temporary file, so that a long file
needs no more memory than a short one.
"""

import itertools
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.data.columns import PixelColumns, as_small
from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.json_tables import label_key, members
from minigrad_gui.data.json_text import JsonText
from minigrad_gui.data.pairing import LABEL_WORDS, PICTURE_WORDS
from minigrad_gui.data.stored import MAX_PICTURES, Array
from minigrad_gui.data.streams import TemporaryFolder, open_plain, read_exactly

MAX_COLUMNS = 64
BLOCK_NUMBERS = 1 << 16
MAX_NUMBER = 1e9
FIRST_CELL = re.compile(r'\{\s*"((?:[^"\\]|\\.)*)"\s*:\s*(.)', re.DOTALL)
"""Of a column of a table: the name of its row, and with what the cell begins."""


def read_columns(path: Path) -> dict[str, Array] | None:
    """The columns of a file by their keys, or None if it has others than of pictures and labels."""
    with open_plain(path) as file:
        return _columns_of(JsonText(file))


def _columns_of(text: JsonText) -> dict[str, Array] | None:
    """The columns of an object, or of the objects in it, by their keys.

    None for what must be known as a whole: records, lists of other things than pictures and labels.
    """
    if not text.skip("{"):
        return None
    columns: dict[str, Array] = {}
    pixels = PixelColumns()
    rows: set[int] = set()
    """Of the columns of a table: hashes of the names of their rows, which would take more memory than the pixels."""
    folder = TemporaryFolder()
    with open(folder.path / "pictures", "wb") as file:
        splits = [""]
        while splits:
            if text.skip("}"):
                splits.pop()
                continue
            name = text.key()
            column: Array | None = None
            if text.skip("["):
                if name != "columns":  # those of a table with orient="split"
                    column = column_of(_items(text), file, folder)
            elif (cell := text.match(FIRST_CELL)) is None:
                return None
            elif cell[2] not in "[{":
                cells = text.value()
                rows.add(hash(tuple(cells)))
                if name.lower() in LABEL_WORDS:
                    column = Array.of(np.array(["" if each is None else str(each) for each in cells.values()]))
                elif label_key(cells) is None and _are_added(pixels, cells):
                    continue
            elif name.lower() in PICTURE_WORDS and not {cell[1].lower()} & {*PICTURE_WORDS, *LABEL_WORDS}:
                text.skip("{")
                names: list[str] = []
                column = column_of(_cells(text, names), file, folder)
                rows.add(hash(tuple(names)))
            elif len(splits) == 1:
                text.skip("{")
                splits.append(name)
                continue
            if column is None or len(columns) == MAX_COLUMNS:
                return None
            columns[" ".join(filter(None, (splits[-1], name)))] = column
    if len(rows) > 1:
        raise DataError("its columns have different rows.")
    if pixels.count:
        columns["pictures"] = pixels.as_array()
    return columns if len(columns) > 1 and not text.next() else None


def _are_added(pixels: PixelColumns, cells: dict[str, Any]) -> bool:
    """Whether the cells of a column are numbers of pixels, and stored as such."""
    try:
        return pixels.add(numbers_of(list(cells.values())))
    except DataError:
        return False


def column_of(cells: Iterator[Any], file: IO[bytes], folder: TemporaryFolder) -> Array | None:
    """A column of pictures, which are written to the file in this folder, or of labels; None for anything else."""
    first = next(cells, None)
    cells = itertools.chain([first], cells)
    if not isinstance(first, list):
        labels = list(itertools.islice(cells, MAX_PICTURES + 1))
        if first is None or len(labels) > MAX_PICTURES or any(isinstance(each, list | dict) for each in labels):
            return None
        return Array.of(np.array(labels) if all(isinstance(each, str) for each in labels) else numbers_of(labels))
    start, stored = file.tell(), []
    for block in _blocks_of(cells):
        try:
            numbers = as_small(numbers_of(block))
        except DataError:
            return None
        stored.append((numbers.shape, numbers.dtype))
        file.write(numbers.tobytes())
    file.flush()
    if len({shape[1:] for shape, _ in stored}) != 1:
        return None
    dtype = np.result_type(*(dtype for _, dtype in stored))

    def blocks() -> Iterator[NDArray[Any]]:
        with open(folder.path / Path(file.name).name, "rb") as written:
            written.seek(start)
            for shape, kind in stored:
                content = read_exactly(written, math.prod(shape) * kind.itemsize)
                yield np.frombuffer(content, kind).reshape(shape).astype(dtype, copy=False)

    return Array((sum(shape[0] for shape, _ in stored), *stored[0][0][1:]), dtype, blocks)


def numbers_of(content: list[Any]) -> NDArray[Any]:
    """Nested lists as an array. Raises DataError if they are no numbers, or not of one length."""
    try:
        numbers = np.array(content)
        if numbers.dtype.kind not in "buif":
            raise ValueError
    except (ValueError, OverflowError) as error:
        raise DataError("its lists are not of one length, or hold other things than numbers.") from error
    if numbers.size and max(-float(numbers.min()), float(numbers.max())) > MAX_NUMBER:
        raise DataError("its numbers are too large.")
    return numbers


def _items(text: JsonText) -> Iterator[Any]:
    while not text.skip("]"):
        yield text.value()


def _cells(text: JsonText, names: list[str]) -> Iterator[Any]:
    """The rest of a column of a table; the names of its rows are added to `names`."""
    for name, cell in members(text):
        names.append(name)
        yield cell


def _blocks_of(rows: Iterator[Any]) -> Iterator[list[Any]]:
    """Rows, of equal length if they are of pictures, in blocks of about BLOCK_NUMBERS."""
    for row in rows:
        numbers = len(row) * (len(row[0]) if row and isinstance(row[0], list) else 1) if isinstance(row, list) else 1
        yield [row, *itertools.islice(rows, BLOCK_NUMBERS // max(1, numbers))]
