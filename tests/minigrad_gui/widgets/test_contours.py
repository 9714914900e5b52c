"""Contour lines go where the values have their level."""

import numpy as np
import pytest

from minigrad_gui.widgets.contours import contours


def test_on_a_slope_the_line_is_straight():
    x, y = np.meshgrid(np.arange(7.0), np.arange(5.0))
    ends = contours(x + 2 * y, [6.5]).reshape(-1, 2)
    np.testing.assert_allclose(ends @ [1, 2], 6.5)
    assert ends[:, 1].min() == pytest.approx(0.25)
    assert ends[:, 1].max() == pytest.approx(3.25)


def test_around_a_hollow_it_is_closed():
    x, y = np.meshgrid(np.linspace(-1, 1, 41), np.linspace(-1, 1, 41))
    segments = contours(x**2 + y**2, [0.4957])
    places = segments / 20 - 1
    np.testing.assert_allclose(np.hypot(*places.reshape(-1, 2).T), np.sqrt(0.4957), atol=0.01)
    assert np.linalg.norm(np.diff(places, axis=1), axis=2).sum() == pytest.approx(2 * np.pi * np.sqrt(0.4957), rel=0.01)
    ends, counts = np.unique(segments.reshape(-1, 2).round(9), axis=0, return_counts=True)
    assert (counts == 2).all()  # each end is where another segment begins
    assert len(ends) == len(segments)


@pytest.mark.parametrize("level", [-1.0, 3.0])
def test_beyond_all_values_there_is_none(level):
    assert contours(np.array([[0.0, 1.0], [1.0, 2.0]]), [level]).shape == (0, 2, 2)


def test_all_levels_are_drawn():
    x, y = np.meshgrid(np.arange(7.0), np.arange(5.0))
    ends = contours(x + 0 * y, [1.5, 4.25]).reshape(-1, 2)
    assert set(ends[:, 0]) == {1.5, 4.25}
