"""Choices are what there is to choose from."""

import numpy as np
import pytest

from minigrad_gui.data.choices import ORIENTATIONS, Choices


def test_each_orientation_sets_upright_what_lies_so():
    upright = np.arange(9).reshape(1, 3, 3)
    lying = {
        "upright": upright,
        "transposed": upright.swapaxes(1, 2),
        "turned left": np.rot90(upright, 1, (1, 2)),
        "turned right": np.rot90(upright, -1, (1, 2)),
        "upside down": np.rot90(upright, 2, (1, 2)),
        "mirrored": np.flip(upright, 2),
    }
    assert lying.keys() == ORIENTATIONS.keys()
    for name, images in lying.items():
        np.testing.assert_array_equal(ORIENTATIONS[name](images), upright)


@pytest.mark.parametrize("name", ["orientation", "polarity", "labels", "sizing", "files"])
def test_other_choices_are_refused(name):
    with pytest.raises(ValueError, match=f"{name} is one of .*, not 'sideways'"):
        Choices(**{name: "sideways"})
