"""How weights, activations and gradients are distributed in each layer, and what hinders a network in learning."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine import Tensor, cross_entropy_loss
from engine.nn import MLP, Linear
from engine.ops import Array
from engine.samples import as_rows
from minigrad_gui.insight.connections import of_connections
from minigrad_gui.insight.trace import allowing_overflow, trace
from minigrad_gui.wording import part_of

BINS = 60
NOTHING = 1e-30
"""The limit of a histogram of zeros."""
LEAST_SLOPE = 0.0025
"""A neuron that passes back less of the gradient than this, a hundredth of what a sigmoid can, does not learn."""

MOST_DEAD = 0.5
VANISHED = 1 / 1000
"""Of the last layer's gradient (root mean square). Networks that learn have at least 4 / 1000 in every layer."""
EXPLODED = 10.0
"""Of the norm of the weights. In networks that learn, the gradient's norm never reaches half of it.

Measured on MNIST with each activation and optimizer, one to nine layers, before and after training.
"""

Order = Literal["norm", "activity", "similarity"]


class Histogram(NamedTuple):
    """`counts` intp (BINS,) of finite numbers between `edges` (BINS + 1,), evenly spaced."""

    counts: NDArray[np.intp]
    edges: NDArray[np.float64]


def histogram(values: Array, limits: tuple[float, float] | None = None) -> Histogram:
    """Count values of any shape between limits, those beyond in the first and last bin.

    Without limits they are symmetrical, so that all finite values fit; they begin at 0 if no value is negative.
    """
    values = values.ravel(order="K")
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    if not np.isfinite([low, high]).all():
        return histogram(values[np.isfinite(values)], limits)
    if limits is None:
        largest = max(-low, high) or NOTHING
        limits = (-largest if low < 0 else 0.0, largest)
    width = (limits[1] - limits[0]) / BINS
    bins = np.clip((values - limits[0]) / width, 0, BINS - 1).astype(np.intp)
    return Histogram(np.bincount(bins, minlength=BINS), np.linspace(*limits, BINS + 1))


@dataclass(frozen=True)
class LayerStatistics:
    """One layer on a sample of pictures: the weights of its connections, its outputs, and the mean loss's gradient by
    these weights.

    *_norm: Euclidean norms, not finite if the numbers are not. dead: the share, 0 to 1, of neurons that pass hardly any
    gradient back for any of the pictures: ReLUs that are never active, saturated tanh and sigmoid neurons; None for
    the logits.
    """

    weights: Histogram
    activations: Histogram
    gradients: Histogram
    weight_norm: float
    gradient_norm: float
    gradient_rms: float
    dead: float | None


@allowing_overflow
def layer_statistics(model: MLP, images: Array, labels: Array) -> list[LayerStatistics]:
    """The statistics of each layer on images (N, ...) with class labels (N,); some hundred are enough.

    The network's own gradients are not touched. Raises as `cross_entropy_loss` does if the labels do not fit.
    """
    layers = [Linear.around(layer.W.data, layer.b.data) for layer in model.layers]  # with gradients of their own
    outputs, dead = [], []
    x = Tensor.around(as_rows(images, model.dtype))
    for layer in layers:
        z = layer(x)
        x = z if layer is layers[-1] else model.activation(z)
        outputs.append(x.data)
        dead.append(None if x is z else _dead_share(model, z.data))
    cross_entropy_loss(x, labels).backward()
    return [_statistics(*each) for each in zip(layers, outputs, dead, strict=True)]


def warning_sentence(layers: Sequence[LayerStatistics]) -> str | None:
    """What hinders a network in learning, in a sentence, the most serious first; None if nothing does.

    layers: what `layer_statistics` returned.
    """
    for hindrance in (_overflowing, _exploding, _dying, _vanishing):
        for number, layer in enumerate(layers, 1):
            name = f"hidden layer {number}" if number < len(layers) else "the output layer"
            sentence = hindrance(name, layer, layers[-1].gradient_rms)
            if sentence is not None:
                return sentence
    return None


