"""Pictures in a folder or an archive: a folder for each class, in folders for training and test if there are any.

Pictures are not unpacked: archives are read entry by entry. Other files are, if no pictures have labels. What systems
leave behind, such as `__MACOSX` and `.ipynb_checkpoints`, is no class.
"""

import itertools
import os
import re
import sys
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.data import label_names, label_tables, label_texts, svg
from minigrad_gui.data.archives import PackedFile, files_in_tar, files_in_zip, members_of, unpacked
from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.label_folders import Folders, are_characters, classes_of
from minigrad_gui.data.label_tables import LabelTable
from minigrad_gui.data.names import Names
from minigrad_gui.data.pairing import in_splits, split_of
from minigrad_gui.data.siblings import Files, visible
from minigrad_gui.data.stored import MAX_ENTRIES, MAX_SIDE_PX, Found, Others, Pictures, Samples, check_count, in_blocks
from minigrad_gui.data.zips import Directory
from minigrad_gui.pictures import MAX_BYTES, PictureError, decode

JPEG_SUFFIXES = (".jpg", ".jpeg")
TAR_HEADER_BYTES = 512
LOOKED_AT = 1000
BITMAP_NAME = re.compile(r"\d{1,2}_\d+\.txt")
"""Texts of 0 and 1, as "7_12.txt" of the book Machine Learning in Action; pictures where there are no others."""
MAX_TABLES = 4
NO_LABELS = (
    "its pictures have no labels: there is no folder for each class, no table of the pictures' names and labels, no "
    "label in a text beside each, and none in names such as “{}”."
)

EXCEL = "xl/workbook.xml"

Content = Iterator[tuple[int, bytes]]


class UnlabelledError(DataError):
    """There are no pictures, or none with labels; other files may hold a dataset.

    fault: what is wrong with the pictures; None if there are none.
    """

    def __init__(self, fault: str | None = None) -> None:
        super().__init__(fault or "it holds no pictures.")
        self.fault = fault


@dataclass(frozen=True)
class Tree:
    """The files of a folder or an archive: their paths, and the contents of those that are asked for by number."""

    paths: Sequence[str]
    contents: Callable[[NDArray[np.int32]], Content]


def holds_pictures(path: Path) -> bool:
    """Whether there is a picture in a folder or below it."""
    bitmaps = False
    for _, folders, files in os.walk(path):
        folders[:] = [name for name in folders if visible(Path(name))]
        if any(Path(name).suffix.lower() in label_tables.PICTURES and visible(Path(name)) for name in files):
            return True
        bitmaps = bitmaps or any(map(BITMAP_NAME.fullmatch, files))
    return bitmaps


def read_folder(opened: Files) -> Found:
    """The dataset of pictures in a folder, or its other files. Links to folders are not followed."""
    (path,) = opened.values()
    paths = Names()
    for root, folders, files in os.walk(path):
        folders[:] = sorted(name for name in folders if visible(Path(name)))
        for name in sorted(files):
            paths.append(Path(root, name).relative_to(path).as_posix())
        _check_number(len(paths))

    def contents(chosen: NDArray[np.int32]) -> Content:
        for index in chosen:
            file = path / paths[index]
            if not file.is_file():
                raise DataError(f"{paths[index]} is not a file.")
            with open(file, "rb") as opened:
                yield index, opened.read(MAX_BYTES + 1)

    try:
        return read_tree(Tree(paths, contents))
    except UnlabelledError as error:
        return Found((), others=Others(path, error.fault))


def read_zip(files: Files) -> Found:
    """The dataset of pictures in zip files, or what else they hold."""
    return _read_together(files, _read_zip, files_in_zip)


def read_tar(files: Files) -> Found:
    """The same of tar files, which may be compressed: then they are read from front to back."""
    return _read_together(files, _read_tar, files_in_tar)


def _read_together(
    files: Files, read: Callable[[Path], Found], files_in: Callable[[Path], Iterator[PackedFile]]
) -> Found:
    """The dataset in several archives; if the first has all, test pictures, too, in it alone."""
    first, *others = files.values()
    try:
        found = read(first)
    except UnlabelledError as error:
        return Found((), others=Others(partial(unpacked, files, files_in, may_be_picture), error.fault))
    if found.test or not others:
        return replace(found, files=list(files)[:1])
    splits: dict[str, list[Samples]] = {}
    remarks: dict[str, None] = {}
    for name, part in zip(files, itertools.chain([found], map(read, others)), strict=True):
        splits.setdefault(split_of(name) or "train", []).extend((*part.train, *part.test))
        remarks.update(dict.fromkeys(part.remarks))
    return in_splits(splits, list(remarks))


def _read_zip(path: Path) -> Found:
    directory = Directory.read(path, MAX_ENTRIES)
    if EXCEL in itertools.islice(directory.names, LOOKED_AT):
        raise DataError("it is an Excel file; save it as CSV.")
    return read_tree(Tree(directory.names, lambda chosen: directory.contents(chosen, MAX_BYTES)))


