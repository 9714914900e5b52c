"""Numbers and names in sentences."""

import numpy as np
import pytest

from minigrad_gui.wording import percentage, with_article


@pytest.mark.parametrize(
    ("name", "written"),
    [(7, "a 7"), (8, "an 8"), ("A", "an A"), ("b", "a b"), ("x", "an x"), ("dress", "“dress”")],
)
def test_a_class_gets_the_article_that_is_spoken(name, written):
    assert with_article(name) == written


@pytest.mark.parametrize(
    ("probability", "written"),
    [
        (0.0, "0.0%"),
        (0.973, "97.3%"),
        (0.9994, "99.9%"),
        (0.9996, ">99.9%"),
        (np.nextafter(np.float32(1), np.float32(0)), ">99.9%"),
        (1.0, "100.0%"),
    ],
)
def test_probabilities_below_1_are_never_shown_as_100_percent(probability, written):
    assert percentage(probability) == written
