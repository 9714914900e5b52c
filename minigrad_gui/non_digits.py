"""Pictures without a digit, from which networks learn to be unsure: letters, loose curves, scribbles and others.

They are random, and rendered like digits. No Qt here.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.digits import SIDE_PX
from minigrad_gui.pen_digits import PENS_PX, Strokes, picture_of, varied

Pictures = NDArray[np.uint8]

_LETTERS = {  # strokes of points (x, y), y down; letters that look like digits are left out
    "A": "0,6 2,0 4,6|1,4 3,4",
    "C": "4,1 2,0 0,2 0,4 2,6 4,5",
    "E": "4,0 0,0 0,6 4,6|0,3 3,3",
    "F": "4,0 0,0 0,6|0,3 3,3",
    "G": "4,1 2,0 0,2 0,4 2,6 4,5 4,3 2,3",
    "H": "0,0 0,6|4,0 4,6|0,3 4,3",
    "J": "0,0 4,0|3,0 3,5 2,6 0,5",
    "K": "0,0 0,6|4,0 0,3 4,6",
    "L": "0,0 0,6 4,6",
    "M": "0,6 0,0 2,3 4,0 4,6",
    "N": "0,6 0,0 4,6 4,0",
    "P": "0,6 0,0 3,0 4,2 3,3 0,3",
    "Q": "2,0 0,2 0,4 2,6 4,4 4,2 2,0|2,4 4,7",
    "R": "0,6 0,0 3,0 4,2 3,3 0,3 4,6",
    "T": "0,0 4,0|2,0 2,6",
    "U": "0,0 0,4 1,6 3,6 4,4 4,0",
    "V": "0,0 2,6 4,0",
    "W": "0,0 1,6 2,2 3,6 4,0",
    "X": "0,0 4,6|4,0 0,6",
    "Y": "0,0 2,3|4,0 2,3 2,6",
    "a": "4,2 2,2 0,3 0,5 2,6 4,5 4,2|4,2 4,6",
    "d": "4,3 2,2 0,3 0,5 2,6 4,5|4,0 4,6",
    "e": "0,4 4,4 3,2 1,2 0,3 0,5 2,6 4,5",
    "f": "4,1 3,0 2,2 2,6|0,3 4,3",
    "h": "0,0 0,6|0,4 2,2 4,3 4,6",
    "k": "0,0 0,6|3,2 0,4 3,6",
    "m": "0,2 0,6|0,3 1,2 2,3 2,6|2,3 3,2 4,3 4,6",
    "n": "0,2 0,6|0,3 2,2 4,3 4,6",
    "p": "0,2 0,8|0,3 2,2 4,3 4,5 2,6 0,5",
    "r": "0,2 0,6|0,4 2,2 3,2",
    "t": "2,0 2,5 3,6|0,2 4,2",
    "u": "0,2 0,5 2,6 4,5|4,2 4,6",
    "w": "0,2 1,6 2,3 3,6 4,2",
    "x": "0,2 4,6|4,2 0,6",
    "+": "2,0 2,4|0,2 4,2",
    "=": "0,0 4,0|0,2 4,2",
    "?": "0,1 1,0 3,0 4,2 2,3 2,4|2,6 2,6",
    "#": "1,0 1,6|3,0 3,6|0,2 4,2|0,4 4,4",
    "<": "4,0 0,2 4,4",
    ">": "0,0 4,2 0,4",
    "^": "0,3 2,0 4,3",
}
LETTERS: tuple[Strokes, ...] = tuple(
    [np.array([point.split(",") for point in stroke.split()], np.float64) for stroke in strokes.split("|")]
    for strokes in _LETTERS.values()
)
LETTER_JITTER = 0.3
"""The standard deviation of each of a letter's points; capitals are six high."""
LETTER_WIDTH = (-0.5, 0.25)
"""Letters are stretched sideways by exp of a number from this range."""
LINE_POINTS = 60
LEVEL = 0.6
"""Maximum slope of a lone line, in radians: a steeper one might be a 1."""
NARROW = 0.4
"""A curve is narrow if its width is less than this share of its height."""


def non_digits(count: int, drawings: Sequence[Strokes], digits: Pictures, rng: np.random.Generator) -> Pictures:
    """Pictures without a digit: uint8 (count, 28, 28).

    drawings: digits as strokes, digits: as pictures (n, 28, 28); several of them at once, or one as a negative, are
    among the pictures.
    """

    def of_strokes(make: Callable[[np.random.Generator], Strokes]) -> Callable[[], NDArray[np.uint8]]:
        return lambda: picture_of(make(rng), rng.uniform(*PENS_PX))

    kinds = (
        (0.32, of_strokes(_letter)),
        (0.25, of_strokes(_curve)),
        (0.20, of_strokes(_scribble)),
        (0.10, of_strokes(lambda rng: _number(drawings, rng))),
        (0.06, lambda: _texture(rng)),
        (0.07, lambda: _spoilt(digits, rng)),
    )
    chosen = rng.choice(len(kinds), size=count, p=[share for share, _ in kinds])
    return np.stack([kinds[kind][1]() for kind in chosen]) if count else np.empty((0, SIDE_PX, SIDE_PX), np.uint8)


def _letter(rng: np.random.Generator) -> Strokes:
    """A letter in anybody's hand: letters differ more from person to person than digits do."""
    width = np.exp(rng.uniform(*LETTER_WIDTH))
    letter = LETTERS[rng.integers(len(LETTERS))]
    strokes = [(stroke + rng.normal(0, LETTER_JITTER, stroke.shape)) * [width, 1] for stroke in letter]
    return varied([_rounded(stroke) for stroke in strokes] if rng.random() < 0.6 else strokes, rng)


