"""Digits that touch one another are cut apart where the ink between them is thin.

Seams run through the picture from top to bottom where they cross least ink. Between neighbouring seams lie strips, and
runs of strips are what may be digits. How much each run looks like a digit speaks for it, and the ink that is cut
through against a cut. Both are logarithms of odds, so they are added; dynamic programming finds the best sum.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.frame import fitted, thickness_of
from minigrad_gui.photo.paper import Gray, Mask
from minigrad_gui.photo.parts import box_of

SEAM_ROW = 0.5
"""Seams are told apart by where they cross this part of the height."""
PAPER_COST = 0.002
"""A seam is no longer than it must be even on paper."""
ASLANT = 2**0.5 - 1
"""How much longer than an upright step a diagonal one is, less one."""
MOST_CUT = 3.2
"""A seam that crosses more ink than this, in widths of the pen, cuts a digit."""
LEAST_STRIP = 0.2
"""The ink between two seams is at least that of an upright stroke of this part of the height."""
MOST_SEAMS = 14
MOST_STRIPS = 9
"""A digit has no more strips than that."""
CUT_ODDS, INK_ODDS = -1.0, -1.0
"""Log odds for a cut, and for each width of the pen that is cut through."""
LEAST_LOOKS, MOST_LOOKS = -4.0, 3.0
"""Log odds that a judge is heard with."""
LEAST_WHOLE = -8.0
"""The same for ink before it is cut: what is certainly not one digit is several, even where those look poor. But what
has the least log odds itself is no piece."""
CERTAIN = MOST_LOOKS
"""With these log odds a picture is a digit, and not cut: two digits and a cut have hardly more."""
PLAIN = 1.3
"""A stroke is plain, such as a 1, if it is no longer than this, in diagonals of its box."""
PLAIN_LOOKS = 0.5
"""A plain stroke looks like a digit, but is as often a piece of one: these are the most log odds for it."""
ALIKE = 0.6
"""Three pieces or more, each correlated so much with the next one, are hatching or another pattern."""
MOST_WIDTH, WIDTH_SCALE = 1.4, 0.1
"""From this width on, in heights, the odds for one digit fall by e with each WIDTH_SCALE."""
LEAST_HEIGHT, HEIGHT_SCALE = 0.7, 0.05
"""Digits side by side are about as high as one another: below this part of the height the odds fall likewise."""

Judge = Callable[[NDArray[np.float32]], NDArray[np.floating]]
"""How certain it is, from 0 to 1, that each of these pictures (n, 28, 28) shows one digit: (n,)."""


class Cut(NamedTuple):
    """Ink cut into digits, and the log odds for that; each mask (height, width) is a digit's, from left to right."""

    odds: float
    masks: list[Mask]


class _Run(NamedTuple):
    """Neighbouring strips, `start` to just before `end`, the log odds that they are a digit, and its own index."""

    start: int
    end: int
    odds: float
    which: int


def cut_apart(ink: Gray, judge: Judge) -> Cut:
    """The likeliest digits that ink from 0 to 1, (height, width) and cropped, shows side by side; it may be one."""
    costs, columns = _seams(ink)
    strips = (np.arange(ink.shape[1]) >= columns.T[..., np.newaxis]).sum(axis=0)
    spans = [
        (start, end)
        for start in range(len(costs) + 1)
        for end in range(start + 1, min(start + MOST_STRIPS, len(costs) + 1) + 1)
    ]
    spans = [*(span for span in spans if span != (0, len(costs) + 1)), (0, len(costs) + 1)]
    masks = [(strips >= start) & (strips < end) for start, end in spans]
    inks = [cropped(ink, mask) for mask in masks]
    least = np.array([*[LEAST_LOOKS] * (len(inks) - 1), LEAST_WHOLE])
    most = np.array([*(PLAIN_LOOKS if _is_plain(each) else MOST_LOOKS for each in inks[:-1]), MOST_LOOKS])
    looks = digit_odds(inks, ink.shape[0], judge, least, most)
    whole = len(spans) - 1
    runs = sorted(
        _Run(*span, float(odds), which)
        for which, (span, odds) in enumerate(zip(spans, looks, strict=True))
        if odds > LEAST_LOOKS or which == whole
    )
    total, best = _best_chain(runs, CUT_ODDS + INK_ODDS * costs)
    if len(best) > 2 and _are_alike([inks[run.which] for run in best]):
        return Cut(float(looks[-1]), masks[-1:])
    return Cut(total, [masks[run.which] for run in best])


def _is_plain(ink: Gray) -> bool:
    """Whether ink, cropped, is a single stroke without a curve or a corner."""
    return float(ink.sum()) / thickness_of(ink) < PLAIN * float(np.hypot(*ink.shape))


