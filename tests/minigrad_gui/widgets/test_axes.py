"""Axes of learning curves: where the labels stand, and how they read."""

import math

import pytest

from minigrad_gui.widgets.axes import CountAxis, EpochAxis, HeightAxis, LossAxis

pytestmark = pytest.mark.usefixtures("qapp")  # an axis is a piece of a picture


@pytest.mark.parametrize(("low", "high"), [(-2.0, 0.5), (-12.0, 30.0), (-300.0, 300.0)])
def test_a_logarithmic_axis_has_few_labels(low, high):
    ((_, values),) = LossAxis("left").logTickValues(low, high, 300)
    assert 2 <= len(values) <= 10
    assert all(low <= value <= high for value in values)


@pytest.mark.parametrize(("low", "high", "expected"), [(-1, 2, "0.1 1 10 100"), (-9, 1, "1e-8 1e-6 1e-4 1e-2 1e0")])
def test_a_logarithmic_axis_is_labelled_in_one_style(low, high, expected):
    axis = LossAxis("left")
    ((_, values),) = axis.logTickValues(low, high, 60 if low == -1 else 300)
    assert " ".join(axis.logTickStrings(values)) == expected


def test_small_numbers_are_written_in_full_on_a_logarithmic_axis():
    values = [math.log10(value) for value in (0.002, 0.05, 0.5, 1, 2, 5000)]
    assert LossAxis("left").logTickStrings(values) == ["0.002", "0.05", "0.5", "1", "2", "5000"]


@pytest.mark.parametrize("size", [20, 40, 80, 160, 400])
@pytest.mark.parametrize(("low", "high"), [(89.5, 99.1), (0, 1), (-0.1, 2.5), (9, 14), (0, 96_000)])
def test_labels_have_room_above_one_another(size, low, high):
    for spacing, _ in HeightAxis("left").tickSpacing(low, high, size):
        assert spacing * size / (high - low) >= 18


@pytest.mark.parametrize(
    ("shown", "marks"), [(500, [100, 200, 300, 400, 500]), (3000, [500, 1000, 1500, 2000, 2500, 3000]), (50, [])]
)
def test_the_ends_of_epochs_are_marked_where_there_is_room(shown, marks):
    axis = EpochAxis("top")
    axis.set_steps_per_epoch(100)
    ((_, values),) = axis.tickValues(0, shown, 400)
    assert values == marks
    numbers = [str(mark // 100) for mark in marks]
    assert axis.tickStrings(values) == [f"epoch {number}" if number == numbers[0] else number for number in numbers]


def test_large_counts_are_written_with_separators():
    axis = CountAxis("bottom")
    assert axis.tickStrings([0.0, 20_000.0, 1_000_000.0], 1, 20_000) == ["0", "20,000", "1,000,000"]
    assert axis.tickStrings([0.5, 1.0], 1, 0.5) == ["0.5", "1.0"]
