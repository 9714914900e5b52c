"""Digits that 30 people drew with a pen on a tablet, as strokes, and variations of them.

A stroke varies in more ways than a picture: its slant and the size of its loops, where it begins and ends, how the
strokes of one digit lie beside each other, and the width of the pen. No Qt here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.digits import PEN_PX, rasterize

Strokes = list[NDArray[np.float64]]
"""(n, 2) each: x to the right, y down, in any unit."""

POINTS = 24
"""Number of points of a varied stroke, evenly spaced along its length."""
CUT_POINTS = 2
"""Maximum number of points cut off at either end of a stroke: a shorter flag, a shorter tail."""
ROTATION = np.radians(10)
SHEAR = 0.25
STRETCH = 0.2
"""Each axis grows or shrinks by up to exp(0.2)."""
BUMP, BUMP_RADIUS = 0.045, 0.35
"""The paper is bent by nine bumps of this standard deviation and radius, in units of the longer side."""
OFFSET = 0.02
"""Standard deviation of a stroke's position, in the same units."""
PENS_PX = (2.0, 3.3)
ELSEWHERE = 0.4
"""The share of zeros and ones that get a slash, a flag or a foot: common elsewhere, rare among the 30 people."""
STRAIGHT = 0.3
"""A one that is narrower than this share of its height has no flag."""


@dataclass(frozen=True)
class PenDigits:
    """drawings: N digits as strokes; labels: uint8 (N,); writers: uint8 (N,), from 1 to 30."""

    drawings: list[Strokes]
    labels: NDArray[np.uint8]
    writers: NDArray[np.uint8]


def read_pen_digits(path: Path) -> PenDigits:
    """Load a file made by assets/make_pen_digits.py. A damaged file may raise almost any exception."""
    with np.load(path, allow_pickle=False) as arrays:
        strokes = np.split(arrays["points"].astype(np.float64), arrays["stroke_start"][1:-1])
        drawings = [strokes[start:end] for start, end in pairwise(arrays["digit_start"])]
        return PenDigits(drawings, arrays["labels"], arrays["writers"])


def varied(strokes: Sequence[NDArray[np.float64]], rng: np.random.Generator) -> Strokes:
    """A variation of a digit, as the same person might draw it again: strokes of unit size, centred at 0."""
    lines = [_evenly(stroke) for stroke in strokes]
    points = np.concatenate(lines)
    low, high = points.min(axis=0), points.max(axis=0)
    lines = [_cut((line - (low + high) / 2) / max(float((high - low).max()), 1e-9), rng) for line in lines]
    centres = np.array([(x, y) for x in (-0.5, 0, 0.5) for y in (-0.5, 0, 0.5)])
    bumps = rng.normal(0, BUMP, centres.shape)
    angle, shear = rng.uniform(-ROTATION, ROTATION), rng.uniform(-SHEAR, SHEAR)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    affine = turn @ np.array([[1, shear], [0, 1]]) @ np.diag(np.exp(rng.uniform(-STRETCH, STRETCH, 2)))
    result = []
    for line in lines:
        squared_distances = ((line[:, np.newaxis] - centres) ** 2).sum(axis=-1)
        bent = line + np.exp(-squared_distances / (2 * BUMP_RADIUS**2)) @ bumps
        result.append(bent @ affine.T + rng.normal(0, OFFSET, 2))
    return result


def picture_of(strokes: Sequence[NDArray[np.float64]], pen_px: float = PEN_PX) -> NDArray[np.uint8]:
    """Render strokes as a dataset's picture: uint8 (28, 28). pen_px: as in `rasterize`."""
    return np.asarray(np.rint(rasterize(strokes, pen_px) * 255), np.uint8)


def varied_pictures(
    drawings: Sequence[Strokes], labels: NDArray[np.uint8], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Each drawing varied, by a pen of another width: uint8 (N, 28, 28). Some zeros get a slash, some ones a foot."""
    pictures = []
    for strokes, label in zip(drawings, labels, strict=True):
        drawn = _as_elsewhere(strokes, int(label), rng) if rng.random() < ELSEWHERE else strokes
        pictures.append(picture_of(varied(drawn, rng), rng.uniform(*PENS_PX)))
    return np.stack(pictures)


def _as_elsewhere(strokes: Strokes, label: int, rng: np.random.Generator) -> Strokes:
    """A zero with a slash, a one with a foot, a flag or both; other digits as they are."""
    points = np.concatenate(strokes)
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    width, height = right - left, bottom - top
    result = list(strokes)
    if label == 0:
        angle, middle = np.radians(rng.uniform(0, 85)), [(left + right) / 2, (top + bottom) / 2]
        half = rng.uniform(0.4, 1.0) * np.array([np.cos(angle) * max(width, height / 2), -np.sin(angle) * height])
        result.append(np.array([middle - half, middle + half]))
    if label == 1 and width < STRAIGHT * height and rng.random() < 0.5:
        head = points[points[:, 1].argmin()]
        result.append(np.array([head + height * np.array([-rng.uniform(0.1, 0.35), rng.uniform(0.1, 0.3)]), head]))
    if label == 1 and rng.random() < 0.7:
        foot, reach = points[points[:, 1].argmax()], height * np.array([rng.uniform(0.15, 0.35), 0])
        result.append(np.array([foot - reach, foot + reach]))
    return result


def _evenly(line: NDArray[np.float64]) -> NDArray[np.float64]:
    """Resample with points evenly spaced along the line."""
    walked = np.concatenate([[0.0], np.hypot(*np.diff(line, axis=0).T).cumsum()])
    if walked[-1] == 0:
        return line[:1]
    places = np.linspace(0, walked[-1], POINTS)
    return np.stack([np.interp(places, walked, line[:, axis]) for axis in (0, 1)], axis=1)


def _cut(line: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Cut up to CUT_POINTS points off each end, with probability one half."""
    first, last = rng.integers(0, CUT_POINTS + 1, 2) * rng.integers(0, 2, 2)
    return line[first : len(line) - last] if len(line) == POINTS else line
