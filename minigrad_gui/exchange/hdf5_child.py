"""Reads what Keras needs of an HDF5 file, as a process of its own: `hdf5_child.py SOURCE FOLDER`.

Damaged attributes make HDF5 (h5py 3.16) loop forever, outside of Python. This file imports nothing else of the program,
so that it starts quickly.
"""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np

INDEX, ARRAYS = "index.json", "arrays.npz"
ATTRIBUTES = ("model_config", "name", "weight_names")
SKIPPED = {"optimizer", "optimizer_weights"}
MAX_NODES, MAX_DEPTH = 1000, 8
MAX_NUMBERS = 1 << 26
MAX_CPU_S, MAX_MEMORY_BYTES = 10, 8 << 30


def nodes(group: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Everything in a group that is in this file itself: links to others would be followed with our rights."""
    import h5py

    yield path, group
    if isinstance(group, h5py.Group) and path.count("/") < MAX_DEPTH:
        for key in group:
            if key not in SKIPPED and isinstance(group.get(key, getlink=True), h5py.HardLink):
                yield from nodes(group[key], f"{path}/{key}" if path else key)


def plain(value: Any) -> Any:
    """An attribute as JSON has it."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return [plain(each) for each in value.tolist()] if isinstance(value, np.ndarray) else str(value)


def main(source: str, folder: str) -> None:
    """Save attributes by path and name, and the paths of arrays, as index.json; the arrays as arrays.npz.

    Raises whatever h5py raises.
    """
    import h5py

    attributes: dict[str, dict[str, Any]] = {}
    arrays: dict[str, Any] = {}
    with h5py.File(source, "r") as file:
        for path, node in nodes(file):
            if len(attributes) > MAX_NODES:
                raise ValueError("these are too many nodes")
            attributes[path] = {name: plain(node.attrs[name]) for name in ATTRIBUTES if name in node.attrs}
            if isinstance(node, h5py.Dataset) and node.dtype.kind == "f" and not (node.external or node.is_virtual):
                if node.size + sum(array.size for array in arrays.values()) > MAX_NUMBERS:
                    raise ValueError("these are too many numbers")
                arrays[path] = node[()]
    with open(os.path.join(folder, INDEX), "w", encoding="ascii") as text:
        json.dump({"attributes": attributes, "arrays": list(arrays)}, text)
    np.savez(os.path.join(folder, ARRAYS), *arrays.values(), allow_pickle=False)


def limit() -> None:
    """Where the operating system can, stop before the computer's memory is exhausted."""
    with suppress(ImportError):
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_S, MAX_CPU_S))
        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))


if __name__ == "__main__":
    limit()
    main(*sys.argv[1:])
