"""IDX, the format of MNIST, Fashion-MNIST, EMNIST, KMNIST and QMNIST: pictures and labels in files of their own.

Two zero bytes, the kind of number, the number of dimensions, each dimension as 4 bytes, then the values; all of it
big-endian (http://yann.lecun.com/exdb/mnist).
"""

from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.emnist import completed
from minigrad_gui.data.pairing import pair_up
from minigrad_gui.data.siblings import Files
from minigrad_gui.data.stored import MAX_PICTURES, Array, Found, block_rows
from minigrad_gui.data.streams import open_plain, read_exactly

KINDS = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
MAX_DIMENSIONS = 4
QMNIST_COLUMNS = 8


def recognises(start: bytes) -> bool:
    return len(start) > 3 and start[:2] == b"\0\0" and start[2] in KINDS and 1 <= start[3] <= MAX_DIMENSIONS


def read(files: Files) -> Found:
    """The dataset of IDX files: one holds the pictures, one their labels, two more those to test on."""
    return completed(pair_up({name: read_array(file) for name, file in files.items()}), files)


def read_array(path: Path) -> Array:
    """The array of one IDX file. Raises DataError if the header is wrong; blocks raise it if the file is cut."""
    with open_plain(path) as file:
        start = read_exactly(file, 4)
        if not recognises(bytes(start)):
            raise DataError(f"{path.name} is not an IDX file.")
        shape = tuple(int.from_bytes(read_exactly(file, 4)) for _ in range(start[3]))
    if shape[0] > MAX_PICTURES or prod(shape[1:]) > 1 << 24:
        raise DataError(f"{path.name} is too large.")
    stored = Array(shape, np.dtype(KINDS[start[2]]), lambda: _blocks(path, shape, np.dtype(KINDS[start[2]])))
    if len(shape) == 2 and shape[1] == QMNIST_COLUMNS and stored.dtype == ">i4":  # QMNIST: the digit, and who wrote it
        return Array(shape[:1], stored.dtype, lambda: (block[:, 0] for block in stored.blocks()))
    return stored


def _blocks(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Iterator[NDArray[Any]]:
    row_bytes, rows = prod(shape[1:]) * dtype.itemsize, block_rows(shape, dtype)
    with open_plain(path) as file:
        read_exactly(file, 4 + 4 * len(shape))
        for start in range(0, shape[0], rows):
            count = min(rows, shape[0] - start)
            yield np.frombuffer(read_exactly(file, count * row_bytes), dtype).reshape(count, *shape[1:])
        if file.read(1):
            raise DataError(f"{path.name} is longer than it says.")
