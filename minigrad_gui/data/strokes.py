"""Strokes of pens as pictures, drawn as the canvas draws: QuickDraw's ndjson, InkML, UNIPEN and UCI's pendigits.

A file of QuickDraw holds one class, so that the files beside it are the others.
"""

import itertools
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.names import Names
from minigrad_gui.data.pairing import in_splits, split_of
from minigrad_gui.data.siblings import Files, family, visible
from minigrad_gui.data.stored import Found, Pictures, Samples, check_count, in_blocks
from minigrad_gui.data.streams import lines_of, open_plain

PEN_NUMBERS, PEN_EXTENT = 16, 100
MAX_POINTS = 20_000
MAX_FILES = 100
MAX_UNIPEN_FILES, MOST_ABOVE = 1000, 6
MAX_INK_BYTES = 64 << 20
TRACE = re.compile(r"<(?:\w+:)?trace\b[^>]*>([^<]*)</")
LABEL = re.compile(r"<(?:\w+:)?annotation\b[^>]*type=[\"'](?:truth|label)[\"'][^>]*>\s*([^<]*?)\s*</", re.IGNORECASE)
SEGMENT = re.compile(r'\.SEGMENT\s+(?:CHARACTER|DIGIT)\s+([\d\-,:]+)\s+\S+\s+"(.*)"')
INCLUDE = re.compile(r"\.INCLUDE\s+(\w[\w./-]*)", re.ASCII)

Strokes = list[NDArray[np.float64]]


def drawn(strokes: Iterable[Any]) -> NDArray[np.uint8]:
    """The picture of one drawing, uint8 (28, 28). Raises DataError for points that are not numbers, or too many."""
    from minigrad_gui.digits import rasterize

    try:
        lines = [np.asarray(stroke, np.float64) for stroke in strokes]
        if sum(map(len, lines)) > MAX_POINTS:
            raise DataError("a drawing has too many points.")
        if any(np.abs(line).max(initial=0) > 1e9 for line in lines):
            raise DataError("a drawing has points that are no numbers.")
        return np.asarray(np.rint(rasterize(lines) * 255), np.uint8)
    except (ValueError, TypeError) as error:
        raise DataError("a drawing has points that are no numbers.") from error


def are_pen_digits(rows: NDArray[Any]) -> bool:
    """Whether rows (n, 16) are pendigits' drawings of eight points each: from 0 to 100 along the longer side."""
    return rows.shape[1] == PEN_NUMBERS and bool(rows.min(initial=0) >= 0 and rows.max(initial=0) == PEN_EXTENT)


