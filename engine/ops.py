"""The calculus: every differentiable operation, and how a gradient flows back through it.

An operation y = f(a, b, ...) is written as an `Op`: its forward function, and one *vector-Jacobian product* for each
argument. A vector-Jacobian product takes g = dL/dy, the result y and the arguments, and returns dL/d(argument).
That is all the mathematics of backpropagation; `Tensor.backward` walks the graph.

Broadcasting never appears in a rule: a rule may return its gradient in the shape of the result, and `backward`
sums it down to the shape of the argument. All values here are plain NumPy arrays.
"""

import math
from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple
from numpy.typing import NDArray

Array = NDArray[Any]
Axes = int | tuple[int, ...] | None


class Op(NamedTuple):
    """A differentiable operation.

    `forward(*arrays, **options)` computes the result; `vjps[i](g, y, *arrays, **options)` is the
    vector-Jacobian product with respect to argument i. Options (an axis, a shape) have no gradient.
    """

    name: str
    forward: Callable[..., Any]
    vjps: tuple[Callable[..., Any], ...]

    def __call__(self, *arrays: Array, **options: Any) -> Array:
        """The result for plain arrays."""
        return np.asarray(self.forward(*arrays, **options))


def wide(a: Array) -> Array:
    """`a` in the dtype that sums are computed in: float16 becomes float32, since it cannot count past 2,048."""
    return a.astype(np.float32) if a.dtype.char == "e" else a


# ---------------------------------------------------------------- element by element, with broadcasting

add = Op("add", np.add, (lambda g, y, a, b: g, lambda g, y, a, b: g))
subtract = Op("subtract", np.subtract, (lambda g, y, a, b: g, lambda g, y, a, b: -g))
multiply = Op("multiply", np.multiply, (lambda g, y, a, b: g * b, lambda g, y, a, b: g * a))
divide = Op("divide", np.divide, (lambda g, y, a, b: g / b, lambda g, y, a, b: -g * y / b))
power = Op(
    "power",
    np.power,
    (
        lambda g, y, a, b: g * b * np.where(b == 0, 1, a) ** (b - 1),  # a**0 is constant
        lambda g, y, a, b: g * y * np.log(np.where((a == 0) & (b >= 0), 1, a)),  # 0**b is constant for b > 0
    ),
)
negative = Op("negative", np.negative, (lambda g, y, a: -g,))

exp = Op("exp", np.exp, (lambda g, y, a: g * y,))
log = Op("log", np.log, (lambda g, y, a: g / a,))
sqrt = Op("sqrt", np.sqrt, (lambda g, y, a: g / (2 * y),))
abs = Op("abs", np.abs, (lambda g, y, a: g * np.sign(a),))  # flat at 0
tanh = Op("tanh", np.tanh, (lambda g, y, a: g * (1 - y * y),))
relu = Op("relu", lambda a: np.maximum(a, 0), (lambda g, y, a: g * (y != 0),))  # g passes where y is NaN
leaky_relu = Op("leaky_relu", lambda a, slope: np.where(a > 0, a, slope * a), (
    lambda g, y, a, slope: np.where(a > 0, g, slope * g),
))


def _sigmoid(a: Array) -> Array:
    """1 / (1 + e^-a), with an exponent that is never positive, so that it cannot overflow."""
    e = np.exp(-np.abs(a))
    return np.asarray(np.where(a >= 0, 1, e) / (1 + e))


sigmoid = Op("sigmoid", _sigmoid, (lambda g, y, a: g * y * (1 - y),))


# ---------------------------------------------------------------- choosing between two


def _larger_part(g: Array, a: Array, b: Array) -> Array:
    """The part of g that goes to a, if the larger of a and b is the result; ties share it."""
    return np.where(a == b, g / 2, np.where(a < b, 0, g))


maximum = Op("maximum", np.maximum, (
    lambda g, y, a, b: _larger_part(g, a, b),
    lambda g, y, a, b: _larger_part(g, b, a),
))
minimum = Op("minimum", np.minimum, (
    lambda g, y, a, b: _larger_part(g, -a, -b),
    lambda g, y, a, b: _larger_part(g, -b, -a),
))
where = Op("where", lambda a, b, condition: np.where(condition, a, b), (
    lambda g, y, a, b, condition: np.where(condition, g, 0),
    lambda g, y, a, b, condition: np.where(condition, 0, g),
))
clip = Op("clip", lambda a, low, high: np.clip(a, low, high), (
    lambda g, y, a, low, high: np.where((a >= low) & (a <= high), g, 0),  # g passes at the bounds
))
dropout = Op("dropout", lambda a, scale: a * scale, (lambda g, y, a, scale: g * scale,))


