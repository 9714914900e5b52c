"""Strokes are grouped into digits by their gaps, their sizes, and how a judge rates each group."""

from itertools import pairwise

import numpy as np
import pytest

from minigrad_gui.splitting import best_groups


def line(*points: tuple[float, float]) -> np.ndarray:
    return np.array(points, float)


def moved(strokes: list[np.ndarray], x: float) -> list[np.ndarray]:
    return [stroke + np.array([x, 0]) for stroke in strokes]


ONE = [line((0, 0), (0.05, 1))]
SEVEN = [line((0, 0), (0.6, 0), (0.3, 1))]
CROSSED_SEVEN = [*SEVEN, line((0.25, 0.5), (0.6, 0.48))]
FOUR = [line((0.1, 0), (0, 0.6), (0.6, 0.6)), line((0.3, 0.3), (0.3, 1))]
OPEN_FOUR = [line((0.1, 0), (0, 0.55), (0.45, 0.55)), line((0.5, 0.3), (0.48, 1))]
FIVE = [line((0.1, 0), (0.05, 0.4), (0.5, 0.6), (0.4, 1), (0, 1)), line((0.2, 0), (0.6, 0.02))]
FIVE_WITH_A_HAT_APART = [FIVE[0], line((0.55, 0), (0.8, 0.03))]
DOTTED_ONE = [*ONE, line((0.2, 1))]
DIGITS = [ONE, SEVEN, CROSSED_SEVEN, FOUR, OPEN_FOUR, FIVE, FIVE_WITH_A_HAT_APART, DOTTED_ONE]


def side_by_side(digits: list[list[np.ndarray]], gap: float) -> tuple[list[np.ndarray], list[list[int]]]:
    strokes: list[np.ndarray] = []
    groups = []
    left = 0.0
    for digit in digits:
        groups.append(list(range(len(strokes), len(strokes) + len(digit))))
        strokes += moved(digit, left)
        left = max(stroke[:, 0].max() for stroke in strokes) + gap
    return strokes, groups


@pytest.mark.parametrize("digit", DIGITS)
def test_a_digit_stays_whole(digit):
    assert best_groups(digit) == [list(range(len(digit)))]


@pytest.mark.parametrize("gap", [0.02, 0.1, 0.5, 3.0])
@pytest.mark.parametrize("scale", [0.01, 1.0, 500.0])
def test_digits_side_by_side_are_separated(gap, scale):
    strokes, groups = side_by_side([ONE, CROSSED_SEVEN, FOUR, ONE, FIVE, SEVEN], gap)
    assert best_groups([stroke * scale for stroke in strokes]) == groups


def in_pieces(strokes: list[np.ndarray], count: int) -> list[np.ndarray]:
    """Each line in so many, as a pen draws it that loses its contact."""
    steps = np.linspace(0, 1, count + 1)[:, np.newaxis]
    lines = [start + steps * (end - start) for stroke in strokes for start, end in pairwise(stroke)]
    return [np.stack(ends) for each in lines for ends in pairwise(each)]


@pytest.mark.parametrize("count", [2, 10, 100])
def test_strokes_that_go_on_with_the_one_before_belong_to_it(count):
    assert best_groups(in_pieces(SEVEN, count)) == [list(range(2 * count))]
    strokes = [*in_pieces(FOUR, count), *moved(in_pieces(SEVEN, count), 0.8)]
    assert best_groups(strokes) == [list(range(3 * count)), list(range(3 * count, 5 * count))]


def test_digits_that_touch_at_their_ends_are_separated():
    assert best_groups([line((0, 0), (0.3, 1)), line((0.3, 1), (0.9, 0))]) == [[0], [1]]


def below(strokes: list[np.ndarray], y: float) -> list[np.ndarray]:
    return [stroke + np.array([0, y]) for stroke in strokes]


@pytest.mark.parametrize("scale", [0.01, 1.0, 500.0])
def test_lines_are_read_from_top_to_bottom(scale):
    first, groups = side_by_side([ONE, CROSSED_SEVEN], 0.1)
    strokes = [*below([*ONE, *moved(FOUR, 0.2)], 1.4), *first]
    above = [[index + 3 for index in group] for group in groups]
    assert best_groups([stroke * scale for stroke in strokes]) == [*above, [0], [1, 2]]


