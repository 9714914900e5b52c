"""Pictures in a folder or an archive: a folder for each class, in folders for training and test if there are any.

Nothing is unpacked: archives are read entry by entry. What systems leave behind, such as `__MACOSX` and
`.ipynb_checkpoints`, is no class.
"""

import os
import re
import sys
import tarfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.data import svg
from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.pairing import SPLIT_WORDS, in_splits
from minigrad_gui.data.siblings import visible
from minigrad_gui.data.stored import MAX_ENTRIES, MAX_PICTURES, Found, Pictures, Samples, in_blocks
from minigrad_gui.pictures import MAX_BYTES, PICTURE_SUFFIXES, PictureError, decode

SVG_SUFFIX = ".svg"
LABELLED_NAME = re.compile(r".*(?:num|label|class)[_-]?(\d{1,2})|([^\W_]+)[_-].*", re.DOTALL)
"""Names that hold the label: "7_0012.png", "img001-num7.png"."""

Content = Iterator[tuple[int, bytes]]


@dataclass(frozen=True)
class Tree:
    """The files of a folder or an archive: their paths, and the contents of those that are asked for by number."""

    paths: Sequence[str]
    contents: Callable[[Sequence[int]], Content]


def holds_pictures(path: Path) -> bool:
    """Whether there is a picture in a folder or below it."""
    for _, folders, files in os.walk(path):
        folders[:] = [name for name in folders if visible(Path(name))]
        if any(_is_picture(PurePosixPath(name)) for name in files):
            return True
    return False


def read_folder(path: Path) -> Found:
    """The dataset in a folder. Links to folders are not followed."""
    paths: list[str] = []
    for root, folders, files in os.walk(path):
        folders[:] = sorted(name for name in folders if visible(Path(name)))
        paths += [Path(root, name).relative_to(path).as_posix() for name in sorted(files)]
        _check_number(len(paths))

    def contents(chosen: Sequence[int]) -> Content:
        for index in chosen:
            file = path / paths[index]
            if not file.is_file():
                raise DataError(f"{paths[index]} is not a file.")
            with open(file, "rb") as opened:
                yield index, opened.read(MAX_BYTES + 1)

    return read_tree(Tree(paths, contents))


def read_zip(path: Path) -> Found:
    """The dataset of pictures in a zip file."""
    with zipfile.ZipFile(path) as archive:
        names = [info.filename for info in archive.infolist() if not info.is_dir()]
    _check_number(len(names))

    def contents(chosen: Sequence[int]) -> Content:
        with zipfile.ZipFile(path) as archive:
            for index in chosen:
                with archive.open(names[index]) as file:
                    yield index, file.read(MAX_BYTES + 1)

    return read_tree(Tree([name.replace("\\", "/") for name in names], contents))


def read_tar(path: Path) -> Found:
    """The dataset of pictures in a tar file, which may be compressed: it is read from front to back."""
    names = []
    for member, _ in members_of(path):
        names.append(member.name)
        _check_number(len(names))

    def contents(chosen: Sequence[int]) -> Content:
        wanted = set(chosen)
        for index, (_, read) in enumerate(members_of(path)):
            if index in wanted:
                yield index, read()

    return read_tree(Tree(names, contents))


def members_of(path: Path) -> Iterator[tuple[tarfile.TarInfo, Callable[[], bytes]]]:
    """The regular files of an archive, and what reads each while it is the current one."""
    with tarfile.open(path, "r|*") as archive:
        for member in archive:
            archive.members.clear()  # type: ignore[attr-defined]  # it would remember a million
            if member.isreg():
                opened: Any = archive.extractfile(member)
                yield member, partial(opened.read, MAX_BYTES + 1)


def recognises_tar(start: bytes) -> bool:
    return start[257:262] == b"ustar"


def _check_number(count: int) -> None:
    if count > MAX_ENTRIES:
        raise DataError(f"it holds more than {MAX_ENTRIES:,} files.")


def read_tree(tree: Tree) -> Found:
    """The dataset whose labels are the names of folders, or part of the files' own names."""
    pictures = {index: path for index, path in enumerate(tree.paths) if _is_picture(PurePosixPath(path))}
    if not pictures:
        raise DataError("it holds no pictures.")
    if len(pictures) > MAX_PICTURES:
        raise DataError(f"it holds more than {MAX_PICTURES:,} pictures.")
    labels, stray = _labels(pictures)
    splits: dict[str, list[int]] = {}
    for index in labels:
        splits.setdefault(_split(PurePosixPath(pictures[index])), []).append(index)
    samples = {split: [_samples(tree, chosen, labels)] for split, chosen in splits.items()}
    remarks = [f"{stray:,} pictures outside of the classes' folders are left out."] if stray else []
    return in_splits(samples, remarks)


def _is_picture(path: PurePosixPath) -> bool:
    return path.suffix.lower() in (*PICTURE_SUFFIXES, SVG_SUFFIX) and all(visible(Path(part)) for part in path.parts)


def _split(path: PurePosixPath) -> str:
    """The split that a folder names; the name of the class is not asked, nor is the file's."""
    named = [SPLIT_WORDS[word] for part in path.parts[:-1] for word in _words(part) if word in SPLIT_WORDS]
    return named[0] if named else "train"


def _words(part: str) -> list[str]:
    return re.split(r"[\W_]+", part.lower())


def _labels(pictures: Mapping[int, str]) -> tuple[dict[int, str], int]:
    """The label of each picture, and how many pictures have none."""
    folders, depths = {}, {}
    for index, name in pictures.items():  # strings only, for there may be a million
        path = PurePosixPath(name)
        if len(path.parts) > 1 and not set(_words(path.parent.name)) & set(SPLIT_WORDS):
            folders[index], depths[index] = sys.intern(path.parent.name), len(_below_splits(path))
    if len(set(folders.values())) > 1:
        depth = Counter(depths.values()).most_common(1)[0][0]
        labels = {index: name for index, name in folders.items() if depths[index] == depth}
        return labels, len(pictures) - len(labels)
    matches = {index: LABELLED_NAME.fullmatch(PurePosixPath(path).stem) for index, path in pictures.items()}
    named = {index: match[1] or match[2] for index, match in matches.items() if match is not None}
    if len(named) < len(pictures) or len(set(named.values())) * 2 > len(named):
        raise DataError("its pictures have no labels: there is no folder for each class.")
    return named, 0


def _below_splits(path: PurePosixPath) -> tuple[str, ...]:
    return tuple(part for part in path.parts[:-1] if not set(_words(part)) & set(SPLIT_WORDS))


def _samples(tree: Tree, chosen: Sequence[int], labels: Mapping[int, str]) -> Samples:
    def blocks(step: int) -> Iterator[list[NDArray[np.uint8]]]:
        return in_blocks(decoded(content, tree.paths[index]) for index, content in tree.contents(chosen[::step]))

    pictures = Pictures(len(chosen), blocks, are_encoded=True, are_slow=True)
    return Samples(pictures, np.array([labels[index] for index in chosen]))


def decoded(content: bytes, name: str) -> NDArray[np.uint8]:
    """The pixels of a picture file. Raises DataError if it is none."""
    if name.lower().endswith(SVG_SUFFIX):
        return svg.picture(content)
    try:
        return decode(content, name)
    except PictureError as error:
        raise DataError(str(error)) from error
