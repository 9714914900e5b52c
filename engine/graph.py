"""The graph of a Tensor as a sequence of steps: what the forward pass computes, then what the backward pass does.

`topological_order` gives the results, here with the leaves that they were computed from. A step forward computes one
result. A step backward applies one vector-Jacobian product: it adds to the gradient of one input.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from engine.ops import Array
from engine.rules import Rule, argument_names, rule_of
from engine.tensor import Origin, Tensor, sum_to_shape, topological_order

FULL_COUNT = 12
"""Arrays with at most so many elements are written in full."""
FEW_COUNT = 4
"""And those with at most so many with four digits instead of three."""


@dataclass(frozen=True)
class Node:
    """A tensor in the graph. name: of a leaf, "" if it has none; inputs: the indices of the nodes it comes from."""

    tensor: Tensor
    name: str
    inputs: tuple[int, ...]
    origin: Origin | None = field(repr=False)

    @property
    def title(self) -> str:
        """The operation; for a leaf its name, or "leaf" if it needs a gradient, or "constant"."""
        return self.tensor.op or self.name or ("leaf" if self.tensor.requires_grad else "constant")


class GraphStep(NamedTuple):
    """A step of one of the passes.

    node: the index of the result. target: whose value or gradient it computes, the result itself going forward and one
    of its inputs going backward. argument: which of the inputs that is. The backward pass starts with the gradient of
    the graph's own result, which is given: there, too, the target is the result and the argument None.
    """

    is_forward: bool
    node: int
    target: int
    argument: int | None = None


class Graph:
    """nodes: each after those that it was computed from, the result last; steps: of both passes, in their order."""

    def __init__(self, root: Tensor, names: Mapping[str, Tensor] | None = None) -> None:
        """names: of leaves. Without a gradient of `root`, that is before `backward()`, there are no steps backward."""
        called = {tensor: name for name, tensor in (names or {}).items()}
        indices: dict[Tensor, int] = {}
        nodes: list[Node] = []
        for result, origin in [*reversed(topological_order(root)), (root, None)]:
            for tensor in (*(origin.inputs if origin else ()), result):
                if tensor not in indices:
                    indices[tensor] = len(nodes)
                    made = origin if tensor is result else None
                    inputs = tuple(indices[each] for each in made.inputs) if made else ()
                    nodes.append(Node(tensor, called.get(tensor, ""), inputs, made))
        self.nodes = tuple(nodes)
        self.steps = (*self._forward(), *(self._backward() if root.grad is not None else ()))
        self._computed = {step.target: number for number, step in enumerate(self.steps) if step.is_forward}
        self._adding: dict[int, list[int]] = {}
        for number, step in enumerate(self.steps):
            if not step.is_forward:
                self._adding.setdefault(step.target, []).append(number)

    def _forward(self) -> list[GraphStep]:
        return [GraphStep(True, index, index) for index, node in enumerate(self.nodes) if node.origin]

    def _backward(self) -> list[GraphStep]:
        last = len(self.nodes) - 1
        steps = [GraphStep(False, last, last)]
        for index in reversed(range(len(self.nodes))):
            for argument, target in enumerate(self.nodes[index].inputs):
                if self.nodes[target].tensor.requires_grad:
                    steps.append(GraphStep(False, index, target, argument))
        return steps

    @property
    def edges(self) -> list[tuple[int, int]]:
        """(input, result) for each argument of each result."""
        return [(start, end) for end, node in enumerate(self.nodes) for start in node.inputs]

    def rule(self, step: GraphStep) -> Rule | None:
        """The lines of ops.py that are at work; None where nothing is computed, or without the source."""
        origin = self.nodes[step.node].origin
        if origin is None or not (step.is_forward or step.argument is not None):
            return None
        return rule_of(origin.op, step.argument)

    def contribution(self, step: GraphStep) -> Array:
        """What a step backward adds to the gradient of its target, in the target's shape and dtype."""
        result, target = self.nodes[step.node], self.nodes[step.target].tensor
        g = result.tensor.grad
        if g is None:
            raise ValueError("a gradient that this step passes on was deleted")
        if step.argument is None:
            return g
        assert result.origin is not None
        op, _, arrays, _, options = result.origin
        with np.errstate(all="ignore"):
            gradient = op.vjps[step.argument](g, result.tensor.data, *arrays, **options)
            return np.asarray(sum_to_shape(gradient, target.shape), target.dtype)

    def arguments(self, step: GraphStep) -> list[tuple[str, Any]]:
        """What the rule works with, by the names that it has there: g, y, the inputs' arrays and the options."""
        result = self.nodes[step.node]
        if result.origin is None or not (step.is_forward or step.argument is not None):
            return []
        op, _, arrays, _, options = result.origin
        if step.argument is None:
            return [*zip(argument_names(op), arrays, strict=False), *options.items()]
        values = [result.tensor.grad, result.tensor.data, *arrays]
        return [*zip(argument_names(op, step.argument), values, strict=False), *options.items()]

    def value(self, index: int, count: int) -> Array | None:
        """The value of a node after the first `count` steps; None if it is yet to be computed. Leaves are given."""
        known = self._computed.get(index, -1) < count
        return self.nodes[index].tensor.data if known else None

    def gradient(self, index: int, count: int) -> Array | None:
        """The gradient of a node as far as the first `count` steps have computed it; None before that."""
        adding = self._adding.get(index, [])
        done = [self.steps[number] for number in adding if number < count]
        if not done:
            return None
        if len(done) == len(adding):
            return self.nodes[index].tensor.grad
        total = self.contribution(done[0])
        for step in done[1:]:
            total = total + self.contribution(step)
        return total


def shape_text(tensor: Tensor) -> str:
    """A shape as in "784" or "256 x 784"; "number" for a scalar."""
    return " x ".join(map(str, tensor.shape)) or "number"


def summary(array: Array, most: int = FULL_COUNT) -> str:
    """An array in words: in full if it has at most `most` elements, else its range and mean."""
    if array.size <= most:
        return _in_full(array)
    finite = array[np.isfinite(array)].astype(np.float64)
    odd = array.size - finite.size
    if not finite.size:
        return f"{array.size:,} numbers, none of them finite"
    with np.errstate(over="ignore"):
        told = f"{finite.min():.4g} to {finite.max():.4g}, mean {finite.mean():.4g}"
    return f"{array.size:,} numbers, {told}" + (f", {odd:,} not finite" if odd else "")


def _in_full(array: Array) -> str:
    digits = 4 if array.size <= FEW_COUNT else 3

    def told(part: Any) -> str:
        return f"[{', '.join(map(told, part))}]" if isinstance(part, list) else f"{part:.{digits}g}"

    return told(array.tolist())
