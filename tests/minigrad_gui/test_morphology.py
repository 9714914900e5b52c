"""Windows' extremes are those of SciPy, in the type of the picture."""

import numpy as np
import pytest
from scipy import ndimage

from minigrad_gui import morphology


def picture(kind: type) -> np.ndarray:
    values = np.random.default_rng(0).integers(0, 9, (31, 44))
    return values > 6 if kind is np.bool_ else values.astype(kind)


KINDS = [np.bool_, np.int32, np.float32]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [1, 3, 5, 13, 99])
def test_the_greatest_value_around_each_pixel(kind, size):
    values = picture(kind)
    found = morphology.dilated(values, size)
    assert found.dtype == kind
    np.testing.assert_array_equal(found, ndimage.maximum_filter(values, size))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(1, 1), (2, 2), (3, 3), (6, 6), (9, 1)])
def test_what_is_light_and_small_is_removed(kind, size):
    values = picture(kind)
    expected = ndimage.grey_opening(values.astype(np.float64), size)
    np.testing.assert_array_equal(morphology.opened(values, size), expected)


@pytest.mark.parametrize("size", [1, 3, 9, 15])
def test_within_a_picture_edges_are_cut_off(size):
    values, margin = picture(np.float32), size - 1
    before = values.copy()
    inside = tuple(slice(margin, side - margin) for side in values.shape)
    np.testing.assert_array_equal(morphology.opened_within(values, size), ndimage.grey_opening(values, size)[inside])
    np.testing.assert_array_equal(morphology.closed_within(values, size), ndimage.grey_closing(values, size)[inside])
    half = tuple(slice(size // 2, side - size // 2) for side in values.shape)
    np.testing.assert_array_equal(morphology.eroded_within(values, size), ndimage.minimum_filter(values, size)[half])
    np.testing.assert_array_equal(values, before)
