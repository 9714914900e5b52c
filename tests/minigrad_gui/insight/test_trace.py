"""A way through a network that can be seen: the same numbers as its own, and nothing written into it."""

import numpy as np
import pytest
from networks import small_network

from engine import MLP, Tensor
from engine.nn import ReLU, Sigmoid, Tanh
from engine.training import logits_of
from minigrad_gui.insight import activations
from minigrad_gui.insight.trace import hidden_features, row_of, trace

RNG = np.random.default_rng(0)


@pytest.fixture(params=[ReLU, Tanh, Sigmoid])
def model(request):
    return small_network(request.param)


@pytest.fixture
def picture():
    return RNG.random((28, 28)).astype(np.float32)


def test_activations_are_what_the_layers_compute(model, picture):
    x, expected = picture.ravel(), []
    for layer in model.layers:
        x = x @ layer.W.data.T + layer.b.data
        x = x if layer is model.layers[-1] else model.activation(x).data
        expected.append(x)
    for computed, by_hand, size in zip(activations(model, picture), expected, (20, 12, 10), strict=True):
        assert computed.shape == (size,)
        np.testing.assert_allclose(computed, by_hand, rtol=1e-4, atol=1e-6)


def test_logits_are_exactly_those_of_the_network(model, picture):
    np.testing.assert_array_equal(activations(model, picture)[-1], logits_of(model, picture[np.newaxis])[0])


def test_bytes_are_scaled(model):
    ink = RNG.integers(0, 256, (28, 28), np.uint8)
    np.testing.assert_array_equal(row_of(model, ink), (ink / 255).astype(np.float32).ravel())


def test_nothing_is_written_into_the_network(model, picture):
    trace(model, row_of(model, picture), differentiable=True).logits[3].backward()
    assert all(parameter.grad is None and parameter.requires_grad for parameter in model.parameters())


def test_gradients_reach_the_input_and_every_neuron(model, picture):
    way = trace(model, row_of(model, picture), differentiable=True)
    way.logits[3].backward()
    by_network = Tensor(picture.ravel(), requires_grad=True)
    model(by_network)[3].backward()
    np.testing.assert_array_equal(way.input.grad, by_network.grad)
    last_hidden = model.layers[-1].W.data[3]
    np.testing.assert_array_equal(way.outputs[-2].grad, last_hidden)


def test_hidden_features_are_the_last_hidden_outputs(model):
    pictures = RNG.random((5, 28, 28)).astype(np.float32)
    features = hidden_features(model, pictures)
    for row, each in zip(features, pictures, strict=True):
        np.testing.assert_allclose(row, activations(model, each)[-2], rtol=1e-4, atol=1e-6)


def test_without_hidden_layers_the_features_are_the_pixels():
    pictures = RNG.integers(0, 256, (5, 28, 28), np.uint8)
    features = hidden_features(MLP(784, (), 10, dtype=np.float32), pictures)
    np.testing.assert_array_equal(features, (pictures / 255).astype(np.float32).reshape(5, 784))


def test_a_picture_of_another_size_is_refused(model):
    with pytest.raises(ValueError, match="784"):
        activations(model, np.zeros((27, 27), np.float32))
