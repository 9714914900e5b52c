"""A network's way from a picture to its logits, layer by layer.

The weights take part as constants: gradients are computed with respect to the input and the neurons only, and nothing
is written into the network, so that several threads may look into it at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine import Tensor, ops
from engine.nn import MLP, Linear
from engine.ops import Array
from engine.samples import as_rows
from engine.tensor import apply

SAMPLES_AT_ONCE = 250
"""Pictures that are looked at together: enough for matrix products to be fast, few enough to need little memory."""

allowing_overflow = np.errstate(over="ignore", invalid="ignore")
"""A decorator for what also looks into networks that have exploded: results may be inf or NaN, without a warning."""


def in_blocks(images: Array, indices: NDArray[np.intp] | None = None) -> Iterator[Array]:
    """Images (N, ...), all or those at these indices, SAMPLES_AT_ONCE at a time: they are never all copied."""
    chosen = images if indices is None else indices
    for start in range(0, len(chosen), SAMPLES_AT_ONCE):
        block = chosen[start : start + SAMPLES_AT_ONCE]
        yield block if indices is None else images[block]


@dataclass(frozen=True)
class Trace:
    """What each layer computed: `pre_activations` W x + b, and `outputs` after the activation, the logits last.

    Each tensor is (n,) for one input and (N, n) for N inputs.
    """

    input: Tensor
    pre_activations: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]

    @property
    def logits(self) -> Tensor:
        return self.outputs[-1]

    @property
    def gradient(self) -> Array:
        """The gradient of the input, once `backward()` was called."""
        assert self.input.grad is not None
        return self.input.grad


@allowing_overflow
def trace(model: MLP, inputs: Array, *, differentiable: bool = False) -> Trace:
    """Send inputs, floating (n,) or (N, n), through the network.

    differentiable: whether `backward()` of something computed from the trace gives the gradients of the input and of
    each neuron. Raises ValueError if n is not the number of the network's inputs.
    """
    start = x = Tensor(inputs, requires_grad=differentiable)
    pre_activations, outputs = [], []
    for layer in model.layers:
        z = _affine(layer, x)
        x = z if layer is model.layers[-1] else model.activation(z)
        pre_activations.append(z)
        outputs.append(x)
    return Trace(start, tuple(pre_activations), tuple(outputs))


def _affine(layer: Linear, x: Tensor) -> Tensor:
    """W x + b with W and b as constants."""
    return apply(ops.linear, x, layer.W.detach(), layer.b.detach())


def row_of(model: MLP, picture: Array) -> Array:
    """The picture as the network's input: (n,), in its dtype; bytes are scaled to 0..1."""
    row: Array = as_rows(picture[np.newaxis], model.dtype)[0]
    return row


def activations(model: MLP, picture: Array) -> list[Array]:
    """What each layer makes of a picture: one array (n,) a layer, after its activation; the logits last."""
    return [output.data for output in trace(model, row_of(model, picture)).outputs]


def hidden_features(model: MLP, pictures: Array) -> Array:
    """The outputs of the last hidden layer for pictures (N, ...): (N, n); the pixels if there is no hidden layer."""
    way = trace(model, as_rows(pictures, model.dtype))
    return way.input.data if len(way.outputs) == 1 else way.outputs[-2].data