def _rounded(line: NDArray[np.float64]) -> NDArray[np.float64]:
    """The line with round corners: Chaikin, An Algorithm for High-Speed Curve Generation, 1974."""
    for _ in range(2):
        near, far = 0.75 * line[:-1] + 0.25 * line[1:], 0.25 * line[:-1] + 0.75 * line[1:]
        line = np.concatenate([line[:1], np.stack([near, far], axis=1).reshape(-1, 2), line[-1:]])
    return line


def _wandering(points: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """A smooth line through random points of the unit square."""
    return _rounded(_rounded(rng.uniform(0, 1, (points, 2))))


def _curve(rng: np.random.Generator) -> Strokes:
    """One loose curve; a narrow one lies on its side, because upright it may be a 1."""
    line = _line(rng)
    width, height = np.ptp(line, axis=0)
    return [line[:, ::-1] if width < NARROW * height else line]


def _line(rng: np.random.Generator) -> NDArray[np.float64]:
    """A line through a few points, an arc, a wave, a walk or a level line."""
    kind = rng.integers(5)
    if kind == 0:
        return _wandering(int(rng.integers(3, 6)), rng)
    if kind == 1:
        angle = rng.uniform(0, 2 * np.pi) + np.linspace(0, rng.uniform(0.3, 1.6) * np.pi, LINE_POINTS)
        return np.stack([np.cos(angle) * rng.uniform(0.4, 1), np.sin(angle)], axis=1)
    if kind == 2:
        angle, turn = np.linspace(0, rng.uniform(1, 4) * np.pi, LINE_POINTS), rng.uniform(0, np.pi)
        wave = np.stack([angle / 3, np.sin(angle) * rng.uniform(0.2, 0.7)], axis=1)
        return np.asarray(wave @ np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]))
    if kind == 3:
        heading = rng.uniform(0, 2 * np.pi) + rng.normal(0, rng.uniform(0.1, 0.4), LINE_POINTS).cumsum()
        return np.asarray(np.stack([np.cos(heading), np.sin(heading)], axis=1).cumsum(axis=0))
    rise = rng.uniform(-LEVEL, LEVEL)
    return np.array([[0, 0], [np.cos(rise), np.sin(rise)]])


def _scribble(rng: np.random.Generator) -> Strokes:
    """Shapeless ink: wild curves and lines, a spiral, a zigzag, hatching."""
    kind = rng.integers(6)
    if kind == 0:
        return [_wandering(int(rng.integers(7, 16)), rng)]
    if kind == 1:
        return [rng.uniform(0, 1, (rng.integers(3, 10), 2)) for _ in range(rng.integers(2, 6))]
    if kind == 2:
        angle = np.linspace(0, rng.uniform(3, 10) * 2 * np.pi, 150)
        radius = np.linspace(rng.uniform(0, 0.5), 1, 150)
        return [np.stack([radius * np.cos(angle), radius * np.sin(angle) * rng.uniform(0.5, 1)], axis=1)]
    if kind == 3:
        count = int(rng.integers(6, 20))
        zigzag = np.stack([np.linspace(0, 1, count), np.arange(count) % 2 + rng.normal(0, 0.1, count)], axis=1)
        return [zigzag if rng.random() < 0.5 else zigzag[:, ::-1]]
    if kind == 4:
        places = np.linspace(0, 1, rng.integers(3, 8))
        ends = [((x, rng.uniform(0, 0.2)), (x + rng.uniform(-0.3, 0.3), rng.uniform(0.8, 1))) for x in places]
        return [np.array(each) for each in ends]
    return [_wandering(int(rng.integers(3, 6)), rng) + rng.uniform(0, 0.6, 2) for _ in range(rng.integers(2, 5))]


def _number(drawings: Sequence[Strokes], rng: np.random.Generator) -> Strokes:
    """Two or three digits side by side: a number, not a digit."""
    result: Strokes = []
    right = 0.0
    for _ in range(rng.integers(2, 4)):
        strokes = drawings[int(rng.integers(len(drawings)))]
        points = np.concatenate(strokes)
        low, high = points.min(axis=0), points.max(axis=0)
        scale = 1 / max(high[1] - low[1], 1)
        result += [(stroke - low) * scale + [right, 0] for stroke in strokes]
        right += float(high[0] - low[0]) * scale + rng.uniform(0.05, 0.3)
    return result


def _texture(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Noise, a block, a uniform grey or stripes, as photographs may show."""
    y, x = np.indices((SIDE_PX, SIDE_PX))
    kind = rng.integers(4)
    if kind == 0:
        return np.asarray(rng.uniform(0, rng.uniform(80, 255), (SIDE_PX, SIDE_PX)), np.uint8)
    if kind == 1:
        (left, top), (width, height) = rng.integers(0, 18, 2), rng.integers(4, 20, 2)
        return np.asarray(255 * ((x >= left) & (x < left + width) & (y >= top) & (y < top + height)), np.uint8)
    if kind == 2:
        return np.full((SIDE_PX, SIDE_PX), rng.integers(1, 256), np.uint8)
    phase = (x * rng.uniform(-1, 1) + y * rng.uniform(-1, 1)) // rng.uniform(1.5, 4)
    return np.asarray(255 * (phase % 2), np.uint8)


def _spoilt(digits: Pictures, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A negative, or two digits on top of each other."""
    first, second = digits[rng.integers(len(digits), size=2)]
    if rng.random() < 0.5:
        return np.asarray(255 - first)
    return np.asarray(np.maximum(first, np.roll(second, rng.integers(-9, 10), axis=1)))