# ---------------------------------------------------------------- reductions over axes


def _count(a: Array, axis: Axes) -> int:
    """The number of elements that are reduced to one."""
    return a.size if axis is None else math.prod(a.shape[i] for i in normalize_axis_tuple(axis, a.ndim))


def _with_reduced_axes(reduced: Array, a: Array, axis: Axes, keepdims: bool) -> Array:
    """Restore the reduced axes of a reduction of `a`, with length 1, so that it broadcasts against `a`.

    NumPy accepts axis 0 for a scalar.
    """
    return reduced if keepdims or axis is None or a.ndim == 0 else np.expand_dims(reduced, axis)


def _sum(a: Array, axis: Axes, keepdims: bool) -> Array:
    return np.asarray(np.sum(wide(a), axis, keepdims=keepdims), a.dtype)


def _vjp_sum(g: Array, y: Array, a: Array, axis: Axes, keepdims: bool) -> Array:
    return np.broadcast_to(_with_reduced_axes(g, a, axis, keepdims), a.shape)


def _mean(a: Array, axis: Axes, keepdims: bool) -> Array:
    if _count(a, axis) == 0:
        raise ValueError(f"no elements to take the mean of: shape {a.shape}, axis {axis}")
    return np.asarray(a.mean(axis, keepdims=keepdims))


def _vjp_mean(g: Array, y: Array, a: Array, axis: Axes, keepdims: bool) -> Array:
    return _vjp_sum(wide(g) / _count(a, axis), y, a, axis, keepdims)


def _spread(f: Callable[..., Any], a: Array, axis: Axes, ddof: int, keepdims: bool) -> Array:
    if _count(a, axis) <= ddof:
        raise ValueError(f"too few elements for ddof {ddof}: shape {a.shape}, axis {axis}")
    return np.asarray(f(wide(a), axis, ddof=ddof, keepdims=keepdims), a.dtype)


def _vjp_var(g: Array, y: Array, a: Array, axis: Axes, ddof: int, keepdims: bool) -> Array:
    a = wide(a)
    slope = 2 / (_count(a, axis) - ddof) * (a - a.mean(axis, keepdims=True))
    return np.asarray(_with_reduced_axes(g, a, axis, keepdims) * slope)


def _vjp_std(g: Array, y: Array, a: Array, axis: Axes, ddof: int, keepdims: bool) -> Array:
    return _vjp_var(g / np.where(y == 0, np.inf, 2 * wide(y)), y, a, axis, ddof, keepdims)  # 0 where all are equal


def _vjp_extreme(g: Array, y: Array, a: Array, axis: Axes, keepdims: bool) -> Array:
    y = _with_reduced_axes(y, a, axis, keepdims)
    ties = (a == y) | (np.isnan(a) & np.isnan(y))
    share = ties / ties.sum(axis=axis, keepdims=True)
    return np.asarray(_with_reduced_axes(g, a, axis, keepdims) * share.astype(g.dtype))


def _product_before(a: Array, axis: int) -> Array:
    """For each element, the product of those before it along the axis."""
    factors = np.roll(a, 1, axis)
    np.moveaxis(factors, axis, 0)[:1] = 1
    return np.cumprod(factors, axis)


def _vjp_prod(g: Array, y: Array, a: Array, axis: int) -> Array:
    """g times the product of all other elements; y / a would fail where an element is 0."""
    a = wide(a)
    after = np.flip(_product_before(np.flip(a, axis), axis), axis)
    return np.asarray(np.expand_dims(g, axis) * _product_before(a, axis) * after)


def _vjp_cumsum(g: Array, y: Array, a: Array, axis: int) -> Array:
    return np.flip(np.cumsum(np.flip(wide(g), axis), axis), axis)  # an element is in its own sum and all later ones


