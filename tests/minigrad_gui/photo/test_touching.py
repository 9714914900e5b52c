"""Ink is cut between digits that touch, where the cut is thin and the pieces look like digits."""

import numpy as np
import pytest
from scipy import ndimage

from minigrad_gui.photo import touching
from minigrad_gui.photo.touching import cut_apart, digit_odds

PEN = 10


def rings(*lefts: int) -> np.ndarray:
    """Rings of 100 x 80, each from its left to 80 further right."""
    y, x = np.mgrid[0:100, 0 : max(lefts) + 80]
    ink = np.zeros(x.shape, np.float32)
    for left in lefts:
        from_centre = np.hypot((x - left - 39.5) / 40, (y - 49.5) / 50)
        ink[(from_centre <= 1) & (from_centre >= 1 - PEN / 40)] = 1
    return ink


def is_ring(pictures: np.ndarray) -> np.ndarray:
    """A judge who is certain of single rings: those that leave one hole, and are higher than wide."""
    holes = [ndimage.label(np.pad(picture < 0.3, 1, constant_values=True))[1] - 1 for picture in pictures]
    high = [
        np.ptp(np.flatnonzero(picture.max(axis=1))) > np.ptp(np.flatnonzero(picture.max(axis=0)))
        for picture in pictures
    ]
    return np.where((np.array(holes) == 1) & high, 0.99, 0.01)


def test_two_digits_that_touch_are_cut_where_they_do():
    ink = rings(0, 78)
    cut = cut_apart(ink, is_ring)
    assert len(cut.masks) == 2
    edges = [np.flatnonzero((ink * mask).any(axis=0))[[0, -1]] for mask in cut.masks]
    assert edges[0][1] == pytest.approx(79, abs=3)
    assert edges[1][0] == pytest.approx(79, abs=3)
    assert np.array_equal(cut.masks[0] | cut.masks[1], np.ones_like(ink, bool))
    assert not (cut.masks[0] & cut.masks[1]).any()


def test_a_digit_stays_whole():
    assert len(cut_apart(rings(0), is_ring).masks) == 1


def test_what_no_cut_makes_look_like_digits_stays_whole():
    assert len(cut_apart(rings(0, 78), lambda pictures: np.full(len(pictures), 0.001)).masks) == 1


def test_a_judge_without_an_answer_is_no_mishap():
    assert np.isfinite(cut_apart(rings(0, 78), lambda pictures: np.full(len(pictures), np.nan)).odds)


def test_a_pattern_is_no_number():
    assert len(cut_apart(rings(0, 78), is_ring).masks) == 2
    assert len(cut_apart(rings(0, 78, 156, 234), is_ring).masks) == 1


def test_seams_go_from_left_to_right_and_do_not_cross():
    rng = np.random.default_rng(0)
    ink = np.clip(ndimage.gaussian_filter(rng.normal(0, 1, (60, 200)), 3) * 8, 0, 1).astype(np.float32)
    costs, columns = touching._seams(ink)
    assert len(costs) > 3
    assert (np.diff(columns, axis=1) >= 0).all()
    assert (np.abs(np.diff(columns, axis=0)) <= 1).all()


def test_low_and_wide_ink_is_less_likely_a_digit():
    whole, low, wide = np.ones((100, 60)), np.ones((60, 60)), np.ones((100, 160))
    odds = digit_odds([whole, low, wide], 100, lambda pictures: np.full(len(pictures), 0.9))
    assert odds[0] == pytest.approx(np.log(9))
    assert odds[1] == pytest.approx(odds[0] - 2)
    assert odds[2] == pytest.approx(odds[0] - 2)
