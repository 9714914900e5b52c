"""WebDataset: tars in which a picture and its label have one name, as 000.jpg and 000.cls.

The name ends at its first dot. A dataset is several tars, which differ in a number and, perhaps, in the split.
"""

import itertools
import json
import sys
import tarfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.data.archives import members_of
from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.folders import decoded, recognises_tar
from minigrad_gui.data.pairing import LABEL_WORDS, in_splits, split_of
from minigrad_gui.data.siblings import Files
from minigrad_gui.data.stored import MAX_ENTRIES, Found, Pictures, Samples, check_count, in_blocks
from minigrad_gui.pictures import MAX_BYTES, PICTURE_SUFFIXES

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


def read(files: Files) -> Found:
    """The dataset of tars, each a split or a part of one."""
    splits: dict[str, list[Samples]] = {}
    left_out = 0
    for name, file in files.items():
        labels = list(_labels(file))
        is_labelled = np.array([label is not None for label in labels], bool)
        count = int(is_labelled.sum())
        left_out += len(labels) - count
        if labels and not count:
            raise DataError("none of its pictures has its label next to it.")
        check_count(count)
        pictures = Pictures(count, partial(_blocks, file, is_labelled), are_encoded=True, are_slow=True)
        labelled = np.array([label for label in labels if label is not None])
        splits.setdefault(split_of(name) or "train", []).append(Samples(pictures, labelled))
    return in_splits(splits, [f"Pictures without a label are left out: {left_out:,}."] if left_out else [])


def _parts(name: str) -> tuple[str, str]:
    """The name that a sample's files share, and what each adds."""
    folder, slash, file = name.rpartition("/")
    stem, _, suffix = file.partition(".")
    return f"{folder}{slash}{stem or file}", suffix.lower()


def _is_picture(suffix: str) -> bool:
    return f".{suffix.rpartition('.')[2]}" in PICTURE_SUFFIXES


def _labels(path: Path) -> Iterator[str | None]:
    """The label of each picture in order, None if it has none; the files of a sample stand one after the other."""
    for count, (key, files) in enumerate(itertools.groupby(members_of(path), lambda file: _parts(file[0].name)[0])):
        if count > MAX_ENTRIES:
            raise DataError(f"it holds more than {MAX_ENTRIES:,} pictures.")
        pictures = 0
        found: dict[int, str] = {}
        for member, opened in files:
            suffix = _parts(member.name)[1]
            if _is_picture(suffix):
                pictures += 1
            elif suffix in LABEL_SUFFIXES and member.size <= MAX_LABEL_BYTES:
                label = _label(opened().read(), suffix)
                if label is not None:
                    found[LABEL_SUFFIXES.index(suffix)] = label
        if pictures > 1:
            raise DataError(f"“{key}” has several pictures.")
        if pictures:
            yield sys.intern(found[min(found)]) if found else None


def _label(content: bytes, suffix: str) -> str | None:
    """A label as text; None if a JSON page has none."""
    text = content.decode("utf-8", "replace").strip()
    if suffix != "json":
        return text
    try:
        page = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError("a label is damaged.") from error
    value = next((page[key] for key in LABEL_KEYS if key in page), None) if isinstance(page, dict) else page
    return str(value) if isinstance(value, str | int) else None


def _blocks(path: Path, is_labelled: NDArray[np.bool_], step: int) -> Iterator[list[NDArray[np.uint8]]]:
    return in_blocks(_pictures(path, is_labelled, step))


def _pictures(path: Path, is_labelled: NDArray[np.bool_], step: int) -> Iterator[NDArray[np.uint8]]:
    is_wanted = is_labelled.copy()
    is_wanted[np.flatnonzero(is_labelled)] = np.arange(is_labelled.sum()) % step == 0
    wanted = iter(is_wanted.tolist())
    for member, opened in members_of(path):
        if _is_picture(_parts(member.name)[1]) and next(wanted):
            yield decoded(opened().read(MAX_BYTES + 1), member.name)
