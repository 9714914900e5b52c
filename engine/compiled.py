"""The one place where a compiler helps: inner loops of training, by Numba where that is installed (the extra `fast`).

Each loop crosses memory once where NumPy crosses it several times, for little arithmetic each. It does the same
operations in the same order on the same floating-point numbers, so the results are equal bit for bit. Arrays are
contiguous; where they have two axes, a row holds what one neuron or one class says of each of n samples.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import cache

import numpy as np

from engine.ops import Array

Loop = Callable[..., None]


def adam(data: Array, grad: Array, mean: Array, square: Array, constants: Array) -> None:
    """A step of Adam. All (n,), but constants: beta1, 1 - beta1, beta2, 1 - beta2, epsilon and the step's size."""
    keep, take, keep_square = constants[0], constants[1], constants[2]
    take_square, eps, step_size = constants[3], constants[4], constants[5]
    for i in range(data.size):
        m = mean[i] * keep + grad[i] * take
        v = square[i] * keep_square + grad[i] * grad[i] * take_square
        mean[i] = m
        square[i] = v
        data[i] -= m / (np.sqrt(v) + eps) * step_size


def add_bias(y: Array, b: Array) -> None:
    """y (neurons, n) += b (neurons,)."""
    for row in range(y.shape[0]):
        bias = b[row]
        for i in range(y.shape[1]):
            y[row, i] += bias


def add_bias_relu(y: Array, b: Array) -> None:
    """y = max(y + b, 0), for y (neurons, n) and b (neurons,); NaN stays NaN."""
    zero = y.dtype.type(0)
    for row in range(y.shape[0]):
        bias = b[row]
        for i in range(y.shape[1]):
            a = y[row, i] + bias
            y[row, i] = zero if a <= zero else a


def relu_vjp(g: Array, y: Array) -> None:
    """g *= (y > 0), both (n,)."""
    zero, one = y.dtype.type(0), y.dtype.type(1)
    for i in range(y.size):
        g[i] *= one if y[i] > zero else zero


def subtract_max(shifted: Array, logits: Array) -> None:
    """shifted = logits - the largest of each sample, both (classes, n); NaN counts as the largest."""
    largest = logits[0].copy()
    for row in range(1, logits.shape[0]):
        for i in range(largest.size):
            logit = logits[row, i]
            largest[i] = largest[i] if logit <= largest[i] or largest[i] != largest[i] else logit
    for row in range(logits.shape[0]):
        for i in range(largest.size):
            shifted[row, i] = logits[row, i] - largest[i]


def sum_classes(totals: Array, e: Array) -> None:
    """totals (n,) = the sum of e (classes, n) over the classes."""
    for i in range(totals.size):
        totals[i] = e[0, i]
    for row in range(1, e.shape[0]):
        for i in range(totals.size):
            totals[i] += e[row, i]


def subtract_chosen(losses: Array, shifted: Array, target: Array) -> None:
    """losses (n,) -= shifted (classes, n) at each sample's target (n,)."""
    for i in range(losses.size):
        losses[i] -= shifted[target[i], i]


def cross_entropy_vjp(gradient: Array, e: Array, totals: Array, target: Array, scale: Array) -> None:
    """gradient = (e / totals - one_hot(target)) scale, of shapes (classes, n), (n,), (n,) and (1,)."""
    one = e.dtype.type(1)
    for row in range(e.shape[0]):
        for i in range(totals.size):
            probability = e[row, i] / totals[i]
            gradient[row, i] = (probability - one if target[i] == row else probability) * scale[0]


_AXES: dict[Loop, str] = {
    adam: "11111",
    add_bias: "21",
    add_bias_relu: "21",
    relu_vjp: "11",
    subtract_max: "22",
    sum_classes: "12",
    subtract_chosen: "12i",
    cross_entropy_vjp: "221i1",
}
"""The arguments of each loop: floating arrays of one axis or two, or indices."""


@cache
def machine_code(loop: Loop, dtype: str) -> Loop | None:
    """The loop in machine code for arrays of this dtype (a character); None where there is no Numba to make it."""
    if dtype not in "fd":
        return None
    try:
        from numba import njit
    except ImportError:
        return None
    examples = {"1": np.ones(6, dtype), "2": np.ones((6, 6), dtype), "i": np.zeros(6, np.intp)}
    for cached in (True, False):
        with suppress(Exception):  # there is no folder to keep the compiled loop in, or what lies there is damaged
            # NumPy's rules for x / 0 let the loop use vector instructions.
            machine: Loop = njit(error_model="numpy", nogil=True, cache=cached)(loop)
            machine(*(examples[axes].copy() for axes in _AXES[loop]))  # compiles, or takes what was kept
            return machine
    return None


def in_one_row(*arrays: Array) -> list[Array] | None:
    """Views of arrays as one axis each, if all have one dtype and lie in memory alike and without gaps; else None."""
    first = arrays[0]
    if first.flags.forc and all(a.strides == first.strides and a.dtype == first.dtype for a in arrays):
        return [a.ravel("K") for a in arrays]
    return None
