"""Keras' configs become networks, with each layer's arrays where the config says that there are some."""

import numpy as np
import pytest

from minigrad_gui.exchange import ExchangeError
from minigrad_gui.exchange.keras_config import found_in

RNG = np.random.default_rng(0)


def layer(kind, **config):
    return {"class_name": kind, "config": {"name": kind.lower(), **config}}


def model(*layers):
    return {"class_name": "Sequential", "config": {"layers": list(layers)}}


ARRAYS = {
    "first": [RNG.normal(size=(8, 5)), RNG.normal(size=5)],
    "second": [RNG.normal(size=(5, 3)), RNG.normal(size=3)],
    "norm": [RNG.uniform(1, 2, 5), RNG.normal(size=5), RNG.normal(size=5), RNG.uniform(1, 2, 5)],
}


def weights_of(kind, name, number):
    assert (kind == "Dense", number) == (name != "norm", name == "second"), "each class is counted"
    return ARRAYS[name]


def computed(layers, x):
    for W, b in layers[:-1]:
        x = np.maximum(x @ W.T + b, 0)
    return x @ layers[-1][0].T + layers[-1][1]


def normalised(x, parts):
    gain, shift, mean, variance = parts
    return gain * (x - mean) / np.sqrt(variance + 0.01) + shift


@pytest.mark.parametrize("is_before", [True, False])
def test_batch_normalisation_becomes_part_of_a_layer(is_before):
    """Before an activation of the layer before it, after one of the next layer."""
    norm, relu = layer("BatchNormalization", name="norm", epsilon=0.01), layer("ReLU")
    middle = [norm, relu] if is_before else [relu, norm]
    found = found_in(model(layer("Dense", name="first"), *middle, layer("Dense", name="second")), weights_of)
    (W, b), (V, c) = ARRAYS["first"], ARRAYS["second"]
    x = RNG.normal(size=(20, 8))
    h = x @ W + b
    h = np.maximum(normalised(h, ARRAYS["norm"]), 0) if is_before else normalised(np.maximum(h, 0), ARRAYS["norm"])
    np.testing.assert_allclose(computed(found.layers, x), h @ V + c, rtol=1e-5)


def test_options_say_which_arrays_there_are():
    _, _, mean, variance = ARRAYS["norm"]
    arrays = {"first": ARRAYS["first"][:1], "norm": [mean, variance]}
    dense = layer("Dense", name="first", use_bias=False)
    norm = layer("BatchNormalization", name="norm", scale=False, center=False, epsilon=0)
    found = found_in(model(dense, norm), lambda _, name, __: arrays[name])
    x = RNG.normal(size=(20, 8))
    expected = (x @ arrays["first"][0] - mean) / np.sqrt(variance)
    np.testing.assert_allclose(computed(found.layers, x), expected, rtol=1e-5)
    with pytest.raises(ExchangeError, match="lacks the weights of a layer"):
        found_in(model(layer("Dense", name="first"), norm), lambda _, name, __: arrays[name])
