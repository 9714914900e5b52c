"""Measures how a network from elsewhere wants its pictures, as its file hardly ever says.

It reads MNIST's test digits with each scale, light on dark and dark on light, upright and transposed. What gives the
smallest loss suits it best, and is what a well trained network was trained with. The loss is that with the best
temperature: without it, a scale that only makes the network bolder could win; accuracy hardly differs between scales.
What was found becomes part of the first layer, so that the network reads the pictures of this program.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.calibration import HARDER, Calibration, calibrate
from engine.nn import ACTIVATIONS, MLP
from engine.training import logits_of
from minigrad_gui.data import DIGIT_NAMES
from minigrad_gui.data.bundled import load_test_digits
from minigrad_gui.exchange.chain import Found
from minigrad_gui.exchange.portable import Layers
from minigrad_gui.frame import SIDE_PX

SCALES = {
    "from 0 to 1": (1.0, 0.0),
    "from 0 to 255": (255.0, 0.0),
    "from -1 to 1": (2.0, -1.0),
    "standardised": (1 / 0.3081, -0.1307 / 0.3081),
}
"""Factor and term for numbers from 0 to 1. Standardised: by MNIST's mean and standard deviation."""
ORIENTATIONS = ("", ", transposed")
POLARITIES = {"": (1, 0), ", dark on light": (-1, 1)}
"""Factor and term, too."""
INPUTS = tuple(f"{scale}{polarity}{turn}" for turn in ORIENTATIONS for polarity in POLARITIES for scale in SCALES)
"""What a network may expect, the usual first."""
MEASURED, CALIBRATED = 1000, 4000
LEAST_GAIN = 0.97
"""The usual input and activation are believed unless another has a loss smaller by this factor."""
KNOWS_DIGITS = 1.5
"""Guessing has a loss of ln 10 = 2.3."""


@dataclass(frozen=True)
class Measured:
    """A network that reads pictures from 0 to 1, and how it wanted them before.

    calibration: None if it does not read digits, and so nothing could be measured; accuracy: on test digits.
    """

    model: MLP
    input: str
    calibration: Calibration | None = None
    accuracy: float | None = None


def measured(found: Found, input: str | None = None) -> Measured:  # noqa: A002
    """The network with the input and, if its file does not say, the activation that suit it best.

    input: one of INPUTS, if it is known.
    """
    is_known = found.activation is not None or len(found.layers) == 1
    activations = [ACTIVATIONS[found.activation or "relu"]] if is_known else list(ACTIVATIONS.values())
    candidates = {name: layers for name, layers in _candidates(found.layers) if input in (name, None)}
    best = next(iter(candidates))
    model = MLP.from_parameters(candidates[best], activations[0])
    if model.sizes[-1] != len(DIGIT_NAMES):
        return Measured(model, best)
    images, digits = load_test_digits()
    labels = digits.astype(np.intp)
    lowest = KNOWS_DIGITS
    for name, layers in candidates.items():
        for activation in activations:
            candidate = MLP.from_parameters(layers, activation)
            loss = _loss(candidate, images[:MEASURED], labels[:MEASURED])
            if loss < lowest * LEAST_GAIN:
                best, model, lowest = name, candidate, loss
    if lowest == KNOWS_DIGITS:
        return Measured(model, best)
    images, labels = images[-CALIBRATED:], labels[-CALIBRATED:]
    calibration = calibrate(model, images, labels, HARDER(images, np.random.default_rng(0)))
    accuracy = float((logits_of(model, images).argmax(axis=-1) == labels).mean())
    return Measured(model, best, calibration, accuracy)


def _candidates(layers: Layers) -> Iterator[tuple[str, Layers]]:
    """For each of INPUTS the layers for which it is from 0 to 1 and upright."""
    (W, b), *others = layers
    turned = W.reshape(-1, SIDE_PX, SIDE_PX).transpose(0, 2, 1).reshape(W.shape)
    names = iter(INPUTS)
    for weights in (W, turned):
        sums = weights.sum(axis=1)
        for sign, start in POLARITIES.values():
            for factor, term in SCALES.values():
                shift = factor * start + term
                bias = b + sums * shift if shift else b  # the sums may overflow
                first = (weights * (factor * sign)).astype(W.dtype), bias.astype(b.dtype)
                yield next(names), (first, *others)


def _loss(model: MLP, pictures: NDArray[np.uint8], labels: NDArray[np.intp]) -> float:
    """The cross-entropy with the best temperature; infinite for logits that are not finite."""
    with np.errstate(all="ignore"):
        logits = logits_of(model, pictures)
        if not np.isfinite(logits).all():
            return float("inf")
        shares, _ = calibrate(model, pictures, labels).read(logits)
        return float(-np.log(shares[np.arange(len(labels)), labels] + 1e-30).mean())
