"""NumPy's .npz and .npy: Keras' mnist.npz, MedMNIST, KMNIST, QuickDraw, and any whose arrays fit.

Arrays are read in blocks from the zip file, as `np.load` would hold all of them (its mmap_mode does nothing for .npz).
"""

import ast
import zipfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import islice
from math import prod
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.data.columns import Columns
from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.fields import fields_of
from minigrad_gui.data.pairing import kind_of, pair_files, pair_up, topic_of
from minigrad_gui.data.siblings import Files, visible
from minigrad_gui.data.stored import BLOCK_BYTES, Array, Found, Samples, as_pictures, block_rows
from minigrad_gui.data.streams import TemporaryFolder, open_entry, open_plain, read_exactly
from minigrad_gui.data.zips import entries

MAX_ARRAYS = 64
LOOKED_AT = 100
MAX_HEADER_BYTES = 1 << 16
MAX_PICKED_BYTES = 1 << 33
NPY_MAGIC = b"\x93NUMPY"
ARE_OBJECTS = (
    "Python objects, which could run code, so that they are not read; save arrays of numbers with numpy.savez."
)


def read(files: Files) -> Found:
    """The dataset of .npz files. Raises DataError, also because what is missing may be among Python objects."""
    try:
        return pair_files(files, read_arrays)
    except DataError as error:
        objects = [
            name for file in files.values() for name, array in _all_arrays(file).items() if array.dtype.hasobject
        ]
        if not objects:
            raise
        raise DataError(f"{str(error).removesuffix('.')}; “{objects[0]}” holds {ARE_OBJECTS}") from error


def read_npy(files: Files) -> Found:
    """The dataset of .npy files: pictures and labels in files of their own.

    Without labels, as in QuickDraw's, it is one class, and the other .npy files in the folder are the others.
    """
    read = {name: read_single(file) for name, file in files.items()}
    arrays = {part: each for name, array in read.items() for part, each in fields_of(name, array).items()}
    if any(array.dtype.hasobject for array in arrays.values()):
        raise DataError(f"it holds {ARE_OBJECTS}")
    (path, *others), (array, *_) = files.values(), arrays.values()
    if others or len(arrays) > 1 or kind_of(path.name, array) != "pictures":
        return pair_up(arrays)
    found = [file for file in sorted(path.parent.glob("*.npy")) if visible(file)][: MAX_ARRAYS + 1]
    classes = {file.stem.removeprefix("full_numpy_bitmap_"): read_single(file) for file in found}
    are_classes = all(kind_of(name, each) == "pictures" and topic_of(name) for name, each in classes.items())
    if not 1 < len(classes) <= MAX_ARRAYS or not are_classes:
        return pair_up(arrays)
    return Found(
        [Samples(as_pictures(array), np.repeat([name], array.shape[0])) for name, array in classes.items()],
        files=[file.name for file in found],
    )


def read_arrays(path: Path) -> Mapping[str, Array]:
    """All arrays in a .npz file that hold numbers or text; others, which need pickle, are not read."""
    arrays = _all_arrays(path)
    return {name: array for name, array in arrays.items() if array.shape and array.dtype.kind in "buifUS"}


def _all_arrays(path: Path) -> dict[str, Array]:
    with zipfile.ZipFile(path) as archive:
        names = [info.filename for info in archive.infolist() if info.filename.endswith(".npy")]
    if len(names) > MAX_ARRAYS:
        raise DataError(f"it holds more than {MAX_ARRAYS} arrays.")
    arrays = {name.removesuffix(".npy"): array_of(partial(open_entry, path, name)) for name in names}
    return {part: each for name, array in arrays.items() for part, each in fields_of(name, array).items()}


def read_single(path: Path) -> Array:
    """The array of a .npy file, which may be compressed."""
    return array_of(partial(open_plain, path))


def array_of(opened: Callable[[], Any]) -> Array:
    """The array in what `opened()` opens, in the format of .npy. Raises DataError for any other header."""
    with opened() as file:
        shape, in_columns, dtype = _header(file)
    if prod(shape) * dtype.itemsize > MAX_PICKED_BYTES:
        raise DataError("an array is too large.")
    return Array(shape, dtype, partial(_blocks_of_columns if in_columns else _blocks, opened, shape, dtype))


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether it is stored column by column, and dtype, from a header that is only parsed, never evaluated.

    Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html.
    """
    if read_exactly(file, 6) != NPY_MAGIC:
        raise DataError("an array is not in NumPy's format.")
    version = read_exactly(file, 2)[0]
    length = int.from_bytes(read_exactly(file, 2 if version == 1 else 4), "little")
    if length > MAX_HEADER_BYTES:
        raise DataError("an array is not in NumPy's format.")
    header = ast.literal_eval(read_exactly(file, length).decode("latin1").strip())
    shape, dtype = header["shape"], np.dtype(header["descr"])
    if not isinstance(shape, tuple) or len(shape) > 8 or not all(type(size) is int and size >= 0 for size in shape):
        raise DataError("an array is not in NumPy's format.")
    return cast("tuple[int, ...]", shape), bool(header["fortran_order"]) and len(shape) > 1, dtype


def _blocks(opened: Callable[[], Any], shape: tuple[int, ...], dtype: np.dtype[Any]) -> Iterator[NDArray[Any]]:
    with opened() as file:
        _header(file)
        rows, row_bytes = block_rows(shape, dtype), prod(shape[1:]) * dtype.itemsize
        for start in range(0, shape[0], rows):
            count = min(rows, shape[0] - start)
            content = read_exactly(file, count * row_bytes)
            yield np.frombuffer(content, dtype).reshape(count, *shape[1:])


def _blocks_of_columns(
    opened: Callable[[], Any], shape: tuple[int, ...], dtype: np.dtype[Any]
) -> Iterator[NDArray[Any]]:
    """Of an array that is stored column by column; a compressed file cannot be read here and there, but a copy can."""
    folder = TemporaryFolder()
    path = folder.path / "plain"
    left = prod(shape) * dtype.itemsize
    with opened() as file, open(path, "wb") as plain:
        _header(file)
        while left > 0:
            left -= plain.write(read_exactly(file, min(left, BLOCK_BYTES)))
    yield from Columns(path, 0, dtype, shape, folder).as_it_is().blocks()


def recognises_npz(path: Path) -> bool:
    """Whether a zip file holds arrays."""
    return any(entry.name.endswith(".npy") for entry in islice(entries(path), LOOKED_AT))
