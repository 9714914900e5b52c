"""Tensor: an array that remembers how it was computed, so that `backward()` can find every gradient.

Each result keeps its operation and its inputs, and nothing keeps its results: the graph has no cycles, so
it is freed the moment the last result is dropped. `backward()` visits the graph from the result to the leaves,
without recursion, and applies the rules of `engine.ops`; accumulating, skipping what needs no gradient
and undoing broadcasting are each written once, there.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Number
from typing import Any, NamedTuple, Self

import numpy as np

from engine import ops
from engine.ops import Array, Axes, Op


class _GradMode(threading.local):
    enabled = True


_grad_mode = _GradMode()


class Origin(NamedTuple):
    """How a result came about: the operation, its inputs, their arrays at that time, and its options.

    `version` is the sum of the inputs' versions, which only ever grow: it tells whether one has been changed since.
    """

    op: Op
    inputs: tuple["Tensor", ...]
    arrays: list[Array]
    version: int
    options: dict[str, Any]


@contextmanager
def no_grad() -> Iterator[None]:
    """Within this context the calling thread records no graph: results do not require a gradient."""
    before = _grad_mode.enabled
    _grad_mode.enabled = False
    try:
        yield
    finally:
        _grad_mode.enabled = before


class Tensor:
    """An N-dimensional array of floating-point numbers that can be differentiated.

    `data`: an array keeps its floating dtype; Python numbers, lists, integers and booleans become float64.
    `grad`: after `backward()`, the gradient of the result with respect to this tensor, with the shape and dtype
    of `data`; None before. Raises TypeError for data that are not real numbers.

    To change data, assign to `data` or use an optimizer: `backward()` through a result that was computed from what was
    there before then refuses. Writing into the array behind a Tensor's back, as in `t.data[0] = 1`, cannot be seen;
    gradients of earlier results then mix old and new values.
    """

    __slots__ = ("__weakref__", "_data", "_origin", "_version", "grad", "requires_grad")

    # NumPy leaves `array * tensor` to Tensor.__rmul__ instead of multiplying element by element.
    __array_ufunc__ = None

    def __init__(self, data: Any, requires_grad: bool = False) -> None:
        array = np.asarray(data.data if isinstance(data, Tensor) else data)
        if array.dtype.kind not in "fiub":
            raise TypeError(f"a Tensor holds real numbers, not {array.dtype} data")
        self._data: Array = array if array.dtype.kind == "f" else array.astype(np.float64)
        self._version = 0
        self.grad: Array | None = None
        self.requires_grad = requires_grad
        self._origin: Origin | None = None

    # ------------------------------------------------------------ looking

    @property
    def data(self) -> Array:
        return self._data

    @data.setter
    def data(self, data: Array) -> None:
        self._data = data
        self._version += 1

    @property
    def shape(self) -> tuple[int, ...]:
        return self._data.shape

    @property
    def ndim(self) -> int:
        return self.data.ndim

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._data.dtype

    @property
    def op(self) -> str:
        """The name of the operation that made this tensor; "" for a leaf."""
        return "" if self._origin is None else self._origin.op.name

    def numpy(self) -> Array:
        """The data themselves, not a copy."""
        return self.data

    def item(self) -> float:
        """The only element, as a Python number. Raises ValueError if there is not exactly one."""
        return float(self.data.item())

    def detach(self) -> "Tensor":
        """The same data, outside the graph."""
        return Tensor(self.data)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self.data, dtype=dtype, copy=copy)

    def __len__(self) -> int:
        return len(self.data)

    def __repr__(self) -> str:
        made_by = f", op={self.op!r}" if self.op else ""
        return f"Tensor({self.data}, dtype={self.dtype}, requires_grad={self.requires_grad}{made_by})"

    # ------------------------------------------------------------ arithmetic, from both sides

    def __add__(self, other: Any) -> "Tensor":
        return apply(ops.add, self, self._like(other))

    def __radd__(self, other: Any) -> "Tensor":
        return apply(ops.add, self._like(other), self)

    def __sub__(self, other: Any) -> "Tensor":
        return apply(ops.subtract, self, self._like(other))

    def __rsub__(self, other: Any) -> "Tensor":
        return apply(ops.subtract, self._like(other), self)

    def __mul__(self, other: Any) -> "Tensor":
        return apply(ops.multiply, self, self._like(other))

    def __rmul__(self, other: Any) -> "Tensor":
        return apply(ops.multiply, self._like(other), self)

    def __truediv__(self, other: Any) -> "Tensor":
        return apply(ops.divide, self, self._like(other))

    def __rtruediv__(self, other: Any) -> "Tensor":
        return apply(ops.divide, self._like(other), self)

    def __pow__(self, other: Any) -> "Tensor":
        return apply(ops.power, self, self._like(other))

    def __rpow__(self, other: Any) -> "Tensor":
        return apply(ops.power, self._like(other), self)

    def __matmul__(self, other: Any) -> "Tensor":
        return apply(ops.matmul, self, self._like(other))

    def __rmatmul__(self, other: Any) -> "Tensor":
        return apply(ops.matmul, self._like(other), self)

    def __neg__(self) -> "Tensor":
        return apply(ops.negative, self)

    def _like(self, other: Any) -> "Tensor":
        """The other operand as a Tensor; a bare number takes this tensor's dtype."""
        if isinstance(other, Tensor):
            return other
        if isinstance(other, (Number, np.generic)):
            other = np.asarray(other)
            if other.dtype.kind in "fiub":
                other = other.astype(self.dtype)
        return Tensor(other)

    # ------------------------------------------------------------ element by element

    def exp(self) -> "Tensor":
        return apply(ops.exp, self)

    def log(self) -> "Tensor":
        """The natural logarithm."""
        return apply(ops.log, self)

    def relu(self) -> "Tensor":
        """max(x, 0); the gradient at 0 is 0."""
        return apply(ops.relu, self)

    def sigmoid(self) -> "Tensor":
        """1 / (1 + e^-x)."""
        return apply(ops.sigmoid, self)

    def tanh(self) -> "Tensor":
        return apply(ops.tanh, self)

    # ------------------------------------------------------------ reductions; axis: None (all), an int, or a tuple

    def sum(self, axis: Axes = None, keepdims: bool = False) -> "Tensor":
        return apply(ops.sum, self, axis=axis, keepdims=keepdims)

    def mean(self, axis: Axes = None, keepdims: bool = False) -> "Tensor":
        return apply(ops.mean, self, axis=axis, keepdims=keepdims)

    def max(self, axis: Axes = None, keepdims: bool = False) -> "Tensor":
        """The largest element; its gradient is shared equally among ties."""
        return apply(ops.max, self, axis=axis, keepdims=keepdims)

    # ------------------------------------------------------------ shape and selection

    def reshape(self, *shape: Any) -> "Tensor":
        """`t.reshape(2, 3)` or `t.reshape((2, 3))`; one length may be -1."""
        return apply(ops.reshape, self, shape=_unpacked(shape))

    def transpose(self, *axes: Any) -> "Tensor":
        """`t.transpose()` reverses the axes; `t.transpose(1, 0, 2)` or `t.transpose((1, 0, 2))` permutes them."""
        return apply(ops.transpose, self, axes=_unpacked(axes) if axes else None)

    @property
    def T(self) -> "Tensor":
        return self.transpose()

    def broadcast_to(self, *shape: Any) -> "Tensor":
        return apply(ops.broadcast_to, self, shape=_unpacked(shape))

    def __getitem__(self, index: Any) -> "Tensor":
        """Basic and fancy indexing, as in NumPy."""
        return apply(ops.getitem, self, index=index)

    # ------------------------------------------------------------ differentiation

    def backward(self) -> None:
        """Set `grad` on every tensor that this scalar was computed from and that requires a gradient.

        Gradients of leaves add up over calls, until they are set to None; those of intermediate results are
        of the last call. Raises ValueError if this is not a scalar or was computed from nothing that requires a
        gradient. Reverse mode: Linnainmaa, BIT 16 (1976), 146-160.
        """
        if self.ndim != 0:
            raise ValueError(f"backward() needs a scalar, this tensor has shape {self.shape}")
        if not self.requires_grad:
            raise ValueError("backward() needs a result of tensors that require a gradient")
        results = history(self)
        for result, origin in results:
            if origin.version != sum([tensor._version for tensor in origin.inputs]):
                raise RuntimeError(f"an input of {result.op}() has been changed since: compute the result again")
            result.grad = None
        seed = np.ones((), self.dtype)
        self._accumulate(seed, seed)
        for result, (op, inputs, arrays, _, options) in results:
            g = result.grad
            for tensor, vjp in zip(inputs, op.vjps, strict=True):
                if tensor.requires_grad:
                    tensor._accumulate(vjp(g, result._data, *arrays, **options), g)

    def _accumulate(self, gradient: Array, g: Array | None) -> None:
        """Add to `grad` what a rule made of g: a tensor that was used more than once gets the sum of its gradients."""
        if gradient.shape != self._data.shape:
            gradient = _sum_to_shape(gradient, self._data.shape)
        if self.grad is not None:
            gradient = self.grad + gradient
        elif self._origin is None and np.may_share_memory(gradient, g):
            gradient = gradient.copy()  # a leaf's gradient is its owner's to change
        self.grad = np.asarray(gradient, self._data.dtype)

    @classmethod
    def _result(cls, data: Any) -> Self:
        """A leaf around an array that is known to be floating."""
        tensor = cls.__new__(cls)
        tensor._data = np.asarray(data)
        tensor._version = 0
        tensor.grad = None
        tensor.requires_grad = False
        tensor._origin = None
        return tensor


