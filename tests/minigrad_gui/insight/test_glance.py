"""What the network's view shows at once agrees with what is computed piece by piece."""

import numpy as np
import pytest

from engine import MLP
from engine.nn import ReLU, Sigmoid
from minigrad_gui.insight import activations
from minigrad_gui.insight.glance import EDGES, EDGES_OF_NEURON, glance


@pytest.fixture(params=[ReLU, Sigmoid])
def model(request):
    return MLP(784, (20, 12), 10, request.param, init="he", rng=np.random.default_rng(1))


@pytest.fixture
def picture(mnist):
    return mnist.test_images[0] / 255


def test_without_a_neuron_it_shows_the_answer_and_the_strongest_connections(model, picture):
    shown = glance(model, picture)
    for ours, theirs in zip(shown.outputs, activations(model, picture), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert shown.answer == activations(model, picture)[-1].argmax()
    assert (shown.neuron.layer, shown.neuron.unit, shown.neuron.share) == (2, shown.answer, None)
    assert len(shown.edges[0].values) == EDGES // 3


@pytest.mark.parametrize(("layer", "unit"), [(0, 4), (1, 7), (2, 3)])
def test_a_neuron_shows_its_own_connections_only(model, picture, layer, unit):
    shown = glance(model, picture, (layer, unit))
    inputs = (picture.ravel(), *shown.outputs)
    for number, edges in enumerate(shown.edges):
        products = model.layers[number].W.data * inputs[number]
        np.testing.assert_allclose(edges.values, products[edges.targets, edges.sources])
        ends = {layer: edges.targets, layer + 1: edges.sources}.get(number, np.empty(0))
        assert set(ends) <= {unit}
        assert len(ends) == len(edges.values) <= EDGES_OF_NEURON
    strongest = np.sort(np.abs(model.layers[layer].W.data[unit] * inputs[layer]))[::-1]
    kept = np.abs(shown.edges[layer].values)
    np.testing.assert_allclose(kept, strongest[: len(kept)])
    assert len(kept) == min(EDGES_OF_NEURON, np.count_nonzero(strongest))


def test_the_share_of_the_answer_is_what_silencing_the_neuron_takes_away(picture):
    """Of a neuron in the last hidden layer exactly: nothing behind it bends."""
    model = MLP(784, (20, 12), 10, init="he", rng=np.random.default_rng(1))
    shown = glance(model, picture)
    unit = int(shown.outputs[1].argmax())
    lost = model.layers[2].W.data[shown.answer, unit] * shown.outputs[1][unit]
    assert glance(model, picture, (1, unit)).neuron.share == pytest.approx(lost)
    assert abs(lost) > 0
