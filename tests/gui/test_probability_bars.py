"""The bars of the probabilities: how a value is written."""

import numpy as np
import pytest

from minigrad_gui.widgets.probability_bars import percentage


@pytest.mark.parametrize(
    ("probability", "written"),
    [
        (0.0, "0.0%"),
        (0.973, "97.3%"),
        (0.9994, "99.9%"),
        (0.9996, "> 99.9%"),
        (np.nextafter(np.float32(1), np.float32(0)), "> 99.9%"),
        (1.0, "100.0%"),
    ],
)
def test_only_certainty_is_written_as_certainty(probability, written):
    assert percentage(probability) == written
