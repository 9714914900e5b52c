"""Labels of any kind as indices into class names: whole numbers from any base, or text, in its natural order."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.data.dataset import DIGIT_NAMES, DataError

MAX_CLASSES = 100
MAX_NAME_CHARS = 60
FEWEST_DIGITS = 8
"""From so many of them on, labels with gaps are those of the ten digits, of which a few do not occur."""
ONE_HOT = re.compile("(?=.{3})0*10*").fullmatch
NUMBER = re.compile(r"[+-]?\d{1,9}(\.\d*)?(e[+-]?\d{1,3})?", re.IGNORECASE).fullmatch
LARGEST = 10**9
DIGIT_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
DIGITS_BY_LABEL = {"10 is zero": lambda value: value % 10, "from one": lambda value: value - 1}


@dataclass(frozen=True)
class Classes:
    """The distinct labels, and for each the index of its class."""

    names: tuple[str, ...]
    indices: Mapping[Any, int]

    def of(self, labels: NDArray[Any]) -> NDArray[np.uint8]:
        """The classes of labels: uint8 (N,)."""
        values, places = np.unique(labels, return_inverse=True)
        return np.array([self.indices[value] for value in values.tolist()], np.uint8)[places]

    def called(self, names: Sequence[str]) -> "Classes":
        """The classes by names that a person chose, in their order; or those that occur by these, without the others;
        or with others, if the names that they have are among them.

        Raises DataError if there are more or fewer, or two are the same.
        """
        names = tuple(map(shown, names))
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise DataError(f"two of its classes would be called “{twice}”.")
        if len(names) == len(self.names):
            return Classes(names, self.indices)
        if set(self.names) < set(names):
            return Classes(names, {value: names.index(self.names[index]) for value, index in self.indices.items()})
        occurring = sorted(self.indices, key=self.indices.__getitem__)
        if len(names) != len(occurring):
            some = f", {len(occurring)} of which occur" if len(occurring) != len(self.names) else ""
            raise DataError(f"it has {len(self.names)} classes{some}, but names for {len(names)} were given.")
        return Classes(names, {value: index for index, value in enumerate(occurring)})


def plain_labels(labels: NDArray[Any]) -> NDArray[Any]:
    """Labels as int64 or text. Text that is all whole numbers becomes numbers, so that 10 follows 9, not 1; and so do
    one-hot text, such as 0010000000, and the words for digits.

    Raises DataError for other numbers.
    """
    if labels.dtype.kind == "S":
        labels = np.char.decode(labels, "utf-8", "replace")
    if labels.dtype.kind == "U":
        values = np.unique(labels)
        if (
            len(values) > 2
            and len({len(value) for value in values.tolist()}) == 1
            and all(map(ONE_HOT, values.tolist()))
        ):
            return np.array([value.index("1") for value in values.tolist()], np.int64)[np.searchsorted(values, labels)]
        if all(map(_is_whole, values.tolist())):
            return np.array([int(float(value)) for value in values.tolist()], np.int64)[np.searchsorted(values, labels)]
        words = [value.strip().lower() for value in values.tolist()]
        if set(words) <= set(DIGIT_WORDS):
            return np.array([DIGIT_WORDS.index(word) for word in words], np.int64)[np.searchsorted(values, labels)]
        return labels
    if labels.dtype.kind == "f" and not (np.isfinite(labels).all() and (labels == np.rint(labels)).all()):
        raise DataError("its labels are not whole numbers.")
    return labels.astype(np.int64)


def _is_whole(text: str) -> bool:
    """Whether a text is a whole number, also as 5.0 or 5.0000e+00, which is how NumPy and MATLAB write 5."""
    return NUMBER(text.strip()) is not None and float(text).is_integer() and abs(float(text)) < LARGEST


def classes_of(labels: Sequence[NDArray[Any]], known: Mapping[int, str] | None, meaning: str) -> Classes:
    """The classes of all labels of a dataset, each array from `plain_labels`.

    known: names that the file gives its labels; meaning: of labels from 1 to 10, one of `LABELS`. Raises DataError for
    fewer than two classes or more than 100.
    """
    values = np.unique(np.concatenate([np.unique(each) for each in labels])).tolist()
    if isinstance(values[0], str):
        values.sort(key=natural_order)
    if len(values) < 2:
        raise DataError("all its pictures have the same label.")
    if len(values) > MAX_CLASSES or (known and max(len(known), len(values)) > MAX_CLASSES):
        raise DataError(f"it has more than {MAX_CLASSES} classes.")
    if known is not None and all(value in known for value in values):
        labelled = sorted(known)
        return Classes(tuple(shown(known[value]) for value in labelled), {v: i for i, v in enumerate(labelled)})
    if meaning in DIGITS_BY_LABEL and values == list(range(1, 11)):
        return Classes(DIGIT_NAMES, {value: DIGITS_BY_LABEL[meaning](value) for value in values})
    has_gaps = values != list(range(len(values))) and values != list(range(1, len(values) + 1))
    if has_gaps and len(values) >= FEWEST_DIGITS and set(values) < set(range(10)):
        return Classes(DIGIT_NAMES, {value: value for value in values})
    return Classes(tuple(shown(str(value)) for value in values), {value: index for index, value in enumerate(values)})


def natural_order(text: str) -> tuple[Any, ...]:
    """A key that sorts numbers within text by value: "a2" before "a10"."""
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", text) if part)


def shown(name: str) -> str:
    """A name of a class as it can be displayed: printable, and at most 60 characters."""
    printable = "".join(character for character in name if character.isprintable()).strip() or "?"
    return printable if len(printable) <= MAX_NAME_CHARS else printable[: MAX_NAME_CHARS - 1] + "…"
