"""Which strokes make which digit of numbers that were drawn from left to right, in one line or several.

White space from left to right parts lines. In each, strokes are ordered from left to right and cut into runs, each run
a digit. Three things speak for a cut or against it: the gap between the strokes, the size of what a digit would be made
of, and, where these leave doubts, how much each run looks like a digit. Each is a logarithm of odds, so they are added;
dynamic programming finds the best sum.
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MAX_PARTS = 4
"""Hardly anybody takes more strokes for a digit, apart from those that clearly belong together."""
EVEN_GAP, GAP_SCALE = -0.1, 0.03
"""At this gap, in heights of a digit, one digit is as likely as two; with each GAP_SCALE more the odds grow by e. Of
1,314 pairs of neighbouring strokes in one digit 5% are further apart than -0.05, and 1% further than 0.05."""
CLEAR = 5.0
"""Log odds that need no judge: from a gap of 0.05 on, or an overlap of 0.25."""
DOUBT = 6.0
"""A judge is asked about what has no more log odds against it: it could hardly make up for more."""
MOST_GAP_ODDS = 12.0
SHORT, CONTINUED = 0.5, 0.01
"""A stroke goes on with the one before if one of them is shorter than this, in heights of the drawing, and it begins no
farther from the other's end than that: digits that touch are as high as the drawing."""
DOT = 0.15
"""What is smaller than this part of the tallest stroke is no digit, and belongs to the nearest stroke."""
MOST_WIDTH, WIDTH_SCALE = 1.3, 0.1
"""From this width on, in heights, the odds for one digit fall by e with each WIDTH_SCALE."""
MOST_UNEVEN, UNEVEN_SCALE = 0.3, 0.04
"""The same for two digits and how much their tops and bottoms differ, added, in heights: the two strokes of an open 4
lie side by side, but one stands on the ground and the other does not; a bar or a hat does not, either."""
MOST_UNEVEN_ODDS = 8.0
"""A wide gap outweighs this for two on a line that are about as high: some people's numbers rise or fall."""
LEAST_LOOKS, MOST_LOOKS = -4.0, 1.0
"""Log odds that a judge is heard with. Looking like a digit says little: a 4 is often a good 6 or 2 beside a good 1."""

LINE_GAP = 0.3
"""Lines are at least so far apart, in heights of a digit: none of 7,494 single digits is in two parts like that."""
LEAST_LINE = 0.5
"""What is less than this part of the tallest stroke is no line, but a hat, a foot or a dot."""
LEAST_UPRIGHT = 0.5
"""Nor is what is flat: the height of its tallest stroke is less than this part of the width of its widest."""

Stroke = NDArray[np.float64]
Judge = Callable[[list[list[int]]], NDArray[np.floating]]
"""How certain it is that each of these groups of strokes is a digit: (n,) from 0 to 1."""


class _Box(NamedTuple):
    left: float = 0.0
    top: float = 0.0
    right: float = 0.0
    bottom: float = 0.0

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    def distance(self, other: "_Box") -> float:
        dx = max(self.left, other.left) - min(self.right, other.right)
        dy = max(self.top, other.top) - min(self.bottom, other.bottom)
        return math.hypot(max(dx, 0.0), max(dy, 0.0))


class _Chain(NamedTuple):
    """Runs, one after the other, that leave no part out, and their odds together."""

    odds: float
    runs: list[int]


def best_groups(strokes: Sequence[Stroke], judge: Judge | None = None) -> list[list[int]]:
    """The strokes (n, 2) of each digit, line by line from left to right; in a digit in the order of drawing.

    Strokes without points belong to no digit. Without a judge the geometry decides alone; where it leaves no doubt, no
    judge is asked.
    """
    chains = _continued(strokes)
    drawn = [np.concatenate([strokes[index] for index in chain]) for chain in chains]
    boxes = [_Box(*points.min(axis=0), *points.max(axis=0)) for points in drawn]

    def whole(group: Sequence[int]) -> list[int]:
        return sorted(index for chain in group for index in chains[chain])

    of_chains = None if judge is None else lambda groups: judge([whole(group) for group in groups])
    lines = _lines(list(range(len(chains))), boxes)
    return [whole(group) for line in lines for group in _groups_of_line(line, boxes, of_chains)]


