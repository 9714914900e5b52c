"""A stroke that draws several digits is cut between them, and one that draws a digit is not."""

import numpy as np
import pytest

from minigrad_gui.joined import MOST_LENGTH, cut_apart
from minigrad_gui.pen_digits import read_pen_digits
from minigrad_gui.reader import Reader, load_network
from minigrad_gui.resources import asset_path

TURN = np.linspace(-0.5 * np.pi, -2.5 * np.pi, 40)
ZERO = np.stack([0.3 + 0.3 * np.cos(TURN), 0.5 + 0.5 * np.sin(TURN)], axis=1)
ONE = np.array([[0.0, 0.2], [0.2, 0.0], [0.2, 1.0]])
TWO = np.array([[0.05, 0.2], [0.15, 0.05], [0.35, 0.0], [0.5, 0.15], [0.45, 0.4], [0.0, 1.0], [0.6, 1.0]])
SEVEN = np.array([[0.0, 0.0], [0.6, 0.0], [0.25, 1.0]])
HAT = np.array([[0.1, 0.5], [0.55, 0.5]])


def moved(line: np.ndarray, x: float) -> np.ndarray:
    return line + np.array([x, 0])


def joined(*digits: np.ndarray, gap: float = 0.3) -> np.ndarray:
    """These digits side by side in one stroke, a straight line leading from each to the next one."""
    line = digits[0]
    for digit in digits[1:]:
        line = np.concatenate([line, moved(digit, line[:, 0].max() + gap)])
    return line


def anything_narrow(groups: list[list[np.ndarray]]) -> np.ndarray:
    return np.array([0.99 if np.ptp(np.concatenate(group)[:, 0]) < 0.8 else 0.01 for group in groups])


@pytest.mark.parametrize("scale", [0.01, 1.0, 300.0])
@pytest.mark.parametrize("digits", [(ZERO, ZERO), (ZERO, TWO), (TWO, ZERO, TWO), (TWO, TWO, TWO, TWO)])
def test_it_is_cut_between_the_digits(digits, scale):
    def narrow(groups):
        return anything_narrow([[line / scale for line in group] for group in groups])

    found = cut_apart([joined(*digits) * scale], narrow)
    assert len(found) == len(digits)
    left = 0.0
    for (piece,), digit in zip(found, digits, strict=True):
        np.testing.assert_allclose(piece.min(axis=0) / scale, moved(digit, left).min(axis=0), atol=0.2)
        np.testing.assert_allclose(piece.max(axis=0) / scale, moved(digit, left).max(axis=0), atol=0.2)
        left += digit[:, 0].max() + 0.3


def test_an_arc_that_is_left_out_comes_back_if_the_digit_looks_better_with_it():
    def longer_is_better(groups):
        lengths = [np.hypot(*np.diff(line, axis=0).T).sum() for (line,) in groups]
        return anything_narrow(groups) * (0.9 + 0.01 * np.minimum(lengths, 9))

    line = joined(TWO, ZERO, TWO, gap=0.45)
    lengths = [[len(piece) for (piece,) in cut_apart([line], judge)] for judge in (anything_narrow, longer_is_better)]
    assert len(lengths[0]) == len(lengths[1]) == 3
    assert sum(lengths[1]) > sum(lengths[0])


def test_other_strokes_stay_with_the_piece_that_they_cross():
    bar = moved(HAT, ZERO[:, 0].max() + 0.3)
    first, second = cut_apart([bar, joined(ZERO, SEVEN)], anything_narrow)
    assert len(first) == 1
    assert second[1] is bar


def test_it_stays_whole_if_the_pieces_are_no_digits():
    line = joined(ZERO, ZERO)
    ((whole,),) = cut_apart([line], lambda groups: np.full(len(groups), 0.1))
    assert whole is line
    ((whole,),) = cut_apart([line], lambda groups: np.full(len(groups), np.nan))
    assert whole is line


def nobody(groups):
    raise AssertionError(f"asked about {groups}")


@pytest.mark.parametrize(
    "strokes",
    [
        [ONE],
        [SEVEN, HAT],
        [np.array([[0.0, 0.0], [1.0, 0.0]])],
        [np.array([[0.5, 0.5]])],
        [np.array([[0.5, 0.5]]), np.array([[0.9, 0.6]])],
        [np.random.default_rng(0).uniform(0, 1, (int(5 * MOST_LENGTH), 2)) * [2, 1]],
    ],
)
def test_nobody_is_asked_about_what_is_narrow_flat_a_dot_or_a_scribble(strokes):
    (whole,) = cut_apart(strokes, nobody)
    assert [id(line) for line in whole] == [id(stroke) for stroke in strokes]


@pytest.fixture(scope="module")
def reader():
    model, record = load_network(asset_path("pretrained.npz"))
    return Reader(model, record.calibration)


@pytest.mark.parametrize(
    ("digits", "text"),
    [((ZERO, ZERO), "00"), ((ONE, ZERO), "10"), ((TWO, ZERO), "20"), ((SEVEN, ZERO), "70"), ((TWO, ZERO, ZERO), "200")],
)
def test_a_number_in_one_stroke_is_read(reader, digits, text):
    number = reader.read_number([joined(*digits)])
    assert number.text == text
    assert {digit.strokes for digit in number.digits} == {(0,)}
    for digit in number.digits:
        np.testing.assert_allclose(digit.box, [*digit.lines[0].min(axis=0), *digit.lines[0].max(axis=0)])


def test_a_number_in_two_strokes_one_of_which_draws_two_digits_is_read(reader):
    assert reader.read_number([ONE, moved(joined(ZERO, ZERO), 0.5)]).text == "100"


def test_single_digits_are_not_cut(reader):
    drawings = read_pen_digits(asset_path("pen_digits.npz")).drawings[::10]
    assert sum(len(reader.read_number(drawing).digits) > 1 for drawing in drawings) <= 0.003 * len(drawings)
