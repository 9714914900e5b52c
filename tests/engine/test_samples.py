"""Samples held out for validation."""

import numpy as np
import pytest

from engine.samples import split_validation


@pytest.mark.parametrize(
    ("count", "share", "held_back"), [(50, 0.1, 5), (50, 0, 0), (7, 0.5, 4), (1, 0.5, 0), (3, 0.1, 0)]
)
def test_validation_samples_are_split_off(count, share, held_back):
    training, validation = split_validation(count, share, seed=3)
    assert len(validation) == held_back
    assert sorted([*training, *validation]) == list(range(count))
    assert (np.diff(training) > 0).all()
    assert (np.diff(validation) > 0).all()


def test_the_split_follows_from_the_seed():
    first, again, other = (split_validation(100, 0.2, seed)[1] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert not np.array_equal(first, np.arange(20))
    assert not np.array_equal(first, np.arange(80, 100))
