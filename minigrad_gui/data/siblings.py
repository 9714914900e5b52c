"""Which files beside a file belong to the same dataset: its labels, its test digits, and its other shards."""

import itertools
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from minigrad_gui.data.choices import FILES
from minigrad_gui.data.pairing import SPLIT_WORDS, topic_of, words_of
from minigrad_gui.data.stored import MAX_ENTRIES
from minigrad_gui.data.streams import plain_name
from minigrad_gui.data.zips import entries

MAX_FILES = 64
MOST_NAMED = 3
SHARD = re.compile(r"\d+[-_]of[-_]\d+|(?<!\d)0\d{3,}", re.ASCII)
"""The number of a shard, "00000-of-00002" or "000017"; in "digits_2" and "digits (1)" it more likely tells a copy, or
what somebody else has drawn."""

Files = Mapping[str, Path]
"""The files that make up a dataset by their names without suffixes of compression, the one that was opened first."""


@dataclass(frozen=True)
class Family:
    """A file, and those beside it of its format, by what tells their names apart.

    splits: words such as "train" and numbers of shards; halves: words such as "images" and "labels", too; alike: any
    numbers, too; numbered: the names of those that only another number tells from it; beyond: how many more there are
    than MAX_FILES, which are in none of these.
    """

    splits: Files
    halves: Files
    alike: Files
    numbered: Collection[str] = ()
    beyond: int = 0

    @classmethod
    def of(cls, path: Path) -> "Family":
        """A file alone."""
        files = {plain_name(path): path}
        return cls(files, files, files)

    @property
    def sets(self) -> dict[str, Files]:
        """What the dataset may consist of, by its name in FILES."""
        alone = dict([next(iter(self.splits.items()))])
        return dict(zip(FILES, (alone, self.splits, self.halves, self.alike), strict=True))

    def attempts(self) -> list[Files]:
        """All sets once, the likeliest first: whoever opens a file that has all wants no others."""
        alone, splits, *others = self.sets.values()
        return list({frozenset(files): files for files in (splits, alone, *others)}.values())


def visible(path: Path) -> bool:
    """Whether a file or folder was made by a person: not hidden, and no leaving of macOS, Windows or Jupyter."""
    return not path.name.startswith((".", "__")) and path.name not in ("Thumbs.db", "desktop.ini")


def is_network(path: Path) -> bool:
    """Whether a file is a network that this program wrote: its description, `meta`, comes before all arrays."""
    with suppress(Exception):  # damaged bytes raise nearly anything
        return next(entries(path)).name == "meta.npy"
    return False


class Families:
    """Finds the families of files, and looks at each folder once, however many files it holds."""

    def __init__(self) -> None:
        self._kinds: dict[Path, dict[str, list[Path]]] = {}
        self._topics: dict[tuple[Path, str], dict[str, list[Path]]] = {}
        self._read: dict[tuple[Path, str, str], list[Path]] = {}

    def of(self, path: Path) -> Family:
        """The file and what is beside it; model files of this program belong to no dataset.

        Raises OSError if the folder cannot be read.
        """
        name = plain_name(path)
        alike = {name: path}
        for other in self._first(path):
            if len(alike) < MAX_FILES:
                alike.setdefault(plain_name(other), other)
        parts: dict[tuple[str, ...], str] = {}  # by their words: "a_1" and "a (1)" are no two parts
        for each in alike:
            if _numbers(_subject(each)) == _numbers(_subject(name)):
                parts.setdefault(tuple(words_of(each)), each)
        halves = {each: alike[each] for each in parts.values()}
        splits = {each: file for each, file in halves.items() if _subject(each) == _subject(name)}
        numbered = [each for each in alike if _without_numbers(_subject(each)) == _without_numbers(_subject(name))]
        others = [each for each in numbered if each not in splits]
        return Family(splits, halves, alike, others, max(0, len(self.called_alike(path)) - MAX_FILES))

    def called_alike(self, path: Path) -> Sequence[Path]:
        """All files whose names are about the same, however many, and folders with such names."""
        folder, kind = path.parent, _kind(path)
        if folder not in self._kinds:
            others = sorted(filter(visible, itertools.islice(folder.iterdir(), MAX_ENTRIES)))
            self._kinds[folder] = _grouped(others, _kind)
        if (folder, kind) not in self._topics:
            self._topics[folder, kind] = _grouped(self._kinds[folder].get(kind, []), _topic)
        return self._topics[folder, kind].get(_topic(path), [])

    def _first(self, path: Path) -> Sequence[Path]:
        """The first MAX_FILES of them, without networks and folders."""
        key = path.parent, _kind(path), _topic(path)
        if key not in self._read:
            files = (each for each in self.called_alike(path) if each.is_file() and not is_network(each))
            self._read[key] = list(itertools.islice(files, MAX_FILES))
        return self._read[key]


def _grouped(paths: Iterable[Path], key: Callable[[Path], str]) -> dict[str, list[Path]]:
    groups: dict[str, list[Path]] = {}
    for path in paths:
        groups.setdefault(key(path), []).append(path)
    return groups


def family(path: Path) -> Family:
    """The family of one file, as `Families.of` finds it."""
    return Families().of(path)


def parts_of(files: Files) -> list[Files]:
    """The files with the same numbers in their names: each such part may be a dataset, as a shard is."""
    parts: dict[tuple[str, ...], dict[str, Path]] = {}
    for name, file in files.items():
        parts.setdefault(tuple(_numbers(words_of(name))), {})[name] = file
    return list(parts.values())


def listed(names: Collection[str]) -> str:
    """The names of files in a sentence."""
    few = sorted(names)
    if len(few) > MOST_NAMED:
        few[MOST_NAMED - 1 :] = [f"{len(few) - MOST_NAMED + 1:,} more files"]
    return " and ".join(filter(None, (", ".join(few[:-1]), few[-1])))


def _subject(name: str) -> list[str]:
    """The words of a name that are the same in all splits and shards."""
    return sorted(word for word in words_of(SHARD.sub(" ", name)) if word not in SPLIT_WORDS)


def _topic(path: Path) -> str:
    """What the file is about; numbers are left out, for they may say a size that labels do not have."""
    return " ".join(_without_numbers(topic_of(plain_name(path)).split()))


def _numbers(words: Collection[str]) -> list[str]:
    return [word for word in words if word.isdecimal()]


def _without_numbers(words: Collection[str]) -> list[str]:
    return [word for word in words if not word.isdecimal()]


def _kind(path: Path) -> str:
    """The suffix that says the format; IDX files have none, or one that varies."""
    name = plain_name(path)
    suffix = Path(name).suffix.lower()
    if suffix[1:] in SPLIT_WORDS:  # zip.train, optdigits.tra
        return "split"
    return "idx" if "idx" in name or "ubyte" in name or not suffix else suffix
