"""Networks and samples that train in milliseconds."""

import numpy as np
from mnist_digits import mnist

from engine import (
    MLP,
    SGD,
    Augmentation,
    cross_entropy_loss,
    training_steps,
)

COUNT = 50


def blobs(count=COUNT, dtype=np.float64):
    """Points of three well-separated classes."""
    rng = np.random.default_rng(7)
    labels = rng.integers(0, 3, count)
    points = np.eye(3)[labels] * 4 + rng.normal(0, 0.5, (count, 3))
    return points.astype(dtype), labels


def network(dtype=np.float64):
    return MLP(3, [8], 3, rng=np.random.default_rng(1), dtype=dtype, init="he")


def steps(model=None, optimizer=None, data=None, loss_fn=cross_entropy_loss, **settings):
    model = model or network()
    optimizer = optimizer or SGD(model.parameters(), lr=0.1)
    return list(
        training_steps(model, *(data or blobs()), optimizer, loss_fn, **{"epochs": 2, "batch_size": 16, **settings})
    )


def weights(model):
    return [p.data for p in model.parameters()]


VARIED = Augmentation(shift_px=2, rotation_deg=15, scale=0.15, shear=0.15, elastic_px=1, thickness_px=0.5)


def some_digits(count=256):
    digits = mnist()
    return digits.train_images[:count], digits.train_labels[:count]
