"""Few networks of a run remain: the first, the newest, and others that grow sparser."""

import numpy as np
import pytest

from engine import MLP
from minigrad_gui.snapshots import Snapshots


@pytest.fixture
def model():
    return MLP(4, [3], 2, rng=np.random.default_rng(0))


def test_a_short_run_is_remembered_in_full(model):
    snapshots = Snapshots(most_count=10)
    models = [model.copy() for _ in range(10)]
    for batch, each in enumerate(models):
        snapshots.add(7 * batch, each)
    assert [(batch, each) for batch, each in snapshots] == [(7 * batch, each) for batch, each in enumerate(models)]
    assert snapshots[3].model is models[3]


@pytest.mark.parametrize("length", [50, 5000])
def test_of_a_long_run_the_ends_remain_and_moments_that_grow_sparser(model, length):
    snapshots = Snapshots(most_count=12)
    for batch in range(1, length + 1):
        snapshots.add(batch, model)
        assert len(snapshots) == min(batch, 12)
        assert snapshots[-1].batch == batch
    batches = [batch for batch, _ in snapshots]
    assert batches[0] == 1
    gaps = np.diff(np.sqrt(batches))
    assert gaps[:-1].max() < 2.5 * gaps[:-1].min()  # the last one has just come
    assert batches[6] < length / 2


def test_there_is_a_bound_in_bytes(model):
    size = sum(parameter.data.nbytes for parameter in model.parameters())
    roomy, tight, too_tight = (Snapshots(most_bytes=count * size) for count in (5, 3, 2))
    for batch in range(20):
        for snapshots in (roomy, tight, too_tight):
            snapshots.add(batch, model)
    assert [len(snapshots) for snapshots in (roomy, tight, too_tight)] == [5, 3, 0]


def test_the_bound_holds_while_a_committee_grows():
    def size(model):
        return sum(parameter.data.nbytes for parameter in model.parameters())

    small, large = MLP(4, [3], 2), MLP(4, [9], 2)
    snapshots = Snapshots(most_bytes=4 * size(large))
    for batch in range(30):
        snapshots.add(batch, small if batch < 20 else large)
    assert len(snapshots) == 4
    assert (snapshots[0].batch, snapshots[-1].batch) == (0, 29)


def test_a_moment_is_remembered_once(model):
    snapshots = Snapshots()
    snapshots.add(3, model)
    snapshots.add(3, model.copy())
    assert len(snapshots) == 1
    assert snapshots[0].model is model


def test_the_nearest_moment_is_found(model):
    snapshots = Snapshots()
    for batch in (1, 10, 100):
        snapshots.add(batch, model)
    assert [snapshots.nearest(batch) for batch in (-5, 4, 7, 54, 56, 1000)] == [0, 0, 1, 1, 2, 2]
