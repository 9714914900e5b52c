"""Tables as text: a picture to each line, and its label, separated by commas, semicolons, tabs or blanks.

Kaggle's CSV have a header, most others do not, and no file says which. The first lines decide. What the names in a
header say counts before what the numbers look like.
"""

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from operator import itemgetter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.emnist import completed
from minigrad_gui.data.labelling import MAX_CLASSES, ONE_HOT, shown
from minigrad_gui.data.pairing import NUMBER, ROW_NUMBER_NAMES, in_order, is_called_label, pair_up
from minigrad_gui.data.siblings import Files
from minigrad_gui.data.stored import Array, Found, block_rows, check_count, picture_shape
from minigrad_gui.data.streams import lines_of, plain_name
from minigrad_gui.data.strokes import PEN_NUMBERS, are_pen_digits, of_pen_digits
from minigrad_gui.frame import SIDE_PX
from minigrad_gui.pictures import PICTURE_SUFFIXES
from minigrad_gui.wording import counted

SAMPLED_LINES = 500
FEWEST_BITS = 64
MOST_NAMED = 5
PEN_ROWS = 1000
SAYS_DELIMITER = re.compile(r"sep=.?", re.IGNORECASE).fullmatch
HAS_LETTER = re.compile(r"[^\W\d_]").search
HIDDEN = {ord(sign): 0xE000 + ord(sign) for sign in ",;\t "}
QUOTED = {hidden: sign for sign, hidden in HIDDEN.items()}
"""What separates fields, and what stands for it in quoted names; numbers may have decimal commas in them."""
SUFFIXES = (".csv", ".tsv", ".txt", ".data", ".tra", ".tes", ".train", ".test", ".dat")
SPOILT_ROW = "Its first line is a picture that was taken for a header, and is left out."
UNEVEN = "its rows do not all hold as many numbers, or hold something else."
ARE_WHOLE = re.compile(r"[0-9,;\s+-]*", re.ASCII).fullmatch
"""Whether all numbers of a line are whole: NumPy parses those nine times as fast."""

Rows = NDArray[np.float32]


@dataclass(frozen=True)
class Layout:
    """How a table is laid out.

    delimiter: None for blanks; skipped: lines before the first row; numbered: the first column only counts; label:
    "first", "last" or "" for none; one_hot: how many of the last columns are the label; pixels: columns of the rest;
    columns: which of the file's `width` columns these are, in this order, if not all as they are; remarks: on those
    that are left out.
    """

    delimiter: str | None
    skipped: int
    numbered: bool
    label: str
    one_hot: int
    pixels: int
    width: int = 0
    columns: tuple[int, ...] = ()
    remarks: tuple[str, ...] = ()


def recognises(path: Path, start: bytes) -> bool:
    """Whether a file is a table of numbers: by its suffix, or as it begins like one."""
    if b"\0" in start:
        return False
    if plain_name(path).lower().endswith(SUFFIXES):
        return True
    text = start.decode("utf-8-sig", "replace").lstrip().splitlines()[0]
    fields = _fields(text, _delimiter(text))[:-1]
    return len(fields) > 8 and all(map(_is_number, fields[1:]))


def read(files: Files) -> Found:
    """The dataset of tables."""
    arrays, remarks = {}, dict[str, None]()
    for name, file in files.items():
        layout = layout_of(list(itertools.islice(_lines(file), SAMPLED_LINES)))
        remarks.update(dict.fromkeys(layout.remarks))
        arrays.update(_read_table(name, file, layout))
    found = completed(pair_up(arrays), files)
    return replace(found, remarks=[*found.remarks, *remarks])


def _read_table(name: str, path: Path, layout: Layout) -> dict[str, Array]:
    """The pictures and the labels of one table, as far as it has them. Raises DataError for other text."""
    count = sum(1 for _ in _lines(path)) - layout.skipped
    check_count(count)
    arrays = {}
    if layout.pixels == PEN_NUMBERS:
        drawn = partial(_drawn, path, layout)
        arrays[f"{name} pictures"] = Array((count, SIDE_PX, SIDE_PX), np.dtype(np.uint8), partial(drawn, 1), drawn)
    elif layout.pixels:
        shape, dtype = (count, layout.pixels), np.dtype(np.float32)
        sampled = partial(_pixels, path, layout, block_rows(shape, dtype))
        arrays[f"{name} pictures"] = Array(shape, dtype, partial(sampled, 1), sampled)
    if layout.label or layout.one_hot:
        lines = itertools.islice(_lines(path), layout.skipped, None)
        labels = np.array([_parts(line, layout)[0].translate(QUOTED) for line in lines])
        arrays[f"{name} labels"] = Array.of(_one_hot(labels, layout) if layout.one_hot else labels)
    return arrays


