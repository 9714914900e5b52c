"""Networks to export, and what another program must compute with them."""

import functools

import numpy as np
import pytest
from mnist_digits import mnist
from networks import small_network

from engine import MLP, load_model
from engine.nn import ACTIVATIONS, ReLU
from minigrad_gui.reader import Reader
from minigrad_gui.records import names_of_classes
from minigrad_gui.resources import asset_path

TOLERANCE = 1e-5
CALIBRATION = {"temperature": 1.5, "least_evidence": 4.0, "threshold": 0.6}
every_activation = pytest.mark.parametrize("activation", list(ACTIVATIONS))


@functools.cache
def pretrained():
    """The network that comes with the project, and its meta."""
    return load_model(asset_path("pretrained.npz"))


def small():
    """A small one, and its meta."""
    return small_network(ReLU), {"calibration": CALIBRATION}


two_networks = pytest.mark.parametrize("network", [small, pytest.param(pretrained, marks=pytest.mark.long)])
"""Functions that return a model and its meta: the pretrained one takes longer."""


def digits(count=1000):
    """MNIST's first test digits as a network gets them: float32 (n, 784) from 0 to 1."""
    return mnist().test_images[:count].reshape(count, -1).astype(np.float32) / 255


def logits(model: MLP, pictures=None):
    """What any program must compute, in float64: (n, outputs)."""
    x = np.asarray(digits() if pictures is None else pictures, np.float64)
    functions = {"relu": lambda v: np.maximum(v, 0), "tanh": np.tanh, "sigmoid": lambda v: 1 / (1 + np.exp(-v))}
    activation = functions[type(model.activation).__name__.lower()]
    for layer in model.layers[:-1]:
        x = activation(x @ layer.W.data.T.astype(np.float64) + layer.b.data)
    return x @ model.layers[-1].W.data.T.astype(np.float64) + model.layers[-1].b.data


def readings(model, record, pictures):
    """The app's own readings: the class, its probability and whether it is accepted."""
    reader = Reader(model, record.calibration, names_of_classes(record, model.sizes[-1]))
    found = [reader.predict(picture.reshape(28, 28)) for picture in pictures]
    return [(each.name, float(each.probabilities.max()), each.recognised) for each in found]


def apart(one, other) -> float:
    """The largest difference of two arrays of the same shape."""
    assert one.shape == other.shape
    return float(np.abs(one - other).max())
