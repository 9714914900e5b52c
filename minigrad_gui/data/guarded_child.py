"""The process that reads a file for guarded.py: `guarded_child.py READER SOURCE FOLDER LIMITS`.

LIMITS are those of `read_guarded`, in its order. READER is a Python file with `read(source, save)`, which calls
`save(name, shape, dtype, blocks)` for each array and returns what else there is to tell, as JSON has it. This file and
readers import nothing else of the program, so that they start quickly.
"""

import json
import math
import os
import runpy
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

INDEX, ARRAY = "index.json", "array{}.npy"
TOO_LARGE = 3
"""The exit status; that of any other error is 1."""


class Saver:
    """Saves arrays as array0.npy and so on, block by block."""

    def __init__(self, folder: str, most_bytes: int) -> None:
        self.names: list[str] = []
        self._folder, self._bytes_left = folder, most_bytes

    def __call__(self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any], blocks: Iterable[NDArray[Any]]) -> None:
        """Raises MemoryError if it is too large."""
        self._bytes_left -= math.prod(shape) * dtype.itemsize
        if self._bytes_left < 0:
            raise MemoryError
        with open(os.path.join(self._folder, ARRAY.format(len(self.names))), "wb") as file:
            header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, header)
            for block in blocks:
                file.write(block.tobytes())
        self.names.append(name)


def main(reader: str, source: str, folder: str, most_bytes: int) -> None:
    """Save the arrays in `source` and, as index.json, what else its reader returns. Raises whatever that raises."""
    save = Saver(folder, most_bytes)
    about = runpy.run_path(reader)["read"](source, save)
    with open(os.path.join(folder, INDEX), "w", encoding="ascii") as text:
        json.dump({"arrays": save.names, "about": about}, text)


def limit(memory_bytes: int, cpu_s: int) -> None:
    """Where the operating system can, stop before the computer's memory is exhausted."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 1))
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


if __name__ == "__main__":
    given_reader, given_source, given_folder, given_bytes, given_memory, given_s = sys.argv[1:]
    limit(int(given_memory), int(given_s))
    try:
        main(given_reader, given_source, given_folder, int(given_bytes))
    except MemoryError:
        sys.exit(TOO_LARGE)
