"""Where a network doubts that ink is a digit: pieces are joined to the digit that they make, and digits cut apart."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from minigrad_gui.photo.paper import Gray, Mask
from minigrad_gui.photo.parts import box_of
from minigrad_gui.photo.touching import CERTAIN, Cut, Judge, cut_apart, digit_odds, height_odds

REACH = 0.3
"""Pieces of a digit are no further apart than this part of the larger one's longer side."""


class Inked(NamedTuple):
    """Ink from 0 to 1, (height, width), cropped, and where it is in the picture.

    left, top: of its corner, in pixels of the picture; scale: how many pixels of the picture one of its own is.
    """

    ink: Gray
    left: float
    top: float
    scale: float

    @property
    def box(self) -> NDArray[np.float64]:
        """Left, top, right, bottom in pixels of the picture."""
        height, width = self.ink.shape
        sides = [self.left, self.top, self.left + self.scale * width, self.top + self.scale * height]
        return np.array(sides)

    def under(self, mask: Mask) -> "Inked":
        """The ink under a mask (height, width) alone."""
        ink = np.where(mask, self.ink, 0)
        rows, columns = box_of(ink)
        corner = self.left + self.scale * columns.start, self.top + self.scale * rows.start
        return Inked(ink[rows, columns], *corner, self.scale)


def settled(inks: Sequence[Inked], together: Callable[[NDArray[np.intp]], Inked | None], judge: Judge) -> list[Inked]:
    """The digits that inks are likeliest to be, not in any order.

    together: the ink that several of them, given their indices, are together.
    """
    cuts = _each_alone(inks, judge)
    digits = []
    for cluster in _clusters(inks, np.array([cut.odds < CERTAIN for cut in cuts], bool)):
        whole = together(cluster) if len(cluster) > 1 else None
        cut = None if whole is None else cut_apart(whole.ink, judge)
        if whole is not None and cut is not None and cut.odds > max(0.0, _odds_apart(inks, cuts, cluster)):
            digits += [whole.under(mask) for mask in cut.masks]
        else:
            digits += [inks[index].under(mask) for index in cluster for mask in cuts[index].masks]
    return digits


def _each_alone(inks: Sequence[Inked], judge: Judge) -> list[Cut]:
    """Each ink, cut apart if it is not certain to be one digit."""
    if not inks:
        return []
    odds = digit_odds([each.ink for each in inks], np.array([each.ink.shape[0] for each in inks]), judge)
    return [
        Cut(float(sure), [np.ones_like(each.ink, bool)]) if sure >= CERTAIN else cut_apart(each.ink, judge)
        for each, sure in zip(inks, odds, strict=True)
    ]


def _odds_apart(inks: Sequence[Inked], cuts: Sequence[Cut], cluster: NDArray[np.intp]) -> float:
    """Log odds that these inks are not one digit, or several others, but those that they are alone."""
    heights = np.array([inks[index].ink.shape[0] * inks[index].scale for index in cluster])
    return float(sum(cuts[index].odds for index in cluster) + height_odds(heights / heights.max()).sum())


def _clusters(inks: Sequence[Inked], doubtful: Mask) -> list[NDArray[np.intp]]:
    """The indices of inks that may be pieces of the same digits: doubtful ones and their neighbours."""
    boxes = np.array([each.box for each in inks]).reshape(-1, 2, 2)
    low, high = boxes[:, 0], boxes[:, 1]
    gap = np.maximum(low[:, np.newaxis] - high, low - high[:, np.newaxis]).max(axis=2)
    extent = (high - low).max(axis=1)
    near = gap < REACH * np.maximum(extent[:, np.newaxis], extent)
    near &= doubtful[:, np.newaxis] | doubtful
    count, which = connected_components(coo_array(near), directed=False)
    return [np.flatnonzero(which == number) for number in range(count)]