def _are_alike(inks: Sequence[Gray]) -> bool:
    """Whether neighbouring inks look the same."""
    pictures = [fitted(ink).ravel() for ink in inks]
    return all(np.corrcoef(left, right)[0, 1] > ALIKE for left, right in pairwise(pictures))


def cropped(ink: Gray, mask: Mask) -> Gray:
    """The ink under a mask, without the paper around it."""
    under = np.where(mask, ink, 0)
    return under[box_of(under)]


def digit_odds(
    inks: Sequence[Gray],
    height: float | NDArray[np.int64],
    judge: Judge,
    least: float | NDArray[np.float64] = LEAST_LOOKS,
    most: float | NDArray[np.float64] = MOST_LOOKS,
) -> NDArray[np.float64]:
    """Log odds that each ink, cropped, is one digit beside others of this height: (n,).

    least: no fewer log odds than these are given; most: no more than these are given for their looks.
    """
    certain = np.nan_to_num(np.asarray(judge(np.stack([fitted(ink) for ink in inks])), np.float64), nan=0.5)
    certain = np.clip(certain, 1e-6, 1 - 1e-6)
    looks = np.clip(np.log(certain / (1 - certain)), least, most)
    heights, widths = np.array([ink.shape for ink in inks]).T / height
    too_wide = np.maximum(0, widths - MOST_WIDTH) / WIDTH_SCALE
    return np.asarray(np.maximum(looks - too_wide + height_odds(heights), least))


def height_odds(heights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log odds for digits of these heights, as shares of the height that digits beside them have: (n,)."""
    return np.asarray(-np.maximum(0, LEAST_HEIGHT - heights) / HEIGHT_SCALE)


def _seams(ink: Gray) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Where ink may be cut: how many widths of the pen each seam crosses (n,), and its columns (height, n).

    Seams go from left to right and do not cross one another. To the left of its column a pixel is on a seam's left.
    """
    cost = ink + PAPER_COST
    (above, from_above), (below, from_below) = _cheapest(cost), _cheapest(cost[::-1])
    height, width = ink.shape
    row = int(SEAM_ROW * (height - 1))
    up = _followed_back(from_above[: row + 1], width)[::-1]
    columns = np.concatenate([up, _followed_back(from_below[: height - row], width)[1:]])
    pen = thickness_of(ink)
    crossed = np.maximum(above[row] + below[height - 1 - row] - cost[row] - PAPER_COST * height, 0) / pen
    ink_before = np.pad(ink.cumsum(axis=1), ((0, 0), (1, 0)))
    on_left = np.take_along_axis(ink_before, columns, 1).sum(axis=0)
    least = LEAST_STRIP * height * pen
    possible = (crossed < MOST_CUT) & (on_left > least) & (on_left < ink.sum() - least)
    chosen: list[int] = []
    for index in np.argsort(crossed, kind="stable"):
        if len(chosen) == MOST_SEAMS:
            break
        if possible[index] and all(abs(on_left[index] - on_left[other]) >= least for other in chosen):
            chosen.append(int(index))
    chosen.sort()
    return crossed[chosen], columns[:, chosen]


def _cheapest(cost: Gray) -> tuple[Gray, NDArray[np.intp]]:
    """The least cost of a way from the first row to each pixel, and whether it comes from the left, -1, or right, 1."""
    width = cost.shape[1]
    total, came = cost.copy(), np.zeros(cost.shape, np.intp)
    before = np.full(width + 2, np.inf, cost.dtype)
    ways = np.empty((3, width), cost.dtype)
    for row in range(1, len(cost)):
        before[1:-1] = total[row - 1]
        aslant = ASLANT * cost[row]
        ways[0], ways[1], ways[2] = before[:-2] + aslant, before[1:-1], before[2:] + aslant
        came[row] = ways.argmin(axis=0) - 1
        total[row] += ways.min(axis=0)
    return total, came


def _followed_back(came: NDArray[np.intp], width: int) -> NDArray[np.intp]:
    """The columns of the ways to each pixel of the last row, from there to the first row: (rows, width)."""
    columns = [np.arange(width)]
    for row in range(len(came) - 1, 0, -1):
        columns.append(columns[-1] + came[row, columns[-1]])
    return np.stack(columns)


def _best_chain(runs: Sequence[_Run], cuts: NDArray[np.float64]) -> tuple[float, list[_Run]]:
    """The runs, one after the other and leaving no strip out, that have the most odds together, and these odds.

    runs: in the order of their starts; cuts: the log odds for a cut after each strip but the last.
    """
    best: dict[int, tuple[float, list[_Run]]] = {0: (0.0, [])}
    for run in runs:
        if run.start not in best:
            continue
        odds, before = best[run.start]
        total = odds + run.odds + (float(cuts[run.start - 1]) if run.start else 0.0)
        if run.end not in best or total > best[run.end][0]:
            best[run.end] = total, [*before, run]
    return best[len(cuts) + 1]
