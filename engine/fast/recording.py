"""A graph recorded once and run again: what training does where every mini-batch goes the same way.

The first mini-batch goes through the network as any Tensor does. The graph that it leaves behind is a list of
operations, and of rules to go back by; for the next mini-batch of that shape the list is worked off again, on the same
arrays. That spares building, walking and freeing a graph each time, which for a small batch takes as long as the
arithmetic. The rules are those of `engine.ops`; the one that training spends its time in writes in place here. The
numbers are the same, bit for bit.
"""

from collections.abc import Callable
from dataclasses import dataclass
from operator import is_
from typing import Any

import numpy as np

from engine import ops
from engine.losses import class_indices, cross_entropy_loss
from engine.nn import ACTIVATIONS, MLP, Linear, Module
from engine.ops import Array, Op
from engine.tensor import Tensor, topological_order

Call = tuple[Callable[..., Any], tuple[Any, ...]]
"""A function and its arguments. A list or a dict among them belongs to the graph: a new mini-batch is put in there."""


class Gradients:
    """The loss of one mini-batch after another, and the gradients of the network's parameters.

    A call does what `loss = loss_fn(model(inputs), target); loss.backward()` does and returns the loss () and the
    outputs (N, ...) as arrays, which the next call may overwrite, as it may the gradients. An MLP with the
    cross-entropy loss is recorded; of another module nobody knows whether it does the same with every mini-batch.
    """

    def __init__(self, model: Module, loss_fn: Callable[[Tensor, Any], Tensor]) -> None:
        self._model = model
        self._loss_fn = loss_fn
        self._parts: list[Any] = []
        self._gradients: dict[Tensor, Array] = {}
        self._recordings: dict[tuple[int, ...], _Recording | None] = {}

    def __call__(self, inputs: Array, target: Any) -> tuple[Array, Array]:
        recording = self._recording(inputs, target)
        if recording is None:
            outputs, loss = self._forward(Tensor.around(inputs), target)
            loss.backward()
            return loss.data, outputs.data
        return recording.run(inputs, target)

    def _forward(self, inputs: Tensor, target: Any) -> tuple[Tensor, Tensor]:
        outputs = self._model(inputs)
        return outputs, self._loss_fn(outputs, target)

    def _recording(self, inputs: Array, target: Any) -> "_Recording | None":
        """What was recorded with a mini-batch of this shape; None where a graph has to be built."""
        parts = parts_of(self._model) if self._loss_fn is cross_entropy_loss else []
        if not parts:
            return None
        if len(parts) != len(self._parts) or not all(map(is_, parts, self._parts)):
            self._parts, self._gradients, self._recordings = parts, {}, {}
        if inputs.shape not in self._recordings:
            batch = Tensor.around(inputs)
            outputs, loss = self._forward(batch, target)
            is_simple = _is_simple(loss, batch)
            self._recordings[inputs.shape] = _Recording(loss, outputs, batch, self._gradients) if is_simple else None
        for parameter in self._gradients:
            if parameter.grad is not None:
                return None  # the new gradient is to be added to it
        return self._recordings[inputs.shape]


def parts_of(model: Module) -> list[Any]:
    """All that the network's graph depends on besides the mini-batch; [] if it may depend on more."""
    if type(model) is not MLP or type(model.activation) not in ACTIVATIONS.values():
        return []
    parts: list[Any] = [model.activation]
    for layer in model.layers:
        if type(layer) is not Linear:
            return []
        W, b = layer.W, layer.b
        parts += (W, W.data, W.requires_grad, b, b.data, b.requires_grad)
    return parts


def _is_simple(loss: Tensor, batch: Tensor) -> bool:
    """Whether the graph can be recorded: a new mini-batch changes every value in it, and no gradient has two parts.

    The calls below are for rows of inputs, and for one dtype.
    """
    values = [tensor for _, origin in topological_order(loss) for tensor in origin.inputs if tensor is not batch]
    return (
        batch.ndim == 2
        and all(tensor.requires_grad for tensor in values)
        and len({*values}) == len(values) > 0
        and all(tensor.dtype == batch.dtype for tensor in values)
    )


@dataclass(slots=True)
class _Node:
    """An operation of the graph: y = op(*arrays, **options), g the gradient of y, gradients those of the arrays."""

    op: Op
    y: Array
    g: Array
    arrays: list[Array]
    options: dict[str, Any]
    gradients: list[Array | None]
    is_rectified: bool = False  # a relu has been taken in: y is its result