def layout_of(lines: Sequence[str]) -> Layout:
    """The layout of the table that begins with these lines. Raises DataError if it is none."""
    if not lines:
        raise DataError("it is empty.")
    delimiter = _delimiter(lines[0])
    header = [field.strip() for field in _fields(lines[0], delimiter)]
    spoilt = _are_repeats(header)
    skipped = int(spoilt or _is_header(header, [_fields(line, delimiter) for line in lines[1:3]]))
    rows = [_fields(line, delimiter) for line in lines[skipped:]]
    if not rows:
        raise DataError("it holds no pictures.")
    width = len(rows[0])
    if any(len(row) != width for row in rows):
        raise DataError(UNEVEN)
    names = header if skipped and len(header) == width else []
    every = tuple(range(width))
    on_header = (SPOILT_ROW,) if spoilt else ()

    def of(columns: Sequence[int]) -> Layout:
        narrow = rows if columns == every else [[row[at] for at in columns] for row in rows]
        layout = _arranged(delimiter, skipped, [names[at] for at in columns if names], narrow)
        if columns == every:
            return replace(layout, remarks=on_header)
        if not layout.pixels:  # names of pictures with labels alone may be in any order
            raise DataError(_fault(rows))
        remarks = *on_header, *_on_left_out(rows, names, columns)
        return replace(layout, width=width, columns=tuple(columns), remarks=remarks)

    for columns in filter(None, (_by_name(rows, names), every, *_without_texts(rows, names))):
        with suppress(DataError):
            return of(columns)
    return of(every)


def _by_name(rows: Sequence[Sequence[str]], names: Sequence[str]) -> tuple[int, ...]:
    """The columns of numbered pixels in order, and those of labels, as the header calls them; () if it does not.

    Without numbers, all others are pixels. Row numbers in the first column stay there.
    """
    labels = [at for at, name in enumerate(names) if is_called_label(name)]
    first = [at for at, name in enumerate(names[:1]) if _counts_rows(name)]
    others = [at for at in range(len(names)) if at not in {*labels, *first}]
    kinds = {at: NUMBER.sub("#", names[at]) for at in others}
    usual = max(kinds.values(), key=Counter(kinds.values()).__getitem__, default="")
    numbered = [at for at in others if kinds[at] == usual and "#" in usual]
    numbered = [numbered[place] for place in in_order([names[at] for at in numbered])]
    pixels = next((each for each in (numbered, others) if _has_pictures(len(each))), [])
    strangers = {*others} - {*pixels}
    if not pixels or (not labels and any(_may_be_labels(row[at] for row in rows) for at in strangers)):
        return ()
    return (*first, *labels, *pixels) if len(labels) == 1 and labels[0] < pixels[0] else (*first, *pixels, *labels)


def _on_left_out(rows: Sequence[Sequence[str]], names: Sequence[str], columns: Sequence[int]) -> Iterator[str]:
    """Remarks on the columns that are left out."""
    left_out = [at for at in range(len(rows[0])) if at not in columns]
    texts = [at for at in left_out if _is_text(rows, at)]
    numbers = [at for at in left_out if at not in texts]
    for places, told in ((texts, "text that are no labels"), (numbers, "numbers that are no pixels")):
        if places:
            named = [shown(names[at]) if names else f"column {at + 1}" for at in places]
            more = [f"{len(named) - MOST_NAMED:,} more"] if len(named) > MOST_NAMED else []
            yield f"Columns of {told} are left out: {', '.join([*named[:MOST_NAMED], *more])}."


def _arranged(delimiter: str | None, skipped: int, names: Sequence[str], rows: Sequence[Sequence[str]]) -> Layout:
    """The layout of a table whose columns are all pixels or labels. Raises DataError for any others."""
    numbered = bool(names) and _counts_rows(names[0])
    first = int(numbered)
    width = len(rows[0]) - first
    if one_hot := _one_hot_columns(rows, width):
        return Layout(delimiter, skipped, numbered, "", one_hot, width - one_hot)
    named = [at for at, name in enumerate(names) if is_called_label(name)]
    label = _label_place(rows, first, named)
    pixels = width - bool(label)
    if pixels and not _has_pictures(pixels) and not _has_pen_points(rows, first + (label == "first"), pixels):
        raise DataError(_fault(rows))
    return Layout(delimiter, skipped, numbered, label, 0, pixels)


