"""Pieces that only together look like a digit are joined, and those that look like digits stay apart."""

import numpy as np
import pytest

from minigrad_gui.photo.doubts import Inked, settled
from minigrad_gui.photo.parts import box_of


def pieces(*boxes: tuple[int, int, int, int]) -> list[Inked]:
    """Ink that fills boxes (left, top, right, bottom) of a picture that was shrunk by 2."""
    return [
        Inked(np.ones(((bottom - top) // 2, (right - left) // 2), np.float32), left, top, 2)
        for left, top, right, bottom in boxes
    ]


def together(inks: list[Inked], which: np.ndarray) -> Inked:
    boxes = np.array([inks[index].box for index in which])
    left, top = boxes[:, :2].min(axis=0)
    right, bottom = boxes[:, 2:].max(axis=0)
    whole = np.zeros((round(bottom - top) // 2, round(right - left) // 2), np.float32)
    for x0, y0, x1, y1 in np.rint((boxes - [left, top, left, top]) / 2).astype(int):
        whole[y0:y1, x0:x1] = 1
    return Inked(whole, left, top, 2)


def looks_like(shares: list[float]):
    """A judge who is certain of pictures whose ink fills these shares of its box, roughly."""

    def judge(pictures: np.ndarray) -> np.ndarray:
        filled = [picture[box_of(picture)].mean() for picture in pictures]
        return np.array([0.99 if (np.abs(np.array(shares) - share) < 0.03).any() else 0.01 for share in filled])

    return judge


def boxes(inks: list[Inked]) -> list[list[int]]:
    return sorted(np.rint(ink.box).astype(int).tolist() for ink in inks)


HALVES = (100, 100, 180, 160), (100, 180, 180, 240)
"""One above the other, of which 6 / 7 is filled."""


def test_halves_that_are_a_digit_together_are_joined():
    inks = pieces(*HALVES)
    found = settled(inks, lambda which: together(inks, which), looks_like([6 / 7]))
    assert boxes(found) == [[100, 100, 180, 240]]


def test_halves_that_are_digits_stay_apart():
    inks = pieces(*HALVES)
    assert boxes(settled(inks, lambda which: together(inks, which), looks_like([1]))) == boxes(inks)


def test_what_is_far_away_is_not_joined():
    inks = pieces(HALVES[0], (100, 220, 180, 280))
    assert boxes(settled(inks, lambda which: together(inks, which), looks_like([120 / 180]))) == boxes(inks)


def test_what_is_no_digit_together_either_stays_as_it_is():
    inks = pieces(*HALVES)
    assert boxes(settled(inks, lambda which: together(inks, which), looks_like([]))) == boxes(inks)
    assert boxes(settled(inks, lambda _: None, looks_like([6 / 7]))) == boxes(inks)


def test_of_nothing_nothing_is_made():
    assert settled([], pytest.fail, pytest.fail) == []


def test_the_box_of_a_part_is_where_it_is_in_the_picture():
    (ink,) = pieces((100, 100, 180, 160))
    mask = np.zeros(ink.ink.shape, bool)
    mask[10:20, 5:15] = True
    assert ink.under(mask).box.tolist() == [110, 120, 130, 140]
