"""Few numbers are written, many are a picture; both are of the array that was given."""

import numpy as np
import pytest

from minigrad_gui.widgets.array_card import MOST_CELLS, ArrayCard, as_map
from minigrad_gui.widgets.maps import ink, signed


@pytest.fixture
def card(qtbot):
    card = ArrayCard("Value")
    qtbot.addWidget(card)
    card.show()
    return card


def test_few_numbers_are_written_in_full(card):
    card.show_array("a (2)", np.array([1.5, -2]))
    assert card.text == "[1.5, -2]"
    assert card.pixels is None
    assert not card._picture.isVisible()


def test_many_numbers_are_a_picture(card):
    vector = np.linspace(-1, 1, 784)
    card.show_array("x (784)", vector)
    np.testing.assert_array_equal(card.pixels, signed(vector.reshape(28, 28)))
    card.show_array("drawing (784)", vector, is_ink=True)
    np.testing.assert_array_equal(card.pixels, ink(vector.reshape(28, 28)))
    assert card._picture.isVisible()
    assert card.text.startswith("784 numbers, -1 to 1")


def test_the_picture_is_painted(card):
    matrix = np.ones((40, 20))
    matrix[:, 10:] = -1
    card.show_array("W (40 x 20)", matrix)
    image = card._picture.grab().toImage()
    ratio = image.devicePixelRatio()
    left, right = (image.pixelColor(round(x * ratio), round(29 * ratio)) for x in (7, 22))
    assert left.blue() > left.red()
    assert right.red() > right.blue()


def test_before_it_is_computed_it_says_so(card):
    card.show_array("W (5 x 5)", np.ones((5, 5)))
    card.show_array("W (5 x 5)", None)
    assert card.text == "not computed yet"
    assert card.pixels is None


def test_its_height_does_not_depend_on_what_it_shows(card):
    heights = set()
    for array in (None, np.ones(()), np.ones(10), np.ones(784), np.full((50, 3), np.nan)):
        card.show_array("x", array)
        heights.add(card.sizeHint().height() if card.height() == 0 else card.height())
    assert len(heights) == 1


@pytest.mark.parametrize(
    ("shape", "map_shape"),
    [
        ((784,), (28, 28)),
        ((10,), (3, 4)),
        ((), (1, 1)),
        ((5, 7), (5, 7)),
        ((2, 3, 4), (6, 4)),
        ((512, 784), (103, 112)),
    ],
)
def test_maps_are_two_dimensional_and_small(shape, map_shape):
    array = np.arange(np.prod(shape, dtype=int), dtype=np.float32).reshape(shape)
    made = as_map(array)
    assert made.shape == map_shape
    assert max(made.shape) <= MOST_CELLS
    assert set(made.ravel()) <= {0, *array.ravel()}
