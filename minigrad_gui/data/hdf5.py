"""HDF5, if `h5py` is installed: usps.h5, and MATLAB's files of version 7.3, whose dimensions come in reverse."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.matlab import class_names
from minigrad_gui.data.pairing import pair_up
from minigrad_gui.data.stored import MAX_PICTURES, Array, Found, block_rows

SIGNATURE = b"\x89HDF\r\n\x1a\n"
MATLAB_HEADER = b"MATLAB 7.3 MAT-file"
MAX_ARRAYS = 64
MAX_ROW_BYTES = 1 << 26


def recognises(start: bytes) -> bool:
    return start.startswith((SIGNATURE, MATLAB_HEADER))


def read(path: Path) -> Found:
    """The dataset of an HDF5 file. Raises DataError if `h5py` is missing."""
    try:
        import h5py
    except ImportError as error:
        raise DataError("reading HDF5 takes the package h5py.") from error

    names: list[str] = []
    with open(path, "rb") as start, h5py.File(path, "r") as file:
        is_matlab = start.read(len(MATLAB_HEADER)) == MATLAB_HEADER

        def visit(name: str, node: Any) -> None:
            # Data in other files would be read with the rights of whoever opens this one.
            if isinstance(node, h5py.Dataset) and node.dtype.kind in "buif" and not (node.external or node.is_virtual):
                names.append(name)

        file.visititems(visit)
        if len(names) > MAX_ARRAYS:
            raise DataError(f"it holds more than {MAX_ARRAYS} arrays.")
        nodes = {name: file[name] for name in names if file[name].shape}
        counts = {max(node.shape) for node in nodes.values() if node.ndim == 1 or min(node.shape) == 1}
        arrays = {name: _array(path, name, node, counts if is_matlab else None) for name, node in nodes.items()}
        mapping = next((np.asarray(file[name]).T for name in names if name.endswith("mapping")), None)
    known = {name: array for name, array in arrays.items() if not name.endswith("mapping")}
    found = pair_up(known)
    is_emnist = any(name.endswith("writers") for name in known)
    labelled = class_names(mapping.astype(np.int64)) if mapping is not None and mapping.ndim == 2 else None
    return Found(found.train, found.test, labelled, "transposed" if is_emnist else None, remarks=found.remarks)


def _array(path: Path, name: str, node: Any, counts: set[int] | None) -> Array:
    """An array, with samples in the first dimension; counts: of samples, in MATLAB's files."""
    shape = tuple(node.shape)
    by_columns = counts is not None and len(shape) == 2 and shape[1] in counts and shape[0] not in counts
    swapped = counts is not None and len(shape) > 2
    shape = shape[::-1] if by_columns else (*shape[:-2], shape[-1], shape[-2]) if swapped else shape
    if shape[0] > MAX_PICTURES or int(np.prod(shape[1:], dtype=np.int64)) * node.dtype.itemsize > MAX_ROW_BYTES:
        raise DataError("an array is too large.")
    return Array(shape, node.dtype, partial(_blocks, path, name, shape, node.dtype, by_columns, swapped))


def _blocks(
    path: Path, name: str, shape: tuple[int, ...], dtype: np.dtype[Any], by_columns: bool, swapped: bool
) -> Iterator[NDArray[Any]]:
    import h5py

    rows = block_rows(shape, dtype)
    with h5py.File(path, "r") as file:
        node = file[name]
        for start in range(0, shape[0], rows):
            if by_columns:
                yield node[:, start : start + rows].T
            else:
                block = node[start : start + rows]
                yield block.swapaxes(-1, -2) if swapped else block
