"""The eraser cuts strokes where it passes, and leaves the others as they are."""

import numpy as np

from minigrad_gui.widgets.eraser import ERASER_RADIUS, POINT_SPACING, erase

LINE = np.array([[0.5, 0.1], [0.5, 0.9]])
OTHER = np.array([[0.9, 0.1], [0.9, 0.9]])


def test_a_stroke_is_cut_in_two_and_another_is_the_same_array():
    upper, lower, other = erase((LINE, OTHER), (0.2, 0.5), (0.8, 0.5))
    assert other is OTHER
    assert np.hypot(*np.diff(upper, axis=0).T).max() <= POINT_SPACING + 1e-9
    np.testing.assert_allclose([upper[-1, 1], lower[0, 1]], [0.5 - ERASER_RADIUS, 0.5 + ERASER_RADIUS], atol=0.01)
    np.testing.assert_array_equal([upper[0], lower[-1]], LINE)


def test_what_is_not_touched_is_the_same_tuple():
    strokes = (LINE, OTHER)
    assert erase(strokes, (0.1, 0.1), (0.1, 0.9)) is strokes


def test_a_stroke_along_the_path_is_gone():
    assert erase((LINE,), (0.5, 0.0), (0.5, 1.0)) == ()


def test_a_dot_can_be_erased():
    assert erase((np.array([[0.3, 0.3]]),), (0.3, 0.33), (0.3, 0.33)) == ()
