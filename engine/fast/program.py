"""A network's training step as a table of instructions, captured once from the graph of a mini-batch.

Each row is one layer: y = f(x W^T + b), with f in the column ACTIVATION; the cross-entropy of the last layer's outputs
follows. The other columns are sizes and offsets, counted in elements: W^T and then b among the parameters, x and y
among the values of one sample. `recording` executes the table with NumPy, `fused` in machine code.

The source is the graph that `engine.tensor` recorded. A network therefore has a program if the table can express every
operation in its graph, and if its modules do the same for every mini-batch.
"""

from collections.abc import Callable
from dataclasses import dataclass
from operator import is_
from typing import Any

import numpy as np

from engine import ops
from engine.losses import LOWEST_TARGET
from engine.nn import ACTIVATIONS, MLP, Linear, Module
from engine.ops import Array, Op
from engine.tensor import Tensor, topological_order

IDENTITY, RELU, TANH, SIGMOID = range(4)
ACTIVATION_CODES: dict[Op, int] = {ops.relu: RELU, ops.tanh: TANH, ops.sigmoid: SIGMOID}
ACTIVATION, PARAMETERS, INPUTS, OUTPUTS, FAN_IN, FAN_OUT = range(6)
"""The columns of the table."""


@dataclass(frozen=True)
class Program:
    """A network's table of instructions.

    table: int64 (layers, 6), without rows if it cannot express the network; parameters: W and b of each layer, in the
    order of the table; parts: see `parts_of`.
    """

    table: Array
    parameters: tuple[Tensor, ...]
    parts: list[Any]

    def is_of(self, model: Module) -> bool:
        """Whether the network still has the parts that it had when it was captured."""
        parts = parts_of(model)
        return len(parts) == len(self.parts) and all(map(is_, parts, self.parts))


def parts_of(model: Module) -> list[Any]:
    """Everything that a network's graph depends on except the mini-batch; [] if it may depend on more."""
    if type(model) is not MLP or type(model.activation) not in ACTIVATIONS.values():
        return []
    parts: list[Any] = [model.activation]
    for layer in model.layers:
        if type(layer) is not Linear:
            return []
        W, b = layer.W, layer.b
        parts += (W, W.data, W.requires_grad, b, b.data, b.requires_grad)
    return parts


def capture(model: Module, loss_fn: Callable[[Tensor, Any], Tensor], inputs: Array, target: Any) -> Program:
    """The program of a network and a loss, from the graph of a mini-batch; without rows if the table cannot express it.

    inputs: (n, in_dim); target: the target for loss_fn. Raises whatever the network and the loss raise.
    """
    parts = parts_of(model)
    nothing = Program(np.empty((0, 6), np.int64), (), parts)
    if not parts or not any(loss_fn is known for known in LOWEST_TARGET) or inputs.ndim != 2:
        return nothing
    current = Tensor.around(inputs)
    loss = loss_fn(model(current), target)
    rows: list[list[int]] = []
    parameters: list[Tensor] = []
    parameter_at, value_at = 0, inputs.shape[1]
    for result, origin in reversed(topological_order(loss)):
        op, (x, *others) = origin.op, origin.inputs
        if x is not current:
            return nothing
        if op is ops.linear:
            fan_out, fan_in = others[0].shape
            rows.append([IDENTITY, parameter_at, value_at - fan_in, value_at, fan_in, fan_out])
            parameters += others
            parameter_at, value_at = parameter_at + (fan_in + 1) * fan_out, value_at + fan_out
        elif op in ACTIVATION_CODES and rows and rows[-1][ACTIVATION] == IDENTITY:
            rows[-1][ACTIVATION] = ACTIVATION_CODES[op]
        elif op is not ops.cross_entropy or result is not loss or not rows or rows[-1][ACTIVATION] != IDENTITY:
            return nothing
        current = result
    is_plain = len({*parameters}) == len(parameters) and all(parameter.requires_grad for parameter in parameters)
    if loss.op != ops.cross_entropy.name or not is_plain or {p.dtype for p in parameters} != {inputs.dtype}:
        return nothing
    return Program(np.array(rows), tuple(parameters), parts)
