"""Bitmaps in text, as UCI's optdigits-orig holds them: lines of 0 and 1, and below each picture its digit."""

import itertools
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.pairing import in_splits, split_of
from minigrad_gui.data.siblings import Files
from minigrad_gui.data.stored import MAX_SIDE_PX, Found, Pictures, Samples, check_count, in_blocks
from minigrad_gui.data.streams import lines_of

FEWEST_PX = 8
HEADER_LINES, SEARCHED_LINES = 40, 500


def recognises(path: Path) -> bool:
    """Whether a line of nothing but 0 and 1 is followed by one as long, and such lines by something else."""
    before, is_pair = "", False
    for number, line in enumerate(lines_of(path)):
        if is_pair and not _is_row(line):
            return True
        is_pair = is_pair or (_is_row(line) and len(line) == len(before))
        before = line
        if number > (SEARCHED_LINES if is_pair else HEADER_LINES):
            break
    return False


def read(files: Files) -> Found:
    """The dataset of files whose names differ in words such as tra and tes."""
    splits: dict[str, list[Samples]] = {}
    for name, file in files.items():
        labels = [label for label, _ in _bitmaps(file)]
        check_count(len(labels))
        pictures = Pictures(len(labels), partial(_blocks, file), are_slow=True)
        splits.setdefault(split_of(name) or "train", []).append(Samples(pictures, np.array(labels)))
    return in_splits(splits, [])


def _is_row(line: str) -> bool:
    return FEWEST_PX <= len(line) <= MAX_SIDE_PX and not line.strip("01")


def _bitmaps(path: Path) -> Iterator[tuple[str, list[str]]]:
    """The label and the rows of each picture. Raises DataError for a picture without a label."""
    rows: list[str] = []
    count = 0
    for line in lines_of(path):
        if _is_row(line):
            rows.append(line)
            if len(rows) > MAX_SIDE_PX or len(line) != len(rows[0]):
                raise DataError("the rows of a picture are not of one length, or too many.")
        elif rows:
            count += 1
            check_count(count)
            yield line, rows
            rows = []
    if rows:
        raise DataError("it ends too early.")


def _blocks(path: Path, step: int) -> Iterator[list[NDArray[np.uint8]]]:
    chosen = itertools.islice(_bitmaps(path), 0, None, step)
    return in_blocks(np.array([list(row) for row in rows]).astype(np.uint8) for _, rows in chosen)
