"""What a single neuron does: what it adds up, what it looks for, and how much of the answer it makes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.nn import MLP
from engine.ops import Array
from engine.samples import as_rows
from minigrad_gui.insight.trace import allowing_overflow, in_blocks, row_of, trace
from minigrad_gui.insight.why import trace_of_logit

Indices = NDArray[np.intp]


class Edges(NamedTuple):
    """Connections into a layer, strongest first: from neuron `sources` (k,), to `targets` (k,), with `values` (k,)."""

    sources: Indices
    targets: Indices
    values: Array


@allowing_overflow
def contributions(model: MLP, picture: Array, count: int) -> list[Edges]:
    """Each layer's `count` strongest connections for a picture, by |weight x activation of the neuron it comes from|.

    The sources of the first layer are pixels, row by row. Connections from neurons that are 0 contribute nothing, and
    those into neurons that are 0 lead no further: both are left out, so there may be fewer.
    """
    way = trace(model, row_of(model, picture))
    inputs = (way.input, *way.outputs)
    return [
        _strongest_edges(layer.W.data, x.data, y.data, count)
        for layer, x, y in zip(model.layers, inputs, way.outputs, strict=False)
    ]


def _strongest_edges(W: Array, x: Array, y: Array, count: int) -> Edges:
    """Of the connections from x (n,) to y (m,)."""
    sources, targets = np.flatnonzero(x), np.flatnonzero(y)
    values = (W.T[np.ix_(sources, targets)] * x[sources, np.newaxis]).ravel()
    strongest = strongest_first(np.abs(values), count)
    if len(targets) == 0:
        return Edges(strongest, strongest, values)
    return Edges(sources[strongest // len(targets)], targets[strongest % len(targets)], values[strongest])


def strongest_first(values: Array, count: int) -> Indices:
    """Indices of the `count` largest of values (n,), largest first; equal ones in the order in which they stand."""
    count = min(count, len(values))
    if count == 0:
        return np.empty(0, np.intp)
    largest = np.flatnonzero(values >= -np.partition(-values, count - 1)[count - 1])  # more if there are ties
    return largest[np.argsort(-values[largest], kind="stable")][:count]


@dataclass(frozen=True)
class Arithmetic:
    """How a neuron comes to its output: pre_activation = products.sum() + bias, output = activation(pre_activation).

    Its n inputs, the largest |product| first: their indices `sources` in the layer before, intp (n,), their `weights`,
    `inputs` and `products` = weights x inputs, (n,).
    """

    sources: Indices
    weights: Array
    inputs: Array
    products: Array
    bias: float
    pre_activation: float
    output: float


@allowing_overflow
def arithmetic(model: MLP, picture: Array, layer: int, unit: int) -> Arithmetic:
    """How a neuron comes to its output for a picture. Raises IndexError if there is no such neuron."""
    way = trace(model, row_of(model, picture))
    W, b = model.layers[layer].W.data, model.layers[layer].b.data
    inputs = (way.input, *way.outputs)[layer].data
    products = W[unit] * inputs
    order = np.argsort(-np.abs(products), kind="stable")
    return Arithmetic(
        order,
        W[unit][order],
        inputs[order],
        products[order],
        float(b[unit]),
        float(way.pre_activations[layer].data[unit]),
        float(way.outputs[layer].data[unit]),
    )


@allowing_overflow
def weights_picture(model: MLP, layer: int, unit: int, shape: tuple[int, int] = (28, 28)) -> Array:
    """What a neuron looks for, as a picture: its weights or, for a deeper layer, the pictures of the layer before,
    weighted and added up as if there were no activations (Erhan et al., Visualizing Higher-Layer Features, 2009, 3.4).

    Raises IndexError if there is no such neuron.
    """
    weights = model.layers[layer].W.data[unit]
    for before in reversed(model.layers[:layer]):
        weights = weights @ before.W.data
    return np.asarray(weights).reshape(shape)


@allowing_overflow
def shares_of_answer(model: MLP, picture: Array, digit: int) -> list[Array]:
    """How much each neuron contributes to the digit's logit: gradient x output, one array (n,) for each hidden layer.

    In a network of ReLUs a layer's contributions and what the biases behind it contribute add up to the logit. Raises
    IndexError if the network has no such digit.
    """
    return [output.grad * output.data for output in trace_of_logit(model, picture, digit).outputs[:-1]]


class Exciting(NamedTuple):
    """The pictures that excite each neuron of a layer most: `indices` intp and `outputs` (units, count), best first."""

    indices: Indices
    outputs: Array


def most_exciting(
    model: MLP,
    images: Array,
    count: int,
    cancelled: Callable[[], bool] = lambda: False,
    *,
    chosen: Indices | None = None,
    first: int = 0,
    found: Sequence[Exciting] = (),
) -> list[Exciting] | None:
    """For each layer the `count` pictures of images (N, ...) that excite each neuron most; None if cancelled.

    chosen: which of the images are looked at, (n,); what is found counts these. first: the number of the first of them,
    if it is not 0; found: the best of those before it. Of pictures that excite a neuron equally, any may be among the
    best.
    """
    best = list(found) or [
        Exciting(np.empty((size, 0), np.intp), np.empty((size, 0), model.dtype)) for size in model.sizes[1:]
    ]
    for block in in_blocks(images, chosen):
        if cancelled():
            return None
        outputs = trace(model, as_rows(block, model.dtype)).outputs
        best = [_merged(old, first, new.data.T, count) for old, new in zip(best, outputs, strict=True)]
        first += len(block)
    return best


def _merged(best: Exciting, start: int, outputs: Array, count: int) -> Exciting:
    """The best of those found before and of the pictures from start on, whose outputs are (units, N)."""
    numbers = np.broadcast_to(np.arange(start, start + outputs.shape[1]), outputs.shape)
    indices, values = np.hstack([best.indices, numbers]), np.hstack([best.outputs, outputs])
    chosen = np.argpartition(-values, min(count, values.shape[1]) - 1)[:, :count]
    chosen = np.take_along_axis(chosen, np.argsort(-np.take_along_axis(values, chosen, 1), kind="stable"), 1)
    return Exciting(np.take_along_axis(indices, chosen, 1), np.take_along_axis(values, chosen, 1))
