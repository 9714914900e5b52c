"""Tables that lie beside pictures and name them, each with its label: as text, or in JSON lines.

No table says which of its columns is what: the values of one are the pictures' names, and the label is what a header
calls so, or the only other column whose values repeat.
"""

import csv
import io
import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from minigrad_gui.data import svg
from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.labelling import MAX_CLASSES
from minigrad_gui.data.pairing import MOST_TOLD, is_called_label, words_of
from minigrad_gui.pictures import MAX_BYTES, PICTURE_SUFFIXES

PICTURES = frozenset((*PICTURE_SUFFIXES, svg.SUFFIX))
JSON_LINES = ".jsonl"
SUFFIXES = (".csv", ".tsv", JSON_LINES, ".txt")
"""The likelier tables first."""
CLASS_WORDS = {"category", "character", "digit", "letter", "symbol"}
"""More that headers call labels, where there are no arrays to be told apart."""
START_BYTES = 4096
ROW_NUMBERS = ("", "index", "unnamed: 0", "row")
MAX_COLUMNS = 200
MAX_LABELS = 4 * MAX_CLASSES
"""Distinct values of a column from which it is not one of labels, unless it is called so."""
ONES, ZEROS = {"1", "1.0", "True"}, {"0", "0.0", "False"}

Rows = Callable[[], Iterator[Sequence[str]]]


@dataclass(frozen=True)
class LabelTable:
    """A table of labels: how to tell of it, the label of all its pictures if it is the same, and pairs(), which reads
    their names and labels."""

    told: str
    only_label: str | None
    pairs: Callable[[], Iterator[tuple[str, str]]]


