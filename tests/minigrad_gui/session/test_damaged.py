"""A damaged copy reads in place of a network, and goes with it."""

import numpy as np
import pytest

from engine import MLP
from minigrad_gui.insight.damage import Damage
from minigrad_gui.session.damaged import DamagedNetwork


def network(seed=1, hidden=(6,)):
    return MLP(784, hidden, 10, dtype=np.float32, init="he", rng=np.random.default_rng(seed))


def test_without_damage_the_network_itself_reads():
    model = network()
    assert DamagedNetwork().of(model) is model
    assert DamagedNetwork().of(None) is None


def test_one_copy_is_made_of_each_network():
    model, other, damaged = network(), network(2), DamagedNetwork()
    damaged.set(Damage().toggled(0, 3), model)
    copy = damaged.of(model)
    assert damaged.of(model) is copy is not model
    assert not copy.layers[1].W.data[:, 3].any()
    assert model.layers[1].W.data[:, 3].any()
    assert not damaged.of(other).layers[1].W.data[:, 3].any()
    np.testing.assert_array_equal(damaged.of(other).layers[0].W.data[:3], other.layers[0].W.data[:3])


def test_repaired_the_network_itself_reads_again():
    model, damaged = network(), DamagedNetwork()
    damaged.set(Damage().toggled(0, 3), model)
    damaged.repair()
    assert (damaged.damage, damaged.of(model)) == (Damage(), model)


def test_damage_that_does_not_fit_changes_nothing():
    model, damaged = network(), DamagedNetwork()
    damaged.set(Damage().toggled(0, 3), model)
    with pytest.raises(ValueError, match="no hidden neuron 6"):
        damaged.set(Damage().toggled(0, 6), model)
    assert damaged.damage == Damage().toggled(0, 3)
