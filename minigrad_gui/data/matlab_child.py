"""Reads a .mat file with SciPy, as a process of its own: `matlab_child.py SOURCE TARGET.npz`.

Damaged files can crash SciPy's compiled reader (1.17.1) without any exception. This file imports nothing else of the
program, so that it starts quickly.
"""

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_DEPTH = 4


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


def main(source: str, target: str) -> None:
    """Save the arrays of `source`, as array0 and so on, with their names. Raises whatever SciPy raises."""
    arrays = numbers_in(source)
    numbered: dict[str, Any] = {f"array{index}": array for index, array in enumerate(arrays.values())}
    np.savez(target, names=np.array(list(arrays), np.str_), **numbered)


if __name__ == "__main__":
    main(*sys.argv[1:])
