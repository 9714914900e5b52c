"""Which weights are connections, in networks with windows and in committees."""

import numpy as np

from engine import MLP, TrainingConfig
from engine.nn import committee
from minigrad_gui.insight.connections import connections, of_connections


def test_weights_of_pixels_outside_a_window_are_none():
    config = TrainingConfig(hidden=(16, 8), receptive_field_px=14)
    first, second, _ = (layer.W.data for layer in config.build_model(784, 10).layers)
    np.testing.assert_array_equal(connections(first), config.seen(784))
    np.testing.assert_array_equal(of_connections(2 * first, first), 2 * first[config.seen(784)])
    assert connections(second) is None
    assert of_connections(second, second) is second


def test_those_between_members_of_a_committee_are_none():
    members = [MLP(5, (4, 3), 2, rng=np.random.default_rng(seed)) for seed in (0, 1)]
    W = committee(members).layers[1].W.data
    assert of_connections(W, W).tolist() == [*members[0].layers[1].W.data.ravel(), *members[1].layers[1].W.data.ravel()]


def test_where_all_weights_are_0_all_are_connections():
    W = np.zeros((3, 4))
    assert connections(W) is None
    assert of_connections(W, W) is W
