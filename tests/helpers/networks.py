"""Makes, compares and writes networks."""

import numpy as np

from engine import MLP, save_model


def small_network(activation: type, dtype: type = np.float32) -> MLP:
    """A network 784-20-12-10 whose biases are not 0."""
    model = MLP(784, (20, 12), 10, activation, dtype=dtype, init="he", rng=np.random.default_rng(1))
    for layer in model.layers:
        layer.b.data += np.random.default_rng(2).normal(0, 0.1, layer.b.shape).astype(dtype)
    return model


def same(first: MLP, second: MLP) -> bool:
    return all(np.array_equal(a.data, b.data) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def save_other_network(path, sizes=(784, (12,), 10)):
    model = MLP(*sizes, dtype=np.float32, init="he", rng=np.random.default_rng(1))
    save_model(path, model, {"test_accuracy": 0.5})
    return model
