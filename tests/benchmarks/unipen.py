"""How well digits, letters and numbers are read that hundreds of people wrote, of whom nothing was learned.

    python tests/benchmarks/unipen.py --folder FOLDER [--model MODEL]

FOLDER is UNIPEN train_r01_v07 (https://doi.org/10.5281/zenodo.1195803, CC BY 4.0), with `data` and `include` in it.
Digits are those of its category 1a. A number is two to six of them that were written side by side on a line, one
directly after the other. The letters, of 1b and 1c, are those that hardly look like digits, at most LETTERS of each. A
few labels in it are wrong.
"""

import argparse
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine import MLP, ModelFileError
from engine.calibration import Calibration
from engine.training import logits_of
from minigrad_gui.digits import rasterize
from minigrad_gui.reader import Reader, load_network
from minigrad_gui.resources import asset_path

SETS = ("apa", "apb", "app", "art", "ced", "gmd", "ibm", "syn", "uqb", "val")
"""The others say wrongly which strokes make a character, or lay all characters in one place."""
NO_DIGITS = "ACEFHKLMNPRTUVWXYaefhkmnprtuvwx"
LETTERS = 60
MOST_GAP = 0.8
MOST_OVERLAP = 0.3
"""Between digits of a number, in heights."""
SEGMENT = re.compile(r'\.SEGMENT CHARACTER\s+([\d,-]+)\s+\S+\s+"(.)"')

Strokes = list[NDArray[np.float64]]


class Written(NamedTuple):
    """A character's strokes, its label, and its number of the first stroke in its file."""

    strokes: Strokes
    label: str
    first: int

    @property
    def box(self) -> tuple[float, float, float, float]:
        points = np.concatenate(self.strokes)
        (left, top), (right, bottom) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
        return left, top, right, bottom


def strokes_in(text: str) -> Strokes:
    """The strokes of a file, y down; those without points, too, because strokes are counted."""
    x, y = 0, 1
    strokes: list[list[tuple[float, float]]] = []
    is_down = False
    for line in text.splitlines():
        words = line.split()
        if line.startswith(".COORD"):
            x, y = words.index("X") - 1, words.index("Y") - 1
        if line.startswith(".PEN_DOWN"):
            strokes.append([])
            words = words[1:]
            is_down = True
        elif line.startswith(".") and not line.startswith((".DT", ".COMMENT")):
            is_down = False
        if is_down and len(words) > max(x, y) and not words[0].startswith("."):
            strokes[-1].append((float(words[x]), -float(words[y])))
    return [np.array(stroke).reshape(-1, 2) for stroke in strokes]


def files(folder: Path, category: str) -> Iterator[list[Written]]:
    """The characters of each file of a category such as "1a", in the order in which they were written."""
    for path in sorted(file for name in SETS for file in (folder / "data" / category / name).rglob("*.dat")):
        text = path.read_text("latin-1")
        included = [folder / "include" / name for name in re.findall(r"^\.INCLUDE\s+(\S+\.dat)", text, re.MULTILINE)]
        strokes = [stroke for each in included if each.exists() for stroke in strokes_in(each.read_text("latin-1"))]
        written = []
        for numbers, label in SEGMENT.findall(text):
            ends = [[int(end) for end in part.split("-")] for part in numbers.split(",")]
            indices = [index for part in ends for index in range(part[0], part[-1] + 1)]
            own = [strokes[index] for index in indices if index < len(strokes) and len(strokes[index])]
            if own:
                written.append(Written(own, label, indices[0]))
        yield sorted(written, key=lambda each: each.first)


def follows(before: Written, after: Written) -> bool:
    """Whether a character was written directly after another one, on its right and on its line."""
    left, top, _, bottom = after.box
    _, top_before, right_before, bottom_before = before.box
    height = max(bottom - top, bottom_before - top_before, 1.0)
    on_a_line = min(bottom, bottom_before) - max(top, top_before) > height / 2
    gap = (left - right_before) / height
    return after.first == before.first + len(before.strokes) and on_a_line and -MOST_OVERLAP < gap < MOST_GAP


def numbers_in(digits: Sequence[Written], rng: np.random.Generator) -> Iterator[list[Written]]:
    """Digits (all of a file) that follow each other, two to six at a time."""
    starts = [at for at in range(1, len(digits)) if not follows(digits[at - 1], digits[at])]
    for start, end in pairwise([0, *starts, len(digits)]):
        while end - start > 1:
            count = min(int(rng.integers(2, 7)), end - start)
            yield list(digits[start : start + count])
            start += count


def print_digits(model: MLP, calibration: Calibration, digits: Sequence[Written]) -> None:
    labels = np.array([int(each.label) for each in digits])
    probabilities, accepted = calibration.read(logits_of(model, np.stack([rasterize(each.strokes) for each in digits])))
    right = probabilities.argmax(axis=1) == labels
    print(f"{len(digits):,} digits: {right.mean():.2%} read right", end="; ")
    print(f"not recognised: {1 - accepted[right].mean():.2%} of those, {1 - accepted[~right].mean():.1%} of the others")
    print("by digit:  " + "  ".join(f"{digit} {right[labels == digit].mean():.1%}" for digit in range(10)))


def print_letters(model: MLP, calibration: Calibration, letters: Iterable[Written], rng: np.random.Generator) -> None:
    by_letter: dict[str, list[Written]] = {letter: [] for letter in NO_DIGITS}
    for each in letters:
        by_letter.get(each.label, []).append(each)
    chosen = [own[at] for own in by_letter.values() for at in rng.permutation(len(own))[:LETTERS]]
    accepted = calibration.read(logits_of(model, np.stack([rasterize(each.strokes) for each in chosen])))[1]
    print(f"{len(chosen):,} letters: {1 - accepted.mean():.1%} not recognised")


def print_numbers(model: MLP, calibration: Calibration, numbers: Iterable[list[Written]]) -> None:
    rows = []
    for number in numbers:
        ends = np.cumsum([0, *(len(each.strokes) for each in number)])
        digits = Reader(model, calibration).read_number([stroke for each in number for stroke in each.strokes]).digits
        groups = [list(range(*pair)) for pair in pairwise(ends)]
        read = [digit.prediction and str(digit.prediction.digit) for digit in digits]
        rows.append(([list(digit.strokes) for digit in digits] == groups, read == [each.label for each in number]))
    split, read_right = np.mean(rows, axis=0)
    print(f"{len(rows):,} numbers: {split:.1%} split correctly, {read_right:.1%} read right")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--model", type=Path, default=asset_path("pretrained.npz"))
    options = parser.parse_args(arguments)
    try:
        model, record = load_network(options.model)
    except (ModelFileError, OSError) as error:
        print(f"unipen.py: {error}", file=sys.stderr)
        return 2
    reader = model, record.calibration
    rng = np.random.default_rng(0)
    by_file = [[each for each in file if each.label.isdigit()] for file in files(options.folder, "1a")]
    letters = (each for category in ("1b", "1c") for file in files(options.folder, category) for each in file)
    print(options.model.name)
    print_digits(*reader, [each for file in by_file for each in file])
    print_letters(*reader, letters, rng)
    print_numbers(*reader, (number for file in by_file for number in numbers_in(file, rng)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
