"""MATLAB's .mat up to version 7, read by SciPy in a child process: EMNIST, SVHN, USPS and MNIST as they were published.

MATLAB stores arrays column by column and likes to count samples in the last dimension. Files of version 7.3 are HDF5.
"""

import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.data import matlab_child
from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.guarded import read_guarded
from minigrad_gui.data.pairing import pair_up, together
from minigrad_gui.data.siblings import family
from minigrad_gui.data.stored import Array, Found
from minigrad_gui.data.streams import read_exactly

MAX_UNPACKED_BYTES = 2 << 30
SCIPY_BYTES, MEMORY_FACTOR = 1 << 30, 3
"""Memory that reading may take: SciPy (1.17.1) believes what damaged files say of their sizes."""
COMPRESSED, MOST_PACKED = 15, 1032
"""Deflate cannot pack more bytes than this into one."""
HEADER_BYTES = 128


def recognises(start: bytes) -> bool:
    return start.startswith(b"MATLAB 5.0 MAT-file")


def read(path: Path) -> Found:
    """The dataset of a .mat file; if it lacks the test pictures, with the files that it belongs to."""
    arrays, files = _numbers_in(path), family(path)
    found = _found(arrays)
    if found.test or len(files) == 1:
        return found
    return _found(together({name: _numbers_in(file) for name, file in files.items()}))


def _found(arrays: Mapping[str, Array]) -> Found:
    mapping = next((array for name, array in arrays.items() if name.endswith("mapping")), None)
    arrays = {name: array for name, array in arrays.items() if not name.endswith("mapping")}
    if len(arrays) == 1 and len((array := next(iter(arrays.values()))).shape) == 3 and array.shape[2] == 10:
        return _usps(array.whole())
    found = pair_up(arrays)
    is_svhn = any(len(array.shape) == 4 for array in arrays.values())
    is_emnist = any(name.endswith("writers") for name in arrays)
    names = None if mapping is None else class_names(mapping.whole())
    orientation = "transposed" if is_emnist else None
    return Found(found.train, found.test, names, orientation, "10 is zero" if is_svhn else None, remarks=found.remarks)


def class_names(mapping: NDArray[Any]) -> dict[int, str] | None:
    """EMNIST's names of labels: rows of a label and the character codes it stands for."""
    if mapping.ndim != 2 or mapping.shape[1] < 2 or mapping.dtype.kind not in "iu" or not 1 < len(mapping) <= 100:
        return None
    return {int(row[0]): chr(int(row[1])) for row in mapping if 32 < row[1] < 127}


def _usps(array: NDArray[Any]) -> Found:
    """USPS as Sam Roweis published it: pixels x samples x digits, from 1 to 9 and then 0."""
    count = array.shape[1]
    pictures = np.moveaxis(array, 0, 2).reshape(count * 10, -1, order="F")
    labels = np.repeat(np.arange(1, 11), count)
    found = pair_up({"images": Array.of(pictures), "labels": Array.of(labels)})
    return Found(found.train, labels="10 is zero")


def _numbers_in(path: Path) -> dict[str, Array]:
    """The arrays in a file. Raises DataError if it is too large, or SciPy fails or crashes."""
    memory_bytes = SCIPY_BYTES + MEMORY_FACTOR * _unpacked_bytes(path)
    return read_guarded(matlab_child.__file__, path, most_memory_bytes=memory_bytes).arrays


def _unpacked_bytes(path: Path) -> int:
    """What the variables unpack to. Raises DataError if it is more than 2 GB.

    A variable is a tag of two numbers, kind and size, and its content, which zlib may have packed with a tag inside:
    https://www.mathworks.com/help/pdf_doc/matlab/matfile_format.pdf.
    """
    total, file_bytes = 0, path.stat().st_size
    with open(path, "rb") as file:
        order: Any = "little" if read_exactly(file, HEADER_BYTES)[-2:] == b"IM" else "big"
        while tag := file.read(8):
            kind, size = (int.from_bytes(tag[at : at + 4], order) for at in (0, 4))
            if kind == COMPRESSED:
                start = file.read(min(size, 512))
                inner = zlib.decompressobj().decompress(start, 8)
                unpacked = int.from_bytes(inner[4:8], order)
                file.seek(size - len(start), 1)
            else:
                unpacked = size
                file.seek(size, 1)
            if unpacked > file_bytes * (MOST_PACKED if kind == COMPRESSED else 1):
                raise DataError("it is damaged.")
            total += unpacked
            if total > MAX_UNPACKED_BYTES:
                raise DataError("it is too large.")
    return total