@dataclass
class _Column:
    """What was seen of a column below the first row: its values, but not too many; the pictures that it names, and
    whether with a picture's suffix."""

    place: int
    header: str
    values: set[str] = field(default_factory=set)
    pictures: set[int] = field(default_factory=set)
    has_suffixes: bool = False

    def see(self, cell: str, known: Mapping[str, Sequence[int]]) -> None:
        if len(self.values) <= MAX_LABELS:
            self.values.add(cell)
        if (places := known.get(called(cell))) is not None:
            self.pictures.update(places)
            self.has_suffixes = self.has_suffixes or _suffix(cell) in PICTURES

    @property
    def is_called_label(self) -> bool:
        return is_called_class(self.header)

    def repeats(self, rows: int) -> bool:
        """Whether its values are few enough to be classes."""
        return len(self.values) <= min(MAX_LABELS, rows // 2)


def is_called_class(header: str) -> bool:
    """Whether a header says that it is of labels, such as "digit"."""
    return is_called_label(header) or not CLASS_WORDS.isdisjoint(words_of(header))


def called(name: str) -> str:
    """A picture's name as tables may have it: without folders and suffix."""
    file = name.strip().replace("\\", "/").rpartition("/")[2]
    return file.rpartition(".")[0] if _suffix(file) in PICTURES else file


def read(name: str, content: bytes, known: Mapping[str, Sequence[int]]) -> LabelTable | None:
    """The labels in a table; None if it names hardly any picture, or has no labels.

    name: of the file; known: the pictures by what they are `called`. Raises DataError if it is not clear which column
    is which.
    """
    try:
        return _understood(name, _rows_of(name, content), known) if len(content) <= MAX_BYTES else None
    except (csv.Error, ValueError, RecursionError):
        return None


def _understood(name: str, rows: Rows, known: Mapping[str, Sequence[int]]) -> LabelTable | None:
    count = -1
    columns: list[_Column] = []
    for count, row in enumerate(rows()):
        if not 2 <= len(row) <= MAX_COLUMNS:
            return None
        columns = columns or [_Column(*cell) for cell in enumerate(row)]
        for column, cell in zip(columns if count else (), row, strict=False):
            column.see(cell, known)
    naming = _naming(name, rows, columns)
    if naming is None or len(naming.pictures) * 2 < min(count, len(known)):
        return None
    is_headed = called(naming.header) not in known
    others = [replace(each, header=each.header if is_headed else "") for each in columns if each is not naming]
    labels = _labels_among(name, rows, others, count)
    if not labels:
        return None

    def pairs() -> Iterator[tuple[str, str]]:
        for row in itertools.islice(rows(), int(is_headed), None):
            label = row[labels[0].place]
            if len(labels) > 1:
                at = next(at for at, each in enumerate(labels) if row[each.place] in ONES)
                label = labels[at].header or str(at)
            yield row[naming.place], label

    which = "a column for each class" if len(labels) > 1 else f"column “{labels[0].header}”"
    told = f"{name} ({which})" if len(columns) > 2 and labels[0].header else name
    only_label = min(labels[0].values) if len(labels) == len(labels[0].values) == 1 else None
    return LabelTable(told, only_label, pairs)


def _rows_of(name: str, content: bytes) -> Rows:
    """What reads the rows that are as long as the first one, without blanks around their cells."""
    if name.lower().endswith(JSON_LINES):
        return lambda: _json_rows(content)
    start = content[:START_BYTES].decode("utf-8-sig", "replace").partition("\n")[0]
    delimiter = next((sign for sign in ",;\t" if sign in start), " ")

    def rows() -> Iterator[Sequence[str]]:
        text = io.TextIOWrapper(io.BytesIO(content), "utf-8-sig", "replace", newline="")
        length = 0
        for row in csv.reader(text, delimiter=delimiter, skipinitialspace=True):
            length = length or len(row)
            if row and len(row) == length:
                yield [cell.strip() for cell in row]

    return rows


def _json_rows(content: bytes) -> Iterator[Sequence[str]]:
    keys: list[str] = []
    for line in io.BytesIO(content):
        record: Any = json.loads(line) if line.strip() else None
        if isinstance(record, dict):
            if not keys:
                keys = list(record)
                yield keys
            cells = (record.get(key) for key in keys)
            yield ["" if cell is None else str(cell) for cell in cells]


def _suffix(name: str) -> str:
    return name[name.rfind(".") :].strip().lower()


def _naming(name: str, rows: Rows, columns: Sequence[_Column]) -> _Column | None:
    """The column that names the pictures: with their suffixes if any has these, and not by counting them."""
    fitting = [each for each in columns if each.has_suffixes] or columns
    most = max((len(each.pictures) for each in fitting), default=0)
    likely = [each for each in fitting if len(each.pictures) * 2 > most > 0]

    def rank(column: _Column) -> tuple[bool, bool]:
        return not column.is_called_label, column.header.lower() not in ROW_NUMBERS

    best = max(likely, key=lambda each: (rank(each), len(each.pictures)), default=None)
    rivals = [each for each in likely if best is not None and rank(each) == rank(best)]
    if any(len({called(row[each.place]) for each in rivals}) > 1 for row in _below(rows) if len(rivals) > 1):
        raise DataError(f"it is not clear which column of {name} names its pictures: {_listed(rivals)}.")
    return best


def _labels_among(name: str, rows: Rows, columns: Sequence[_Column], count: int) -> Sequence[_Column]:
    """The column of labels, or those of the classes if exactly one of these is 1 in each row; none without labels."""
    binary = [each for each in columns if each.values <= {*ONES, *ZEROS}]
    if len(binary) > 1 and all(sum(row[each.place] in ONES for each in binary) == 1 for row in _below(rows)):
        return binary
    called_so = [each for each in columns if each.is_called_label]
    repeating = [each for each in called_so or columns if each.repeats(count)]
    varied = [each for each in repeating if len(each.values) > 1]
    candidates = varied or called_so or (repeating if len(columns) == 1 else [])
    for other in candidates[1:]:
        pairs = {(row[candidates[0].place], row[other.place]) for row in _below(rows)}
        if not len(pairs) == len(candidates[0].values) == len(other.values):  # one may be a number, one a name
            raise DataError(f"it is not clear which column of {name} holds the labels: {_listed(candidates)}.")
    return candidates[:1]


def _below(rows: Rows) -> Iterator[Sequence[str]]:
    return itertools.islice(rows(), 1, None)


def _listed(columns: Sequence[_Column]) -> str:
    names = [f"“{each.header}”" if each.header else f"the {each.place + 1}." for each in columns]
    return ", ".join(names[:MOST_TOLD]) + (", …" if len(names) > MOST_TOLD else "")