def _continued(strokes: Sequence[Stroke]) -> list[list[int]]:
    """Each stroke with those that go on with it: the pen lost its contact, or was lifted for a moment."""
    drawn = [(index, stroke) for index, stroke in enumerate(strokes) if len(stroke)]
    if not drawn:
        return []
    height = float(np.ptp(np.concatenate([stroke for _, stroke in drawn])[:, 1]))
    chains = [[drawn[0][0]]]
    for (_, before), (index, stroke) in pairwise(drawn):
        length = min(np.ptp(each, axis=0).max() for each in (before, stroke))
        if length < SHORT * height and math.dist(before[-1], stroke[0]) <= CONTINUED * height:
            chains[-1].append(index)
        else:
            chains.append([index])
    return chains


def _lines(drawn: list[int], boxes: Sequence[_Box]) -> list[list[int]]:
    """The strokes of each line, from top to bottom."""
    height = max((boxes[index].height for index in drawn), default=0.0)
    parts: list[list[int]] = []
    bottom = -math.inf
    for index in sorted(drawn, key=lambda index: boxes[index].top):
        if boxes[index].top - bottom >= LINE_GAP * height:
            parts.append([])
        parts[-1].append(index)
        bottom = max(bottom, boxes[index].bottom)
    lines = [part for part in parts if _is_line(part, boxes, height)]
    if len(lines) <= 1:
        return [drawn]
    sides = [_around(line, boxes) for line in lines]
    for part in parts:
        if part not in lines:
            nearest = min(range(len(lines)), key=lambda line: sides[line].distance(_around(part, boxes)))
            lines[nearest].extend(part)
    return [sorted(line) for line in lines]


def _is_line(part: list[int], boxes: Sequence[_Box], height: float) -> bool:
    tallest = max(boxes[index].height for index in part)
    widest = max(boxes[index].width for index in part)
    return tallest >= max(LEAST_LINE * height, LEAST_UPRIGHT * widest)


def _groups_of_line(drawn: list[int], boxes: Sequence[_Box], judge: Judge | None) -> list[list[int]]:
    if len(drawn) <= 1:
        return [drawn] if drawn else []
    height = max(boxes[index].height for index in drawn) or max(boxes[index].width for index in drawn)
    if not height:
        return [drawn]  # dots alone
    parts = _joined_by_overlap(_with_their_dots(drawn, boxes, DOT * height), boxes, height)
    cuts = _cut_odds(parts, boxes, height)
    doubts = [
        cut + _uneven_odds(_around(left, boxes), _around(right, boxes), height)
        for cut, (left, right) in zip(cuts, pairwise(parts), strict=True)
    ]
    runs = [
        (start, end)
        for start in range(len(parts))
        for end in range(start + 1, min(start + MAX_PARTS, len(parts)) + 1)
        if max(doubts[start : end - 1], default=0.0) <= CLEAR
    ]
    groups = [sorted(index for part in parts[start:end] for index in part) for start, end in runs]
    sides = [_around(group, boxes) for group in groups]
    odds = [_width_odds(side, height) for side in sides]

    def cut_odds(left: int, right: int) -> float:
        return cuts[runs[right][0] - 1] + _uneven_odds(sides[left], sides[right], height)

    chains = _chains(runs, odds, cut_odds)
    doubtful = [run for run in range(len(runs)) if chains[run].odds >= max(chains).odds - DOUBT]
    if judge is not None and len(doubtful) > len(max(chains).runs):
        looks = looks_odds(judge([groups[run] for run in doubtful]))
        odds = [-np.inf] * len(runs)
        for run, of_looks in zip(doubtful, looks, strict=True):
            odds[run] = _width_odds(sides[run], height) + of_looks
        chains = _chains(runs, odds, cut_odds)
    return [groups[run] for run in max(chains).runs]


def _around(group: Sequence[int], boxes: Sequence[_Box]) -> _Box:
    lefts, tops, rights, bottoms = zip(*(boxes[index] for index in group), strict=True)
    return _Box(min(lefts), min(tops), max(rights), max(bottoms))


