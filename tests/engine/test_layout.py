"""Nodes never overlap, edges lead to the right, and the graph of a network is a straight chain."""

import numpy as np
import pytest

from engine import MLP, cross_entropy_loss
from engine.graph import Graph
from engine.layout import lay_out


def random_inputs(rng):
    return [[], *(list(rng.choice(count, min(count, int(rng.integers(0, 4))), False)) for count in range(1, 40))]


@pytest.mark.parametrize("seed", range(5))
def test_nodes_and_bends_are_apart_and_edges_lead_to_the_right(seed):
    inputs = random_inputs(np.random.default_rng(seed))
    layout = lay_out(inputs)
    assert set(layout.routes) == {(start, end) for end, sources in enumerate(inputs) for start in sources}
    taken = set(layout.places)
    bends = 0
    for (start, end), route in layout.routes.items():
        assert (route[0], route[-1]) == (layout.places[start], layout.places[end])
        assert [column for column, _ in route] == list(range(route[0][0], route[-1][0] + 1))
        taken |= set(route[1:-1])
        bends += len(route) - 2
    assert len(taken) == len(inputs) + bends
    for column in range(layout.columns):
        rows = sorted(row for each, row in taken if each == column)
        assert rows[0] >= 0
        assert all(np.diff(rows) > 1 - 1e-9)
    assert max(row for _, row in taken) == layout.height


def test_a_network_of_twenty_layers_is_a_straight_chain():
    model = MLP(8, [4] * 19, 3, rng=np.random.default_rng(0))
    graph = Graph(cross_entropy_loss(model(np.ones(8)), 0))
    layout = lay_out([node.inputs for node in graph.nodes])
    rows = [row for (_, row), node in zip(layout.places, graph.nodes, strict=True) if node.origin]
    assert np.ptp(rows) < 0.1
    assert layout.columns == 20 + 19 + 2
    assert layout.height < 3.2


def test_parameters_stand_just_before_the_layer_that_uses_them():
    layout = lay_out([[], [], [0, 1], [], [2, 3]])
    assert [column for column, _ in layout.places] == [0, 0, 1, 1, 2]


def test_needless_crossings_are_avoided():
    """Two chains from two leaves each, given in an order in which they would cross."""
    layout = lay_out([[], [], [], [], [0, 2], [1, 3], [4, 5]])
    first, second = ({layout.places[leaf][1] for leaf in leaves} for leaves in ((0, 2), (1, 3)))
    assert max(first) < min(second) or max(second) < min(first)


def test_a_single_node_has_a_place():
    layout = lay_out([[]])
    assert layout.places == ((0, 0.0),)
    assert (layout.columns, layout.height) == (1, 0)
