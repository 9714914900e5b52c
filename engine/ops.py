"""The calculus: every differentiable operation, and how a gradient goes back through it.

An operation y = f(a, b, ...) is written as an `Op`: its forward, and one *vector-Jacobian product* for each
argument. A vector-Jacobian product gets g = dL/dy, the result y and the arguments, and returns dL/d(argument).
That is all of backpropagation's mathematics; walking the graph is `Tensor.backward`'s work.

Broadcasting never appears in a rule: a rule may return its gradient in the shape of the result, and `backward`
sums it down to the shape of the argument. All values here are plain NumPy arrays.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
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


# ---------------------------------------------------------------- element by element, with broadcasting

add = Op("add", np.add, (lambda g, y, a, b: g, lambda g, y, a, b: g))
subtract = Op("subtract", np.subtract, (lambda g, y, a, b: g, lambda g, y, a, b: -g))
multiply = Op("multiply", np.multiply, (lambda g, y, a, b: g * b, lambda g, y, a, b: g * a))
divide = Op("divide", np.divide, (lambda g, y, a, b: g / b, lambda g, y, a, b: -g * y / b))
power = Op(
    "power",
    np.power,
    (
        lambda g, y, a, b: g * b * a ** np.where(b == 0, 1, b - 1),  # a**0 is flat, at a = 0 too
        lambda g, y, a, b: g * y * np.log(np.where(a == 0, 1, a)),
    ),
)  # 0**b is flat in b
negative = Op("negative", np.negative, (lambda g, y, a: -g,))

exp = Op("exp", np.exp, (lambda g, y, a: g * y,))
log = Op("log", np.log, (lambda g, y, a: g / a,))
tanh = Op("tanh", np.tanh, (lambda g, y, a: g * (1 - y * y),))
relu = Op("relu", lambda a: np.maximum(a, 0), (lambda g, y, a: g * (y > 0),))


def _sigmoid(a: Array) -> Array:
    """1 / (1 + e^-a), with an exponent that is never positive, so that nothing overflows."""
    e = np.exp(-np.abs(a))
    return np.asarray(np.where(a >= 0, 1, e) / (1 + e))


sigmoid = Op("sigmoid", _sigmoid, (lambda g, y, a: g * y * (1 - y),))


# ---------------------------------------------------------------- reductions over axes


def _kept(reduced: Array, a: Array, axis: Axes, keepdims: bool) -> Array:
    """Give a reduction of `a` its reduced axes back, with length 1, so that it broadcasts against `a`."""
    return reduced if keepdims or axis is None else np.expand_dims(reduced, axis)


def _vjp_sum(g: Array, y: Array, a: Array, axis: Axes, keepdims: bool) -> Array:
    return np.broadcast_to(_kept(g, a, axis, keepdims), a.shape)


def _vjp_max(g: Array, y: Array, a: Array, axis: Axes, keepdims: bool) -> Array:
    ties = a == _kept(y, a, axis, keepdims)
    share = ties / ties.sum(axis=axis, keepdims=True)
    return np.asarray(_kept(g, a, axis, keepdims) * share.astype(g.dtype))


def _mean(a: Array, axis: Axes, keepdims: bool) -> Array:
    if _count(a, axis) == 0:
        raise ValueError(f"no elements to take the mean of: shape {a.shape}, axis {axis}")
    return np.asarray(a.mean(axis, keepdims=keepdims))


def _count(a: Array, axis: Axes) -> int:
    """How many elements are reduced to one."""
    axes = range(a.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return math.prod(a.shape[i] for i in axes)


def _vjp_mean(g: Array, y: Array, a: Array, axis: Axes, keepdims: bool) -> Array:
    return _vjp_sum(g / _count(a, axis), y, a, axis, keepdims)


sum = Op("sum", np.sum, (_vjp_sum,))
mean = Op("mean", _mean, (_vjp_mean,))
max = Op("max", np.max, (_vjp_max,))


# ---------------------------------------------------------------- shape and selection


def _vjp_getitem(g: Array, y: Array, a: Array, index: Any) -> Array:
    gradient = np.zeros(a.shape, g.dtype)
    np.add.at(gradient, index, g)  # an element that was taken twice gets both gradients
    return gradient


def _vjp_transpose(g: Array, y: Array, a: Array, axes: tuple[int, ...] | None) -> Array:
    return g.transpose(None if axes is None else np.argsort(np.array(axes) % a.ndim))


reshape = Op("reshape", np.reshape, (lambda g, y, a, shape: g.reshape(a.shape),))
transpose = Op("transpose", np.transpose, (_vjp_transpose,))
broadcast_to = Op("broadcast_to", np.broadcast_to, (lambda g, y, a, shape: g,))
getitem = Op("getitem", lambda a, index: a[index], (_vjp_getitem,))


# ---------------------------------------------------------------- products of matrices


def _as_matrices(g: Array, a: Array, b: Array) -> tuple[Array, Array, Array]:
    """The operands of `np.matmul` with its 1-D cases undone: a vector on the left is a row, on the right a column."""
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


matmul = Op("matmul", np.matmul, (_vjp_matmul_left, _vjp_matmul_right))


def _rows(a: Array) -> Array:
    """All axes but the last as one."""
    return a if a.ndim == 2 else a.reshape(-1, a.shape[-1])


def _linear(x: Array, W: Array, b: Array) -> Array:
    # As (W x^T)^T rather than x W^T: OpenBLAS's two threads then share the work better, at small batches above all.
    y = (W @ _rows(x).T).T
    y = np.asarray(np.add(y, b, out=y if y.dtype == b.dtype else None))
    return y if x.ndim == 2 else y.reshape(x.shape[:-1] + b.shape)


def _vjp_linear_input(g: Array, y: Array, x: Array, W: Array, b: Array) -> Array:
    gradient = (W.T @ _rows(g).T).T
    return gradient if x.ndim == 2 else gradient.reshape(x.shape)


def _vjp_linear_weight(g: Array, y: Array, x: Array, W: Array, b: Array) -> Array:
    # As (x^T g)^T rather than g^T x: the gradient then has the memory order in which `Linear` keeps W.
    return (_rows(x).T @ _rows(g)).T


def _vjp_linear_bias(g: Array, y: Array, x: Array, W: Array, b: Array) -> Array:
    rows = _rows(g)
    return np.ones(len(rows), g.dtype) @ rows  # a sum over the batch, by BLAS


linear = Op("linear", _linear, (_vjp_linear_input, _vjp_linear_weight, _vjp_linear_bias))


# ---------------------------------------------------------------- classification


def softmax(logits: Array) -> Array:
    """exp(logits) / sum(exp(logits)) over the last axis; same shape and dtype. Large logits do not overflow."""
    e = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


def _cross_entropy(logits: Array, target: Array) -> Array:
    rows, chosen = _rows(logits), (np.arange(target.size), target.ravel())
    shifted = rows - rows.max(axis=-1, keepdims=True)
    return np.asarray((np.log(np.exp(shifted).sum(axis=-1)) - shifted[chosen]).sum() / target.size)


def _vjp_cross_entropy(g: Array, y: Array, logits: Array, target: Array) -> Array:
    """(softmax(logits) - one_hot(target)) / n; Bishop, Pattern Recognition and Machine Learning (2006), eq. 4.109."""
    gradient, chosen = softmax(_rows(logits)), (np.arange(target.size), target.ravel())
    gradient[chosen] -= 1
    return (gradient * (g / target.size)).reshape(logits.shape)


cross_entropy = Op("cross_entropy", _cross_entropy, (_vjp_cross_entropy,))
