"""Executes a network's program with NumPy, reusing the same arrays for every mini-batch.

That saves building, walking and freeing a graph, which for a small batch takes as long as the arithmetic. The numbers
are the same as those of `engine.ops`, bit for bit.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine import ops
from engine.fast.program import ACTIVATION, FAN_OUT, IDENTITY, RELU, SIGMOID, TANH, Program, capture
from engine.losses import LOWEST_TARGET, class_indices
from engine.nn import Module
from engine.ops import Array
from engine.tensor import Tensor


class Gradients:
    """Computes the loss of a mini-batch and the gradients of the network's parameters.

    A call is equivalent to `loss = loss_fn(model(inputs), target); loss.backward()`. It returns the loss () and the
    outputs (N, ...) as arrays. The next call may overwrite these and the gradients. Networks without a program get a
    new graph for each mini-batch.
    """

    def __init__(self, model: Module, loss_fn: Callable[[Tensor, Any], Tensor]) -> None:
        self._model = model
        self._loss_fn = loss_fn
        self._program: Program | None = None
        self._gradients: list[Array] = []
        self._recordings: dict[int, _Recording] = {}

    def __call__(self, inputs: Array, target: Any) -> tuple[Array, Array]:
        recording = self._recording(inputs, target)
        if recording is None:
            outputs = self._model(Tensor.around(inputs))
            loss = self._loss_fn(outputs, target)
            loss.backward()
            return loss.data, outputs.data
        loss_and_outputs = recording.run(inputs, target)
        assert self._program is not None
        for parameter, gradient in zip(self._program.parameters, self._gradients, strict=True):
            parameter.grad = gradient
        return loss_and_outputs

    def _recording(self, inputs: Array, target: Any) -> "_Recording | None":
        """The arrays for a mini-batch of this size; None if a graph has to be built."""
        if self._program is None or not self._program.is_of(self._model):
            self._program, self._recordings = capture(self._model, self._loss_fn, inputs, target), {}
            self._gradients = [np.empty_like(parameter.data, order="F") for parameter in self._program.parameters]
        if not len(self._program.table) or inputs.ndim != 2:
            return None
        if any(parameter.grad is not None for parameter in self._program.parameters):
            return None  # the new gradient must be added to the existing one
        if len(inputs) not in self._recordings:
            self._recordings[len(inputs)] = _Recording(
                self._program, self._gradients, len(inputs), LOWEST_TARGET[self._loss_fn]
            )
        return self._recordings[len(inputs)]


@dataclass(frozen=True, slots=True)
class _Layer:
    """A row of the table and its arrays: W (fan_out, fan_in), b (fan_out,), y and its gradient g, both (n, fan_out)."""

    activation: int
    W: Array
    b: Array
    W_gradient: Array
    b_gradient: Array
    y: Array
    g: Array


class _Recording:
    """Executes a program for mini-batches of one size, and fills the gradients."""

    def __init__(self, program: Program, gradients: list[Array], size: int, lowest_target: int) -> None:
        self._lowest_target = lowest_target
        dtype = gradients[0].dtype
        self._ones = np.ones(size, dtype)
        self._layers: list[_Layer] = []
        for index, row in enumerate(program.table):
            W, b = (parameter.data for parameter in program.parameters[2 * index : 2 * index + 2])
            W_gradient, b_gradient = gradients[2 * index : 2 * index + 2]
            # y has the memory order of (W x^T)^T, as in `ops.linear`.
            y, g = (np.empty((size, row[FAN_OUT]), dtype, order="F") for _ in range(2))
            self._layers.append(_Layer(row[ACTIVATION], W, b, W_gradient, b_gradient, y, g))

    def run(self, inputs: Array, target: Any) -> tuple[Array, Array]:
        """The loss and the outputs for a mini-batch (n, in_dim)."""
        outputs = self._layers[-1].y
        target = class_indices(target, outputs.shape, self._lowest_target)
        x = inputs
        for layer in self._layers:
            np.dot(layer.W, x.T, layer.y.T)
            layer.y.T[:] += layer.b[:, np.newaxis]
            _activate(layer.y.T, layer.activation)
            x = layer.y
        loss = ops.cross_entropy(outputs, target=target)
        np.copyto(self._layers[-1].g, _CROSS_ENTROPY_VJP(np.ones((), outputs.dtype), loss, outputs, target=target))
        below = [*reversed(self._layers[:-1]), None]
        for layer, before in zip(reversed(self._layers), below, strict=True):
            x = inputs if before is None else before.y
            np.dot(x.T, layer.g, layer.W_gradient.T)
            np.dot(self._ones, layer.g, layer.b_gradient)
            if before is not None:
                np.dot(layer.W.T, layer.g.T, before.g.T)
                _activation_vjp(before.g.T, before.y.T, before.activation)
        return loss, outputs


(_CROSS_ENTROPY_VJP,) = ops.cross_entropy.vjps
_ACTIVATIONS = {RELU: ops.relu, TANH: ops.tanh, SIGMOID: ops.sigmoid}


def _activate(y: Array, activation: int) -> None:
    """y = f(y), in place."""
    if activation == RELU:
        np.maximum(y, 0, out=y)
    elif activation != IDENTITY:
        np.copyto(y, _ACTIVATIONS[activation](y))


def _activation_vjp(g: Array, y: Array, activation: int) -> None:
    """Replace g = dL/dy by dL/dx, where y = f(x); none of these rules needs x."""
    if activation == RELU:
        g *= y != 0
    elif activation != IDENTITY:
        np.copyto(g, _ACTIVATIONS[activation].vjps[0](g, y, y))
