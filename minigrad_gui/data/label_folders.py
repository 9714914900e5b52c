"""Folders whose names are classes: class/picture.png, train/class/picture.png, writer/class/picture.png, or also
class/writer/picture.png if the classes are called like characters."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from minigrad_gui.data.labelling import FEWEST_DIGITS
from minigrad_gui.data.pairing import SPLIT_WORDS, words_of
from minigrad_gui.data.siblings import visible

CHARACTER = re.compile(r"[^\W_]")
CODE = re.compile(r"3\d|[46][1-9a-f]|[57][0-9a]", re.IGNORECASE)
"""Hexadecimal codes of digits and letters, as NIST's folders have them."""


@dataclass(frozen=True)
class Folder:
    """What the path of a folder says: whether people made it, its split, whether its own name is that of a split, and
    which folders on the path, by theirs, are no splits."""

    is_visible: bool
    split: str
    is_split: bool
    others: tuple[str, ...]

    @classmethod
    def at(cls, path: str) -> "Folder":
        parts = PurePosixPath(path).parts
        splits = [[SPLIT_WORDS[word] for word in words_of(part) if word in SPLIT_WORDS] for part in parts]
        return cls(
            all(visible(Path(part)) for part in parts),
            next((named[0] for named in splits if named), "train"),
            bool(splits and splits[-1]),
            tuple("/".join(parts[: at + 1]) for at, named in enumerate(splits) if not named),
        )


class Folders:
    """Looks at each folder once, however many files it holds."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._seen = {name: Folder.at(name) for name in {path.rpartition("/")[0] for path in paths}}

    def of(self, path: str) -> Folder:
        """The folder of a file."""
        return self._seen[path.rpartition("/")[0]]


def classes_of(counts: Counter[Folder]) -> tuple[dict[Folder, str], list[str]] | None:
    """The classes of folders that hold so many pictures, and remarks on these; None if there are no two."""

    def pictures_in(folders: Iterable[Folder]) -> int:
        return sum(counts[folder] for folder in folders)

    deepest = max(len(folder.others) for folder in counts)
    levels = [{each: each.others[at] for each in counts if len(each.others) > at} for at in range(deepest)]
    innermost = [
        {each: path for each, path in level.items() if path == each.others[-1] and not each.is_split}
        for level in levels
    ]
    of_characters = [
        level
        for level in levels
        if pictures_in(level) * 2 > counts.total() and are_characters(set(map(_name, level.values())))
    ]
    places = of_characters[-1] if of_characters else max(innermost, key=pictures_in, default={})
    names = {folder: _name(path) for folder, path in places.items()}
    if len({*names.values()}) < 2:
        return None
    remarks = []
    if sum(len({*map(_name, level.values())}) > 1 for level in levels) > 1:
        folder, name = next(iter(names.items()))
        remarks.append(f"Its classes are the folders such as “{name}” in {folder.others[-1]}.")
    repeated = Counter((split, _name(path)) for split, path in {(each.split, path) for each, path in places.items()})
    if several := min((name for (_, name), count in repeated.items() if count > 1), default=None):
        remarks.append(f"Several folders are called “{several}” and count as one class.")
    if of_characters and all(map(CODE.fullmatch, names.values())):
        remarks.append("Its folders are called by codes of characters, such as 30 for 0.")
        names = {folder: chr(int(name, 16)) for folder, name in names.items()}
    return names, remarks


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def are_characters(names: Collection[str]) -> bool:
    """Whether these are the digits, letters, or codes of them, of which a few may be missing."""
    return len(names) >= FEWEST_DIGITS and any(all(map(kind.fullmatch, names)) for kind in (CHARACTER, CODE))
