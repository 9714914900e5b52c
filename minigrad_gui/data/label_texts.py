"""Labels in a text beside each picture: 00012.png, and 00012.txt with a 7 in it.

Such a text may hold anything else, too: a caption, or boxes, "7 0.5 0.5 0.2 0.3". Those are no labels.
"""

import re
import sys
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.data.cancelling import check_cancelled
from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.streams import UTF_16

SUFFIXES = (".cls", ".label", ".lbl", ".txt")
"""The likelier ones first."""
MAX_LABEL_BYTES = 200
MAX_WORDS = 3
FEWEST_DIFFERENT = 10
"""So many may differ though none repeats: a picture of each digit."""
DECIMAL = re.compile(r"\d[.,]\d")

Contents = Callable[[NDArray[np.int32]], Iterator[tuple[int, bytes]]]


def label_in(content: bytes) -> str | None:
    """The label that is all of a text, which may be blank; None if it is something else."""
    text = content.decode("utf-16" if content.startswith(UTF_16) else "utf-8-sig", "replace").strip()
    words = text.split()
    if len(content) > MAX_LABEL_BYTES or len(words) > MAX_WORDS or len(text.splitlines()) > 1:
        return None
    is_number = re.match(r"[^\W\d]", text) is None
    return None if len(re.split(r"[\s,;]+", text)) > 1 and (is_number or DECIMAL.search(text)) else text


def read(pictures: Sequence[str], paths: Sequence[str], contents: Contents) -> tuple[list[str | None], str] | None:
    """The label of each picture, None without a text or with a blank one, and a sentence about where they are from.

    pictures: their paths; paths: those of all files, whose contents are read by number. Returns None if most pictures
    have no text beside them. Raises DataError if the texts are no labels.
    """
    ending: dict[str, array[int]] = {suffix: array("i") for suffix in SUFFIXES}
    for at, path in enumerate(paths):
        if (found := ending.get(path[path.rfind(".") :].lower())) is not None:
            found.append(at)
    for texts in ending.values():
        if len(texts) * 2 >= len(pictures) and len(beside := _beside(pictures, paths, texts)) * 2 >= len(pictures):
            return _labels(beside, len(pictures), paths, contents)
    return None


def _beside(pictures: Sequence[str], paths: Sequence[str], texts: Sequence[int]) -> NDArray[np.int32]:
    """The numbers of texts and of the pictures that they are beside, (n, 2), in the order of the texts."""
    known, stems = _stems(pictures), _stems(paths[at] for at in texts)
    order = np.argsort(known, kind="stable")
    first, last = (np.searchsorted(known, stems, side, order) for side in ("left", "right"))
    if (several := np.flatnonzero(last - first > 1)).size:
        raise DataError(f"it is not clear of which picture {paths[texts[several[0]]]} is the label.")
    is_beside = last > first
    return np.stack([np.array(texts, np.int32)[is_beside], order[first[is_beside]].astype(np.int32)], axis=1)


def _stems(paths: Iterable[str]) -> NDArray[np.int64]:
    """Hashes of the paths without suffixes, which take less memory than these."""
    return np.fromiter((hash(path.rpartition(".")[0]) for path in paths), np.int64)


def _labels(
    beside: NDArray[np.int32],
    count: int,
    paths: Sequence[str],
    contents: Contents,
) -> tuple[list[str | None], str]:
    labels: list[str | None] = [None] * count
    for at, content in contents(beside[:, 0]):
        check_cancelled()
        if (label := label_in(content)) is None:
            start = " ".join(content[:MAX_LABEL_BYTES].decode("utf-8", "replace").split()[:MAX_WORDS])
            raise DataError(f"the texts beside its pictures are no labels, such as {paths[at]} with “{start} …”.")
        labels[beside[np.searchsorted(beside[:, 0], at), 1]] = sys.intern(label) or None
    given = len({*labels} - {None})
    name = paths[int(beside[0, 0])].rpartition("/")[2]
    if given < 2:
        raise DataError(f"the texts beside its pictures, such as {name}, are all the same.")
    if given > max(FEWEST_DIFFERENT, (count - labels.count(None)) // 2):
        raise DataError(f"the texts beside its pictures, such as {name}, differ too much to be labels.")
    return labels, f"Its labels are from the texts beside its pictures, such as {name}."
