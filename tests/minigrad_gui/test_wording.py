"""Numbers and names in sentences."""

import numpy as np
import pytest

from minigrad_gui.wording import counted, part_of, percentage, several, shortened, with_article


@pytest.mark.parametrize(
    ("name", "written"),
    [(7, "a 7"), (8, "an 8"), ("A", "an A"), ("b", "a b"), ("x", "an x"), ("dress", "“dress”")],
)
def test_a_class_gets_the_article_that_is_spoken(name, written):
    assert with_article(name) == written


@pytest.mark.parametrize(("name", "written"), [(7, "7s"), ("A", "As"), ("dress", "“dress”"), ("10", "“10”")])
def test_the_plural_of_a_name_is_not_guessed(name, written):
    assert several(name) == written


@pytest.mark.parametrize(
    ("count", "form", "written"),
    [
        (0, ",", "0 epochs"),
        (1, ",", "1 epoch"),
        (12_000, ",", "12,000 epochs"),
        (1.0, "g", "1 epoch"),
        (0.9999, ".3g", "1 epoch"),
        (0.5, ".3g", "0.5 epochs"),
    ],
)
def test_one_thing_is_counted_in_the_singular(count, form, written):
    assert counted(count, "epoch", form) == written


def test_batches_get_another_syllable():
    assert [counted(count, "mini-batch") for count in (1, 2)] == ["1 mini-batch", "2 mini-batches"]


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


@pytest.mark.parametrize(("share", "written"), [(1, "All"), (0.999, "99% of the"), (0.5, "50% of the")])
def test_all_is_said_only_of_all(share, written):
    assert part_of(share) == written


@pytest.mark.parametrize(("name", "written"), [("digits.csv", "digits.csv"), ("my old digits.csv", "my ol…csv")])
def test_of_a_long_name_both_ends_are_shown(name, written):
    assert shortened(name, 10) == written
