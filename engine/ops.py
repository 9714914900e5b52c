"""The calculus: every differentiable operation, and how a gradient goes back through it.

An operation y = f(a, b, ...) is written as an `Op`: its forward, and one *vector-Jacobian product* for each
argument. A vector-Jacobian product gets g = dL/dy, the result y and the arguments, and returns dL/d(argument).
That is all of backpropagation's mathematics; walking the graph is `Tensor.backward`'s work.

Broadcasting never appears in a rule: a rule may return its gradient in the shape of the result, and `backward`
sums it down to the shape of the argument. All values here are plain NumPy arrays.
"""

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


sum = Op("sum", np.sum, (_vjp_sum,))
mean = Op("mean", np.mean, (lambda g, y, a, **options: _vjp_sum(g, y, a, **options) * (y.size / a.size),))
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


def _vjp_linear_weight(g: Array, y: Array, x: Array, W: Array, b: Array) -> Array:
    # As (x^T g)^T rather than g^T x: the gradient then has the memory order in which `Linear` keeps W.
    return (x.reshape(-1, x.shape[-1]).T @ g.reshape(-1, g.shape[-1])).T


linear = Op(
    "linear", lambda x, W, b: x @ W.T + b, (lambda g, y, x, W, b: g @ W, _vjp_linear_weight, lambda g, y, x, W, b: g)
)


# ---------------------------------------------------------------- classification


def softmax(logits: Array) -> Array:
    """exp(logits) / sum(exp(logits)) over the last axis; same shape and dtype. Large logits do not overflow."""
    e = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


def _cross_entropy(logits: Array, target: Array) -> Array:
    shifted = logits - logits.max(axis=-1, keepdims=True)
    log_sum = np.log(np.exp(shifted).sum(axis=-1))
    chosen = np.take_along_axis(shifted, target[..., np.newaxis], axis=-1)[..., 0]
    return np.asarray((log_sum - chosen).mean())


def _vjp_cross_entropy(g: Array, y: Array, logits: Array, target: Array) -> Array:
    """(softmax(logits) - one_hot(target)) / n; Bishop, Pattern Recognition and Machine Learning (2006), eq. 4.109."""
    gradient = softmax(logits)
    chosen = target[..., np.newaxis]
    np.put_along_axis(gradient, chosen, np.take_along_axis(gradient, chosen, axis=-1) - 1, axis=-1)
    return gradient * (g / target.size)


cross_entropy = Op("cross_entropy", _cross_entropy, (_vjp_cross_entropy,))
