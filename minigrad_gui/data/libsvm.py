"""libsvm's format: a label and the pixels that are not 0, as number:value, to each line.

Pixels that are 0 in every picture are missing, so a file never says how large its pictures are, and neither whether it
counts pixels from 0 or from 1: scikit-learn writes the one by default and reads the other.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.pairing import in_splits, split_of
from minigrad_gui.data.siblings import Files
from minigrad_gui.data.stored import Array, Found, Samples, block_rows, check_count, samples_of
from minigrad_gui.data.streams import lines_of
from minigrad_gui.frame import CENTRE_PX, SIDE_PX

MAX_INDEX = 3 * 256 * 256
SAMPLED_ROWS = 3000
NO_NUMBERS = "a line holds something other than numbers."


@dataclass(frozen=True)
class Survey:
    """What a first look at a file found: the labels, the range of pixel numbers, and the ink at each (MAX_INDEX + 1,).

    says_zero: a comment, as scikit-learn may write it, says that numbers begin with 0.
    """

    labels: list[str]
    lowest: int
    highest: int
    ink: NDArray[np.float64]
    says_zero: bool


def recognises(start: bytes) -> bool:
    rows = [line for line in start.decode("utf-8", "replace").splitlines() if line.strip() and not line.startswith("#")]
    fields = rows[0].split() if rows else []
    return len(fields) > 1 and all(":" in field for field in fields[1:-1] or fields[1:]) and ":" not in fields[0]


def read(files: Files) -> Found:
    """The dataset of files whose pictures are of one size."""
    surveys = {name: _survey(file) for name, file in files.items()}
    highest = max(survey.highest for survey in surveys.values())
    ink = np.sum([survey.ink for survey in surveys.values()], axis=0)
    starts_at_0 = any(survey.lowest == 0 or survey.says_zero for survey in surveys.values())
    first = 0 if starts_at_0 else _likely_first(ink, highest)
    shape = _shape(highest + 1 - first)
    splits: dict[str, list[Samples]] = {}
    for name, file in files.items():
        labels = np.array(surveys[name].labels)
        size = (len(labels), int(np.prod(shape)))
        dense = partial(_dense, file, first, size)
        pictures = Array(size, np.dtype(np.float32), partial(dense, 1), dense)
        splits.setdefault(split_of(name) or "train", []).append(samples_of(pictures, Array.of(labels)))
    return in_splits(
        splits, [f"Its pixels are counted from {first}; pictures are taken to be {shape[-1]} pixels wide."]
    )


def _shape(pixels: int) -> tuple[int, ...]:
    """The smallest usual size with so many pixels: square, or 32 x 32 in three colours."""
    if 3 * 32 * 32 - 64 < pixels <= 3 * 32 * 32:
        return 3, 32, 32
    side = int(np.ceil(np.sqrt(pixels)))
    if side < 8:
        raise DataError(f"{pixels} numbers to each row are not the pixels of a picture.")
    return side, side


def _likely_first(ink: NDArray[np.float64], highest: int) -> int:
    """Whether pixels are counted from 0 or 1: by what puts the ink nearer to the middle of the pictures."""
    if _shape(highest + 1) != _shape(highest):  # counted from 0, they would be just too large
        return 1
    distances = []
    for first in (0, 1):
        side = _shape(highest + 1 - first)[-1]
        columns = np.bincount((np.arange(len(ink)) - first) % side, ink, side)
        centre = float(columns @ (np.arange(side) + 0.5)) / max(float(columns.sum()), 1e-9)
        distances.append(abs(centre - (CENTRE_PX if side == SIDE_PX else side / 2)))
    return int(distances[1] <= distances[0])


def _survey(path: Path) -> Survey:
    labels, lowest, highest, says_zero = [], MAX_INDEX, 0, False
    ink = np.zeros(MAX_INDEX + 1)
    for line in lines_of(path):
        if line.startswith("#"):
            says_zero = says_zero or "zero-based" in line
            continue
        label, indices, values = _row(line)
        labels.append(label)
        check_count(len(labels))
        if len(indices):
            lowest, highest = min(lowest, int(indices.min())), max(highest, int(indices.max()))
            if lowest < 0 or highest > MAX_INDEX:
                raise DataError("its pictures are too large.")
            if len(labels) <= SAMPLED_ROWS:
                ink[indices] += np.abs(values)
    check_count(len(labels))
    return Survey(labels, lowest, highest, ink, says_zero)


def _row(line: str) -> tuple[str, NDArray[np.int64], NDArray[np.float64]]:
    """Label, pixel numbers and values of a line; what follows a # is a comment."""
    label, _, rest = line.partition("#")[0].strip().partition(" ")
    try:
        numbers = np.array(rest.replace(":", " ").split(), np.float64).reshape(-1, 2)
    except ValueError as error:
        raise DataError(NO_NUMBERS) from error
    if rest.count(":") != len(numbers) or not np.isfinite(numbers).all() or np.abs(numbers).max(initial=0) > 1e9:
        raise DataError(NO_NUMBERS)
    return label, numbers[:, 0].astype(np.int64), numbers[:, 1]


def _dense(path: Path, first: int, size: tuple[int, int], step: int) -> Iterator[NDArray[np.float32]]:
    rows = block_rows(size, np.dtype(np.float32))
    block, at = np.zeros((rows, size[1]), np.float32), 0
    lines = (line for line in lines_of(path) if not line.startswith("#"))
    for number, line in enumerate(lines):
        if number % step:
            continue
        _, indices, values = _row(line)
        block[at, indices - first] = values
        at += 1
        if at == rows:
            yield block
            block, at = np.zeros((rows, size[1]), np.float32), 0
    if at:
        yield block[:at]