class _Recording:
    """The calls that fill a graph's arrays anew, and then those of its gradients.

    gradients: where those of the leaves go; what is missing is added.
    """

    def __init__(self, loss: Tensor, outputs: Tensor, batch: Tensor, gradients: dict[Tensor, Array]) -> None:
        self._loss, self._outputs, self._gradients = loss.data, outputs.data, gradients
        self._batches: list[tuple[list[Array], int]] = []
        nodes: list[_Node] = []
        gradient_of = {loss: np.ones((), loss.dtype)}
        for result, (op, inputs, arrays, _, options) in topological_order(loss):
            wanted: list[Array | None] = []
            for position, tensor in enumerate(inputs):
                if tensor is batch:
                    self._batches.append((arrays, position))
                if tensor.requires_grad:
                    known = gradient_of if tensor.op else gradients
                    wanted.append(known.setdefault(tensor, np.empty_like(tensor.data, order="F")))
                else:
                    wanted.append(None)
            node = _Node(op, result.data, gradient_of[result], arrays, options, wanted)
            if op is ops.linear and nodes and nodes[-1].op is ops.relu:
                relu = nodes.pop()
                node.y, node.g, node.is_rectified = relu.y, relu.g, True
            nodes.append(node)
        self._options = nodes[0].options
        both = [_CALLS.get(node.op, _by_rule)(node) for node in nodes]
        self._forward = [call for forward, _ in reversed(both) for call in forward]
        self._backward = [call for _, backward in both for call in backward]

    def run(self, inputs: Array, target: Any) -> tuple[Array, Array]:
        """The loss and the outputs for another mini-batch of the same shape; sets each parameter's `grad`."""
        self._options["target"] = class_indices(target, self._outputs.shape)
        for arrays, position in self._batches:
            arrays[position] = inputs
        for function, arguments in self._forward:
            function(*arguments)
        for function, arguments in self._backward:
            function(*arguments)
        for parameter, gradient in self._gradients.items():
            parameter.grad = gradient
        return self._loss, self._outputs


# ---------------------------------------------------------------- how each operation is called, forward and backward


def _by_rule(node: _Node) -> tuple[list[Call], list[Call]]:
    vjps = [
        (_vjp, (vjp, gradient, node.g, node.y, node.arrays, node.options))
        for vjp, gradient in zip(node.op.vjps, node.gradients, strict=True)
        if gradient is not None
    ]
    return [(_result, (node.op.forward, node.y, node.arrays, node.options))], vjps


def _result(forward: Callable[..., Any], y: Array, arrays: list[Array], options: dict[str, Any]) -> None:
    np.copyto(y, forward(*arrays, **options))


def _vjp(
    vjp: Callable[..., Any], gradient: Array, g: Array, y: Array, arrays: list[Array], options: dict[str, Any]
) -> None:
    np.copyto(gradient, vjp(g, y, *arrays, **options))


def _linear(node: _Node) -> tuple[list[Call], list[Call]]:
    """`ops.linear` for a batch of rows, with the relu that may follow."""
    y, g, (_, W, b) = node.y, node.g, node.arrays
    x_gradient, W_gradient, b_gradient = node.gradients
    forward: list[Call] = [(_product, (y.T, node.arrays)), (_add_bias, (y.T, b, node.is_rectified))]
    backward: list[Call] = [(_relu_vjp, (g.T, y.T))] if node.is_rectified else []
    if x_gradient is not None:
        backward.append((np.dot, (W.T, g.T, x_gradient.T)))
    if W_gradient is not None:
        backward.append((_weight_gradient, (W_gradient.T, g, node.arrays)))
    if b_gradient is not None:
        backward.append((np.dot, (np.ones(len(y), y.dtype), g, b_gradient)))
    return forward, backward


def _product(y: Array, arrays: list[Array]) -> None:
    np.dot(arrays[1], arrays[0].T, y)


def _weight_gradient(gradient: Array, g: Array, arrays: list[Array]) -> None:
    np.dot(arrays[0].T, g, gradient)


def _add_bias(y: Array, b: Array, is_rectified: bool) -> None:
    y += b[:, np.newaxis]
    if is_rectified:
        np.maximum(y, 0, out=y)


def _relu_vjp(g: Array, y: Array) -> None:
    g *= y != 0


_CALLS = {ops.linear: _linear}
"""The operations that are called in place; others by their rule."""
