"""Pictures without a digit: many kinds, rendered like digits, and none that might be a digit."""

import numpy as np
import pytest
from mnist_digits import mnist

from minigrad_gui.non_digits import LETTERS, non_digits
from minigrad_gui.pen_digits import picture_of, varied

SEVEN = [np.array([[0.25, 0.2], [0.75, 0.2], [0.45, 0.85]])]


def some(count, seed=0):
    return non_digits(count, [SEVEN], mnist().train_images[:100], np.random.default_rng(seed))


def test_they_are_pictures_like_those_of_a_dataset():
    pictures = some(200)
    assert (pictures.dtype, pictures.shape) == (np.uint8, (200, 28, 28))
    assert pictures.any(axis=(1, 2)).all(), "a blank picture shows nothing"
    assert len(np.unique(pictures, axis=0)) == 200


def test_the_same_seed_gives_the_same():
    np.testing.assert_array_equal(some(60), some(60))
    assert (some(60) != some(60, seed=1)).any()


def test_no_pictures_at_all():
    assert some(0).shape == (0, 28, 28)


def test_letters_look_different():
    pictures = [picture_of(strokes).ravel() / 255 for strokes in LETTERS]
    for index, picture in enumerate(pictures):
        for other in pictures[:index]:
            assert np.corrcoef(picture, other)[0, 1] < 0.95


@pytest.mark.parametrize("seed", range(3))
def test_letters_can_be_varied(seed):
    rng = np.random.default_rng(seed)
    for strokes in LETTERS:
        assert picture_of(varied(strokes, rng)).any()
