"""Arrays become colours that mean one thing everywhere."""

import numpy as np
import pytest
from PySide6.QtGui import QColor

from minigrad_gui import theme
from minigrad_gui.widgets.maps import amounts, image_of, ink, signed, signed_weights


def rgb(name):
    return list(QColor(name).getRgb()[:3])


@pytest.fixture(params=[False, True], ids=["light", "dark"])
def colors(request, qapp):
    theme.apply(qapp, dark=request.param)
    return theme.colors()


def test_ink_is_white_on_black_whether_bytes_or_shares():
    np.testing.assert_array_equal(ink(np.array([0, 255], np.uint8)), [[0] * 3, [255] * 3])
    np.testing.assert_array_equal(ink([0.0, 1.0, 2.0, np.nan]), [[0] * 3, [255] * 3, [255] * 3, [0] * 3])


def test_positive_is_blue_negative_orange_and_zero_the_card(colors):
    found = signed([[2.0, -2.0], [0.0, 1.0]])
    assert found[0, 0].tolist() == rgb(colors.positive)
    assert found[0, 1].tolist() == rgb(colors.negative)
    assert found[1, 0].tolist() == rgb(colors.card)
    halfway = (np.array(rgb(colors.positive)) + rgb(colors.card)) / 2
    np.testing.assert_allclose(found[1, 1], halfway, atol=1)


@pytest.mark.usefixtures("qapp")
def test_amounts_brighten_evenly_up_to_the_limit():
    lightness = amounts(np.linspace(0, 2, 50), limit=1.0).astype(float) @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(lightness[:25]) > 0).all()
    assert (lightness[25:] == lightness[-1]).all()


def test_what_is_not_finite_is_grey_and_hides_nothing_else(colors):
    for of in (signed, amounts):
        found = of([1.0, np.nan, np.inf, 1.0])
        assert found[1].tolist() == found[2].tolist() == rgb(colors.muted)
        np.testing.assert_array_equal(found[0], of([1.0])[0])


@pytest.mark.usefixtures("qapp")
def test_all_zeros_have_the_colour_of_zero():
    np.testing.assert_array_equal(signed(np.zeros(3)), signed([1.0, 0.0])[1:].repeat(3, axis=0))
    np.testing.assert_array_equal(amounts(np.zeros(2)), amounts([1.0, 0.0])[1:].repeat(2, axis=0))


def test_weights_that_are_no_connections_stand_out_from_small_ones(colors):
    W = np.array([[1.0, 1e-9, 0.0], [-1.0, np.nan, 0.0]])
    found, as_values = signed_weights(W), signed(W)
    assert found[:, 2].tolist() == [rgb(colors.border)] * 2 != as_values[:, 2].tolist()
    np.testing.assert_array_equal(found[:, :2], as_values[:, :2])
    for all_or_none in (W[:, :2], np.zeros((2, 2))):
        np.testing.assert_array_equal(signed_weights(all_or_none), signed(all_or_none))


def test_an_image_has_the_pixels_of_its_array_and_outlives_it():
    pixels = np.arange(5 * 3 * 3, dtype=np.uint8).reshape(5, 3, 3)
    image = image_of(pixels[:, ::-1])
    del pixels
    assert (image.width(), image.height()) == (3, 5)
    assert image.pixelColor(0, 1).getRgb()[:3] == (15, 16, 17)
