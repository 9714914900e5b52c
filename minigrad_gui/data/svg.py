"""Drawings in SVG, as pictures: their lines and curves are strokes of a pen, drawn as the canvas draws.

Only the strokes' own coordinates count, so that a file without a viewBox, or of another width and height than its
viewBox, is not squeezed. Entities are not expanded and nothing is loaded.
"""

import itertools
import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.strokes import MAX_POINTS, drawn
from minigrad_gui.data.svg_geometry import IDENTITY, NUMBER, arc, transform, transformed

SUFFIX = ".svg"
MAX_BYTES = 1 << 20
ELEMENT = re.compile(r"<(/?)(?:\w+:)?(g|svg|path|polyline|line)\b([^<>]*)>")
SHAPES = ("path", "polyline", "line")
ATTRIBUTE = re.compile(r"([\w-]+)\s*=\s*[\"']([^\"']*)[\"']")
UNFILLED = re.compile(r"fill\s*[=:]\s*[\"']?\s*(none|transparent)")
TOKEN = re.compile(rf"([A-Za-z])|({NUMBER})")
FLAG = re.compile(r"()([01])")
TAKES = {"M": 2, "L": 2, "H": 1, "V": 1, "T": 2, "Q": 4, "S": 4, "C": 6, "A": 7, "Z": 0}
"""How many numbers each command of a path takes: https://www.w3.org/TR/SVG2/paths.html."""
CURVE_POINTS = np.linspace(0, 1, 9)[1:, None]

Stroke = NDArray[np.float64]


def picture(content: bytes) -> NDArray[np.uint8]:
    """The picture of a drawing: uint8 (28, 28). Raises DataError for shapes that are no strokes."""
    text = content[: MAX_BYTES + 1].decode("utf-8", "replace")
    if len(text) > MAX_BYTES:
        raise DataError("a drawing is too large.")
    strokes: list[Stroke] = []
    outer = [IDENTITY]
    for end, kind, rest in ELEMENT.findall(text):
        attributes = dict(ATTRIBUTE.findall(rest))
        if end:
            if kind not in SHAPES and len(outer) > 1:
                outer.pop()
            continue
        inner = outer[-1] @ transform(attributes.get("transform", ""))
        if kind in SHAPES:
            strokes += [transformed(stroke, inner) for stroke in _strokes(kind, attributes)]
        elif not rest.endswith("/"):
            outer.append(inner)
    if not strokes:
        raise DataError("a drawing has no strokes.")
    if not UNFILLED.search(text):
        raise DataError("a drawing consists of filled shapes instead of strokes.")
    return drawn(strokes)


def _strokes(kind: str, attributes: dict[str, str]) -> list[Stroke]:
    if kind == "path":
        return list(path(attributes.get("d", "")))
    names = ("x1", "y1", "x2", "y2")
    numbers = attributes.get("points", "") if kind == "polyline" else " ".join(attributes.get(n, "0") for n in names)
    values = [float(number) for number in re.findall(NUMBER, numbers)]
    return [np.array(values[: len(values) // 2 * 2]).reshape(-1, 2)] if len(values) > 1 else []


def path(text: str) -> Iterator[Stroke]:
    """The strokes of a path's description. Raises DataError for damage."""
    points: list[Stroke] = []
    at = start = control = np.zeros(2)
    before = ""
    for command, numbers in _commands(text):
        kind, here = command.upper(), at if command.islower() else np.zeros(2)
        if kind == "M":
            if points:
                yield np.array(points)
            at = start = here + numbers
            points = [at]
        elif kind == "Z":
            at = start
            points.append(at)
        elif kind == "A":
            points.extend(arc(at, numbers[:5].tolist(), here + numbers[5:]))
            at = points[-1]
        else:
            ends = _ends(kind, numbers, here, at, control, before)
            control = ends[-2] if len(ends) > 1 else at
            points.extend(_curve([at, *ends]))
            at = ends[-1]
        if kind not in "QTCS":
            control = at
        if len(points) > MAX_POINTS:
            raise DataError("a drawing has too many points.")
        before = kind
    if points:
        yield np.array(points)


def _commands(text: str) -> Iterator[tuple[str, Stroke]]:
    """Each command with its numbers; a command may be followed by the numbers of several."""
    command = ""
    numbers: list[float] = []
    place = 0
    while match := (FLAG if command in ("A", "a") and len(numbers) in (3, 4) else TOKEN).search(text, place):
        place = match.end()
        letter, number = match.groups()
        if letter:
            if numbers or letter.upper() not in TAKES:
                raise DataError("a drawing is damaged.")
            command = letter
            if TAKES[letter.upper()] == 0:
                yield letter, np.zeros(0)
            continue
        numbers.append(float(number))
        if not command or TAKES[command.upper()] == 0:
            raise DataError("a drawing is damaged.")
        if len(numbers) == TAKES[command.upper()]:
            yield command, np.array(numbers)
            numbers = []
            command = {"M": "L", "m": "l"}.get(command, command)
    if numbers:
        raise DataError("a drawing is damaged.")


def _ends(kind: str, numbers: Stroke, here: Stroke, at: Stroke, control: Stroke, before: str) -> list[Stroke]:
    """The control points and the end of a line or curve; S and T mirror the last control point."""
    if kind == "H":
        return [np.array([here[0] + numbers[0], at[1]])]
    if kind == "V":
        return [np.array([at[0], here[1] + numbers[0]])]
    ends = list(here + numbers.reshape(-1, 2))
    mirrors = (kind == "S" and before in ("S", "C")) or (kind == "T" and before in ("T", "Q"))
    return [2 * at - control if mirrors else at, *ends] if kind in "ST" else ends


def _curve(corners: list[Stroke]) -> list[Stroke]:
    """Points on a Bézier curve after its first, by de Casteljau's algorithm; of a line, its end."""
    if len(corners) == 2:
        return [corners[1]]
    rows = [np.broadcast_to(corner, (len(CURVE_POINTS), 2)) for corner in corners]
    while len(rows) > 1:
        rows = [a + CURVE_POINTS * (b - a) for a, b in itertools.pairwise(rows)]
    return list(rows[0])