def _with_their_dots(drawn: list[int], boxes: Sequence[_Box], size: float) -> list[list[int]]:
    """Each stroke with the dots that are nearest to it."""
    parts = [[index] for index in drawn if max(boxes[index].width, boxes[index].height) >= size]
    for dot in set(drawn).difference(*parts):
        min(parts, key=lambda part: boxes[part[0]].distance(boxes[dot])).append(dot)
    return parts


def _joined_by_overlap(parts: list[list[int]], boxes: Sequence[_Box], height: float) -> list[list[int]]:
    """From left to right, those together that overlap so much that they can only be one digit."""
    parts = sorted(parts, key=lambda part: boxes[part[0]].left + boxes[part[0]].right)
    joined = [parts[0]]
    for part, odds in zip(parts[1:], _cut_odds(parts, boxes, height), strict=True):
        if odds < -CLEAR:
            joined[-1] = joined[-1] + part
        else:
            joined.append(part)
    return joined


def _cut_odds(parts: Sequence[list[int]], boxes: Sequence[_Box], height: float) -> list[float]:
    """What the gaps between neighbouring parts say for a cut there, as log odds: one fewer than parts."""
    sides = [_around(part, boxes) for part in parts]
    rights = np.maximum.accumulate([side.right for side in sides])
    lefts = np.minimum.accumulate([side.left for side in reversed(sides)])[::-1]
    odds = ((lefts[1:] - rights[:-1]) / height - EVEN_GAP) / GAP_SCALE
    return [float(value) for value in np.clip(odds, -MOST_GAP_ODDS, MOST_GAP_ODDS)]


def _width_odds(box: _Box, height: float) -> float:
    """What the width of a group of strokes says against one digit, as log odds."""
    return -max(0.0, box.width / height - MOST_WIDTH) / WIDTH_SCALE


def looks_odds(certainty: NDArray[np.floating], most: float | Sequence[float] = MOST_LOOKS) -> list[float]:
    """What a judge's certainty says for digits, as log odds and no more than `most`; nothing where it is no number."""
    certain = np.clip(np.nan_to_num(np.asarray(certainty, np.float64), nan=0.5), 1e-6, 1 - 1e-6)
    return [float(odds) for odds in np.clip(np.log(certain / (1 - certain)), LEAST_LOOKS, most)]


def _uneven_odds(left: _Box, right: _Box, height: float) -> float:
    """What the heights at which two groups of strokes stand say against two digits, as log odds."""
    uneven = (abs(left.top - right.top) + abs(left.bottom - right.bottom)) / height
    odds = max(0.0, uneven - MOST_UNEVEN) / UNEVEN_SCALE
    overlap = min(left.bottom, right.bottom) - max(left.top, right.top)
    on_a_line = overlap > 0 and min(left.height, right.height) > LEAST_LINE * max(left.height, right.height)
    return -min(odds, MOST_UNEVEN_ODDS) if on_a_line else -odds


def _chains(
    runs: Sequence[tuple[int, int]], odds: Sequence[float], cut_odds: Callable[[int, int], float]
) -> list[_Chain]:
    """For each run (start, end) the chain through it that has the most odds; runs of a chain leave no part out.

    runs: in the order of their starts; cut_odds: what speaks for a cut between two of them.
    """
    nothing = _Chain(0.0, [])
    before, after = [nothing] * len(runs), [nothing] * len(runs)
    neighbours = [
        (left, right)
        for left in range(len(runs))
        for right in range(left + 1, len(runs))
        if runs[left][1] == runs[right][0]
    ]
    for left, right in neighbours:  # `before` of the left one is final
        total = before[left].odds + odds[left] + cut_odds(left, right)
        if before[right] is nothing or total > before[right].odds:
            before[right] = _Chain(total, [*before[left].runs, left])
    for left, right in reversed(neighbours):
        total = after[right].odds + odds[right] + cut_odds(left, right)
        if after[left] is nothing or total > after[left].odds:
            after[left] = _Chain(total, [right, *after[right].runs])
    return [
        _Chain(before[run].odds + odds[run] + after[run].odds, [*before[run].runs, run, *after[run].runs])
        for run in range(len(runs))
    ]