def _without_texts(rows: Sequence[Sequence[str]], names: Sequence[str]) -> Iterator[Sequence[int]]:
    """The columns without those of text, such as names of files or dates: all but one, the label; or all."""
    texts = [at for at in range(len(rows[0])) if _is_text(rows, at)]
    repeated = [at for at in texts if 1 < len({row[at] for row in rows}) <= min(MAX_CLASSES, len(rows) - 1)]
    labels = [[at] for at in sorted(repeated, key=lambda at: not (names and is_called_label(names[at])))]
    for kept in [*labels, []]:
        if len(kept) < len(texts):
            yield [at for at in range(len(rows[0])) if at not in texts or at in kept]


def _is_text(rows: Sequence[Sequence[str]], at: int) -> bool:
    return not any(_is_number(row[at]) for row in rows)


def _counts_rows(name: str) -> bool:
    return name.lower() in ROW_NUMBER_NAMES


def _fault(rows: Sequence[Sequence[str]]) -> str:
    """What is wrong with rows that hold no picture."""
    texts = [field.strip() for row in rows for field in row if field.strip() and not _is_number(field)]
    if any(text.lower().endswith(PICTURE_SUFFIXES) for text in texts):
        return "it names picture files; open the folder that holds it and them."
    numbers = counted(min(sum(map(_is_number, row)) for row in rows), "number")
    also = f"text such as “{shown(texts[0])}” and " if texts else ""
    return f"each row holds {also}{numbers}, but not a label and the pixels of a picture."


def _label_place(rows: Sequence[Sequence[str]], first: int, named: Sequence[int]) -> str:
    """Where the label is: as the header says, as there is no picture without it, or where fewer values vary."""
    width = len(rows[0])
    if width - first == 1:
        return "first"
    if len(named) == 1 and named[0] in (first, width - 1):
        return "first" if named[0] == first else "last"
    if _has_pictures(width - first):
        return ""
    if width - first == PEN_NUMBERS + 1 and _has_pen_points(rows, first, PEN_NUMBERS):
        return "last"
    kinds = {place: {row[at].strip() for row in rows} for place, at in (("first", first), ("last", width - 1))}
    fitting = [place for place, values in kinds.items() if _may_be_labels(values)]
    words = [place for place in fitting if not all(map(_is_number, kinds[place]))]
    return max(words or fitting or ["first"], key=lambda place: len(kinds[place]))


def _has_pictures(pixels: int) -> bool:
    return picture_shape((1, pixels)) is not None


def _has_pen_points(rows: Sequence[Sequence[str]], start: int, numbers: int) -> bool:
    """Whether each row is a drawing of eight points, as in pendigits."""
    fields = [row[start : start + numbers] for row in rows]
    if numbers != PEN_NUMBERS or not all(_is_number(field) for row in fields for field in row):
        return False
    return are_pen_digits(np.array(fields, np.float64))


def _may_be_labels(texts: Iterable[str]) -> bool:
    return all(not _is_number(text) or float(text) in range(MAX_CLASSES) or ONE_HOT(text) is not None for text in texts)


