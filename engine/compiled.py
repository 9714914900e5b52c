"""The one place where a compiler helps: Adam's inner loop, by Numba where that is installed (the extra `fast`).

An update of Adam is little arithmetic on much memory. NumPy crosses that memory twelve times, this loop once. It does
the same operations in the same order on the same floating-point numbers, so the results are equal bit for bit.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import cache

import numpy as np

from engine.ops import Array


def _adam(data: Array, grad: Array, mean: Array, square: Array, constants: Array) -> None:
    keep, take, keep_square = constants[0], constants[1], constants[2]
    take_square, eps, step_size = constants[3], constants[4], constants[5]
    for i in range(data.size):
        m = mean[i] * keep + grad[i] * take
        v = square[i] * keep_square + grad[i] * grad[i] * take_square
        mean[i] = m
        square[i] = v
        data[i] -= m / (np.sqrt(v) + eps) * step_size


@cache
def _compiled_adam(dtype: str) -> Callable[..., None] | None:
    """The loop for arrays of this dtype; None where there is no Numba."""
    try:
        from numba import njit
    except ImportError:
        return None
    for cached in (True, False):
        with suppress(Exception):  # there is no folder to keep the compiled loop in, or what lies there is damaged
            # NumPy's rules for x / 0 let the loop use vector instructions.
            compiled: Callable[..., None] = njit(error_model="numpy", nogil=True, cache=cached)(_adam)
            compiled(*np.ones((4, 1), dtype), np.ones(6, dtype))  # compiles, or takes what was kept
            return compiled
    return None


def adam_update(
    data: Array, grad: Array, mean: Array, square: Array, betas: tuple[float, float], eps: float, step_size: float
) -> bool:
    """Update data, mean and square in place, as `Adam` does; False, and nothing done, where only NumPy can."""
    one_layout = data.flags.forc and data.strides == grad.strides == mean.strides == square.strides
    one_dtype = data.dtype == grad.dtype == mean.dtype == square.dtype
    adam = _compiled_adam(data.dtype.char) if one_layout and one_dtype and data.dtype.char in "fd" else None
    if adam is None:
        return False
    beta1, beta2 = betas
    # As an array of the parameter's dtype: loose floats would be computed with in float64, and take long to pass.
    constants = np.array((beta1, 1 - beta1, beta2, 1 - beta2, eps, step_size), data.dtype)
    adam(data.ravel("K"), grad.ravel("K"), mean.ravel("K"), square.ravel("K"), constants)
    return True
