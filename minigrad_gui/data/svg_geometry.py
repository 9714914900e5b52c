"""The geometry of SVG: coordinates that are transformed, and arcs of ellipses as points."""

import re
from collections.abc import Callable, Sequence
from math import cos, radians, sin, tan

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.data.dataset import DataError

NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
FUNCTION = re.compile(r"(\w+)\s*\(([^()]*)\)")
POINTS_TO_AN_ARC = 16

Points = NDArray[np.float64]
Affine = NDArray[np.float64]
"""(3, 3), for columns of x, y and 1."""
IDENTITY: Affine = np.eye(3)


def _affine(a: float, b: float, c: float, d: float, e: float, f: float) -> Affine:
    return np.array([[a, c, e], [b, d, f], [0, 0, 1]])


def _move(x: float, y: float = 0) -> Affine:
    return _affine(1, 0, 0, 1, x, y)


def _scale(x: float, y: float | None = None) -> Affine:
    return _affine(x, 0, 0, x if y is None else y, 0, 0)


def _turn(degrees: float, x: float = 0, y: float = 0) -> Affine:
    angle = radians(degrees)
    turned = _affine(cos(angle), sin(angle), -sin(angle), cos(angle), 0, 0)
    return np.asarray(_move(x, y) @ turned @ _move(-x, -y))


FUNCTIONS: dict[str, Callable[..., Affine]] = {
    "matrix": _affine,
    "translate": _move,
    "scale": _scale,
    "rotate": _turn,
    "skewX": lambda degrees: _affine(1, 0, tan(radians(degrees)), 1, 0, 0),
    "skewY": lambda degrees: _affine(1, tan(radians(degrees)), 0, 1, 0, 0),
}
"""https://www.w3.org/TR/css-transforms-1/#svg-transform-functions."""


def transform(text: str) -> Affine:
    """What an attribute such as "translate(5) rotate(90)" does to points: the last function comes first.

    Raises DataError for damage.
    """
    result = IDENTITY
    for name, numbers in FUNCTION.findall(text):
        try:
            result = result @ FUNCTIONS[name](*map(float, re.findall(NUMBER, numbers)))
        except (KeyError, TypeError) as error:
            raise DataError("a drawing is damaged.") from error
    return result


def transformed(points: Points, by: Affine) -> Points:
    """Points (n, 2)."""
    return np.asarray(points @ by[:2, :2].T + by[:2, 2])


def arc(start: Points, numbers: Sequence[float], end: Points) -> Points:
    """Points on an arc of an ellipse after its start: (16, 2).

    numbers: both radii, the turn of the ellipse in degrees, whether the longer way is taken, and whether it runs
    clockwise. Formulas: https://www.w3.org/TR/SVG2/implnote.html#ArcImplementationNotes.
    """
    radii, turn = np.abs(numbers[:2]), _turn(numbers[2])[:2, :2]
    half = turn.T @ (start - end) / 2
    if not radii.all() or not half.any():
        return end[None]
    radii = radii * max(1.0, float(np.hypot(*(half / radii))))  # too short ones are lengthened
    x, y = half / radii  # on a circle of radius 1
    square = x * x + y * y
    to_middle = np.sqrt(max(0.0, 1 / square - 1)) * np.array([y, -x])
    if bool(numbers[3]) == bool(numbers[4]):
        to_middle = -to_middle
    first, last = np.array([x, y]) - to_middle, np.array([-x, -y]) - to_middle
    begin, way = (float(np.arctan2(*each[::-1])) for each in (first, last))
    way = (way - begin) % (2 * np.pi) - (0 if numbers[4] else 2 * np.pi)
    angles = begin + way * np.linspace(0, 1, POINTS_TO_AN_ARC + 1)[1:]
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1) + to_middle
    return np.asarray(circle * radii @ turn.T + (start + end) / 2)