def test_hats_feet_and_dots_are_no_lines():
    hat, foot, dot = line((0.1, -0.3), (0.7, -0.3)), line((0, 1.3), (0.6, 1.3)), line((0.3, -0.4))
    assert best_groups([*FIVE, hat]) == [[0, 1, 2]]
    assert best_groups([hat, *ONE, foot, dot]) == [[0, 1, 2, 3]]
    assert best_groups([*ONE, *below(SEVEN, 1.7), below([hat], 1.7)[0]]) == [[0], [1, 2]]


def test_digits_of_a_line_may_stand_at_different_heights():
    strokes, groups = side_by_side([ONE, below(SEVEN, 0.9), below(ONE, 0.4)], 0.3)
    assert best_groups(strokes) == groups


def test_the_order_of_drawing_does_not_matter():
    strokes, _ = side_by_side([CROSSED_SEVEN, FOUR], 0.1)
    last_bar_first = [strokes[index] for index in (3, 1, 2, 0)]
    assert best_groups(last_bar_first) == [[1, 3], [0, 2]]


def test_a_digit_in_many_pieces_is_one():
    down = np.linspace(0, 1, 41)
    snake = np.column_stack([np.sin(2 * np.pi * down) / 3, down])
    pieces = [snake[start : start + 5] for start in range(0, 40, 5)]
    assert best_groups(pieces) == [list(range(8))]


def test_strokes_without_points_belong_to_no_digit():
    nothing = np.empty((0, 2))
    assert best_groups([]) == []
    assert best_groups([nothing]) == []
    assert best_groups([nothing, ONE[0], nothing]) == [[1]]
    assert best_groups([nothing, *moved(ONE, 2), *ONE]) == [[2], [1]]


@pytest.mark.parametrize(
    "strokes",
    [
        [line((1, 1))] * 3,
        [line((0, 0)), line((9, 0))],
        [line((0, 5), (3, 5))] * 2,
        [line((0, 0)), line((4, 0), (4, 1))],
    ],
)
def test_dots_and_flat_lines_are_grouped_too(strokes):
    groups = best_groups(strokes)
    assert sorted(index for group in groups for index in group) == list(range(len(strokes)))


def test_strokes_too_wide_for_one_digit_are_several():
    def zero(width: float) -> list[np.ndarray]:
        return [line((0, 0.5), (width / 2, 0), (width, 0.5), (width / 2, 1), (0, 0.5))]

    narrow, _ = side_by_side([zero(0.3), zero(0.4)], -0.12)
    assert best_groups(narrow) == [[0, 1]]
    wide, _ = side_by_side([zero(0.8), zero(0.8)], -0.12)
    assert best_groups(wide) == [[0], [1]]


def test_a_judge_decides_in_doubtful_cases():
    doubtful = [line((0, 0), (0, 1), (0.3, 1)), line((0.2, 0), (0.5, 0), (0.5, 1))]
    asked = []

    def judge(for_whole: float):
        def certainty(groups: list[list[int]]) -> np.ndarray:
            asked.append(groups)
            return np.array([for_whole if len(group) == 2 else 1 - for_whole for group in groups])

        return certainty

    assert best_groups(doubtful, judge(0.99)) == [[0, 1]]
    assert best_groups(doubtful, judge(0.01)) == [[0], [1]]
    assert [sorted(groups) for groups in asked] == [[[0], [0, 1], [1]]] * 2


def test_a_judge_is_not_asked_in_clear_cases():
    def nobody(groups: list[list[int]]) -> np.ndarray:
        raise AssertionError(groups)

    assert best_groups(ONE, nobody) == [[0]]
    assert best_groups(FOUR, nobody) == [[0, 1]]
    strokes, groups = side_by_side([ONE, FOUR, SEVEN], 0.3)
    assert best_groups(strokes, nobody) == groups


def test_a_judge_without_an_answer_leaves_it_to_geometry():
    strokes, groups = side_by_side([SEVEN, SEVEN], -0.03)
    assert best_groups(strokes, lambda candidates: np.full(len(candidates), np.nan)) == groups == best_groups(strokes)
