"""One stroke that draws several digits, such as a 10 or a 00 written without lifting the pen, is cut between them.

A stroke runs from left to right as a whole, so it can be cut where all that was drawn before lies to the left of all
that was drawn afterwards. The stretch that leads from one digit to the next belongs to neither and is left out. How
much each piece looks like a digit speaks for it, and each cut against it. These are logarithms of odds, so they are
added; dynamic programming finds the best sum.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.splitting import looks_odds

LEAST_WIDTH = 0.55
"""Anything narrower than this, in heights, is one digit."""
SPACING = 0.08
"""A stroke may be cut at points this far apart; all lengths are in heights of the digits."""
MOST_LENGTH = 40.0
"""A longer line is a scribble, and would take long."""
MOST_LEFT_OUT = 1.3
LEAST_GAP = -0.1
"""The least gap between what was drawn before a cut and afterwards."""
LEAST_HEIGHT = 0.6
"""The least height of either."""
WIDE = 0.2
"""Cuts that leave a wider gap are preferred, but a gap wider than this is no better."""
REACH, CORNER = 3, 0.2
"""So are cuts at sharp turns of the line, within this many points: turning back is worth this much of a gap."""
MOST_CUTS = 3
APART = 0.25
"""Of cuts that are no further apart than that only the best one is tried."""
LONGER = 0.4
"""Each piece is also tried with this share of what is left out before and after it: that may be an arc of its digit."""
CUT_ODDS = -2.0
"""Log odds for a cut."""
MOST_LOOKS = 3.0
"""The most log odds for a digit's looks."""
PLAIN, PLAIN_LOOKS = 1.2, 1.0
"""A line no longer than this, in diagonals of its box, looks like a 1 but is as often a piece of another digit: these
are the most log odds for it."""

Stroke = NDArray[np.float64]
Judge = Callable[[list[list[Stroke]]], NDArray[np.floating]]
"""How certain it is that each of these groups of strokes is a digit: (n,) from 0 to 1."""


class _Cut(NamedTuple):
    """A piece ends at one point of a line and the next one starts at another; x lies between the two pieces."""

    end: int
    start: int
    x: float


def cut_apart(strokes: Sequence[Stroke], judge: Judge) -> list[list[Stroke]]:
    """The digits, from left to right, that strokes (n, 2) are likeliest to be: the strokes of each, or parts of them.

    Only the longest stroke is cut.
    """
    whole = list(strokes)
    if not _are_wide(whole):
        return [whole]
    height = float(np.ptp(np.concatenate(whole)[:, 1]))
    longest = max(range(len(whole)), key=lambda index: _length(whole[index]))
    length = _length(whole[longest])
    if not 0 < length < MOST_LENGTH * height:
        return [whole]
    line = _evenly(whole[longest], SPACING * height)
    cuts = _cuts(line, height)
    if not cuts:
        return [whole]
    others = whole[:longest] + whole[longest + 1 :]
    ends = [_Cut(0, 0, -np.inf), *cuts, _Cut(len(line), len(line), np.inf)]
    runs = [
        (left, right)
        for left in range(len(ends) - 1)
        for right in range(left + 1, len(ends))
        if ends[right].end - ends[left].start > 1
    ]

    def piece(run: tuple[int, int], before: float = 0, after: float = 0) -> list[Stroke]:
        """The strokes between two cuts, with these shares of what is left out before and after the line."""
        left, right = (ends[at] for at in run)
        start = left.start - round(before * (left.start - left.end))
        end = right.end + round(after * (right.start - right.end))
        own = [other for other in others if left.x <= (other[:, 0].min() + other[:, 0].max()) / 2 < right.x]
        return [line[start:end], *own]

    groups = [piece(run) for run in runs]
    odds = looks_odds(judge(groups), [PLAIN_LOOKS if _is_plain(group) else MOST_LOOKS for group in groups])
    best: dict[int, tuple[float, list[int]]] = {0: (0.0, [])}
    for which in sorted(range(len(runs)), key=lambda which: runs[which]):
        left, right = runs[which]
        if left in best:
            total = best[left][0] + odds[which] + CUT_ODDS
            if right not in best or total > best[right][0]:
                best[right] = total, [*best[left][1], which]
    chosen = best[len(ends) - 1][1]
    if len(chosen) == 1:
        return [whole]
    shares = [(before, after) for before in (0, LONGER) for after in (0, LONGER)]
    tries = [[piece(runs[which], *share) for share in shares] for which in chosen]
    certain = np.nan_to_num(judge([each for tried in tries for each in tried])).reshape(-1, len(shares))
    return [tried[at] for tried, at in zip(tries, certain.argmax(axis=1), strict=True)]


