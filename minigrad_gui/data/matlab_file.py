"""Finds the arrays of numbers in MATLAB's .mat files up to version 7, and reads them in blocks.

A file is a row of elements, each a tag of kind and size and then its content. The content of a matrix is elements
again, the fields of a structure are matrices, and zlib may have packed a whole variable:
https://www.mathworks.com/help/pdf_doc/matlab/matfile_format.pdf.

SciPy (1.17) would hold each array whole, and in a process of its own, for damaged files crash it.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.stored import Array, block_rows
from minigrad_gui.data.streams import TemporaryFolder, read_exactly

MAX_UNPACKED_BYTES = 2 << 30
MAX_ARRAYS, MAX_DEPTH, MAX_DIMENSIONS = 64, 4, 8
MAX_NAME_BYTES, MAX_NAMES_BYTES = 256, 1 << 16
COLUMN_BYTES = 1 << 12
"""Read from a column at a time; less makes reading slow."""
MAX_BLOCK_BYTES = 1 << 21
PIECE_BYTES = 1 << 18
HEADER_BYTES, TAG_BYTES = 128, 8
MATRIX, COMPRESSED = 14, 15
STRUCTURE, NUMERIC_CLASSES, IS_COMPLEX = 2, range(6, 16), 0x800
DTYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}


@dataclass(frozen=True)
class Numbers:
    """An array of numbers in a file, column by column: its shape without dimensions of 1, and where it starts.

    folder: temporary, that the file is in; it lasts as long as what was made of this.
    """

    path: Path
    start: int
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    folder: TemporaryFolder | None = None

    def as_it_is(self) -> Array:
        return Array(self.shape, self.dtype, self._rows)

    def last_first(self) -> Array:
        """The array with its last dimension first."""
        return Array((self.shape[-1], *self.shape[:-1]), self.dtype, self._last_first)

    def _rows(self) -> Iterator[NDArray[Any]]:
        """Blocks gathered from all columns."""
        count, *each = self.shape
        columns, size = prod(each), self.dtype.itemsize
        most = max(1, min(COLUMN_BYTES, MAX_BLOCK_BYTES // max(1, columns)) // size)
        with open(self.path, "rb", buffering=0) as file:
            for first in range(0, count, most):
                rows = min(most, count - first)
                block = memoryview(bytearray(columns * rows * size))
                for column in range(columns):
                    file.seek(self.start + (column * count + first) * size)
                    file.readinto(block[column * rows * size : (column + 1) * rows * size])
                yield np.ndarray((rows, *each), self.dtype, block, order="F")

    def _last_first(self) -> Iterator[NDArray[Any]]:
        *each, count = self.shape
        sample_bytes, most = prod(each) * self.dtype.itemsize, block_rows((count, *each), self.dtype)
        with open(self.path, "rb") as file:
            file.seek(self.start)
            for first in range(0, count, most):
                rows = min(most, count - first)
                content = read_exactly(file, rows * sample_bytes)
                yield np.moveaxis(np.ndarray((*each, rows), self.dtype, content, order="F"), -1, 0)


def numbers_in(path: Path) -> dict[str, Numbers]:
    """All arrays of numbers in a file, by name; those in structures as "structure field".

    Raises DataError for damage and for more than 2 GB.
    """
    with open(path, "rb") as packed:
        file = _File(packed, "little" if read_exactly(packed, HEADER_BYTES)[-2:] == b"IM" else "big")
        variables = list(file.elements(HEADER_BYTES, path.stat().st_size))
        named = _named(file, variables, path, None)
        if all(variable.kind != COMPRESSED for variable in variables):
            return named
        folder = TemporaryFolder()
        plain = folder.path / "plain.mat"
        with open(plain, "w+b") as unpacked:
            for variable in variables:
                if variable.kind == COMPRESSED:
                    _unpack(packed, variable, unpacked)
            file = _File(unpacked, file.order)
            return named | _named(file, list(file.elements(0, unpacked.tell())), plain, folder)


@dataclass(frozen=True)
class _Element:
    """A part of a file: its kind, its content's first byte and size, and where the next element begins."""

    kind: int
    start: int
    size: int
    end: int


