"""How well numbers of two to six digits are split into their digits, and read.

    python tests/benchmarks/drawn_numbers.py [--model MODEL] [--writers 21-30] [--numbers 20]

Each number is put together from the bundled drawings of one writer, all as high, side by side: with gaps of a tenth of
their height; touching (gaps from -0.05 to 0); and 0.3 apart. "split" is the share of numbers whose strokes are grouped
right, "read" that of numbers read wholly right, "if split by hand" that of those whose digits would be, one by one.
Then the same for numbers in one stroke: of digits that their writer drew in one stroke each, with a curved line from
each to the next one, up to 0.3 apart; how many single digits are taken for several; and how long it takes.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from engine import ModelFileError, load_model
from engine.record import TrainingRecord
from minigrad_gui.digits import rasterize, split_strokes
from minigrad_gui.pen_digits import Strokes, read_pen_digits
from minigrad_gui.reader import Reader
from minigrad_gui.resources import asset_path

GAPS = {"0.3 apart": (0.3, 0.3), "0.1 apart": (0.1, 0.1), "touching": (-0.05, 0.0)}
ONE_STROKE_GAPS = (0.0, 0.3)
BEND = 0.08
"""How far the middle of a line between digits is off, in heights of the digits: the standard deviation."""
LEAST_DIGITS, MOST_DIGITS = 2, 6
TIMED = 100


class Drawn(NamedTuple):
    """A number's strokes, which of them make which digit, and its digits."""

    strokes: Strokes
    groups: list[list[int]]
    labels: list[int]


def side_by_side(drawings: Sequence[Strokes], labels: Sequence[int], gaps: Sequence[float]) -> Drawn:
    """The drawings, scaled to a height of 1, with these gaps after them."""
    strokes: Strokes = []
    groups: list[list[int]] = []
    left = 0.0
    for drawing, gap in zip(drawings, gaps, strict=True):
        points = np.concatenate(drawing)
        low, (width, height) = points.min(axis=0), np.ptp(points, axis=0)
        scale = 1 / max(height, 1)
        groups.append(list(range(len(strokes), len(strokes) + len(drawing))))
        strokes += [(stroke - low) * scale + [left, 0] for stroke in drawing]
        left += width * scale + gap
    return Drawn(strokes, groups, [int(label) for label in labels])


def numbers(
    drawings: Sequence[Strokes],
    labels: NDArray[np.intp],
    writers: NDArray[np.generic],
    gaps: tuple[float, float],
    count: int,
    seed: int,
) -> Iterator[Drawn]:
    """So many numbers of each writer."""
    rng = np.random.default_rng(seed)
    for writer in np.unique(writers):
        own = np.flatnonzero(writers == writer)
        for _ in range(count):
            chosen = rng.choice(own, rng.integers(LEAST_DIGITS, MOST_DIGITS + 1))
            yield side_by_side(
                [drawings[at] for at in chosen], labels[chosen].tolist(), rng.uniform(*gaps, len(chosen))
            )


def in_one_stroke(digits: Sequence[NDArray[np.float64]], rng: np.random.Generator) -> NDArray[np.float64]:
    """These lines, one to a digit, at a height of 1 and side by side, with a curve from each to the next one."""
    line = np.empty((0, 2))
    for digit in digits:
        placed = (digit - digit.min(axis=0)) / max(np.ptp(digit[:, 1]), 1)
        if len(line):
            placed[:, 0] += line[:, 0].max() + rng.uniform(*ONE_STROKE_GAPS)
            begin, end = line[-1], placed[0]
            middle = (begin + end) / 2 + rng.normal(0, BEND, 2)
            along = np.linspace(0, 1, 8)[1:-1, np.newaxis]
            curve = (1 - along) ** 2 * begin + 2 * along * (1 - along) * middle + along**2 * end
            placed = np.concatenate([curve, placed])
        line = np.concatenate([line, placed])
    return line


