"""Labels in the names of pictures: 7_0012.png, img001-num7.png, cat.0.jpg, 7 (3).png, SMALL_a_0.png, anna_7_12.png.

Names are taken apart into words and numbers. Parts that are the same everywhere or only count are no labels; if more
than one is left, only words together, or what is plainly the ten digits, are taken for the label.
"""

import re
import sys
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.data.dataset import DIGIT_NAMES, DataError
from minigrad_gui.data.labelling import MAX_CLASSES
from minigrad_gui.data.pairing import SPLIT_WORDS

MARKED = re.compile(r".*(?:num|label|class)[_=-]?(\d{1,2})(?!\d)", re.DOTALL)
"""Names that say what is the label: "img001-num7", "label=7 (2)"."""
SPLITS = (
    re.compile(r"[^\W\d_]+|\d+"),  # words and numbers
    re.compile(r"[^\W_]+"),  # what is between separators, as a hash in "3fa9c1_7"
    re.compile(r"\d+|[^\W\d_](?:\D*[^\W\d_])?"),  # numbers, and all between them, as in "T-shirt 3" and "bag 4"
)
"""How to take names apart: the first that gives each the same number of parts."""
MAX_PARTS = 16
MAX_NUMBER = 999
"""Greater ones are years, dates or ids."""
NEARLY_ALL = 0.9
MAX_STEP = 10
"""Between the numbers of pictures, of which many may be missing."""
MIXING = np.int64(0x9E3779B97F4A7C15 - (1 << 64))

Hashes = NDArray[np.int64]


@dataclass
class _Part:
    """What stands at one place of all names: whether always a number, the largest, the values, if not too many, and all
    hashes."""

    is_number: bool = True
    largest: int = 0
    values: set[str] = field(default_factory=set)
    seen: "array[int]" = field(default_factory=lambda: array("q"))

    def see(self, text: str) -> None:
        self.is_number = self.is_number and text.isdecimal()
        if len(self.values) <= MAX_CLASSES:
            self.values.add(text)
        if self.is_number:
            self.largest = max(self.largest, int(text))
        self.seen.append(hash(text))

    @property
    def hashes(self) -> Hashes:
        return np.frombuffer(self.seen, np.int64)

    @property
    def count(self) -> int:
        return len(np.unique(self.hashes))

    @property
    def may_count(self) -> bool:
        """Whether it is a number, and not a date or an id."""
        return self.is_number and self.largest < MAX_STEP * self.count

    @property
    def are_ten_digits(self) -> bool:
        return self.values == set(DIGIT_NAMES)

    @property
    def may_be_label(self) -> bool:
        """Whether its values are few, repeat, and name no splits."""
        few = 1 < len(self.values) <= min(MAX_CLASSES, len(self.seen) // 2)
        is_small = not self.is_number or self.largest <= MAX_NUMBER
        return few and is_small and not {value.lower() for value in self.values} <= set(SPLIT_WORDS)


def labels_in(paths: Sequence[str]) -> list[str] | None:
    """The label of each picture by its name; None if no part of the names can be one.

    Raises DataError if several can.
    """
    folders = _Part()
    for path in paths:
        folders.see(path.rpartition("/")[0])
    if (marked := _marked(paths, folders)) is not None:
        return marked
    for split in SPLITS:
        if (parts := _parts(paths, split)) is not None:
            chosen = _chosen(parts, folders, PurePosixPath(paths[0]).name)
            labels = (split.findall(_stem(path)) for path in paths)
            return [sys.intern(" ".join(each[at] for at in chosen)) for each in labels] if chosen else None
    return None


def _stem(path: str) -> str:
    return path.rpartition("/")[2].rpartition(".")[0]


def _marked(paths: Sequence[str], folders: _Part) -> list[str] | None:
    """The labels if all names say what is the label."""
    labels: list[str] = []
    part = _Part()
    for path in paths:
        if (match := MARKED.match(_stem(path))) is None:
            return None
        labels.append(sys.intern(match[1]))
        part.see(match[1])
    return labels if part.may_be_label and not _are_nearly_all_different(folders, part) else None


def _parts(paths: Sequence[str], split: re.Pattern[str]) -> list[_Part] | None:
    """The parts of all names; None if these do not have the same number of them."""
    parts: list[_Part] = []
    for path in paths:
        texts = split.findall(_stem(path))
        parts = parts or [_Part() for _ in texts]
        if len(texts) != len(parts) or len(texts) > MAX_PARTS:
            return None
        for part, text in zip(parts, texts, strict=True):
            part.see(text)
    return parts


def _chosen(parts: Sequence[_Part], folders: _Part, name: str) -> list[int]:
    """The places of the parts that are the label. Raises DataError if it is not clear."""
    unclear = DataError(f"it is not clear which part of names such as “{name}” is the label.")
    left = {at: part for at, part in enumerate(parts) if len(part.values) > 1}
    left = {at: part for at, part in left.items() if not _are_nearly_all_different(folders, part)}
    while len(left) > 1 and _are_nearly_all_different(folders, *left.values()):
        at = _counter(left)
        if at is None:
            raise unclear
        del left[at]
    left = {at: part for at, part in left.items() if part.may_be_label}
    if len(left) > 1 and any(part.is_number for part in left.values()):
        left = {at: part for at, part in left.items() if part.are_ten_digits}
        if len(left) != 1:
            raise unclear
    return list(left)


def _counter(parts: Mapping[int, _Part]) -> int | None:
    """Of parts that together tell all pictures apart, the one that counts those of a class: the last number beside what
    may be the label. None if another number has more values, or only it is plainly the ten digits.
    """
    for at in sorted(parts, reverse=True):
        others = [part for other, part in parts.items() if other != at and part.may_be_label]
        if parts[at].may_count and others:
            have_digits = any(part.are_ten_digits for part in others)
            has_most = all(part.count <= parts[at].count for part in others if part.is_number)
            return at if have_digits or (has_most and not parts[at].are_ten_digits) else None
    return None


def _are_nearly_all_different(*parts: _Part) -> bool:
    """Whether the parts together tell nearly all pictures apart."""
    together = reduce(lambda one, other: one * MIXING + other, (part.hashes for part in parts))
    return len(np.unique(together)) >= NEARLY_ALL * len(together)
