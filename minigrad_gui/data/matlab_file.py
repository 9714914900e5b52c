"""Finds the arrays in MATLAB's .mat files of versions 5 to 7: of numbers, of text for each sample, and in cells.

Categories and strings are objects: see `matlab_objects`.

A file is a row of elements, each a tag of kind and size and then its content. The content of a matrix is elements
again, the cells and the fields of a structure are matrices, and zlib may have packed a whole variable:
https://www.mathworks.com/help/pdf_doc/matlab/matfile_format.pdf.

SciPy (1.17) would hold each array whole, and in a process of its own, for damaged files crash it.
"""

import sys
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.data.columns import Columns
from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.matlab_objects import Objects, as_labels
from minigrad_gui.data.stored import MAX_PICTURES, Array, block_rows
from minigrad_gui.data.streams import TemporaryFolder, read_exactly

MAX_UNPACKED_BYTES = 2 << 30
MAX_ARRAYS, MAX_DEPTH, MAX_DIMENSIONS = 64, 4, 8
MAX_NAME_BYTES, MAX_NAMES_BYTES = 256, 1 << 16
PIECE_BYTES = 1 << 18
HEADER_BYTES, TAG_BYTES = 128, 8
MATRIX, COMPRESSED = 14, 15
CELLS, STRUCTURE, CHARACTERS, NUMERIC_CLASSES, OBJECT, IS_COMPLEX = 1, 2, 4, range(6, 16), 17, 0x800
SUBSYSTEM = ""
"""The name of the variable with what objects hold."""
ENCODINGS = {1: "latin-1", 2: "latin-1", 4: "utf-16-{}e", 16: "utf-8", 17: "utf-16-{}e", 18: "utf-32-{}e"}
MAX_CHARACTERS = 1 << 22
MAX_WHOLE_BYTES = 1 << 26
DTYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}