def one_stroke_row(
    reader: Reader,
    drawings: Sequence[Strokes],
    labels: NDArray[np.intp],
    writers: NDArray[np.generic],
    length: int,
    count: int,
    seed: int,
) -> tuple[float, float, float]:
    """The shares of numbers in one stroke that are split right, and read right, and the median milliseconds."""
    rng = np.random.default_rng(seed)
    single = np.array([len(drawing) == 1 for drawing in drawings])
    split, read, took = [], [], []
    for writer in np.unique(writers):
        for _ in range(count):
            chosen = rng.choice(np.flatnonzero(single & (writers == writer)), length)
            line = in_one_stroke([drawings[at][0] for at in chosen], rng)
            started = time.perf_counter()
            number = reader.read_number([line])
            took.append((time.perf_counter() - started) * 1000)
            split.append(len(number.digits) == length)
            read.append(
                [part.prediction and part.prediction.digit for part in number.digits] == labels[chosen].tolist()
            )
    return float(np.mean(split)), float(np.mean(read)), float(np.median(took))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=asset_path("pretrained.npz"))
    parser.add_argument("--writers", default="", metavar="FIRST-LAST", help="only these (default: all)")
    parser.add_argument("--numbers", type=int, default=20, help="of each writer, for each gap (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="which digits make a number")
    options = parser.parse_args(arguments)
    try:
        model, meta = load_model(options.model)
    except (ModelFileError, OSError) as error:
        print(f"drawn_numbers.py: {error}", file=sys.stderr)
        return 2
    pen = read_pen_digits(asset_path("pen_digits.npz"))
    drawings, labels, writers = pen.drawings, pen.labels.astype(np.intp), pen.writers
    first, last = (int(end) for end in (options.writers or f"{writers.min()}-{writers.max()}").split("-"))
    chosen = np.flatnonzero((writers >= first) & (writers <= last))
    drawings, labels, writers = [drawings[at] for at in chosen], labels[chosen], writers[chosen]
    calibration = TrainingRecord.from_meta(meta).calibration

    def digit(strokes: Strokes) -> int | None:
        read = Reader(model, calibration).predict(rasterize(strokes))
        return None if read is None else read.digit

    print(f"{options.model.name}; {options.numbers} numbers of each of {len(np.unique(writers))} writers")
    print(f"{'':>10} {'split':>8} {'by geometry':>12} {'read':>8} {'if split by hand':>17}")
    for name, gaps in GAPS.items():
        rows = []
        for drawn in numbers(drawings, labels, writers, gaps, options.numbers, options.seed):
            number = Reader(model, calibration).read_number(drawn.strokes)
            by_hand = [digit([drawn.strokes[index] for index in group]) for group in drawn.groups]
            rows.append(
                (
                    [list(part.strokes) for part in number.digits] == drawn.groups,
                    split_strokes(drawn.strokes) == drawn.groups,
                    [part.prediction and part.prediction.digit for part in number.digits] == drawn.labels,
                    by_hand == drawn.labels,
                )
            )
        split, by_geometry, read, by_hand_right = np.mean(rows, axis=0)
        print(f"{name:>10} {split:>8.1%} {by_geometry:>12.1%} {read:>8.1%} {by_hand_right:>17.1%}")
    for length in (2, 3):
        row = one_stroke_row(
            Reader(model, calibration), drawings, labels, writers, length, options.numbers, options.seed
        )
        print(f"{length} digits in one stroke: {row[0]:.1%} split, {row[1]:.1%} read; {row[2]:.1f} ms")
    several = [len(Reader(model, calibration).read_number(drawing).digits) > 1 for drawing in drawings]
    by_geometry_alone = [len(split_strokes(drawing)) > 1 for drawing in drawings]
    print(
        f"{len(drawings):,} single digits: {np.mean(several):.2%} split, {np.mean(by_geometry_alone):.2%} by geometry"
    )
    with threadpool_limits(1, user_api="blas"):
        for count, gap, name in ((1, 0.1, "1 digit"), (8, 0.1, "8 digits"), (8, 0.0, "8 touching digits")):
            took = []
            for start in range(0, TIMED * count, count):
                drawn = side_by_side(drawings[start : start + count], [0] * count, [gap] * count)
                started = time.perf_counter()
                Reader(model, calibration).read_number(drawn.strokes)
                took.append((time.perf_counter() - started) * 1000)
            print(f"{name}: {np.median(took):.2f} ms, {np.quantile(took, 0.9):.2f} ms at most for nine of ten")
    return 0


if __name__ == "__main__":
    sys.exit(main())
