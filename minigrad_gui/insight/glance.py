"""A glance into a network: how a picture lights it up, which connections carry it, and one neuron in detail."""

from dataclasses import dataclass

import numpy as np

from engine.nn import MLP
from engine.ops import Array
from minigrad_gui.insight.neurons import (
    Arithmetic,
    Edges,
    arithmetic,
    contributions,
    shares_of_answer,
    strongest_first,
    weights_picture,
)
from minigrad_gui.insight.trace import activations

EDGES, LEAST_EDGES = 120, 10
"""Connections of all layers together, and of each layer at least: the strongest. More would hide one another."""
EDGES_OF_NEURON = 30


@dataclass(frozen=True)
class NeuronGlance:
    """A neuron of a layer: how it comes to its output, and what it looks for, (28, 28).

    share: what it contributes to the logit of the network's answer; None for a logit.
    """

    layer: int
    unit: int
    arithmetic: Arithmetic
    looks_for: Array
    share: float | None


@dataclass(frozen=True)
class Glance:
    """What a picture, (28, 28), does in a network.

    outputs: (n,) for each layer, the logits last. edges: into each layer, those with the largest |weight x activation|,
    strongest first; of a neuron that is pointed at, its own only. neuron: that one, or else the answer's logit.
    """

    picture: Array
    outputs: list[Array]
    edges: list[Edges]
    neuron: NeuronGlance

    @property
    def answer(self) -> int:
        """The class with the largest logit."""
        return int(self.outputs[-1].argmax())


def glance(model: MLP, picture: Array, pointed: tuple[int, int] | None = None) -> Glance:
    """Look at what a picture does in a network, and at the neuron (layer, unit) that is pointed at.

    Raises IndexError if there is no such neuron.
    """
    outputs = activations(model, picture)
    answer = int(outputs[-1].argmax())
    layer, unit = pointed or (len(outputs) - 1, answer)
    share = None
    if layer < len(outputs) - 1:
        share = float(shares_of_answer(model, picture, answer)[layer][unit])
    added_up, looks_for = arithmetic(model, picture, layer, unit), weights_picture(model, layer, unit)
    neuron = NeuronGlance(layer, unit, added_up, looks_for, share)
    if pointed is None:
        edges = contributions(model, picture, max(EDGES // len(outputs), LEAST_EDGES))
    else:
        edges = _edges_of(model, neuron)
    return Glance(picture, outputs, edges, neuron)


def _edges_of(model: MLP, neuron: NeuronGlance) -> list[Edges]:
    """The strongest connections into a neuron and out of it; none into the other layers."""
    none, output = np.empty(0, np.intp), neuron.arithmetic.output
    edges = [Edges(none, none, np.empty(0, model.dtype)) for _ in model.layers]
    products = neuron.arithmetic.products[:EDGES_OF_NEURON]
    count = int(np.count_nonzero(products))
    edges[neuron.layer] = Edges(neuron.arithmetic.sources[:count], np.full(count, neuron.unit), products[:count])
    if neuron.layer + 1 < len(model.layers) and output != 0:
        values = model.layers[neuron.layer + 1].W.data[:, neuron.unit] * model.dtype.type(output)
        strongest = strongest_first(np.abs(values), EDGES_OF_NEURON)
        edges[neuron.layer + 1] = Edges(np.full(len(strongest), neuron.unit), strongest, values[strongest])
    return edges
