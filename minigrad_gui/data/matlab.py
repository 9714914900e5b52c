"""MATLAB's .mat up to version 7, read by SciPy in a child process: EMNIST, SVHN, USPS and MNIST as they were published.

MATLAB stores arrays column by column and likes to count samples in the last dimension. Files of version 7.3 are HDF5.
"""

import re
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.data import matlab_child
from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.pairing import pair_up
from minigrad_gui.data.siblings import family
from minigrad_gui.data.stored import Array, Found
from minigrad_gui.data.streams import read_exactly

MAX_UNPACKED_BYTES = 2 << 30
MAX_SECONDS = 300
COMPRESSED = 15
HEADER_BYTES = 128
CLASS_IN_NAME = re.compile(r"(.*?)_?(\d)")


def recognises(start: bytes) -> bool:
    return start.startswith(b"MATLAB 5.0 MAT-file")


def read(path: Path) -> Found:
    """The dataset of a .mat file; if it lacks the test pictures, with the files that it belongs to."""
    found = _found(_numbers_in(path))
    if found.test or len(files := family(path)) == 1:
        return found
    named = {f"{name} {key}": array for name, file in files.items() for key, array in _numbers_in(file).items()}
    return _found(named)


def _found(arrays: Mapping[str, NDArray[Any]]) -> Found:
    mapping = next((array for name, array in arrays.items() if name.endswith("mapping")), None)
    arrays = {name: array for name, array in arrays.items() if not name.endswith("mapping")}
    if len(arrays) == 1 and (array := next(iter(arrays.values()))).ndim == 3 and array.shape[2] == 10:
        return _usps(array)
    found = pair_up({name: Array.of(array) for name, array in upright(_labelled(arrays)).items()})
    is_svhn = any(array.ndim == 4 for array in arrays.values())
    is_emnist = any(name.endswith("writers") for name in arrays)
    names = None if mapping is None else class_names(mapping)
    orientation = "transposed" if is_emnist else None
    return Found(found.train, found.test, names, orientation, "10 is zero" if is_svhn else None, remarks=found.remarks)


def class_names(mapping: NDArray[Any]) -> dict[int, str] | None:
    """EMNIST's names of labels: rows of a label and the character codes it stands for."""
    if mapping.ndim != 2 or mapping.shape[1] < 2 or mapping.dtype.kind not in "iu" or not 1 < len(mapping) <= 100:
        return None
    return {int(row[0]): chr(int(row[1])) for row in mapping if 32 < row[1] < 127}


def upright(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The arrays with samples in the first dimension: that is the dimension as long as an array of labels."""
    counts = {max(array.shape) for array in arrays.values() if array.ndim == 1 or min(array.shape) == 1}
    turned = {}
    for name, array in arrays.items():
        if array.ndim > 1 and array.shape[0] not in counts and array.shape[-1] in counts:
            array = np.moveaxis(array, -1, 0)
        turned[name] = array
    return turned


def _labelled(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Arrays named after their classes, as train0 to train9, as one with labels; others as they are."""
    matches = {name: CLASS_IN_NAME.fullmatch(name) for name in arrays}
    if len(arrays) < 2 or not all(match and arrays[name].ndim == 2 for name, match in matches.items()):
        return dict(arrays)
    groups: dict[str, list[str]] = {}
    for name, match in matches.items():
        assert match is not None
        groups.setdefault(match[1], []).append(name)
    result = {}
    for group, names in groups.items():
        result[f"{group} images"] = np.concatenate([arrays[name] for name in names])
        result[f"{group} labels"] = np.repeat([int(name[-1]) for name in names], [len(arrays[name]) for name in names])
    return result


def _usps(array: NDArray[Any]) -> Found:
    """USPS as Sam Roweis published it: pixels x samples x digits, from 1 to 9 and then 0."""
    count = array.shape[1]
    pictures = np.moveaxis(array, 0, 2).reshape(count * 10, -1, order="F")
    labels = np.repeat(np.arange(1, 11), count)
    found = pair_up({"images": Array.of(pictures), "labels": Array.of(labels)})
    return Found(found.train, labels="10 is zero")


def _numbers_in(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays that the child process finds in a file. Raises DataError if it fails or crashes."""
    _check_sizes(path)
    with tempfile.TemporaryDirectory(prefix="minigrad-") as folder:
        target = Path(folder) / "arrays.npz"
        command = [sys.executable, "-P", matlab_child.__file__, str(path), str(target)]
        try:
            child = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=MAX_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise DataError("it takes too long to read.") from error
        if child.returncode:
            raise DataError("it is damaged.")
        with np.load(target, allow_pickle=False) as arrays:
            return {str(name): arrays[f"array{index}"] for index, name in enumerate(arrays["names"])}


def _check_sizes(path: Path) -> None:
    """Raise DataError if the variables unpack to more than 2 GB.

    A variable is a tag of two numbers, kind and size, and its content, which zlib may have packed with a tag inside:
    https://www.mathworks.com/help/pdf_doc/matlab/matfile_format.pdf.
    """
    total = 0
    with open(path, "rb") as file:
        order: Any = "little" if read_exactly(file, HEADER_BYTES)[-2:] == b"IM" else "big"
        while tag := file.read(8):
            kind, size = (int.from_bytes(tag[at : at + 4], order) for at in (0, 4))
            if kind == COMPRESSED:
                start = file.read(min(size, 512))
                inner = zlib.decompressobj().decompress(start, 8)
                total += int.from_bytes(inner[4:8], order)
                file.seek(size - len(start), 1)
            else:
                total += size
                file.seek(size, 1)
            if total > MAX_UNPACKED_BYTES:
                raise DataError("it is too large.")
