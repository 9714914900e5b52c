"""Tensor: an array that remembers how it was computed, so that `backward()` can find every gradient.

A result points to its operation and its inputs, never the other way round: the graph has no cycles and is freed as soon
as its last result is dropped. `backward()` visits the graph from the result to the leaves, without recursion, and
applies the rules of `engine.ops`. It is also the one place where gradients are accumulated, broadcasting is undone and
tensors that need no gradient are skipped.
"""

import math
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from numbers import Number
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from engine import border, ops
from engine.ops import Array, Axes, Op


class _GradMode(threading.local):
    enabled = True


_grad_mode = _GradMode()


class Origin(NamedTuple):
    """How a result was computed: the operation, its inputs, their arrays at that time, and its options.

    `version` is the sum of the inputs' versions. These only ever grow, so it shows whether an input has changed since.
    """

    op: Op
    inputs: tuple["Tensor", ...]
    arrays: list[Array]
    version: int
    options: dict[str, Any]


@contextmanager
def no_grad() -> Iterator[None]:
    """Within this context the calling thread records no graph; results require no gradient."""
    before = _grad_mode.enabled
    _grad_mode.enabled = False
    try:
        yield
    finally:
        _grad_mode.enabled = before


class Tensor:
    """An N-dimensional array of floating-point numbers, with automatic differentiation.

    `data`: a copy of the given array, list, number or Tensor, always an array. A floating dtype and the memory order
    are preserved; Python numbers, lists, integers and booleans become float64. Raises TypeError for anything but real
    numbers. `grad`: after `backward()`, the gradient of the result with respect to this tensor, with the shape and
    dtype of `data`; None before. `requires_grad`: whether `backward()` computes it.

    To change the data, assign to `data` or use an optimizer: `backward()` then raises an error for results of the old
    data. Writing into the array itself, as in `t.data[0] = 1`, is not noticed; gradients of earlier results then mix
    old and new values.
    """

    __slots__ = ("__weakref__", "_data", "_grad", "_has_fixed_shape", "_origin", "_requires_grad", "_version")

    def __init__(self, data: Any, requires_grad: bool = False) -> None:
        self._data = _floating(data, copy=True)
        self._version = 0
        self._has_fixed_shape = False
        self._grad: Array | None = None
        self._requires_grad = bool(requires_grad)
        self._origin: Origin | None = None

    @classmethod
    def around(cls, array: Any, requires_grad: bool = False) -> Self:
        """A Tensor that uses this floating array without copying; the caller must not change it afterwards."""
        tensor = cls._result(_floating(array))
        tensor._requires_grad = requires_grad
        return tensor

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and pickles contain the values without the graph; those of a result require no gradient."""
        return _restored, (type(self), self._data, self._grad, self._requires_grad and self._origin is None)

    # ------------------------------------------------------------ inspecting

    @property
    def data(self) -> Array:
        """The array itself. Anything that `Tensor()` accepts may be assigned; it is copied.

        The dtype may change, and so may the shape, unless an optimizer holds this tensor: then another shape raises
        ValueError. Assigning the same array again, as `t.data += 1` does, copies nothing.
        """
        return self._data

    @data.setter
    def data(self, data: Any) -> None:
        self.adopt(data if data is self._data else _floating(data, copy=True))

    def adopt(self, array: Array) -> None:
        """Assign this floating array to `data` without copying."""
        if self._has_fixed_shape and array.shape != self._data.shape:
            raise ValueError(
                f"an optimizer holds this tensor: its shape cannot change from {self.shape} to {array.shape}"
            )
        self._data = array
        self._version += 1

    def fix_shape(self) -> None:
        """From now on reject data of another shape, because an optimizer holds arrays of this shape."""
        self._has_fixed_shape = True

    @property
    def grad(self) -> Array | None:
        return self._grad

    @grad.setter
    def grad(self, grad: Any) -> None:
        self._grad = grad if grad is None or type(grad) is np.ndarray else np.asarray(_plain(grad))

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    @property
    def requires_grad(self) -> bool:
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, requires_grad: bool) -> None:
        if self._origin is not None and not requires_grad:
            raise RuntimeError(f"a result of {self.op}() requires a gradient; detach() gives one that does not")
        if requires_grad and not self._requires_grad:
            self._version += 1  # an earlier graph would give it only part of its gradient, or none
        self._requires_grad = bool(requires_grad)

    @property
    def shape(self) -> tuple[int, ...]:
        return self._data.shape

    @property
    def ndim(self) -> int:
        return self._data.ndim

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._data.dtype

    @property
    def op(self) -> str:
        """The name of the operation that made this tensor; "" for a leaf."""
        return "" if self._origin is None else self._origin.op.name

    def numpy(self) -> Array:
        """The data, not a copy."""
        return self._data

    def item(self) -> float:
        """The only element, as a Python number. Raises ValueError if there is not exactly one."""
        return float(self._data.item())

    def tolist(self) -> Any:
        """The data as nested lists of Python numbers."""
        return self._data.tolist()

    def argmax(self, axis: Any = None, keepdims: bool = False) -> Any:
        """The index of the largest element: an integer array; for axis None, one integer into the flattened data."""
        return self._data.argmax(axis, keepdims=keepdims)

    def argmin(self, axis: Any = None, keepdims: bool = False) -> Any:
        """The index of the smallest element, like `argmax`."""
        return self._data.argmin(axis, keepdims=keepdims)

    def detach(self) -> "Tensor":
        """A Tensor outside the graph that shares these data until another array is assigned to either's `data`."""
        return Tensor.around(self._data)

    @property
    def size(self) -> int:
        """The number of elements."""
        return self._data.size

    def __len__(self) -> int:
        return len(self._data)

    def __iter__(self) -> Iterator["Tensor"]:
        if self.ndim == 0:
            raise TypeError("a Tensor without axes is one number and cannot be iterated over")
        return (self[index] for index in range(len(self)))

    def __repr__(self) -> str:
        made_by = f", op={self.op!r}" if self.op else ""
        return f"Tensor({self._data}, dtype={self.dtype}, requires_grad={self.requires_grad}{made_by})"

    # ------------------------------------------------------------ as a single number

    def __float__(self) -> float:
        return float(self._data)

    def __int__(self) -> int:
        return int(self._data)

    def __bool__(self) -> bool:
        return bool(self._data)

    def __round__(self, ndigits: int | None = None) -> Any:
        if self.ndim:
            raise TypeError(f"round() takes one number, and this Tensor has shape {self.shape}: use np.round(t.data)")
        return round(self._data.dtype.type(self._data), ndigits)

    def __format__(self, spec: str) -> str:
        """`f"{loss:.4f}"` for a single number; without a format spec, larger Tensors are shown as by `repr`."""
        if self.ndim and spec:
            raise TypeError(f"the format {spec!r} is for one number, and this Tensor has shape {self.shape}")
        return repr(self) if self.ndim else format(self._data[()], spec)

    # ------------------------------------------------------------ comparisons, which give boolean arrays

    __hash__ = object.__hash__  # by identity: a Tensor can be a dict key although == compares element by element

    def __eq__(self, other: object) -> Any:
        return self._data == _plain(other)

    def __ne__(self, other: object) -> Any:
        return self._data != _plain(other)

    def __lt__(self, other: Any) -> Any:
        return self._data < _plain(other)

    def __le__(self, other: Any) -> Any:
        return self._data <= _plain(other)

    def __gt__(self, other: Any) -> Any:
        return self._data > _plain(other)

    def __ge__(self, other: Any) -> Any:
        return self._data >= _plain(other)

    def __contains__(self, number: Any) -> bool:
        return bool((self == number).any())

    # ------------------------------------------------------------ what NumPy calls; see engine.border

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        if self.requires_grad and _grad_mode.enabled:
            raise TypeError(
                "an array would lose the gradient: use t.data for the numbers alone, engine.stack() to join Tensors"
            )
        return np.array(self._data, dtype=dtype, copy=copy)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = (), **options: Any) -> Any:
        operation = border.OPERATIONS.get(ufunc)
        # `array += tensor` passes the array as out; the name is then rebound to the result.
        if operation and method == "__call__" and not options and (not out or out[0] is inputs[0]):
            return apply(operation, *[self._like(operand) for operand in inputs])
        if ufunc in border.WITHOUT_GRADIENT and not out:
            return getattr(ufunc, method)(*_plain(inputs), **options)
        raise TypeError(border.advice(ufunc, Tensor))

    def __array_function__(
        self, function: Callable[..., Any], types: Any, arguments: Sequence[Any], options: Mapping[str, Any]
    ) -> Any:
        if function not in border.WITHOUT_GRADIENT:
            raise TypeError(border.advice(function, Tensor))
        return function(*_plain(arguments), **{name: _plain(option) for name, option in options.items()})

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

    def __pos__(self) -> "Tensor":
        return self

    def __abs__(self) -> "Tensor":
        return self.abs()

    def __iadd__(self, other: Any) -> "Tensor":
        return self._changed_by("+=", self + other)

    def __isub__(self, other: Any) -> "Tensor":
        return self._changed_by("-=", self - other)

    def __imul__(self, other: Any) -> "Tensor":
        return self._changed_by("*=", self * other)

    def __itruediv__(self, other: Any) -> "Tensor":
        return self._changed_by("/=", self / other)

    def __ipow__(self, other: Any) -> "Tensor":
        return self._changed_by("**=", self**other)

    def __imatmul__(self, other: Any) -> "Tensor":
        return self._changed_by("@=", self @ other)

    def _changed_by(self, operator: str, result: "Tensor") -> "Tensor":
        """What `t -= ...` binds to t: the result; for a parameter, itself with new data, but only within no_grad()."""
        if not self.requires_grad or self.op:
            return result
        if _grad_mode.enabled:
            raise RuntimeError(f"{operator} would replace the parameter by a result: write t.data {operator} ...")
        if result.shape != self.shape:
            raise ValueError(f"{operator} would change the parameter's shape from {self.shape} to {result.shape}")
        self.adopt(result._data.astype(self.dtype, copy=False))
        return self

    def _like(self, other: Any) -> "Tensor":
        """The other operand as a Tensor; a plain number takes this tensor's dtype."""
        if isinstance(other, Tensor):
            return other
        if isinstance(other, (Number, np.generic)):
            other = np.asarray(float(other) if isinstance(other, int) else other)
            if other.dtype.kind in "fiub":
                return Tensor._result(other.astype(self.dtype))
        return as_tensor(other)

    # ------------------------------------------------------------ element by element

    def abs(self) -> "Tensor":
        """|x|; the gradient at 0 is 0."""
        return apply(ops.abs, self)

    def exp(self) -> "Tensor":
        return apply(ops.exp, self)

    def log(self) -> "Tensor":
        """The natural logarithm."""
        return apply(ops.log, self)

    def sqrt(self) -> "Tensor":
        """The square root; the gradient at 0 is infinite."""
        return apply(ops.sqrt, self)

    def clip(self, min: Any = None, max: Any = None) -> "Tensor":  # noqa: A002
        """Limited to [min, max]; each is a number, an array or None. The gradient at a bound is 1."""
        if isinstance(min, Tensor) or isinstance(max, Tensor):
            raise TypeError("clip takes numbers and arrays: for Tensors use engine.maximum() and engine.minimum()")
        low, high = -np.inf if min is None else min, np.inf if max is None else max
        return apply(ops.clip, self, low=np.asarray(low, self.dtype), high=np.asarray(high, self.dtype))

    def relu(self) -> "Tensor":
        """max(x, 0); the gradient at 0 is 0."""
        return apply(ops.relu, self)

    def leaky_relu(self, slope: float = 0.01) -> "Tensor":
        """x above 0, slope x elsewhere (Maas, Hannun and Ng, 2013); the gradient at 0 is the slope."""
        return apply(ops.leaky_relu, self, slope=float(slope))

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

    def min(self, axis: Axes = None, keepdims: bool = False) -> "Tensor":
        """The smallest element; its gradient is shared equally among ties."""
        return apply(ops.min, self, axis=axis, keepdims=keepdims)

    def var(self, axis: Axes = None, ddof: int = 0, keepdims: bool = False) -> "Tensor":
        """The variance: sum((x - mean)^2) / (n - ddof). Raises ValueError unless n - ddof > 0.

        ddof defaults to 0, as in NumPy; PyTorch uses 1.
        """
        return apply(ops.var, self, axis=axis, ddof=ddof, keepdims=keepdims)

    def std(self, axis: Axes = None, ddof: int = 0, keepdims: bool = False) -> "Tensor":
        """The square root of `var`; where all numbers are equal its gradient, undefined there, is 0."""
        return apply(ops.std, self, axis=axis, ddof=ddof, keepdims=keepdims)

    def prod(self, axis: Axes = None, keepdims: bool = False) -> "Tensor":
        """The product of the elements."""
        axes = normalize_axis_tuple(range(self.ndim) if axis is None else axis, self.ndim)
        result = self
        for one in axes:
            result = apply(ops.prod, result, axis=one).expand_dims(one)
        return result if keepdims else result.squeeze(axes)

    def cumsum(self, axis: int | None = None) -> "Tensor":
        """Running sums along the axis; for None, of the flattened Tensor."""
        return apply(ops.cumsum, self.reshape(-1) if axis is None else self, axis=axis or 0)

    def softmax(self, axis: Axes = -1) -> "Tensor":
        """exp(x) / sum(exp(x)) over the axis: turns logits into probabilities. Large numbers do not overflow."""
        return apply(ops.softmax, self, axis=axis)

    def log_softmax(self, axis: Axes = -1) -> "Tensor":
        """The logarithm of `softmax`, accurate even where that rounds to 0."""
        return apply(ops.log_softmax, self, axis=axis)

    # ------------------------------------------------------------ shape and selection

    def reshape(self, *shape: Any) -> "Tensor":
        """`t.reshape(2, 3)` or `t.reshape((2, 3))`; one length may be -1."""
        return apply(ops.reshape, self, shape=_unpacked(shape))

    def transpose(self, *axes: Any) -> "Tensor":
        """`t.transpose()` reverses the axes; `t.transpose(1, 0, 2)` or `t.transpose((1, 0, 2))` permutes them."""
        return apply(ops.transpose, self, axes=None if axes in ((), (None,)) else _unpacked(axes))

    def swapaxes(self, axis1: int, axis2: int) -> "Tensor":
        return apply(ops.swapaxes, self, axis1=axis1, axis2=axis2)

    def flatten(self, start_axis: int = 0) -> "Tensor":
        """Merge all axes from `start_axis` on into one: `images.flatten(1)` gives a row per image."""
        start = normalize_axis_index(start_axis, self.ndim or 1)
        return self.reshape((*self.shape[:start], math.prod(self.shape[start:])))

    def squeeze(self, axis: Axes = None) -> "Tensor":
        """Remove the given axes, which must have length 1; for None, all axes of length 1."""
        return apply(ops.squeeze, self, axis=axis)

    def expand_dims(self, axis: int | tuple[int, ...]) -> "Tensor":
        """Insert new axes of length 1 at these positions of the result."""
        return apply(ops.expand_dims, self, axis=axis)

    def pad(self, pad_width: Any, constant_values: float = 0.0) -> "Tensor":
        """Pad with `constant_values`; pad_width, as in NumPy, is n, (before, after) or a pair for each axis."""
        return apply(ops.pad, self, pad_width=pad_width, constant_values=constant_values)

    @property
    def T(self) -> "Tensor":
        return self.transpose()

    def broadcast_to(self, *shape: Any) -> "Tensor":
        return apply(ops.broadcast_to, self, shape=_unpacked(shape))

    def __getitem__(self, index: Any) -> "Tensor":
        """Basic and fancy indexing, as in NumPy."""
        if isinstance(index, Tensor) or (type(index) is tuple and any(isinstance(part, Tensor) for part in index)):
            raise IndexError("an index needs integers, and a Tensor is floating-point: use t.data.astype(int)")
        return apply(ops.getitem, self, index=index)

    def __setitem__(self, index: Any, value: Any) -> None:
        raise TypeError("elements of a Tensor cannot be assigned: use engine.where(), or assign to t.data's")

    # ------------------------------------------------------------ differentiation

    def backward(self, gradient: Any = None) -> None:
        """Set `grad` on every tensor that this result was computed from and that requires a gradient.

        gradient: dL/d(result), where L is the quantity to differentiate; an array or Tensor of the result's shape. For
        a scalar it defaults to 1, so that L is the result. Otherwise `backward` computes a vector-Jacobian product.

        Gradients of leaves accumulate over calls until they are set to None; those of intermediate results are replaced
        by each call. Raises ValueError if this is not a scalar and no gradient is given, if the gradient has another
        shape, or if nothing that this was computed from requires a gradient; RuntimeError if a tensor in the graph has
        changed since. Reverse mode: Linnainmaa, BIT 16 (1976), 146-160.
        """
        seed = self._seed(gradient)
        if not self._requires_grad:
            raise ValueError("backward() needs a result of tensors that require a gradient")
        results = topological_order(self)
        for result, origin in results:
            if origin.version != sum([tensor._version for tensor in origin.inputs]):
                raise RuntimeError(f"an input of {result.op}() has been changed since: compute the result again")
            if result._version:
                raise RuntimeError(f"the result of {result.op}() has been changed since: compute it again")
            result._grad = None
        self._accumulate(seed, seed)
        for result, (op, inputs, arrays, _, options) in results:
            g = result._grad
            for tensor, vjp in zip(inputs, op.vjps, strict=True):
                if tensor._requires_grad:
                    tensor._accumulate(vjp(g, result._data, *arrays, **options), g)

    def _seed(self, gradient: Any) -> Array:
        """The gradient that `backward` starts from."""
        if gradient is None:
            if self.ndim:
                raise ValueError(f"backward() needs a scalar, or a gradient of this tensor's shape {self.shape}")
            return np.ones((), self.dtype)
        seed = Tensor(gradient).data.astype(self.dtype)
        if seed.shape != self.shape:
            raise ValueError(f"a gradient of shape {seed.shape} does not fit a tensor of shape {self.shape}")
        return seed

    def _accumulate(self, gradient: Array, g: Array | None) -> None:
        """Add a gradient, computed from g, to `grad`: a tensor used more than once gets the sum of its gradients."""
        if gradient.shape != self._data.shape:
            gradient = sum_to_shape(gradient, self._data.shape)
        if self._grad is not None:
            if self._grad.shape != gradient.shape:
                raise ValueError(
                    f"data of shape {self.shape} have a gradient of shape {self._grad.shape}: set it to None"
                )
            gradient = self._grad + gradient
        elif self._origin is None and np.may_share_memory(gradient, g):
            gradient = gradient.copy()  # the owner of a leaf may change its gradient
        self._grad = np.asarray(gradient, self._data.dtype)

    @classmethod
    def _result(cls, data: Any) -> Self:
        """A leaf around an array that is known to be floating."""
        tensor = cls.__new__(cls)
        tensor._data = np.asarray(data)
        tensor._version = 0
        tensor._has_fixed_shape = tensor._requires_grad = False
        tensor._grad = tensor._origin = None
        return tensor


