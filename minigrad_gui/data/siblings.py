"""Which files beside a file belong to the same dataset: its labels, and its test digits."""

from pathlib import Path

from minigrad_gui.data.pairing import SPLIT_WORDS, topic_of
from minigrad_gui.data.stored import MAX_ENTRIES
from minigrad_gui.data.streams import plain_name

MAX_FILES = 64


def visible(path: Path) -> bool:
    """Whether a file or folder was made by a person: not hidden, and no leaving of macOS, Windows or Jupyter."""
    return not path.name.startswith((".", "__")) and path.name not in ("Thumbs.db", "desktop.ini")


def family(path: Path) -> dict[str, Path]:
    """The files, by name, that make up a dataset with `path`: of the same format, and alike but for words as "train".

    Raises OSError if the folder cannot be read.
    """
    kind, topic = _kind(path), _topic(path)
    found: dict[str, Path] = {}
    for count, other in enumerate(sorted(path.parent.iterdir())):
        if count >= MAX_ENTRIES or len(found) >= MAX_FILES:
            break
        if visible(other) and _kind(other) == kind and _topic(other) == topic and other.is_file():
            found.setdefault(plain_name(other), other)
    return {plain_name(path): path, **{name: other for name, other in found.items() if name != plain_name(path)}}


def _topic(path: Path) -> str:
    """What the file is about; numbers are left out, for they may say a size that labels do not have."""
    return " ".join(word for word in topic_of(plain_name(path)).split() if not word.isdecimal())


def _kind(path: Path) -> str:
    """The suffix that says the format; IDX files have none, or one that varies."""
    name = plain_name(path)
    suffix = Path(name).suffix.lower()
    if suffix[1:] in SPLIT_WORDS:  # zip.train, optdigits.tra
        return "split"
    return "idx" if "idx" in name or "ubyte" in name or not suffix else suffix
