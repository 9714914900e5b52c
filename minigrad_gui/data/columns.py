"""Arrays that a file holds column by column, as MATLAB and Fortran do, read in blocks of rows.

A row is spread over the whole file, so that a block is gathered from all columns. Columns that are read one by one
become such a file, so that they take no memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.data.stored import MAX_SIDE_PX, Array, block_rows
from minigrad_gui.data.streams import TemporaryFolder, read_exactly

COLUMN_BYTES = 1 << 12
"""Read from a column at a time; less makes reading slow."""
MAX_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class Columns:
    """An array of numbers in a file, column by column: where it starts, its dtype and its shape.

    folder: temporary, that the file is in; it lasts as long as what was made of this.
    """

    path: Path
    start: int
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    folder: TemporaryFolder | None = None

    def as_it_is(self) -> Array:
        return Array(self.shape, self.dtype, self._rows)

    def last_first(self) -> Array:
        """The array with its last dimension first."""
        return Array((self.shape[-1], *self.shape[:-1]), self.dtype, self._last_first)

    def _rows(self) -> Iterator[NDArray[Any]]:
        """Blocks gathered from all columns."""
        count, *each = self.shape
        columns, size = prod(each), self.dtype.itemsize
        most = max(1, min(COLUMN_BYTES, MAX_BLOCK_BYTES // max(1, columns)) // size)
        with open(self.path, "rb", buffering=0) as file:
            for first in range(0, count, most):
                rows = min(most, count - first)
                block = memoryview(bytearray(columns * rows * size))
                for column in range(columns):
                    file.seek(self.start + (column * count + first) * size)
                    file.readinto(block[column * rows * size : (column + 1) * rows * size])
                yield np.ndarray((rows, *each), self.dtype, block, order="F")

    def _last_first(self) -> Iterator[NDArray[Any]]:
        *each, count = self.shape
        sample_bytes, most = prod(each) * self.dtype.itemsize, block_rows((count, *each), self.dtype)
        with open(self.path, "rb") as file:
            file.seek(self.start)
            for first in range(0, count, most):
                rows = min(most, count - first)
                content = read_exactly(file, rows * sample_bytes)
                yield np.moveaxis(np.ndarray((*each, rows), self.dtype, content, order="F"), -1, 0)


def last_first(array: Array) -> Array:
    """An array that is stored row by row with its last dimension first, by a temporary copy in a file."""

    def blocks() -> Iterator[NDArray[Any]]:
        folder = TemporaryFolder()
        with open(folder.path / "plain", "wb") as file:
            for block in array.blocks():
                file.write(block.tobytes())
        flat = Columns(folder.path / "plain", 0, array.dtype, (count, prod(each)), folder)
        yield from (block.reshape(-1, *each) for block in flat.as_it_is().blocks())

    *each, count = array.shape
    return Array((count, *each), array.dtype, blocks)


class PixelColumns:
    """The columns of a table that has one for each pixel, in a temporary file."""

    def __init__(self) -> None:
        self.count = 0
        self._rows = 0
        self._folder = TemporaryFolder()
        self._path = self._folder.path / "columns"
        self._dtype = np.dtype(np.uint8)

    def add(self, numbers: NDArray[Any]) -> bool:
        """Store the next column. Returns whether it can be one: (rows,), as those before, and not too many."""
        numbers = as_small(numbers)
        if numbers.ndim != 1 or (self.count and len(numbers) != self._rows) or self.count == MAX_SIDE_PX**2:
            return False
        dtype = np.result_type(self._dtype, numbers.dtype)
        if self.count and dtype != self._dtype:
            self._widen(dtype)
        self._dtype, self._rows, self.count = dtype, len(numbers), self.count + 1
        with open(self._path, "ab") as file:
            file.write(numbers.astype(dtype).tobytes())
        return True

    def _widen(self, dtype: np.dtype[Any]) -> None:
        """Store those so far in another dtype."""
        wider = self._path.with_suffix(".wider")
        with open(self._path, "rb") as narrow, open(wider, "wb") as file:
            for _ in range(self.count):
                content = read_exactly(narrow, self._rows * self._dtype.itemsize)
                file.write(np.frombuffer(content, self._dtype).astype(dtype).tobytes())
        wider.replace(self._path)

    def as_array(self) -> Array:
        """A row for each picture."""
        return Columns(self._path, 0, self._dtype, (self._rows, self.count), self._folder).as_it_is()


def as_small(numbers: NDArray[Any]) -> NDArray[Any]:
    """The same numbers as bytes, if they are whole and fit."""
    fits = numbers.dtype.kind in "iu" and numbers.size and numbers.min() >= 0 and numbers.max() <= 255
    return numbers.astype(np.uint8) if fits else numbers