def _read_tar(path: Path) -> Found:
    names = Names()
    places = array("Q")
    for member, _ in members_of(path):
        names.append(member.name)
        places.extend((member.offset_data, 0 if member.issparse() else min(member.size, MAX_BYTES + 1)))
        _check_number(len(names))

    def at_once(chosen: NDArray[np.int32]) -> Content:
        with open(path, "rb") as file:
            for index in chosen.tolist():
                file.seek(places[2 * index])
                yield index, file.read(places[2 * index + 1])

    def contents(chosen: NDArray[np.int32]) -> Content:
        is_wanted = np.zeros(len(names), bool)
        is_wanted[chosen] = True
        for index, (_, opened) in enumerate(members_of(path)):
            if is_wanted[index]:
                yield index, opened().read(MAX_BYTES + 1)

    with open(path, "rb") as file:
        is_plain = recognises_tar(file.read(TAR_HEADER_BYTES))
    return read_tree(Tree(names, at_once if is_plain else contents))


def recognises_tar(start: bytes) -> bool:
    return start[257:262] == b"ustar"


def _check_number(count: int) -> None:
    if count > MAX_ENTRIES:
        raise DataError(f"it holds more than {MAX_ENTRIES:,} files.")


def read_tree(tree: Tree) -> Found:
    """The dataset whose labels are the names of folders, or part of the files' own names.

    There may be a million files: of each, only a few numbers are in memory.
    """
    folders = Folders(tree.paths)
    places = np.flatnonzero([_is_picture(path, folders) for path in tree.paths]).astype(np.int32)
    if not len(places):
        places = np.flatnonzero([_is_bitmap(path, folders) for path in tree.paths]).astype(np.int32)
    if not len(places):
        raise UnlabelledError
    check_count(len(places))
    labels, remarks = _labels(tree, places, folders)
    splits = np.array([folders.of(tree.paths[int(at)]).split for at in places])
    is_labelled = np.array([label is not None for label in labels])
    samples = {}
    for split in dict.fromkeys(splits[is_labelled].tolist()):
        chosen = np.flatnonzero(is_labelled & (splits == split))
        samples[split] = [_samples(tree, places[chosen], np.array([labels[at] for at in chosen]))]
    if np.mean([tree.paths[int(at)].lower().endswith(JPEG_SUFFIXES) for at in places]) > 0.5:
        remarks.append("Its pictures are JPEG, in which paper is not quite blank.")
    return in_splits(samples, remarks)


def may_be_picture(path: str) -> bool:
    """Whether a file's name is that of a picture, or of a text of 0 and 1."""
    return _has_picture_suffix(path) or _is_called_bitmap(path)


