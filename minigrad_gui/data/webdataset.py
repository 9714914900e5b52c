"""WebDataset: tars in which a picture and its label have one name, as 000.jpg and 000.cls.

The name ends at its first dot. A dataset is several tars, which differ in a number and, perhaps, in the split.
"""

import itertools
import json
import tarfile
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.folders import decoded, members_of, recognises_tar
from minigrad_gui.data.pairing import LABEL_WORDS, in_splits, split_of
from minigrad_gui.data.siblings import family
from minigrad_gui.data.stored import MAX_ENTRIES, Found, Pictures, Samples, check_count, in_blocks
from minigrad_gui.pictures import PICTURE_SUFFIXES

LABEL_SUFFIXES = ("cls", "json", "txt", "cls.txt")
"""Of labels, the best first: a text may be a description."""
MAX_LABEL_BYTES = 1 << 16
LOOKED_AT = 20
LABEL_KEYS = (*LABEL_WORDS, "cls")


def recognises(path: Path, start: bytes) -> bool:
    """Whether a tar begins with a picture and a label of one name."""
    if not recognises_tar(start):
        return False
    seen: dict[str, set[str]] = {}
    try:
        for member, _ in itertools.islice(members_of(path), LOOKED_AT):
            key, suffix = _parts(member.name)
            seen.setdefault(key, set()).add(suffix)
    except tarfile.TarError:
        return False
    return any(any(map(_is_picture, each)) and each & set(LABEL_SUFFIXES) for each in seen.values())


def read(path: Path) -> Found:
    """The dataset of a tar and of those beside it that belong to it."""
    splits: dict[str, list[Samples]] = {}
    left_out = 0
    for name, file in family(path).items():
        keys, labels = _contents(file)
        chosen = [key for key in keys if key in labels]
        left_out += len(keys) - len(chosen)
        check_count(len(chosen))
        values = [labels[key] for key in chosen]
        if len({isinstance(value, str) for value in values}) > 1:
            raise DataError("its labels are of different kinds.")
        pictures = Pictures(len(chosen), partial(_blocks, file, set(chosen)), are_encoded=True, are_slow=True)
        splits.setdefault(split_of(name) or "train", []).append(Samples(pictures, np.array(values)))
    return in_splits(splits, [f"Pictures without a label are left out: {left_out:,}."] if left_out else [])


def _parts(name: str) -> tuple[str, str]:
    """The name that a sample's files share, and what each adds."""
    path = PurePosixPath(name)
    stem, _, suffix = path.name.partition(".")
    return str(path.with_name(stem or path.name)), suffix.lower()


def _is_picture(suffix: str) -> bool:
    return f".{suffix.rpartition('.')[2]}" in PICTURE_SUFFIXES


def _contents(path: Path) -> tuple[list[str], Mapping[str, Any]]:
    """The names of the pictures in order, and the label of each name that has one."""
    keys: list[str] = []
    found: dict[str, tuple[int, Any]] = {}
    for count, (member, read_member) in enumerate(members_of(path)):
        if count > MAX_ENTRIES * 2:
            raise DataError(f"it holds more than {MAX_ENTRIES:,} pictures.")
        key, suffix = _parts(member.name)
        if _is_picture(suffix):
            if keys and keys[-1] == key:
                raise DataError(f"“{key}” has several pictures.")
            keys.append(key)
        elif suffix in LABEL_SUFFIXES and member.size <= MAX_LABEL_BYTES:
            rank = LABEL_SUFFIXES.index(suffix)
            label = _label(read_member(), suffix)
            if label is not None and rank <= found.get(key, (rank, None))[0]:
                found[key] = rank, label
    return keys, {key: label for key, (_, label) in found.items()}


def _label(content: bytes, suffix: str) -> Any:
    """A whole number or text; None if a JSON page has none."""
    text = content.decode("utf-8", "replace").strip()
    if suffix != "json":
        return text
    try:
        page = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError("a label is damaged.") from error
    value = next((page[key] for key in LABEL_KEYS if key in page), None) if isinstance(page, dict) else page
    return str(value) if isinstance(value, str | int) else None


def _blocks(path: Path, chosen: set[str], step: int) -> Iterator[list[NDArray[np.uint8]]]:
    return in_blocks(_pictures(path, chosen, step))


def _pictures(path: Path, chosen: set[str], step: int) -> Iterator[NDArray[np.uint8]]:
    number = 0
    for member, read_member in members_of(path):
        key, suffix = _parts(member.name)
        if _is_picture(suffix) and key in chosen:
            if number % step == 0:
                yield decoded(read_member(), member.name)
            number += 1
