"""Samples held out for validation, fewer samples, and labels that are wrong on purpose."""

import numpy as np
import pytest

from engine.samples import fewer_samples, noisy_labels, split_validation


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


def test_fewer_samples_have_each_class_in_proportion():
    labels = np.repeat([0, 1, 2], [600, 300, 100])
    few, more = fewer_samples(labels, 50, seed=3), fewer_samples(labels, 500, seed=3)
    assert np.bincount(labels[few]).tolist() == [30, 15, 5]
    assert np.bincount(labels[more]).tolist() == [300, 150, 50]
    assert set(few) < set(more)
    assert (np.diff(more) > 0).all()


def test_fewer_samples_follow_from_the_seed_not_from_the_order():
    labels = np.zeros(1000, int)
    first, again, other = (fewer_samples(labels, 10, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert first.max() > 100


def test_no_fewer_than_there_are():
    np.testing.assert_array_equal(fewer_samples(np.array([1, 0]), 5, 0), [0, 1])


@pytest.mark.parametrize(("share", "wrong"), [(0, 0), (0.2, 200), (1, 1000)])
def test_noise_replaces_a_share_of_the_labels_by_other_classes(share, wrong):
    labels = np.arange(1000) % 4
    noisy = noisy_labels(labels, share, 4, seed=3)
    assert (noisy != labels).sum() == wrong
    assert set(noisy) <= set(range(4))
    np.testing.assert_array_equal(noisy, noisy_labels(labels, share, 4, seed=3))
    assert share == 0 or not np.array_equal(noisy, noisy_labels(labels, share, 4, seed=4))
    np.testing.assert_array_equal(labels, np.arange(1000) % 4)


def test_noise_makes_every_other_class_of_a_label():
    made = noisy_labels(np.zeros(300, int), 1, 4, seed=0)
    assert np.bincount(made, minlength=4)[0] == 0
    assert (np.bincount(made)[1:] > 70).all()