sum = Op("sum", _sum, (_vjp_sum,))
mean = Op("mean", _mean, (_vjp_mean,))
var = Op("var", partial(_spread, np.var), (_vjp_var,))
std = Op("std", partial(_spread, np.std), (_vjp_std,))
max = Op("max", np.max, (_vjp_extreme,))
min = Op("min", np.min, (_vjp_extreme,))
prod = Op("prod", lambda a, axis: np.prod(wide(a), axis).astype(a.dtype), (_vjp_prod,))
cumsum = Op("cumsum", lambda a, axis: np.cumsum(wide(a), axis).astype(a.dtype), (_vjp_cumsum,))


# ---------------------------------------------------------------- shape and selection


def _vjp_getitem(g: Array, y: Array, a: Array, index: Any) -> Array:
    gradient = np.zeros(a.shape, wide(g).dtype)
    np.add.at(gradient, index, g)  # an element selected twice gets both gradients
    return gradient


def _vjp_transpose(g: Array, y: Array, a: Array, axes: tuple[int, ...] | None) -> Array:
    return g.transpose(None if axes is None else np.argsort(np.array(axes) % a.ndim))


def _vjp_pad(g: Array, y: Array, a: Array, pad_width: Any, constant_values: float) -> Array:
    before = np.broadcast_to(pad_width, (a.ndim, 2))[:, 0]
    return g[tuple(slice(start, start + length) for start, length in zip(before, a.shape, strict=True))]


reshape = Op("reshape", np.reshape, (lambda g, y, a, shape: g.reshape(a.shape),))
expand_dims = Op("expand_dims", np.expand_dims, (lambda g, y, a, axis: g.reshape(a.shape),))
squeeze = Op("squeeze", np.squeeze, (lambda g, y, a, axis: g.reshape(a.shape),))
transpose = Op("transpose", np.transpose, (_vjp_transpose,))
swapaxes = Op("swapaxes", np.swapaxes, (lambda g, y, a, axis1, axis2: g.swapaxes(axis1, axis2),))
broadcast_to = Op("broadcast_to", np.broadcast_to, (lambda g, y, a, shape: g,))
getitem = Op("getitem", lambda a, index: a[index], (_vjp_getitem,))
pad = Op("pad", np.pad, (_vjp_pad,))


def _vjp_concatenate(position: int, g: Array, y: Array, *arrays: Array, axis: int) -> Array:
    ends = np.cumsum([a.shape[axis] for a in arrays])
    return np.asarray(np.split(g, ends[:-1], axis)[position])


def _vjp_stack(position: int, g: Array, y: Array, *arrays: Array, axis: int) -> Array:
    return np.asarray(np.take(g, position, axis))


@cache
def concatenate(count: int) -> Op:
    """The operation that joins `count` arrays along an existing axis."""
    vjps = tuple(partial(_vjp_concatenate, position) for position in range(count))
    return Op("concatenate", lambda *arrays, axis: np.concatenate(arrays, axis), vjps)


@cache
def stack(count: int) -> Op:
    """The operation that joins `count` arrays of one shape along a new axis."""
    vjps = tuple(partial(_vjp_stack, position) for position in range(count))
    return Op("stack", lambda *arrays, axis: np.stack(arrays, axis), vjps)


# ---------------------------------------------------------------- matrix products


def _as_matrices(g: Array, a: Array, b: Array) -> tuple[Array, Array, Array]:
    """The operands of `np.matmul` as matrices: a vector on the left is a row, one on the right a column."""
    if b.ndim == 1:
        g, b = g[..., np.newaxis], b[:, np.newaxis]
    if a.ndim == 1:
        g, a = g[..., np.newaxis, :], a[np.newaxis, :]
    return g, a, b


def _vjp_matmul_left(g: Array, y: Array, a: Array, b: Array) -> Array:
    g, _, b = _as_matrices(g, a, b)
    gradient = g @ b.swapaxes(-1, -2)
    return gradient[..., 0, :] if a.ndim == 1 else gradient


def _vjp_matmul_right(g: Array, y: Array, a: Array, b: Array) -> Array:
    g, a, _ = _as_matrices(g, a, b)
    gradient = a.swapaxes(-1, -2) @ g
    return gradient[..., 0] if b.ndim == 1 else gradient