@dataclass(frozen=True)
class _File:
    file: IO[bytes]
    order: Literal["little", "big"]

    def elements(self, start: int, end: int) -> Iterator[_Element]:
        """The elements between two places. Raises DataError if one is longer."""
        while start + TAG_BYTES <= end:
            tag = self.content(_Element(0, start, TAG_BYTES, 0))
            kind, size = (int.from_bytes(tag[at : at + 4], self.order) for at in (0, 4))
            if kind >> 16:  # a small one, its content within the tag
                element = _Element(kind & 0xFFFF, start + 4, min(kind >> 16, 4), start + TAG_BYTES)
            else:
                padding = 0 if kind == COMPRESSED else -size % 8
                element = _Element(kind, start + TAG_BYTES, size, start + TAG_BYTES + size + padding)
            if element.start + element.size > end:
                raise DataError("it is damaged.")
            yield element
            start = element.end

    def content(self, element: _Element, most_bytes: int = MAX_NAMES_BYTES) -> bytes | bytearray:
        if element.size > most_bytes:
            raise DataError("it is damaged.")
        self.file.seek(element.start)
        return read_exactly(self.file, element.size)

    def whole_numbers(self, element: _Element) -> list[int]:
        content = self.content(element)
        return [int.from_bytes(content[at : at + 4], self.order, signed=True) for at in range(0, len(content), 4)]

    def arrays(self, matrix: _Element, path: str = "", depth: int = 0) -> Iterator[tuple[str, _Element, list[int]]]:
        """Name, numbers and dimensions of a matrix, or of those in the structure that it is."""
        if matrix.kind != MATRIX or depth > MAX_DEPTH:
            return
        parts = self.elements(matrix.start, matrix.start + matrix.size)
        flags = next((self.whole_numbers(part)[0] for part in parts), 0)
        held = flags & 0xFF
        if held != STRUCTURE and (held not in NUMERIC_CLASSES or flags & IS_COMPLEX):
            return
        dimensions = self.whole_numbers(next(parts))
        own_name = self.content(next(parts), MAX_NAME_BYTES).decode("ascii", "replace")
        if held != STRUCTURE:
            yield path or own_name, next(parts), dimensions
        elif prod(dimensions) == 1:
            for field, value in zip(self._field_names(parts), parts, strict=False):
                yield from self.arrays(value, f"{path or own_name} {field}", depth + 1)

    def _field_names(self, parts: Iterator[_Element]) -> list[str]:
        length = self.whole_numbers(next(parts))[0]
        names = self.content(next(parts))
        if length < 1:
            raise DataError("it is damaged.")
        return [
            names[at : at + length].split(b"\0")[0].decode("ascii", "replace") for at in range(0, len(names), length)
        ]


def _named(file: _File, variables: list[_Element], path: Path, folder: TemporaryFolder | None) -> dict[str, Numbers]:
    named = {}
    for variable in variables:
        for name, numbers, dimensions in file.arrays(variable):
            if numbers.kind not in DTYPES or min(dimensions) < 0 or len(dimensions) > MAX_DIMENSIONS:
                raise DataError("it is damaged.")
            dtype = np.dtype(DTYPES[numbers.kind]).newbyteorder(file.order)
            if prod(dimensions) * dtype.itemsize != numbers.size:
                raise DataError("it is damaged.")
            if prod(dimensions) > 1:
                shape = tuple(size for size in dimensions if size > 1)
                named[name] = Numbers(path, numbers.start, dtype, shape, folder)
            if len(named) > MAX_ARRAYS:
                raise DataError(f"it holds more than {MAX_ARRAYS} arrays.")
    return named


def _unpack(packed: IO[bytes], variable: _Element, unpacked: IO[bytes]) -> None:
    """Add what a variable unpacks to. Raises DataError if it ends too early, or all is more than 2 GB."""
    unpacking = zlib.decompressobj()
    packed.seek(variable.start)
    left = variable.size
    while not unpacking.eof:
        piece = unpacking.unconsumed_tail
        if not piece:
            piece = packed.read(min(PIECE_BYTES, left))
            left -= len(piece)
        plain = unpacking.decompress(piece, PIECE_BYTES)
        if not (piece or plain):
            raise DataError("it ends too early.")
        unpacked.write(plain)
        if unpacked.tell() > MAX_UNPACKED_BYTES:
            raise DataError("it is too large.")
    unpacked.write(bytes(-unpacked.tell() % TAG_BYTES))