def apply(op: Op, *inputs: Tensor, **options: Any) -> Tensor:
    """Compute an operation and, if a gradient may be asked for, remember it."""
    arrays = [tensor._data for tensor in inputs]
    result = Tensor._result(op.forward(*arrays, **options))
    if _grad_mode.enabled and True in [tensor.requires_grad for tensor in inputs]:
        result.requires_grad = True
        result._origin = Origin(op, inputs, arrays, sum([tensor._version for tensor in inputs]), options)
    return result


def _unpacked(arguments: tuple[Any, ...]) -> tuple[int, ...]:
    """Allow both f(2, 3) and f((2, 3))."""
    first = arguments[0] if len(arguments) == 1 else arguments
    return tuple(first) if isinstance(first, (tuple, list)) else (first,)


def history(root: Tensor) -> list[tuple[Tensor, Origin]]:
    """The results that `root` was computed from, itself among them, each before those that it was computed from."""
    order: list[tuple[Tensor, Origin]] = []
    seen: set[Tensor] = set()
    stack = [] if root._origin is None else [(root, root._origin, False)]
    while stack:
        result, origin, inputs_done = stack.pop()
        if inputs_done:
            order.append((result, origin))
        elif result not in seen:
            seen.add(result)
            stack.append((result, origin, True))
            stack += [(tensor, tensor._origin, False) for tensor in origin.inputs if tensor._origin is not None]
    order.reverse()
    return order


def _sum_to_shape(gradient: Array, shape: tuple[int, ...]) -> Array:
    """Undo broadcasting: an element that was used many times gets the sum of its gradients."""
    gradient = gradient.sum(axis=tuple(range(gradient.ndim - len(shape))))
    stretched = tuple(axis for axis, length in enumerate(shape) if length == 1)
    return np.asarray(gradient.sum(axis=stretched, keepdims=True).reshape(shape))