def _matmul(a: Array, b: Array) -> Array:
    try:
        return np.asarray(np.matmul(a, b))
    except ValueError:
        reason = "shapes" if a.ndim and b.ndim else "numbers have no @, use *: shapes"
        raise ValueError(f"matmul: {reason} {a.shape} and {b.shape} do not fit") from None


matmul = Op("matmul", _matmul, (_vjp_matmul_left, _vjp_matmul_right))


def _rows(a: Array) -> Array:
    """`a` with all axes but the last merged into one."""
    return a if a.ndim == 2 else a.reshape(math.prod(a.shape[:-1]), a.shape[-1])


def _linear(x: Array, W: Array, b: Array) -> Array:
    # (W x^T)^T rather than x W^T: OpenBLAS then divides the work better among its threads, mainly for small batches.
    if x.shape[-1:] != W.shape[1:]:
        widths = f"Linear takes {W.shape[1]}, the input has {x.shape[-1] if x.ndim else 'none'}"
        raise ValueError(f"matmul: the widths differ: {widths} (its shape is {x.shape})")
    y = (W @ _rows(x).T).T
    y = np.asarray(np.add(y, b, out=y if y.dtype == b.dtype else None))
    return y if x.ndim == 2 else y.reshape(x.shape[:-1] + b.shape)


def _vjp_linear_input(g: Array, y: Array, x: Array, W: Array, b: Array) -> Array:
    gradient = (W.T @ _rows(g).T).T
    return gradient if x.ndim == 2 else gradient.reshape(x.shape)


def _vjp_linear_weight(g: Array, y: Array, x: Array, W: Array, b: Array) -> Array:
    # (x^T g)^T rather than g^T x: the gradient then has the memory order of `Linear`'s W.
    return (_rows(x).T @ _rows(g)).T


def _vjp_linear_bias(g: Array, y: Array, x: Array, W: Array, b: Array) -> Array:
    rows = _rows(g)
    return np.ones(len(rows), g.dtype) @ rows  # BLAS sums over the batch


linear = Op("linear", _linear, (_vjp_linear_input, _vjp_linear_weight, _vjp_linear_bias))


# ---------------------------------------------------------------- classification


def _softmax(a: Array, axis: Axes = -1) -> Array:
    """exp(a) / sum(exp(a)) over the axis. Large numbers do not overflow."""
    e = np.exp(wide(a) - a.max(axis, keepdims=True))
    return np.asarray(e / e.sum(axis, keepdims=True), a.dtype)


def _log_softmax(a: Array, axis: Axes = -1) -> Array:
    shifted = wide(a) - a.max(axis, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis, keepdims=True)), a.dtype)


softmax = Op("softmax", _softmax, (lambda g, y, a, axis: y * (g - wide(g * y).sum(axis, keepdims=True)),))
log_softmax = Op("log_softmax", _log_softmax, (
    lambda g, y, a, axis: g - np.exp(wide(y)) * wide(g).sum(axis, keepdims=True),
))


def _cross_entropy(logits: Array, target: Array) -> Array:
    """A target below 0 asks for equal probabilities: its row of the one-hot matrix is 1 / classes throughout."""
    rows, chosen, none = wide(_rows(logits)), (np.arange(target.size), target.ravel()), target.ravel() < 0
    shifted = rows - rows.max(axis=-1, keepdims=True)
    wanted = np.where(none, shifted.mean(axis=-1), shifted[chosen]) if none.any() else shifted[chosen]
    loss = (np.log(np.exp(shifted).sum(axis=-1)) - wanted).sum() / target.size
    return np.asarray(loss, logits.dtype)


def _vjp_cross_entropy(g: Array, y: Array, logits: Array, target: Array) -> Array:
    """(softmax(logits) - one_hot(target)) / n; Bishop, Pattern Recognition and Machine Learning (2006), eq. 4.109."""
    gradient, chosen, none = _softmax(wide(_rows(logits))), (np.arange(target.size), target.ravel()), target.ravel() < 0
    gradient[chosen] -= ~none
    gradient[none] -= 1 / gradient.shape[-1]
    return (gradient * (wide(g) / target.size)).reshape(logits.shape)


cross_entropy = Op("cross_entropy", _cross_entropy, (_vjp_cross_entropy,))