def arrays_in(path: Path) -> dict[str, Columns | Array]:
    """All arrays of numbers in a file, by name; those in structures as "structure field".

    As `Array`, with samples first: cells of numbers that all have one shape, upright; and text for each sample (N,), of
    a matrix of characters or in cells, if it can be labels. Text for each row or column of cells counts for all in it.

    Raises DataError for damage and for more than 2 GB.
    """
    with open(path, "rb") as packed, ExitStack() as opened:
        file = _File(packed, "little" if read_exactly(packed, HEADER_BYTES)[-2:] == b"IM" else "big")
        variables = list(file.elements(HEADER_BYTES, path.stat().st_size))
        places = [_Place(file, variables, path, None)]
        if any(variable.kind == COMPRESSED for variable in variables):
            folder = TemporaryFolder()
            plain = folder.path / "plain.mat"
            unpacked = opened.enter_context(open(plain, "w+b"))
            for variable in variables:
                if variable.kind == COMPRESSED:
                    _unpack(packed, variable, unpacked)
            file = _File(unpacked, file.order)
            places.append(_Place(file, list(file.elements(0, unpacked.tell())), plain, folder))
        objects = next(filter(None, map(_objects, places)), None)
        named = {name: found for place in places for name, found in _named(place, objects).items()}
        for grid in [each for each in named.values() if isinstance(each, _Grid)]:
            named |= {name: grid.for_all(each) for name, each in named.items() if isinstance(each, Array)}
        return named


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

    def matrices(self, matrix: _Element, path: str = "", depth: int = 0) -> Iterator[tuple[str, "_Matrix"]]:
        """Name and content of a matrix, or of those in the structure that it is."""
        if matrix.kind != MATRIX or depth > MAX_DEPTH:
            return
        parts = self.elements(matrix.start, matrix.start + matrix.size)
        flags = next((self.whole_numbers(part)[0] for part in parts), 0)
        held = flags & 0xFF
        if held == OBJECT:
            texts = []
            while (part := next(parts, None)) and part.kind != MATRIX:
                texts.append(self.content(part, MAX_NAME_BYTES).decode("ascii", "replace"))
            if part and texts:
                yield path or texts[0], _Matrix(OBJECT, [], iter([part]))
            return
        if held not in (CELLS, STRUCTURE, CHARACTERS, *NUMERIC_CLASSES) or flags & IS_COMPLEX:
            return
        dimensions = self.whole_numbers(next(parts))
        own_name = self.content(next(parts), MAX_NAME_BYTES).decode("ascii", "replace")
        if min(dimensions, default=-1) < 0 or len(dimensions) > MAX_DIMENSIONS:
            raise DataError("it is damaged.")
        if held != STRUCTURE:
            yield path or own_name, _Matrix(held, dimensions, parts)
        elif prod(dimensions) == 1:
            for field, value in zip(self._field_names(parts), parts, strict=False):
                yield from self.matrices(value, f"{path or own_name} {field}", depth + 1)

    def numbers(self, matrix: "_Matrix") -> tuple[int, np.dtype[Any]]:
        """The first byte and the dtype of a matrix of numbers."""
        numbers = next(matrix.parts)
        if numbers.kind not in DTYPES:
            raise DataError("it is damaged.")
        dtype = np.dtype(DTYPES[numbers.kind]).newbyteorder(self.order)
        if prod(matrix.dimensions) * dtype.itemsize != numbers.size:
            raise DataError("it is damaged.")
        return numbers.start, dtype

    def matrix(self, element: _Element) -> "_Matrix":
        """The matrix in a cell, or without a name. Raises DataError if there is none."""
        for _, matrix in self.matrices(element, depth=MAX_DEPTH):
            return matrix
        raise DataError("it is damaged.")

    def array(self, matrix: "_Matrix") -> NDArray[Any]:
        """All numbers of a small matrix, column by column. Raises DataError for a large one."""
        start, dtype = self.numbers(matrix)
        numbers = _Element(0, start, prod(matrix.dimensions) * dtype.itemsize, 0)
        return np.frombuffer(self.content(numbers, MAX_WHOLE_BYTES), dtype)

    def rows_of_text(self, matrix: "_Matrix") -> list[str]:
        """The rows of a matrix of characters, which are stored column by column, without blanks at their ends."""
        characters = next(matrix.parts, None)
        if characters is None or len(matrix.dimensions) != 2 or prod(matrix.dimensions) > MAX_CHARACTERS:
            return []
        if characters.kind not in ENCODINGS:
            raise DataError("it is damaged.")
        encoding = ENCODINGS[characters.kind].format(self.order[0])
        text = self.content(characters, 4 * MAX_CHARACTERS).decode(encoding, "replace")
        rows, length = matrix.dimensions
        if len(text) != rows * length:
            raise DataError("it is damaged.")
        return [text[row::rows].rstrip() for row in range(rows)]

    def _field_names(self, parts: Iterator[_Element]) -> list[str]:
        length = self.whole_numbers(next(parts))[0]
        names = self.content(next(parts))
        if length < 1:
            raise DataError("it is damaged.")
        return [
            names[at : at + length].split(b"\0")[0].decode("ascii", "replace") for at in range(0, len(names), length)
        ]


@dataclass(frozen=True)
class _Matrix:
    """What a matrix holds: its class, its dimensions, and the elements after them."""

    held: int
    dimensions: list[int]
    parts: Iterator[_Element]

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(size for size in self.dimensions if size > 1)


@dataclass(frozen=True)
class _Grid(Array):
    """Numbers in rows and columns of cells, column by column."""

    rows: int = 1
    columns: int = 1

    def for_all(self, texts: Array) -> Array:
        """Texts for each cell, if there is one for each row or each column; other arrays as they are."""
        count = texts.shape[0]
        if texts.dtype.kind != "S" or min(self.rows, self.columns) == 1 or self.rows == self.columns:
            return texts
        if count == self.rows:
            return Array.of(np.tile(texts.whole(), self.columns))
        return Array.of(np.repeat(texts.whole(), self.rows)) if count == self.columns else texts