def of_pen_digits(rows: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Pictures of pendigits' rows (n, 16), eight points each with y upwards: uint8 (n, 28, 28)."""
    points = rows.reshape(-1, 8, 2) * np.array([1, -1], np.float32)
    return np.stack([drawn([line]) for line in points])


# ---------------------------------------------------------------- QuickDraw


def recognises_quickdraw(start: bytes) -> bool:
    return start.startswith(b"{") and b'"word"' in start


def read_quickdraw(opened: Files) -> Found:
    """The drawings of a file and of those beside it, each of which is a class."""
    (path,) = opened.values()
    files = sorted(file for file in path.parent.iterdir() if visible(file) and file.suffix == path.suffix)
    if len(files) > MAX_FILES:
        raise DataError(f"there are more than {MAX_FILES} classes.")
    samples = []
    for file in files:
        words = [str(_drawing(line)["word"]) for line in lines_of(file)]
        check_count(len(words))
        samples.append(
            Samples(Pictures(len(words), _blocks_of(file), are_encoded=True, are_slow=True), np.array(words))
        )
    return Found(samples, files=[file.name for file in files])


def _blocks_of(file: Path) -> Any:
    def blocks(step: int) -> Iterator[list[NDArray[np.uint8]]]:
        lines = (line for number, line in enumerate(lines_of(file)) if number % step == 0)
        return in_blocks(drawn(_lines_in(_drawing(line))) for line in lines)

    return blocks


def _drawing(line: str) -> dict[str, Any]:
    try:
        drawing = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError("a line is not a drawing.") from error
    if not isinstance(drawing, dict) or not isinstance(drawing.get("drawing"), list) or "word" not in drawing:
        raise DataError("a line is not a drawing.")
    return drawing


def _lines_in(drawing: dict[str, Any]) -> Iterator[NDArray[np.float64]]:
    """Strokes of x, y and perhaps times: (n, 2)."""
    for stroke in drawing["drawing"]:
        yield np.asarray(stroke[:2], np.float64).T


# ---------------------------------------------------------------- InkML and UNIPEN


def recognises_inkml(start: bytes) -> bool:
    return b"<ink" in start or b":ink " in start


def read_inkml(opened: Files) -> Found:
    """A folder's InkML files, one drawing each, with its label as an annotation of the type truth.

    Only traces and annotations are looked for; entities are not expanded. https://www.w3.org/TR/InkML
    """
    (path,) = opened.values()
    folder, names = path.parent, Names(sorted(file.name for file in path.parent.glob(f"*{path.suffix}")))
    check_count(len(names))
    labels = np.array([_label_of(_text(folder / name), name) for name in names])

    def blocks(step: int) -> Iterator[list[NDArray[np.uint8]]]:
        return in_blocks(drawn(_traces(_text(folder / name))) for name in itertools.islice(names, 0, None, step))

    samples = Samples(Pictures(len(names), blocks, are_encoded=True, are_slow=True), labels)
    return Found([samples], files=names)


def _label_of(text: str, name: str) -> str:
    label = LABEL.search(text)
    if label is None:
        raise DataError(f"{name} has no label.")
    return label[1]


def _traces(text: str) -> Strokes:
    try:
        return [
            np.array([point.split()[:2] for point in trace.split(",") if point.strip()], np.float64)
            for trace in TRACE.findall(text)
        ]
    except ValueError as error:
        raise DataError("a drawing has points that are no numbers.") from error


def recognises_unipen(start: bytes) -> bool:
    return start.startswith(b".VERSION") or b"\n.SEGMENT" in start or b"\n.PEN_DOWN" in start


def read_unipen(opened: Files) -> Found:
    """A UNIPEN file with the other half of its split, or else with all others in its folder, one for each writer.

    Pen-down components follow each other; segments name those of each character. http://unipen.nici.kun.nl
    """
    (path,) = opened.values()
    files = related = list(family(path).halves.values())
    if len(related) == 1:
        alike = (file for file in path.parent.iterdir() if visible(file) and file.suffix == path.suffix)
        files = sorted(file for file in itertools.islice(alike, MAX_UNIPEN_FILES) if file.is_file())
    splits: dict[str, list[Samples]] = {}
    for file in files:
        components, segments = _unipen_parts(file)
        if segments:
            split = split_of(file.name) if len(related) > 1 else None
            splits.setdefault(split or "train", []).append(_characters(components, segments))
    if not splits:
        raise DataError("it names no characters.")
    return replace(in_splits(splits, []), files=[file.name for file in files])


def _unipen_parts(path: Path) -> tuple[list[NDArray[np.float32]], list[tuple[str, str]]]:
    """The strokes of a file and of those that it includes; and the places and the label of each character."""
    components: list[NDArray[np.float32]] = []
    segments: list[tuple[str, str]] = []
    points: list[list[str]] | None = None
    for line in _unipen_lines(path):
        if line.startswith((".PEN_DOWN", ".PEN_UP")):
            if points is not None:
                components.append(_component(points))
            points = [] if line.startswith(".PEN_DOWN") else None
        elif match := SEGMENT.match(line):
            segments.append((match[1], match[2]))
        elif points is not None and (point := line.split()) and not line.startswith("."):
            points.append(point[:2])
    if points is not None:
        components.append(_component(points))
    check_count(len(segments) + 1)
    return components, segments


def _unipen_lines(path: Path) -> Iterator[str]:
    """The lines of a file, after those of the files of strokes that it includes from a folder "include" above it."""
    lines = _text(path).splitlines()
    for line in lines:
        if (match := INCLUDE.match(line)) and ".." not in match[1]:
            places = (folder / "include" / match[1] for folder in list(path.absolute().parents)[:MOST_ABOVE])
            if included := next((place for place in places if place.is_file()), None):
                yield from _text(included).splitlines()
    yield from lines


def _characters(components: Sequence[NDArray[np.float32]], segments: Sequence[tuple[str, str]]) -> Samples:
    chosen = [_indices(places, len(components)) for places, _ in segments]

    def blocks(step: int) -> Iterator[list[NDArray[np.uint8]]]:
        return in_blocks(drawn(components[at] for at in each if len(components[at])) for each in chosen[::step])

    labels = np.array([label for _, label in segments])
    return Samples(Pictures(len(segments), blocks, are_encoded=True, are_slow=True), labels)


def _component(points: list[list[str]]) -> NDArray[np.float32]:
    """The points of a stroke, with y downwards."""
    try:
        return np.array(points, np.float32).reshape(-1, 2) * np.array([1, -1], np.float32)
    except ValueError as error:
        raise DataError("a drawing has points that are no numbers.") from error


def _indices(places: str, count: int) -> list[int]:
    """The components that "0", "0-2", "0,2" or, with points within them, "0:1-2:9" names."""
    indices: list[int] = []
    for part in places.split(","):
        ends = [int(end.split(":")[0]) for end in part.split("-") if end.split(":")[0].isdecimal()]
        if not ends or ends[-1] >= count:
            raise DataError("a character names strokes that are not there.")
        indices += range(ends[0], ends[-1] + 1)
    return indices


def _text(path: Path) -> str:
    with open_plain(path) as file:
        content = file.read(MAX_INK_BYTES + 1)
    if len(content) > MAX_INK_BYTES:
        raise DataError("it is too large.")
    return content.decode("utf-8", "replace")
