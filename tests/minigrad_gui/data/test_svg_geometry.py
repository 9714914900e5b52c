"""Transformations and arcs, as browsers draw them."""

import numpy as np
import pytest

from minigrad_gui.data.svg_geometry import arc, transform, transformed


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("translate(5)", [6, 2]),
        ("translate(5, 6)", [6, 8]),
        ("scale(2)", [2, 4]),
        ("scale(2 .5)", [2, 1]),
        ("rotate(90)", [-2, 1]),
        ("rotate(90, 1, 1)", [0, 1]),
        ("skewX(45)", [3, 2]),
        ("skewY(45)", [1, 3]),
        ("matrix(1 2 3 4 5 6)", [12, 16]),
        ("translate(5 0) scale(2)", [7, 4]),
        ("", [1, 2]),
    ],
)
def test_transformations(text, point):
    np.testing.assert_allclose(transformed(np.array([[1.0, 2.0]]), transform(text)), [point], atol=1e-12)


@pytest.mark.parametrize(
    ("large", "sweep", "centre", "middle"),
    [(0, 0, 0, 2**0.5), (0, 1, 2, 2 - 2**0.5), (1, 0, 2, 2 + 2**0.5), (1, 1, 0, -(2**0.5))],
)
def test_the_four_arcs_between_two_points(large, sweep, centre, middle):
    points = arc(np.array([0.0, 2.0]), [2, 2, 0, large, sweep], np.array([2.0, 0.0]))
    np.testing.assert_allclose(points[-1], [2, 0], atol=1e-12)
    np.testing.assert_allclose(points[7], [middle, middle])
    np.testing.assert_allclose(np.hypot(*(points - centre).T), 2)


def test_short_radii_grow_and_no_radius_is_a_line():
    start, end = np.zeros(2), np.array([8.0, 0.0])
    assert arc(start, [1, 2, 0, 0, 1], end)[:, 1].min() == pytest.approx(-8)
    np.testing.assert_array_equal(arc(start, [0, 2, 0, 0, 1], end), [end])
    np.testing.assert_allclose(arc(start, [8, 4, 90, 0, 1], end)[7], [4, -8], atol=1e-12)
