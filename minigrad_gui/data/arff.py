"""ARFF, as OpenML publishes mnist_784: a header that names the columns, then rows, all of them or only what is not 0.

In sparse rows a class that is missing is the first of its attribute's values, often digit 0
(https://waikato.github.io/weka-wiki/formats_and_processing/arff_stable).
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.pairing import is_called_label, pair_up
from minigrad_gui.data.siblings import Files
from minigrad_gui.data.stored import Array, Found, block_rows, check_count
from minigrad_gui.data.streams import lines_of
from minigrad_gui.data.strokes import PEN_NUMBERS, are_pen_digits, of_pen_digits
from minigrad_gui.data.tables import UNEVEN, numbers_in
from minigrad_gui.frame import SIDE_PX

SAMPLED = 1000
MAX_ATTRIBUTES = 3 * 256 * 256
MISSING = "?"
ATTRIBUTE = re.compile(r"@attribute\s+('[^']*'|\S+)\s*(.+)", re.IGNORECASE)


@dataclass(frozen=True)
class Header:
    """The columns: how many, which is the label, and the label that sparse rows leave out; lines: of the header."""

    columns: int
    label: int
    default: str
    lines: int


def recognises(start: bytes) -> bool:
    text = "\n".join(line for line in start.decode("utf-8", "replace").splitlines() if not line.startswith("%"))
    return text.lstrip().lower().startswith("@relation") or start.startswith(b"%")


def read(files: Files) -> Found:
    """The dataset of ARFF files."""
    arrays = {}
    for name, file in files.items():
        header = _header(file)
        labels = np.array([_parts(line, header)[0] for line in _rows(file, header)])
        check_count(len(labels))
        labels[labels == MISSING] = ""
        size: tuple[int, ...] = (len(labels), header.columns - 1)
        dense: Callable[[int], Iterator[NDArray[Any]]] = partial(_dense, file, header, size)
        if size[1] == PEN_NUMBERS and are_pen_digits(np.concatenate(list(dense(max(1, len(labels) // SAMPLED))))):
            size = (len(labels), SIDE_PX, SIDE_PX)
            dense = partial(_drawn, dense)
        arrays[f"{name} pictures"] = Array(size, np.dtype(np.float32), partial(dense, 1), dense)
        arrays[f"{name} labels"] = Array.of(labels)
    return pair_up(arrays)


def _header(path: Path) -> Header:
    names: list[str] = []
    kinds: list[str] = []
    for number, line in enumerate(lines_of(path)):
        if match := ATTRIBUTE.fullmatch(line):
            names.append(match[1].strip("'"))
            kinds.append(match[2])
            if len(names) > MAX_ATTRIBUTES:
                raise DataError("its pictures are too large.")
        elif line.lower().startswith("@data"):
            return Header(len(names), *_label(names, kinds), number + 1)
    raise DataError("it has no data.")


def _label(names: list[str], kinds: list[str]) -> tuple[int, str]:
    """Which column is the label, the only one with a list of values or with a usual name; and its first value."""
    nominal = [at for at, kind in enumerate(kinds) if kind.startswith("{")]
    usual = [at for at, name in enumerate(names) if is_called_label(name)]
    fitting = nominal if len(nominal) == 1 else usual
    if len(fitting) != 1:
        raise DataError("it is not clear which column is the label.")
    kind = kinds[fitting[0]]
    return fitting[0], kind.strip("{} ").split(",")[0].strip(" '") if kind.startswith("{") else "0"


def _rows(path: Path, header: Header) -> Iterator[str]:
    for number, line in enumerate(lines_of(path)):
        if number >= header.lines and not line.startswith("%"):
            yield line


def _parts(line: str, header: Header) -> tuple[str, list[tuple[int, str]] | str]:
    """The label of a row, and the rest of it as text; of a sparse row, as pairs of column and value."""
    if line.startswith("{"):
        pairs = [pair.split(None, 1) for pair in line.strip("{} ").split(",") if pair.strip()]
        if any(len(pair) != 2 or not pair[0].isdecimal() or int(pair[0]) >= header.columns for pair in pairs):
            raise DataError(UNEVEN)
        cells = [(int(column), value.strip(" '")) for column, value in pairs]
        label = next((value for column, value in cells if column == header.label), header.default)
        return label, [cell for cell in cells if cell[0] != header.label]
    fields = line.split(",")
    if len(fields) != header.columns:
        raise DataError(UNEVEN)
    return fields.pop(header.label).strip(" '"), ",".join(fields)


def _drawn(rows: Callable[[int], Iterator[NDArray[Any]]], step: int) -> Iterator[NDArray[np.uint8]]:
    """The drawings of pendigits, one to a row."""
    return map(of_pen_digits, rows(step))


def _dense(path: Path, header: Header, size: tuple[int, ...], step: int) -> Iterator[NDArray[np.float32]]:
    rows = block_rows(size, np.dtype(np.float32))
    held: list[list[tuple[int, str]] | str] = []
    for number, line in enumerate(_rows(path, header)):
        if number % step == 0:
            held.append(_parts(line, header)[1])
        if len(held) == rows:
            yield _block(held, header)
            held = []
    if held:
        yield _block(held, header)


def _block(held: list[list[tuple[int, str]] | str], header: Header) -> NDArray[np.float32]:
    dense = [row for row in held if isinstance(row, str)]
    if len(dense) == len(held):
        return numbers_in(dense, ",", header.columns - 1)
    block = np.zeros((len(held), header.columns - 1), np.float32)
    for at, row in enumerate(held):
        if isinstance(row, str):
            raise DataError(UNEVEN)
        for column, value in row:
            block[at, column - (column > header.label)] = float(value)
    return block