def _is_header(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first line names columns: with a word where the next line has a number, or counting from 0."""
    numbers = [name for name in header if _is_number(name)]
    if numbers == [str(number) for number in range(len(numbers))] and len(numbers) > 2:
        return True
    words = [at for at, name in enumerate(header) if not _is_number(name)]
    below = [row[at] for row in rows[:1] for at in words if at < len(row)]
    return bool(words) and (not below or any(map(_is_number, below)))


def _are_repeats(names: Sequence[str]) -> bool:
    """Whether these are numbers of a row that pandas took for names, and made different: the third 0 became 0.2."""
    times, repeats = dict[str, int](), 0
    for name in names:
        number, _, repeat = name.rpartition(".")
        if repeat == str(times.get(number)):
            times[number] += 1
            repeats += 1
        elif name in times:
            return False
        else:
            times[name] = 1
    return repeats > len(names) / 2 and sum(map(_is_number, times)) > len(times) / 2


def _one_hot_columns(rows: Sequence[Sequence[str]], width: int) -> int:
    """How many of the last `width` columns are the label: exactly one is 1 in every row, and more than one is used.

    The rest are a picture, or there are no more.
    """
    counts: Sequence[int] = (10, *range(MAX_CLASSES, 1, -1))
    for count in counts:
        if count == width or (count < width and _has_pictures(width - count)):
            tails = [[_number(field) for field in row[-count:]] for row in rows]
            fit = all(tail.count(1) == 1 and tail.count(0) == count - 1 for tail in tails)
            if fit and len({tail.index(1) for tail in tails}) > 1:
                return count
    return 0


def _one_hot(labels: NDArray[np.str_], layout: Layout) -> NDArray[np.float32]:
    return numbers_in(labels.tolist(), layout.delimiter, layout.one_hot)


def _pixels(path: Path, layout: Layout, rows: int, step: int) -> Iterator[Rows]:
    lines = itertools.islice(_lines(path), layout.skipped, None, step)
    while block := list(itertools.islice(lines, rows)):
        yield numbers_in([_parts(line, layout)[1] for line in block], layout.delimiter, layout.pixels)


def _drawn(path: Path, layout: Layout, step: int) -> Iterator[NDArray[np.uint8]]:
    for rows in _pixels(path, layout, PEN_ROWS, step):
        yield of_pen_digits(rows)


def numbers_in(lines: Sequence[str], delimiter: str | None, columns: int) -> Rows:
    """The numbers in lines, (rows, columns). Raises DataError for uneven lines and other text."""
    if delimiter != ",":
        lines = [line.replace(",", ".") for line in lines]
    parsed = partial(np.loadtxt, lines, comments=None, delimiter=delimiter, ndmin=2)
    try:
        numbers = parsed(np.int64 if all(map(ARE_WHOLE, lines)) else np.float32)
    except ValueError as error:
        raise DataError(UNEVEN) from error
    if numbers.shape[1] != columns:
        raise DataError(UNEVEN)
    return np.asarray(numbers, np.float32)


def _parts(line: str, layout: Layout) -> tuple[str, str]:
    """The label and the pixels of a line, as text."""
    if layout.columns:
        fields = line.split(layout.delimiter)
        if len(fields) != layout.width:
            raise DataError(UNEVEN)
        line = (layout.delimiter or " ").join(itemgetter(*layout.columns)(fields))
    if layout.numbered:
        line = line.split(layout.delimiter, 1)[-1]
    if layout.one_hot:
        fields = line.rsplit(layout.delimiter, layout.one_hot)
        at = len(fields) - layout.one_hot
        return (layout.delimiter or " ").join(fields[at:]), fields[0] if at else ""
    if layout.label == "first":
        label, *rest = line.split(layout.delimiter, 1)
        return label.strip(), rest[0] if rest else ""
    if layout.label == "last":
        *rest, label = line.rsplit(layout.delimiter, 1)
        return label.strip(), rest[0] if rest else ""
    return "", line


def _lines(path: Path) -> Iterator[str]:
    """The lines without quotes, and without a comma at their end; of long ones with only 0 and 1, each is a number.

    Excel's first line may only say what separates fields.
    """
    for at, line in enumerate(lines_of(path)):
        if at == 0 and SAYS_DELIMITER(line):
            continue
        text = _unquoted(line).rstrip() if '"' in line else line
        if len(text) > FEWEST_BITS and not text.strip("01"):
            text = " ".join(text)
        yield text.removesuffix(",") if text.count(",") > 1 else text


def _unquoted(line: str) -> str:
    """A line without quotes. In quoted names, what would separate fields is hidden; a line may also be quoted whole."""
    parts = line.split('"')
    if any(parts[::2]):
        parts[1::2] = [
            part if part.isdigit() or not HAS_LETTER(part) else part.translate(HIDDEN) for part in parts[1::2]
        ]
    return "".join(parts)


def _delimiter(line: str) -> str | None:
    """What separates most fields; a comma may also be in each of them, as in German numbers."""
    return max((sign for sign in (";", "\t", ",") if sign in line), key=line.count, default=None)


def _fields(line: str, delimiter: str | None) -> list[str]:
    return (line if delimiter == "," else line.replace(",", ".")).split(delimiter)


def _is_number(text: str) -> bool:
    return _number(text) is not None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
