"""Reads HDF5 in a process of its own, for guarded_child.py: arrays of numbers, labels that are text, and the attributes
that Keras writes.

Damaged attributes make HDF5 (h5py 3.16) loop forever, outside of Python.
"""

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

ATTRIBUTES = ("layer_names", "model_config", "name", "weight_names")
SKIPPED = {"optimizer", "optimizer_weights"}
MAX_NODES, MAX_DEPTH = 1000, 8
BLOCK_BYTES = 1 << 20
MAX_ROWS_OF_TEXT, MAX_TEXTS, MAX_TEXT_BYTES = 1 << 20, 100, 200
"""How many there may be, and how many of them may differ, as more are no classes; and what is read of a long one."""
ROWS_AT_ONCE = 4096
SIGNATURE = b"\x89HDF\r\n\x1a\n"
MATLAB_HEADER = b"MATLAB 7.3 MAT-file"
"""Of files whose dimensions come in reverse."""


def read(source: str, save: Callable[..., None]) -> dict[str, dict[str, Any]]:
    """Save all arrays of numbers under their paths; the attributes by path and name. Raises whatever h5py raises."""
    import h5py

    attributes: dict[str, dict[str, Any]] = {}
    arrays: dict[str, Any] = {}
    with open(source, "rb") as start, h5py.File(source, "r") as file:
        for path, node in nodes(file):
            if len(attributes) > MAX_NODES:
                raise MemoryError
            attributes[path] = {name: plain(node.attrs[name]) for name in ATTRIBUTES if name in node.attrs}
            if is_array(node):
                arrays[path] = node
            elif is_column_of_text(node):
                save_text(partial(save, path), node)
        is_matlab = start.read(len(MATLAB_HEADER)) == MATLAB_HEADER
        counts = {max(node.shape) for node in arrays.values() if node.ndim == 1 or min(node.shape) == 1}
        for path, node in arrays.items():
            save_upright(partial(save, path), node, counts) if is_matlab else save(
                path, node.shape, node.dtype, rows(node)
            )
    return attributes


def nodes(group: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Everything in a group that is in this file itself: links to others would be followed with our rights."""
    import h5py

    yield path, group
    if isinstance(group, h5py.Group) and path.count("/") < MAX_DEPTH:
        for key in group:
            if key not in SKIPPED and isinstance(group.get(key, getlink=True), h5py.HardLink):
                yield from nodes(group[key], f"{path}/{key}" if path else key)


def is_array(node: Any) -> bool:
    """Whether this is an array of numbers, in this file itself."""
    import h5py

    is_numbers = isinstance(node, h5py.Dataset) and node.dtype.kind in "buif" and bool(node.shape)
    return is_numbers and not (node.external or node.is_virtual)


def is_column_of_text(node: Any) -> bool:
    """Whether this is text for each sample, (N,) or (N, 1), in this file itself."""
    import h5py

    if not isinstance(node, h5py.Dataset) or h5py.check_string_dtype(node.dtype) is None or not node.shape:
        return False
    fits = node.shape[0] <= MAX_ROWS_OF_TEXT and math.prod(node.shape[1:]) == 1
    return fits and not (node.external or node.is_virtual)


def save_text(save: Callable[..., None], node: Any) -> None:
    """Text as bytes of equal length, if it can be labels."""
    found: set[bytes] = set()
    for block in texts(node):
        found.update(block)
        if len(found) > MAX_TEXTS:
            return
    dtype = np.dtype(f"S{max(map(len, found), default=1) or 1}")
    save((node.shape[0],), dtype, (np.array(block, dtype) for block in texts(node)))


def texts(node: Any) -> Iterator[list[bytes]]:
    for start in range(0, node.shape[0], ROWS_AT_ONCE):
        yield [text[:MAX_TEXT_BYTES] for text in node[start : start + ROWS_AT_ONCE].reshape(-1).tolist()]


def plain(value: Any) -> Any:
    """An attribute as JSON has it."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return [plain(each) for each in value.tolist()] if isinstance(value, np.ndarray) else str(value)


def save_upright(save: Callable[..., None], node: Any, counts: set[int]) -> None:
    """An array of MATLAB with samples in the first dimension, and pictures upright. counts: of samples."""
    *outer, last = node.shape
    if len(outer) == 1 and last in counts and outer[0] not in counts:
        save((last, outer[0]), node.dtype, columns(node))
    elif len(outer) > 1:
        save((*outer[:-1], last, outer[-1]), node.dtype, (block.swapaxes(-1, -2) for block in rows(node)))
    else:
        save(node.shape, node.dtype, rows(node))


def rows(node: Any) -> Iterator[NDArray[Any]]:
    count = max(1, BLOCK_BYTES // max(1, math.prod(node.shape[1:]) * node.dtype.itemsize))
    return (node[start : start + count] for start in range(0, node.shape[0], count))


def columns(node: Any) -> Iterator[NDArray[Any]]:
    count = max(1, BLOCK_BYTES // max(1, node.shape[0] * node.dtype.itemsize))
    return (node[:, start : start + count].T for start in range(0, node.shape[1], count))
