"""Reads a .mat file with SciPy in a process of its own, for guarded_child.py.

Damaged files can crash SciPy's compiled reader (1.17.1) without any exception.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_DEPTH = 4
BLOCK_BYTES = 1 << 20
CLASS_IN_NAME = re.compile(r"(.*?)_?(\d)")


def numbers_in(path: str) -> dict[str, NDArray[Any]]:
    """All arrays of numbers in a file, by name; those in structures as "structure field"."""
    from scipy.io.matlab import loadmat

    loaded = loadmat(path, simplify_cells=True, appendmat=False)
    return dict(_flat({name: value for name, value in loaded.items() if not name.startswith("__")}, "", 0))


def _flat(value: Any, name: str, depth: int) -> Iterator[tuple[str, NDArray[Any]]]:
    if isinstance(value, dict) and depth < MAX_DEPTH:
        for key, held in value.items():
            yield from _flat(held, f"{name} {key}".strip(), depth + 1)
    elif isinstance(value, np.ndarray) and value.dtype.kind in "buif" and value.size > 1:
        yield name, value


def upright(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The arrays with samples in the first dimension: that is the dimension as long as an array of labels.

    Without labels, it is the last one of square pictures.
    """
    counts = {max(array.shape) for array in arrays.values() if array.ndim == 1 or min(array.shape) == 1}
    turned = {}
    for name, array in arrays.items():
        is_square = not counts and array.ndim == 3 and array.shape[0] == array.shape[1]
        if is_square or (array.ndim > 1 and array.shape[0] not in counts and array.shape[-1] in counts):
            array = np.moveaxis(array, -1, 0)
        turned[name] = array
    return turned


def labelled(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
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


def read(source: str, save: Callable[..., None]) -> None:
    """Save the arrays, each sample in one piece. Raises whatever SciPy raises."""
    for name, array in upright(labelled(numbers_in(source))).items():
        rows = max(1, BLOCK_BYTES // max(1, array[:1].nbytes))
        blocks = (array[start : start + rows] for start in range(0, len(array), rows))
        save(name, array.shape, array.dtype, blocks)