def _has_picture_suffix(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name[name.rfind(".") :].lower() in label_tables.PICTURES


def _is_called_bitmap(path: str) -> bool:
    return BITMAP_NAME.fullmatch(path.rpartition("/")[2]) is not None


def _is_picture(path: str, folders: Folders) -> bool:
    return _has_picture_suffix(path) and visible(Path(path)) and folders.of(path).is_visible


def _is_bitmap(path: str, folders: Folders) -> bool:
    return _is_called_bitmap(path) and folders.of(path).is_visible


def _labels(tree: Tree, places: NDArray[np.int32], folders: Folders) -> tuple[list[str | None], list[str]]:
    """The label of each picture, None if it has none, and remarks on these and on where the labels are from."""
    paths = Names(tree.paths[int(at)] for at in places)
    seen = [folders.of(path) for path in paths]
    if (classes := classes_of(Counter(seen))) is not None:
        names, remarks = classes
        labels = [names.get(folder) for folder in seen]
        if not are_characters({*names.values()}):
            _check_texts(tree, paths, labels)
        stray = labels.count(None)
        told = [f"Pictures outside of the classes' folders are left out: {stray:,}."] if stray else []
        return labels, [*remarks, *told]
    unclear: list[DataError] = []
    if (listed := _listed(tree, paths, folders, unclear)) is not None:
        return listed
    name = PurePosixPath(paths[0]).name
    fault = NO_LABELS.format(name)
    try:
        if (beside := label_texts.read(paths, tree.paths, tree.contents)) is not None:
            return beside[0], [beside[1], *_left_out(beside[0].count(None))]
    except DataError as error:
        fault = str(error)
    try:
        named = label_names.labels_in(paths)
    except DataError as error:
        raise next(iter(unclear), UnlabelledError(str(error))) from error
    if named is None:
        raise next(iter(unclear), UnlabelledError(fault))
    return list(named), [f"Its labels are taken from the files' names, as {named[0]} in {name}."]


def _left_out(missing: int) -> list[str]:
    return [f"Pictures without a label are left out: {missing:,}."] if missing else []


def _check_texts(tree: Tree, paths: Sequence[str], labels: Sequence[str | None]) -> None:
    """Raise DataError if texts beside the pictures give them other labels than their folders, which may be writers."""
    try:
        beside = label_texts.read(paths, tree.paths, tree.contents)
    except DataError:  # captions, boxes
        return
    pairs = {pair for pair in zip(labels, beside[0], strict=True) if None not in pair} if beside else set()
    if len(pairs) > len({label for label, _ in pairs}) or len(pairs) > len({text for _, text in pairs}):
        label, text = sorted(pairs)[0]
        told = f"“{label}” by its folder and “{text}” by the text beside it"
        raise DataError(f"it is not clear what a picture's label is, {told}; remove the folders or the texts.")


def _listed(
    tree: Tree, paths: Sequence[str], folders: Folders, unclear: list[DataError]
) -> tuple[list[str | None], list[str]] | None:
    """The same from tables of the pictures' names and labels, if these name most of the pictures.

    unclear: gets what is not clear in a table.
    """
    places = _tables(tree, folders)
    if not len(places):
        return None
    known: dict[str, list[int]] = {}
    for at, path in enumerate(paths):
        known.setdefault(label_tables.called(path), []).append(at)
    tables: dict[str, LabelTable] = {}
    for at, content in tree.contents(places):
        try:
            table = label_tables.read(PurePosixPath(tree.paths[at]).name, content, known)
        except DataError as error:
            unclear.append(error)
        else:
            tables.update({tree.paths[at]: table} if table else {})
    tables, remarks = _believable(tables)
    labels: list[str | None] = [None] * len(paths)
    for path, table in tables.items():
        for name, label in table.pairs():
            for at in _meant(name, path, paths, folders, known.get(label_tables.called(name), [])):
                if labels[at] not in (None, label or None):
                    raise DataError(f"its tables give “{name}” two labels, {labels[at]} and {label}.")
                labels[at] = sys.intern(label) or None
    missing = labels.count(None)
    given = {*labels} - {None}
    if len(given) == 1:
        unclear.append(DataError("all its pictures have the same label."))
    if missing * 2 > len(labels) or len(given) < 2:
        return None
    remarks.append(f"Its labels are from {', '.join(table.told for table in tables.values())}.")
    return labels, [*remarks, *_left_out(missing)]


def _believable(tables: Mapping[str, LabelTable]) -> tuple[dict[str, LabelTable], list[str]]:
    """The tables by their paths, without the samples of what competitions want to be told, and remarks on these."""
    kept, remarks = {}, []
    are_varied = any(table.only_label is None for table in tables.values())
    for path, table in tables.items():
        file = PurePosixPath(path).name
        if "submission" in file.lower():
            remarks.append(f"{file} is left out: labels for a submission are not the true ones.")
        elif are_varied and table.only_label is not None:
            remarks.append(f"{file} is left out: it gives all its pictures the label “{table.only_label}”.")
        else:
            kept[path] = table
    return kept, remarks


def _tables(tree: Tree, folders: Folders) -> NDArray[np.int32]:
    """Which files may be tables of labels, the likelier first."""
    ranks = {at: rank for at, path in enumerate(tree.paths) if (rank := _rank_as_table(path, folders)) is not None}
    return np.array(sorted(ranks, key=ranks.__getitem__)[:MAX_TABLES], np.int32)


def _rank_as_table(path: str, folders: Folders) -> int | None:
    suffix = path[path.rfind(".") :].lower()
    is_table = suffix in label_tables.SUFFIXES and visible(Path(path)) and folders.of(path).is_visible
    return label_tables.SUFFIXES.index(suffix) if is_table else None


def _meant(name: str, table: str, paths: Sequence[str], folders: Folders, alike: Sequence[int]) -> Sequence[int]:
    """Which of the pictures that are called alike a table names: the one there, or that of its split."""
    if len(alike) < 2:
        return alike
    folder, _, file = table.rpartition("/")
    path, split = PurePosixPath(folder, name).as_posix(), split_of(file)
    there = [at for at in alike if paths[at].startswith(path)]
    below = [at for at in alike if paths[at].endswith(f"/{name}")]
    of_split = [at for at in alike if folders.of(paths[at]).split == split]
    for fitting in (there, below, of_split):
        if len(fitting) == 1:
            return fitting
    raise DataError(f"several of its pictures are called “{name}”.")


def _samples(tree: Tree, chosen: NDArray[np.int32], labels: NDArray[Any]) -> Samples:
    def blocks(step: int) -> Iterator[list[NDArray[np.uint8]]]:
        return in_blocks(decoded(content, tree.paths[index]) for index, content in tree.contents(chosen[::step]))

    return Samples(Pictures(len(chosen), blocks, are_encoded=True, are_slow=True), labels)


def decoded(content: bytes, name: str) -> NDArray[np.uint8]:
    """The pixels of a picture file. Raises DataError if it is none."""
    if name.lower().endswith(svg.SUFFIX):
        return svg.picture(content)
    if BITMAP_NAME.fullmatch(PurePosixPath(name).name):
        return _bitmap(content, name)
    try:
        return decode(content, name)
    except PictureError as error:
        raise DataError(str(error)) from error


def _bitmap(content: bytes, name: str) -> NDArray[np.uint8]:
    """The picture in lines of 0 and 1."""
    rows = content.split()
    if not 0 < len(rows) <= MAX_SIDE_PX or len({len(row) for row in rows}) > 1 or b"".join(rows).strip(b"01"):
        raise DataError(f"{name} is not a picture of 0 and 1.")
    return (np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), -1) - ord("0")) * np.uint8(255)
