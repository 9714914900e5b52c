"""Finds the arrays of numbers in MATLAB's .mat files up to version 7.

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
from typing import IO, Literal

import numpy as np

from minigrad_gui.data.columns import Columns
from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.streams import TemporaryFolder, read_exactly

MAX_UNPACKED_BYTES = 2 << 30
MAX_ARRAYS, MAX_DEPTH, MAX_DIMENSIONS = 64, 4, 8
MAX_NAME_BYTES, MAX_NAMES_BYTES = 256, 1 << 16
PIECE_BYTES = 1 << 18
HEADER_BYTES, TAG_BYTES = 128, 8
MATRIX, COMPRESSED = 14, 15
STRUCTURE, NUMERIC_CLASSES, IS_COMPLEX = 2, range(6, 16), 0x800
DTYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}


def numbers_in(path: Path) -> dict[str, Columns]:
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


def _named(file: _File, variables: list[_Element], path: Path, folder: TemporaryFolder | None) -> dict[str, Columns]:
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
                named[name] = Columns(path, numbers.start, dtype, shape, folder)
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
