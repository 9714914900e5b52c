"""Calibration: probabilities that mean what they say, and how sure is sure enough.

A network that has been trained until it is nearly always right is too sure of itself. Dividing its logits by a
temperature, chosen on samples that it was not trained on, mends that (Guo, Pleiss, Sun and Weinberger, On Calibration
of Modern Neural Networks, 2017). What then still looks unsure is better not believed.
"""

from dataclasses import dataclass

import numpy as np

from engine.nn import Module
from engine.ops import Array
from engine.training import predict

LOWEST, HIGHEST = 0.2, 20.0
"""Temperatures beyond these would not come from a trained network."""
SEARCH_STEPS = 40
GOLDEN = (5**0.5 - 1) / 2


@dataclass(frozen=True)
class Calibration:
    """temperature: what the logits are divided by; threshold: the least probability of an answer that is believed."""

    temperature: float = 1.0
    threshold: float = 0.5


def calibrate(model: Module, images: Array, labels: Array, turned_away: float = 0.01) -> Calibration:
    """The temperature of the least cross-entropy loss on images (N, ...) with class labels (N,), not trained on, and
    the threshold below which this share of the rightly read ones would be turned away.

    Golden-section search over the logarithm: the loss has one minimum in 1 / temperature, since cross-entropy is convex
    in the logits.
    """
    rows = np.arange(len(labels))

    def loss(temperature: float) -> float:
        return float(-np.log(predict(model, images, temperature)[rows, labels] + 1e-30).mean())

    low, high = np.log(LOWEST), np.log(HIGHEST)
    for _ in range(SEARCH_STEPS):
        left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        low, high = (low, right) if loss(np.exp(left)) < loss(np.exp(right)) else (left, high)
    temperature = float(np.exp((low + high) / 2))
    probabilities = predict(model, images, temperature)
    right = probabilities.argmax(axis=-1) == labels
    sure = probabilities.max(axis=-1)[right]
    return Calibration(temperature, float(np.quantile(sure, turned_away)) if sure.size else 0.0)
