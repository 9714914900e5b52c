"""Finds the arrays of numbers in MATLAB's .mat files of version 4, as `save -v4` and old programs write them.

A file is a row of matrices, each with a head of five whole numbers (which say what the numbers are, how many rows and
columns there are, and how long the name is), the name, and the numbers column by column:
https://www.mathworks.com/help/pdf_doc/matlab/matfile_format.pdf, appendix "Level 4".
"""

import re
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minigrad_gui.data.columns import Columns
from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.streams import read_exactly

HEAD_BYTES = 20
DTYPES = ("f8", "f4", "i4", "i2", "u2", "u1")
NUMBERS, TEXT, SPARSE = range(3)
NAME = re.compile(rb"[A-Za-z]\w{0,62}\0")
MAX_NAME_BYTES, MAX_ARRAYS = 64, 64


class _Head(NamedTuple):
    """What a matrix holds (of NUMBERS, TEXT, SPARSE), its dtype, shape and parts (2: complex), and its name's bytes."""

    held: int
    dtype: np.dtype[Any]
    shape: tuple[int, int]
    parts: int
    name_bytes: int


def recognises(start: bytes) -> bool:
    """Whether a file begins with the head and the name of a matrix: the format has no other sign."""
    head = _head(start[:HEAD_BYTES]) if len(start) > HEAD_BYTES else None
    return head is not None and NAME.fullmatch(start[HEAD_BYTES : HEAD_BYTES + head.name_bytes]) is not None


def arrays_in(path: Path) -> dict[str, Columns]:
    """All matrices of more than one number in a file, by name. Raises DataError for damage."""
    return dict(_arrays_in(path))


def _arrays_in(path: Path) -> Iterator[tuple[str, Columns]]:
    size = path.stat().st_size
    with open(path, "rb") as file:
        for _ in range(MAX_ARRAYS):
            head = _head(read_exactly(file, HEAD_BYTES))
            if head is None:
                break
            name = read_exactly(file, head.name_bytes)
            start = file.tell()
            end = start + prod(head.shape) * head.parts * head.dtype.itemsize
            if not NAME.fullmatch(name) or end > size:
                break
            shape = tuple(each for each in head.shape if each > 1)
            if head.held == NUMBERS and head.parts == 1 and shape and all(head.shape):
                yield name[:-1].decode("ascii"), Columns(path, start, head.dtype, shape, None)
            if end == size:
                return
            file.seek(end)
        else:
            raise DataError(f"it holds more than {MAX_ARRAYS} arrays.")
    raise DataError("it is damaged.")


def _head(content: bytes | bytearray) -> _Head | None:
    """What a head says; None if it is none."""
    for machine, order in enumerate("<>"):
        kind, rows, columns, is_complex, name_bytes = np.frombuffer(content, f"{order}i4", 5).tolist()
        precision, held = divmod(kind - 1000 * machine, 10)  # the thousands tell the order of bytes
        is_valid = 0 <= precision < len(DTYPES) and held <= SPARSE and min(rows, columns) >= 0 and is_complex in (0, 1)
        if is_valid and 1 < name_bytes <= MAX_NAME_BYTES:
            return _Head(held, np.dtype(f"{order}{DTYPES[precision]}"), (rows, columns), 1 + is_complex, name_bytes)
    return None
