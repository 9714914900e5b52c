"""MATLAB's categories and strings: objects, of which a variable has no more than the number.

Their properties are in cells of the file's "subsystem", whose first cell tells which. MathWorks does not document it;
this is how mat-io 1.0.2 describes and writes it:
https://github.com/foreverallama/matio/blob/main/docs/subsystem_data_format.md.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.labelling import MAX_CLASSES
from minigrad_gui.data.stored import Array

REFERENCE = 0xDD000000
NAMES_AT, OFFSETS = 40, slice(2, 10)
CLASSES, SAVED_AS_OTHERS, OBJECTS, SAVED_AS_THEY_ARE = range(4)
"""The regions of the first cell."""
CLASS_SIZE, OBJECT_SIZE, PROPERTY_SIZE = 4, 6, 3
"""In numbers of 32 bits."""
IS_IN_A_CELL = 1
CELLS_BEFORE = 2
"""The first cell, and an empty one."""


@dataclass(frozen=True)
class Objects:
    """The objects of a file.

    first_cell: its bytes; order: theirs; numbers(i): the numbers in cell i; texts(i): the texts in the cells in cell i.
    Both may raise anything, as what they read may be damaged.
    """

    first_cell: bytes
    order: Literal["little", "big"]
    numbers: Callable[[int], NDArray[Any]]
    texts: Callable[[int], list[str]]

    def labels(self, reference: NDArray[Any]) -> Array | None:
        """The texts of categories or of strings (N,), whose blocks raise DataError if one of them is undefined.

        None if they cannot be labels, or are damaged; and for other objects, and for several: they may be anything.
        reference: the numbers that the variable holds.
        """
        found: list[str] = []
        with suppress(DataError, IndexError, KeyError, OverflowError, StopIteration, TypeError, ValueError):
            kind, cells = self._object(reference)
            if kind == "categorical":
                names = ["", *self.texts(cells["categoryNames"])]
                found = [names[code] for code in self.numbers(cells["codes"]).reshape(-1).tolist()]
            elif kind == "string":
                found = _strings(self.numbers(cells["any"]).reshape(-1), self.order)
        labels = as_labels(found)
        return labels if labels is None or "" not in found else replace(labels, blocks=_undefined)

    def _object(self, reference: NDArray[Any]) -> tuple[str, dict[str, int]]:
        """The class of an object, and the cells of its properties; for several objects, nothing."""
        magic, dimensions, *others = reference.reshape(-1).tolist()
        if magic != REFERENCE or len(others) != dimensions + 2:
            return "", {}
        number = others[dimensions]
        words = np.frombuffer(self.first_cell[: len(self.first_cell) // 4 * 4], np.uint32)
        words = words if self.order == "little" else words.byteswap()
        starts = [offset // 4 for offset in words[OFFSETS].tolist()]
        names = ["", *self.first_cell[NAMES_AT : 4 * starts[CLASSES]].decode("latin-1").split("\0")]
        kind, _, _, other, same, _ = words[starts[OBJECTS] + OBJECT_SIZE * number :][:OBJECT_SIZE].tolist()
        name = names[words[starts[CLASSES] + CLASS_SIZE * kind + 1]]
        region, place = (SAVED_AS_OTHERS, other) if other else (SAVED_AS_THEY_ARE, same)
        at = starts[region]
        for _ in range(place):
            size = 1 + PROPERTY_SIZE * int(words[at])
            at += size + size % 2
        properties = words[at + 1 :][: PROPERTY_SIZE * int(words[at])].reshape(-1, PROPERTY_SIZE).tolist()
        return name, {names[word]: cell + CELLS_BEFORE for word, held, cell in properties if held == IS_IN_A_CELL}


def as_labels(texts: list[str]) -> Array | None:
    """A text for each sample, as UTF-8, or None if too many differ to be classes."""
    encoded = {text: text.encode() for text in set(texts)}
    if len(texts) < 2 or len(encoded) > MAX_CLASSES:
        return None
    return Array.of(np.array([encoded[text] for text in texts]))


def _undefined() -> Iterator[NDArray[Any]]:
    raise DataError("some of its labels are undefined.")


def _strings(words: NDArray[Any], order: Literal["little", "big"]) -> list[str]:
    """Strings: 1, the number of dimensions, the dimensions, each string's length, and all their UTF-16 characters."""
    dimensions = int(words[1])
    count = int(np.prod(words[2 : 2 + dimensions]))
    lengths = words[2 + dimensions :][:count].tolist()
    if len(lengths) < count:
        raise ValueError
    text = words[2 + dimensions + count :].tobytes().decode(f"utf-16-{order[0]}e", "replace")
    ends = np.cumsum([0, *(length if length < len(text) + 1 else 0 for length in lengths)]).tolist()
    return [sys.intern(text[start:end]) for start, end in pairwise(ends)]
