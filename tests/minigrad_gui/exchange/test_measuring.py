"""What a network expects of pictures is measured, and becomes part of its first layer."""

import functools

import numpy as np
import pytest
from exported import apart, digits, logits
from mnist_digits import mnist
from networks import small_network

from engine.nn import MLP, ReLU
from minigrad_gui.exchange.chain import Found
from minigrad_gui.exchange.measuring import INPUTS, measured
from minigrad_gui.exchange.portable import ExchangeError

TOLERANCE = 1e-3
"""In float32, after the weights were divided and multiplied by up to 255."""


def layers_of(model):
    return tuple((layer.W.data.copy(), layer.b.data.copy()) for layer in model.layers)


@functools.cache
def random_features(activation, count=100):
    """A network of random neurons whose outputs were fitted by ridge regression: it reads two of three digits."""
    rng = np.random.default_rng(0)
    W, b = rng.normal(size=(count, 784)) / 8, rng.normal(size=count)
    x, labels = digits(2000).astype(np.float64), mnist().test_labels[:2000]
    h = activation(x @ W.T + b)
    V = np.linalg.solve(h.T @ h + np.eye(count), h.T @ (np.eye(10)[labels] * 8)).T
    return Found(((W.astype("f4"), b.astype("f4")), (V.astype("f4"), np.zeros(10, "f4"))))


def relu(x):
    return np.maximum(x, 0)


def expecting(change, activation="relu"):
    """A network that was changed to expect pictures changed by `change`, which is linear."""
    (W, b), *others = random_features(relu).layers
    zero = change(np.zeros((1, 28, 28)))
    basis = (change(np.eye(784).reshape(784, 28, 28)) - zero).reshape(784, 784)
    inverse = W.astype(np.float64) @ np.linalg.inv(basis).T
    return Found(((inverse.astype("f4"), (b - inverse @ zero.reshape(784)).astype("f4")), *others), activation)


CHANGES = {
    "from 0 to 1": lambda x: x,
    "from 0 to 255": lambda x: x * 255,
    "from -1 to 1": lambda x: x * 2 - 1,
    "standardised": lambda x: (x - 0.1307) / 0.3081,
    "from 0 to 1, dark on light": lambda x: 1 - x,
    "standardised, transposed": lambda x: (x.swapaxes(1, 2) - 0.1307) / 0.3081,
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_it_was_trained_with_is_found(name):
    result = measured(expecting(CHANGES[name]))
    own = MLP.from_parameters(random_features(relu).layers)
    assert result.input == name
    assert apart(logits(result.model, digits(100)), logits(own, digits(100))) < TOLERANCE
    assert result.accuracy > 0.6
    assert 0.5 < result.calibration.temperature < 2


def test_an_activation_that_the_file_does_not_tell_is_measured():
    found = expecting(CHANGES["from 0 to 1"])
    assert isinstance(measured(Found(found.layers), INPUTS[0]).model.activation, ReLU)


def test_what_is_known_is_not_measured():
    result = measured(expecting(CHANGES["from 0 to 1"]), "from 0 to 255")
    assert result.input == "from 0 to 255"


def test_a_network_that_reads_no_digits_is_left_as_it_is():
    for model in (small_network(ReLU), MLP(784, [5], 26, dtype=np.float32)):
        result = measured(Found(layers_of(model), "relu"))
        assert (result.input, result.accuracy, result.calibration) == (INPUTS[0], None, None)
        np.testing.assert_array_equal(result.model.layers[0].W.data, model.layers[0].W.data)


def test_an_activation_that_we_lack_is_told_not_taken_for_another():
    with pytest.raises(ExchangeError, match="seems to use SiLU, an activation that minigrad lacks"):
        measured(random_features(lambda x: x / (1 + np.exp(-x))), INPUTS[0])
    for name, function in {"Tanh": np.tanh, "ReLU": relu}.items():
        assert type(measured(random_features(function), INPUTS[0]).model.activation).__name__ == name
