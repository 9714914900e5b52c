"""Measures how a network from elsewhere wants its pictures, as its file hardly ever says.

It reads MNIST's test digits with each scale, light on dark and dark on light, upright and transposed. What gives the
smallest loss suits it best, and is what a well trained network was trained with. The loss is that with the best
temperature: without it, a scale that only makes the network bolder could win; accuracy hardly differs between scales.
What was found becomes part of the first layer, so that the network reads the pictures of this program.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from engine import Module, Tensor
from engine.calibration import HARDER, Calibration, calibrate, fit_temperature
from engine.nn import ACTIVATIONS, MLP, LeakyReLU
from engine.training import logits_of
from minigrad_gui.data import DIGIT_NAMES
from minigrad_gui.data.bundled import load_test_digits
from minigrad_gui.exchange.chain import Found
from minigrad_gui.exchange.portable import ExchangeError, Layers
from minigrad_gui.frame import SIDE_PX

SCALES = {
    "from 0 to 1": (1.0, 0.0),
    "from 0 to 255": (255.0, 0.0),
    "from -1 to 1": (2.0, -1.0),
    "standardised": (1 / 0.3081, -0.1307 / 0.3081),
}
"""Factor and term for numbers from 0 to 1. Standardised: by MNIST's mean and standard deviation."""
ORIENTATIONS = ("", ", transposed")
POLARITIES = ("", ", dark on light")
INPUTS = tuple(f"{scale}{polarity}{turn}" for turn in ORIENTATIONS for polarity in POLARITIES for scale in SCALES)
"""What a network may expect, the usual first."""
SCREENED, MEASURED, CALIBRATED = 250, 1000, 4000
FINALISTS = 4
"""What is best on the digits of the screening is measured on more."""
LEAST_GAIN = 0.97
"""The usual input and activation are believed unless another has a loss smaller by this factor."""
FOREIGN_GAIN = 0.9
"""For an activation that we lack: ReLU's cousins compute nearly the same."""
KNOWS_DIGITS = 1.5
"""Guessing has a loss of ln 10 = 2.3."""
Candidate = tuple[str, str]
"""One of INPUTS, and the name of an activation."""


@dataclass(frozen=True)
class Measured:
    """A network that reads pictures from 0 to 1, and how it wanted them before.

    calibration: None if it does not read digits, and so nothing could be measured; accuracy: on test digits.
    """

    model: MLP
    input: str
    calibration: Calibration | None = None
    accuracy: float | None = None


class SiLU(Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * x.sigmoid()


class GELU(Module):
    """By its approximation x sigmoid(1.702 x): https://arxiv.org/abs/1606.08415."""

    def forward(self, x: Tensor) -> Tensor:
        return x * (1.702 * x).sigmoid()


OTHER_ACTIVATIONS: dict[str, type[Module]] = {"SiLU": SiLU, "GELU": GELU, "leaky ReLU": LeakyReLU}
"""Networks with these cannot be imported, and must not be taken for others."""


def measured(found: Found, input: str | None = None) -> Measured:  # noqa: A002
    """The network with the input and, if its file does not say, the activation that suit it best.

    input: one of INPUTS, if it is known. Raises ExchangeError if an activation that we lack suits it much better.
    """
    is_known = found.activation is not None or len(found.layers) == 1
    activations = {"": ACTIVATIONS[found.activation or "relu"]} if is_known else ACTIVATIONS | OTHER_ACTIVATIONS
    names = [input] if input else list(INPUTS)
    tried = [(name, kind) for name in names for kind in activations]
    best, lowest = tried[0], KNOWS_DIGITS
    images, digits = load_test_digits()
    labels = digits.astype(np.intp)
    losses_of = partial(_losses, found.layers, activations, images, labels)
    if len(found.layers[-1][1]) == len(DIGIT_NAMES):
        first = losses_of(tried, SCREENED)
        finalists = {best, *sorted(first, key=lambda each: first[each])[:FINALISTS]}
        losses = losses_of([each for each in tried if each in finalists], MEASURED)
        for each, loss in losses.items():
            if loss < lowest * (FOREIGN_GAIN if each[1] in OTHER_ACTIVATIONS else LEAST_GAIN):
                best, lowest = each, loss
    name, kind = best
    if kind in OTHER_ACTIVATIONS:
        raise ExchangeError(f"seems to use {kind}, an activation that minigrad lacks.")
    model = MLP.from_parameters(_expecting(found.layers, name), activations[kind])
    if lowest == KNOWS_DIGITS:
        return Measured(model, name)
    images, labels = images[-CALIBRATED:], labels[-CALIBRATED:]
    calibration = calibrate(model, images, labels, HARDER(images, np.random.default_rng(0)))
    accuracy = float((logits_of(model, images).argmax(axis=-1) == labels).mean())
    return Measured(model, name, calibration, accuracy)


def _losses(
    layers: Layers,
    activations: Mapping[str, type[Module]],
    images: NDArray[np.uint8],
    labels: NDArray[np.intp],
    tried: Sequence[Candidate],
    count: int,
) -> dict[Candidate, float]:
    """The cross-entropy with the best temperature on the first so many; infinite for logits that are not finite.

    One candidate after the other, as each has weights of its own.
    """
    losses = {}
    for name, kind in tried:
        with np.errstate(all="ignore"):
            model = MLP.from_parameters(_expecting(layers, name), activations[kind])
            logits = logits_of(model, images[:count])
            losses[name, kind] = fit_temperature(logits, labels[:count])[1] if np.isfinite(logits).all() else np.inf
    return losses


def _expecting(layers: Layers, name: str) -> Layers:
    """The layers that read pictures from 0 to 1 and upright, of those that expect the one of INPUTS with this name."""
    (W, b), *others = layers
    scale, *rest = name.split(", ")
    if "transposed" in rest:
        W = W.reshape(-1, SIDE_PX, SIDE_PX).transpose(0, 2, 1).reshape(W.shape)
    sign, start = (-1, 1) if "dark on light" in rest else (1, 0)
    factor, term = SCALES[scale]
    shift = factor * start + term
    bias = b + W.sum(axis=1) * shift if shift else b  # the sums may overflow
    return ((W * (factor * sign)).astype(W.dtype), bias.astype(b.dtype)), *others
