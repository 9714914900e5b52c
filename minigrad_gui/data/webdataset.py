"""WebDataset: tars in which a picture and its label have one name, as 000.jpg and 000.cls, or 000.image.npy and
000.label.txt.

The name ends at its first dot. A dataset is several tars, which differ in a number and, perhaps, in the split.
"""

import io
import itertools
import json
import sys
import tarfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.data.archives import members_of
from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.folders import decoded, recognises_tar
from minigrad_gui.data.label_texts import label_in
from minigrad_gui.data.npz import array_of
from minigrad_gui.data.pairing import LABEL_WORDS, in_splits, split_of
from minigrad_gui.data.siblings import Files
from minigrad_gui.data.stored import MAX_ENTRIES, Found, Pictures, Samples, check_count, in_blocks, picture_of
from minigrad_gui.pictures import MAX_BYTES, PICTURE_SUFFIXES

LABEL_KINDS = ("cls", "json", "txt")
"""Suffixes of labels, the best first: a text may be a description."""
MAX_LABEL_BYTES = 1 << 16
LOOKED_AT = 20
LABEL_KEYS = (*LABEL_WORDS, "cls")


def recognises(path: Path, start: bytes) -> bool:
    """Whether a tar begins with pictures of which most have a label of their name next to them."""
    if not recognises_tar(start):
        return False
    try:
        names = [_parts(member.name) for member, _ in itertools.islice(members_of(path), LOOKED_AT)]
    except tarfile.TarError:
        return False
    samples = [[suffix for _, suffix in files] for _, files in itertools.groupby(names, lambda name: name[0])]
    shown = [sample for sample in samples if any(map(_is_picture, sample))]
    return 0 < len(shown) <= 2 * sum(any(_labels_it(suffix, sample) for suffix in sample) for sample in shown)


def read(files: Files) -> Found:
    """The dataset of tars, each a split or a part of one."""
    splits: dict[str, list[Samples]] = {}
    left_out = 0
    for name, file in files.items():
        suffixes: set[str] = set()
        labels = list(_labels(file, suffixes))
        is_labelled = np.array([label is not None for label in labels], bool)
        count = int(is_labelled.sum())
        left_out += len(labels) - count
        if labels and not count:
            raise DataError("none of its pictures has its label next to it.")
        check_count(count)
        are_arrays = any(map(_is_array, suffixes))
        if are_arrays and not all(map(_is_array, suffixes)):
            raise DataError("some of its pictures are arrays, others are not.")
        pictures = Pictures(count, partial(_blocks, file, is_labelled), not are_arrays, are_slow=True)
        labelled = np.array([label for label in labels if label is not None])
        splits.setdefault(split_of(name) or "train", []).append(Samples(pictures, labelled))
    return in_splits(splits, [f"Pictures without a label are left out: {left_out:,}."] if left_out else [])


def _parts(name: str) -> tuple[str, str]:
    """The name that a sample's files share, and what each adds."""
    folder, slash, file = name.rpartition("/")
    stem, _, suffix = file.partition(".")
    return f"{folder}{slash}{stem or file}", suffix.lower()


def _is_picture(suffix: str) -> bool:
    name, _, kind = suffix.rpartition(".")
    return f".{kind}" in PICTURE_SUFFIXES or (_is_array(suffix) and name not in LABEL_KEYS)


def _is_array(suffix: str) -> bool:
    return suffix.rpartition(".")[2] == "npy"


def _rank(suffix: str) -> int | None:
    """The lower, the likelier the file is the label; None if it is none."""
    name, _, kind = suffix.rpartition(".")
    if kind not in LABEL_KINDS or (name and name not in LABEL_KEYS):
        return None
    return 0 if name else LABEL_KINDS.index(kind)


def _labels_it(suffix: str, sample: Sequence[str]) -> bool:
    """Whether a file is the label in a sample: beside an array, other texts may tell about all in it."""
    rank = _rank(suffix)
    return rank == 0 or (rank is not None and not any(map(_is_array, sample)))


def _labels(path: Path, suffixes: set[str]) -> Iterator[str | None]:
    """The label of each picture in order, None if it has none; the files of a sample stand one after the other.

    suffixes: gets those of the pictures.
    """
    for count, (key, files) in enumerate(itertools.groupby(members_of(path), lambda file: _parts(file[0].name)[0])):
        if count > MAX_ENTRIES:
            raise DataError(f"it holds more than {MAX_ENTRIES:,} pictures.")
        pictures = 0
        found: dict[int, str] = {}
        others: list[str] = []
        for member, opened in files:
            suffix = _parts(member.name)[1]
            if _is_picture(suffix):
                pictures += 1
                suffixes.add(suffix)
            elif (rank := _rank(suffix)) is not None and member.size <= MAX_LABEL_BYTES:
                label = _label(opened().read(), suffix)
                if label is not None:
                    found[rank] = label
                else:
                    others.append(member.name)
        if pictures > 1:
            raise DataError(f"“{key}” has several pictures.")
        if pictures and not found and any(name.endswith(".txt") for name in others):
            raise DataError(f"{others[0]} holds no label alone.")
        if pictures:
            yield sys.intern(found[min(found)]) if found else None


def _label(content: bytes, suffix: str) -> str | None:
    """A label as text; None if a JSON page has none, or a text is something else."""
    if not suffix.endswith("json"):
        return label_in(content)
    try:
        page = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DataError("a label is damaged.") from error
    value = next((page[key] for key in LABEL_KEYS if key in page), None) if isinstance(page, dict) else page
    return str(value) if isinstance(value, str | int) else None


def _blocks(path: Path, is_labelled: NDArray[np.bool_], step: int) -> Iterator[list[NDArray[Any]]]:
    return in_blocks(_pictures(path, is_labelled, step))


def _pictures(path: Path, is_labelled: NDArray[np.bool_], step: int) -> Iterator[NDArray[Any]]:
    is_wanted = is_labelled.copy()
    is_wanted[np.flatnonzero(is_labelled)] = np.arange(is_labelled.sum()) % step == 0
    wanted = iter(is_wanted.tolist())
    for member, opened in members_of(path):
        if _is_picture(_parts(member.name)[1]) and next(wanted):
            yield _picture(opened().read(MAX_BYTES + 1), member.name)


def _picture(content: bytes, name: str) -> NDArray[Any]:
    if not _is_array(_parts(name)[1]):
        return decoded(content, name)
    array = array_of(partial(io.BytesIO, content))
    if array.dtype.kind not in "buif":
        raise DataError(f"{name} is not an array of numbers.")
    return picture_of(array.whole())