def _overflowing(name: str, layer: LayerStatistics, _: float) -> str | None:
    if np.isfinite(layer.weight_norm + layer.gradient_norm):
        return None
    return f"The network has exploded: in {name} the numbers have become too large to compute with."


def _exploding(name: str, layer: LayerStatistics, _: float) -> str | None:
    if layer.gradient_norm <= EXPLODED * layer.weight_norm or layer.weight_norm == 0:
        return None
    return f"The gradient explodes: in {name} it is {layer.gradient_norm / layer.weight_norm:,.0f} times the weights."


def _dying(name: str, layer: LayerStatistics, _: float) -> str | None:
    if layer.dead is None or layer.dead < MOST_DEAD:
        return None
    return f"{part_of(layer.dead)} neurons in {name} are dead: no picture moves them, so they no longer learn."


def _vanishing(name: str, layer: LayerStatistics, last_rms: float) -> str | None:
    if layer.gradient_rms >= VANISHED * last_rms:
        return None
    times = f"{last_rms / layer.gradient_rms:,.0f} times smaller than" if layer.gradient_rms else "0, unlike"
    return f"The gradient vanishes on its way back: in {name} it is {times} in the output layer."


def _statistics(layer: Linear, outputs: Array, dead: float | None) -> LayerStatistics:
    assert layer.W.grad is not None
    weights, gradient = (of_connections(values, layer.W.data) for values in (layer.W.data, layer.W.grad))
    norm = _norm(gradient)
    return LayerStatistics(
        histogram(weights),
        histogram(outputs),
        histogram(gradient),
        _norm(layer.W.data),
        norm,
        norm / gradient.size**0.5,
        dead,
    )


def _dead_share(model: MLP, pre_activations: Array) -> float:
    """The share of neurons whose activation is flat for all samples; pre_activations: (N, n)."""
    z = Tensor(pre_activations, requires_grad=True)
    model.activation(z).backward(np.ones_like(pre_activations))
    assert z.grad is not None
    return float((z.grad.max(axis=0) < LEAST_SLOPE).mean())


def _norm(values: Array) -> float:
    return float(np.linalg.norm(values.ravel(order="K")))


@allowing_overflow
def update_ratios(before: MLP, after: MLP) -> list[float]:
    """How far each layer's weights have moved, relative to their size: |after - before| / |before|.

    For a single step, about 0.001 is usual (Karpathy, CS231n, Learning and Evaluation). inf for weights that were 0.
    """
    ratios = []
    for old, new in zip(before.layers, after.layers, strict=True):
        norm = _norm(old.W.data)
        ratios.append(_norm(new.W.data - old.W.data) / norm if norm else np.inf)
    return ratios


@allowing_overflow
def order_of_units(model: MLP, by: Order, images: Array | None = None) -> NDArray[np.intp]:
    """The neurons of the first layer in an order: "norm" of their weights or "activity", the mean output for images
    (N, ...), the largest first; or "similarity", so that neighbours resemble each other.

    Raises ValueError for "activity" without images.
    """
    W = model.layers[0].W.data
    if by == "similarity":
        return _chain(W)
    if by == "norm":
        value = np.linalg.norm(W, axis=1)
    elif images is None:
        raise ValueError('the order "activity" needs images')
    else:
        value = trace(model, as_rows(images, model.dtype)).outputs[0].data.mean(axis=0)
    return np.argsort(-value, kind="stable")


def _chain(W: Array) -> NDArray[np.intp]:
    """From the row with the largest norm to the one most like it, by cosine, and so on among those that are left."""
    norms = np.linalg.norm(W, axis=1)
    directions = W / np.where(norms == 0, 1, norms)[:, np.newaxis]
    likeness = directions @ directions.T
    order = [int(norms.argmax())]
    likeness[:, order[0]] = -np.inf
    while len(order) < len(W):
        order.append(int(likeness[order[-1]].argmax()))
        likeness[:, order[-1]] = -np.inf
    return np.array(order, np.intp)
