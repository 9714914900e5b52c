"""Arrays that a file holds column by column, as MATLAB and Fortran do, read in blocks of rows.

A row is spread over the whole file, so that a block is gathered from all columns.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.data.stored import Array, block_rows
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
