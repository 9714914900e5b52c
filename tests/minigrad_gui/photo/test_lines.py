"""Ruled lines go, and what crosses them stays."""

import numpy as np
import pytest

from minigrad_gui.photo.lines import without_borders, without_lines


def digit() -> np.ndarray:
    ink = np.zeros((200, 160), np.float32)
    ink[50:150, 70:84] = ink[50:62, 40:120] = 1
    return ink


def ruled(ink: np.ndarray, rows: list[int], thick: int = 2) -> np.ndarray:
    ink = ink.copy()
    for row in rows:
        ink[row : row + thick] = np.maximum(ink[row : row + thick], 0.7)
    return ink


@pytest.mark.parametrize("rows", [[20, 100, 180], [130], [170]])
@pytest.mark.parametrize("turned", [False, True])
def test_lines_from_edge_to_edge_are_removed(rows, turned):
    ink = ruled(digit(), rows)
    given = ink.T if turned else ink
    left = without_lines(given, given > 0.1)
    left = left.T if turned else left
    assert left[digit() == 0].sum() < 0.05 * ink[digit() == 0].sum()
    assert left[digit() > 0].mean() > 0.9


def test_a_bar_as_thick_as_the_pen_is_no_line():
    """A 7 cut tight: its bar goes from edge to edge."""
    seven = np.zeros((140, 100), np.float32)
    seven[:12] = 1
    seven[:, 50:62] = 1
    assert np.array_equal(without_lines(seven, seven > 0), seven)


def test_an_empty_picture_is_handled():
    blank = np.zeros((100, 100), np.float32)
    assert not without_lines(blank, blank > 0).any()


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("slope", [0, 0.03])
def test_a_border_goes_even_if_the_digit_stands_on_it(turns, slope):
    ink = digit()
    x = np.arange(12, 150)
    for thick in range(4):
        ink[146 + 38 + thick + np.rint(slope * (x - 80)).astype(int), x] = 0.7
    ink[150:196, 70:84] = 1
    given = np.rot90(ink, turns)
    left = np.rot90(without_borders(given, given > 0.1), -turns)
    assert left[ink == 0.7].sum() < 0.1 * ink[ink == 0.7].sum()
    assert left[ink == 1].mean() > 0.95


def test_a_bar_at_the_edge_is_no_border():
    seven = np.zeros((140, 100), np.float32)
    seven[:12] = seven[:, 50:62] = 1
    assert np.array_equal(without_borders(seven, seven > 0), seven)


def test_an_empty_picture_has_no_borders():
    blank = np.zeros((100, 100), np.float32)
    assert not without_borders(blank, blank > 0).any()
