"""Bitmaps in text, as UCI's optdigits-orig holds them: lines of 0 and 1, and below each picture its digit; or lines of
blanks, + and #, as in Berkeley's CS188, whose labels are in a file of their own."""

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
from minigrad_gui.data.streams import lines_of, open_plain
from minigrad_gui.wording import counted

FEWEST_PX = 8
HEADER_LINES, SEARCHED_LINES = 40, 500
START_BYTES = 512
SHADES = {" ": 0, "+": 128, "#": 255}
SHADE_BYTES = "".join(SHADES).encode()
SHADE_OF_BYTE = np.array([SHADES.get(chr(byte), 0) for byte in range(256)], np.uint8)


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


def recognises_shades(start: bytes) -> bool:
    """Whether a file begins with lines of nothing but blanks, + and #."""
    rows = start.splitlines()
    return len(rows) > 1 and bool(start.strip()) and not any(row.strip(SHADE_BYTES) for row in rows)


def read_shades(files: Files) -> Found:
    """The dataset of files of pictures in blanks, + and #, and files of their labels, a line each."""
    pictures: dict[str, Path] = {}
    labels: dict[str, Path] = {}
    for name, file in files.items():
        with open_plain(file) as opened:
            are_pictures = recognises_shades(opened.read(START_BYTES))
        (pictures if are_pictures else labels)[name] = file
    splits: dict[str, list[Samples]] = {}
    for name, file in pictures.items():
        fitting = [labels[other] for other in labels if split_of(other) == split_of(name)]
        if len(fitting) != 1:
            raise DataError("its pictures have no labels, which should be beside them, a line each.")
        splits.setdefault(split_of(name) or "train", []).append(_shaded(file, list(lines_of(fitting[0]))))
    return in_splits(splits, [])


def _shaded(path: Path, labels: list[str]) -> Samples:
    """The pictures in a file. Raises DataError if they are not as many as the labels."""
    check_count(len(labels))
    widths = [len(row) for row in _rows_of_shades(path)]
    width = max(widths)
    height, rest = divmod(len(widths), len(labels))
    if rest or not height < 2 * width < 4 * height:
        raise DataError(f"it holds {counted(len(widths), 'line')} of pictures, but {counted(len(labels), 'label')}.")

    def blocks(step: int) -> Iterator[list[NDArray[np.uint8]]]:
        rows = (row.ljust(width) for row in _rows_of_shades(path))
        pictures = (b"".join(picture) for picture in zip(*[rows] * height, strict=True))
        chosen = itertools.islice(pictures, 0, None, step)
        return in_blocks(SHADE_OF_BYTE[np.frombuffer(each, np.uint8)].reshape(height, width) for each in chosen)

    return Samples(Pictures(len(labels), blocks, are_encoded=True, are_slow=True), np.array(labels))


def _rows_of_shades(path: Path) -> Iterator[bytes]:
    """The lines of a file, without what ends them. Raises DataError for other characters."""
    with open_plain(path) as file:
        while line := file.readline(MAX_SIDE_PX + 3):
            row = line.rstrip(b"\r\n")
            if row.strip(SHADE_BYTES) or len(row) > MAX_SIDE_PX:
                raise DataError("it holds other characters than blanks, + and #, or a line that is too long.")
            yield row