@dataclass(frozen=True)
class _Cells:
    """Cells of numbers, all of one dtype and shape, each column by column in a file; folder: as in `Columns`.

    rows: of cells.
    """

    path: Path
    starts: NDArray[np.int64]
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    folder: TemporaryFolder | None
    rows: int

    def as_array(self) -> Array:
        count = len(self.starts)
        return _Grid((count, *self.shape), self.dtype, self._blocks, None, self.rows, count // self.rows)

    def _blocks(self) -> Iterator[NDArray[Any]]:
        size, most = prod(self.shape) * self.dtype.itemsize, block_rows((0, *self.shape), self.dtype)
        with open(self.path, "rb") as file:
            for first in range(0, len(self.starts), most):
                content = bytearray()
                for start in self.starts[first : first + most].tolist():
                    file.seek(start)
                    content += read_exactly(file, size)
                block = np.ndarray((*self.shape, len(content) // size), self.dtype, content, order="F")
                yield np.moveaxis(block, -1, 0)


@dataclass(frozen=True)
class _Place:
    """Variables in a file, packed or not; folder: as in `Columns`."""

    file: _File
    variables: list[_Element]
    path: Path
    folder: TemporaryFolder | None


def _objects(place: _Place) -> Objects | None:
    """What the objects of a file hold, if it is in this place; None if it is anything else, too."""
    file = place.file
    for name, matrix in (each for variable in place.variables for each in file.matrices(variable)):
        if name != SUBSYSTEM or matrix.held not in NUMERIC_CLASSES:
            continue
        with suppress(DataError):  # what it holds is not documented
            start, _ = file.numbers(matrix)
            head = file.content(_Element(0, start, TAG_BYTES, 0))
            inner = replace(place, file=_File(file.file, "little" if head[2:4] == b"IM" else "big"))
            for element in inner.file.elements(start + TAG_BYTES, start + prod(matrix.dimensions)):
                for _, found in inner.file.matrices(element):
                    if found.held == OBJECT:
                        return _objects_in(inner, next(found.parts))
    return None


def _objects_in(place: _Place, wrapper: _Element) -> Objects | None:
    """The objects whose cells these are."""
    file = place.file
    cells = file.matrix(wrapper)
    elements = list(cells.parts) if cells.held == CELLS else []
    if not elements:
        return None

    def numbers(cell: int) -> NDArray[Any]:
        return file.array(file.matrix(elements[cell]))

    def texts(cell: int) -> list[str]:
        found = _cells(place, file.matrix(elements[cell]))
        return [] if found is None else [text.decode() for text in found.whole().tolist()]

    return Objects(numbers(0).tobytes(), file.order, numbers, texts)


def _named(place: _Place, objects: Objects | None) -> dict[str, Columns | Array]:
    file, named = place.file, dict[str, Columns | Array]()
    for name, matrix in (each for variable in place.variables for each in file.matrices(variable)):
        found: Columns | Array | None = None
        if name == SUBSYSTEM:
            continue
        if matrix.held == CELLS:
            found = _cells(place, matrix)
        elif matrix.held == CHARACTERS:
            found = as_labels(file.rows_of_text(matrix))
        elif matrix.held == OBJECT:
            with suppress(DataError):  # an object may be anything
                reference = file.array(file.matrix(next(matrix.parts)))
                found = objects.labels(reference) if objects else None
        else:
            start, dtype = file.numbers(matrix)
            if prod(matrix.dimensions) > 1:
                found = Columns(place.path, start, dtype, matrix.shape, place.folder)
        if found is not None:
            named[name] = found
        if len(named) > MAX_ARRAYS:
            raise DataError(f"it holds more than {MAX_ARRAYS} arrays.")
    return named


def _cells(place: _Place, cells: _Matrix) -> Array | None:
    """Cells with a line of text each, or with numbers of one dtype and shape; None if they hold anything else."""
    file, count = place.file, prod(cells.dimensions)
    if not 1 < count <= MAX_PICTURES:
        return None
    texts: list[str] = []
    starts = np.empty(count, np.int64)
    kinds: set[tuple[np.dtype[Any], tuple[int, ...]] | None] = set()
    for at, cell in zip(range(count), cells.parts, strict=False):
        _, matrix = next(file.matrices(cell, depth=MAX_DEPTH), ("", None))
        if matrix is None or matrix.held == CELLS or min(matrix.dimensions, default=0) < 1:
            return None
        if matrix.held == CHARACTERS:
            texts += map(sys.intern, file.rows_of_text(matrix))
            kinds.add(None)
        else:
            starts[at], dtype = file.numbers(matrix)
            kinds.add((dtype, matrix.shape))
        if len(kinds) > 1 or len(texts) not in (0, at + 1):
            return None
    if at + 1 < count:
        raise DataError("it is damaged.")
    (kind,) = kinds
    rows = cells.dimensions[0]
    return _Cells(place.path, starts, *kind, place.folder, rows).as_array() if kind else as_labels(texts)


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