def apply(op: Op, *inputs: Tensor, **options: Any) -> Tensor:
    """Compute an operation and, if a gradient may be needed, record it."""
    arrays = [tensor._data for tensor in inputs]
    result = Tensor._result(op.forward(*arrays, **options))
    if _grad_mode.enabled and True in [tensor._requires_grad for tensor in inputs]:
        options = options and {name: _frozen(option) for name, option in options.items()}
        result._requires_grad = True
        result._origin = Origin(op, inputs, arrays, sum([tensor._version for tensor in inputs]), options)
    return result


def _plain(value: Any) -> Any:
    """The value with every Tensor replaced by its data."""
    if isinstance(value, Tensor):
        return value._data
    return type(value)(map(_plain, value)) if type(value) in (list, tuple) else value


def as_tensor(data: Any) -> Tensor:
    """The Tensor itself, or a new one from an array, list or number; copied if a graph may need it later."""
    if isinstance(data, Tensor):
        return data
    return Tensor(data) if _grad_mode.enabled else Tensor.around(data)


def _floating(data: Any, copy: bool | None = None) -> Array:
    """The data as a floating array; copy: True, or None to copy only if necessary."""
    array = np.array(data._data if isinstance(data, Tensor) else data, copy=copy)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"a Tensor holds real numbers, not {array.dtype} data")
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def _restored(kind: type[Tensor], data: Array, grad: Array | None, requires_grad: bool) -> Tensor:
    """The leaf that copying and unpickling create."""
    tensor = kind.around(data.copy("K"), requires_grad)
    tensor._grad = None if grad is None else grad.copy("K")
    return tensor


def _frozen(option: Any) -> Any:
    """A snapshot of an option: arrays in it may change before `backward()`."""
    if isinstance(option, np.ndarray):
        return option.copy()
    return type(option)(map(_frozen, option)) if type(option) in (tuple, list) else option


def _unpacked(arguments: tuple[Any, ...]) -> tuple[int, ...]:
    """Allow both f(2, 3) and f((2, 3))."""
    first = arguments[0] if len(arguments) == 1 else arguments
    return tuple(first) if isinstance(first, (tuple, list)) else (first,)


def topological_order(root: Tensor) -> list[tuple[Tensor, Origin]]:
    """`root` and all results it was computed from; each comes before the results it was computed from."""
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


def sum_to_shape(gradient: Array, shape: tuple[int, ...]) -> Array:
    """Undo broadcasting: a repeated element gets the sum of its gradients."""
    gradient = ops.wide(gradient).sum(axis=tuple(range(gradient.ndim - len(shape))))
    stretched = tuple(axis for axis, length in enumerate(shape) if length == 1)
    return np.asarray(gradient.sum(axis=stretched, keepdims=True).reshape(shape))