def _are_wide(strokes: Sequence[Stroke]) -> bool:
    """Whether strokes, together, are wide enough for several digits."""
    width, height = np.ptp(np.concatenate(strokes), axis=0)
    return bool(width > LEAST_WIDTH * height > 0)


def _length(line: Stroke) -> float:
    return float(np.hypot(*np.diff(line, axis=0).T).sum())


def _evenly(line: Stroke, spacing: float) -> Stroke:
    """The line with points at even distances."""
    walked = np.concatenate([[0.0], np.hypot(*np.diff(line, axis=0).T).cumsum()])
    places = np.linspace(0, walked[-1], max(2, round(walked[-1] / spacing) + 1))
    return np.stack([np.interp(places, walked, line[:, axis]) for axis in (0, 1)], axis=1)


def _cuts(line: Stroke, height: float) -> list[_Cut]:
    """Where the line may be cut, from left to right."""
    (x, y), (x_back, y_back) = line.T, line[::-1].T
    right = np.maximum.accumulate(x)
    left = np.minimum.accumulate(x_back)[::-1]
    tall = np.maximum.accumulate(y) - np.minimum.accumulate(y) > LEAST_HEIGHT * height
    tall_after = (np.maximum.accumulate(y_back) - np.minimum.accumulate(y_back))[::-1] > LEAST_HEIGHT * height
    gap = (left - right[:, np.newaxis]) / height  # from the end of a piece, in rows, to the start of the next one
    points = np.arange(len(line))
    left_out = (points - points[:, np.newaxis]) * SPACING
    possible = (left_out >= 0) & (left_out <= MOST_LEFT_OUT) & (gap > LEAST_GAP) & tall[:, np.newaxis] & tall_after
    ends, starts = np.nonzero(possible)
    corners = _corners(line)
    merit = np.minimum(gap[ends, starts], WIDE) + CORNER * (corners[ends] + corners[starts])
    middle = (right[ends] + left[starts]) / 2
    cuts: list[_Cut] = []
    for at in np.argsort(-merit, kind="stable"):
        if all(abs(middle[at] - cut.x) > APART * height for cut in cuts):
            cuts.append(_Cut(int(ends[at]) + 1, int(starts[at]), float(middle[at])))
        if len(cuts) == MOST_CUTS:
            break
    return sorted(cuts, key=lambda cut: cut.x)


def _corners(line: Stroke) -> NDArray[np.float64]:
    """How sharply the line turns at each point, from 0, straight on, to 1, back: (n,)."""
    steps = np.pad(line, ((REACH, REACH), (0, 0)), mode="edge")
    before, after = line - steps[: -2 * REACH], steps[2 * REACH :] - line
    lengths = np.hypot(*before.T) * np.hypot(*after.T)
    straight = (before * after).sum(axis=1) / np.maximum(lengths, 1e-9)
    return np.where(lengths > 0, (1 - straight) / 2, 0)


def _is_plain(group: Sequence[Stroke]) -> bool:
    return len(group) == 1 and _length(group[0]) < PLAIN * float(np.hypot(*np.ptp(group[0], axis=0)))
