"""The graph is that of the network's own loss, and the network is left as it was."""

import numpy as np
import pytest

from engine import MLP, LeakyReLU, Tensor, cross_entropy_loss
from minigrad_gui.expressions import evaluate, numbers
from minigrad_gui.insight.backpropagation import passes, passes_of


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", [None, LeakyReLU])
def test_values_and_gradients_are_those_of_the_network(dtype, activation):
    model = MLP(784, [5, 4], 10, rng=np.random.default_rng(0), dtype=dtype, init="he")
    if activation:
        model.activation = activation()
    picture = np.random.default_rng(1).random((28, 28)).astype(np.float32)
    graph = passes(model, picture, 3)
    assert [parameter.grad for parameter in model.parameters()] == [None] * 6
    found = {node.name: node.tensor for node in graph.nodes if node.name}
    assert sorted(found) == ["W1", "W2", "W3", "b1", "b2", "b3", "drawing"]
    assert found["W1"].data is model.layers[0].W.data
    x = Tensor(picture.reshape(784).astype(dtype), requires_grad=True)
    loss = cross_entropy_loss(model(x), 3)
    loss.backward()
    assert graph.nodes[-1].tensor.item() == loss.item()
    np.testing.assert_array_equal(found["drawing"].grad, x.grad)
    for number, layer in enumerate(model.layers, start=1):
        np.testing.assert_array_equal(found[f"W{number}"].grad, layer.W.grad)
        np.testing.assert_array_equal(found[f"b{number}"].grad, layer.b.grad)


def test_a_network_that_has_exploded_is_no_error():
    model = MLP(784, [5], 10, rng=np.random.default_rng(0), dtype=np.float32)
    model.layers[0].W.data[:] = np.inf
    graph = passes(model, np.zeros((28, 28), np.float32), 0)
    assert np.isnan(graph.nodes[-1].tensor.item())
    assert all(graph.contribution(step) is not None for step in graph.steps if not step.is_forward)


def test_of_several_numbers_the_sum_has_the_gradient():
    leaves = {"a": numbers("2"), "b": numbers("[1, 3]")}
    graph = passes_of(evaluate("a * b", leaves), leaves)
    assert {node.title: node.tensor.grad.tolist() for node in graph.nodes} == {"a": 4, "b": [2, 2], "multiply": [1, 1]}
