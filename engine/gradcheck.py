"""Gradient checking: compares the gradients of `backward()` with finite differences."""

from collections.abc import Callable
from typing import Any

import numpy as np

from engine.ops import Array
from engine.tensor import Tensor, no_grad


def gradcheck(
    f: Callable[..., Tensor], *tensors: Tensor, step: float = 6e-6, rtol: float = 1e-6, atol: float = 1e-7
) -> bool:
    """Compare the gradients of f(*tensors) with central differences. Returns True, or raises.

    Each number x of a tensor that requires a gradient is perturbed: df/dx is about (f(x + h) - f(x - h)) / 2h, with a
    truncation error of order h^2 and a rounding error of order eps / h, so the best step h is eps^(1/3) = 6e-6 (Press
    et al., Numerical Recipes, 3rd ed. (2007), section 5.7). The tensors must be float64, with numbers of about 1. The
    result may have any shape: its elements are summed with different weights, so that mixed-up elements are noticed.

    Raises AssertionError with the position of the first difference above atol + rtol |df/dx|; points where f has no
    derivative, such as 0 for relu, fail too. Raises ValueError if nothing can be compared: for other dtypes, if no
    tensor requires a gradient, or if f returns a different result each time; TypeError if the result is not a Tensor.
    """
    checked = [(position, tensor) for position, tensor in enumerate(tensors) if tensor.requires_grad]
    if not checked:
        raise ValueError("gradcheck() needs a tensor that requires a gradient")
    if any(tensor.dtype != np.float64 for _, tensor in checked):
        raise ValueError("gradcheck() needs float64: in other dtypes rounding hides the differences")
    before = [tensor.grad for tensor in tensors]
    try:
        for tensor in tensors:
            tensor.grad = None
        result = f(*tensors)
        if not isinstance(result, Tensor):
            raise TypeError(f"f must return a Tensor, not {type(result).__name__}")
        weights = np.random.default_rng(0).uniform(0.5, 1.5, result.shape) if result.size > 1 else np.ones(result.shape)
        with no_grad():
            if not np.array_equal(f(*tensors).data, result.data, equal_nan=True):
                raise ValueError("f returns a different result each time: seed its random numbers inside f")
        result.backward(weights)
        for position, tensor in checked:
            slopes = _differences(lambda: float((f(*tensors).data * weights).sum()), tensor, step)
            gradient = np.zeros(tensor.shape) if tensor.grad is None else tensor.grad
            _compare(position, gradient, slopes, rtol, atol)
    finally:
        for tensor, grad in zip(tensors, before, strict=True):
            tensor.grad = grad
    return True


def _differences(value: Callable[[], float], tensor: Tensor, step: float) -> Array:
    """The slope of a value with respect to each number of the tensor, which is restored."""
    slopes = np.empty(tensor.shape)
    with no_grad():
        for place in np.ndindex(tensor.shape):
            number = tensor.data[place]
            try:
                tensor.data[place] = number + step
                above = value()
                tensor.data[place] = number - step
                below = value()
            finally:
                tensor.data[place] = number
            slopes[place] = (above - below) / ((number + step) - (number - step))
    return slopes


def _compare(position: int, gradient: Array, slopes: Array, rtol: float, atol: float) -> None:
    different: Any = ~np.isclose(gradient, slopes, rtol=rtol, atol=atol)
    if different.any():
        place = tuple(int(index) for index in np.argwhere(different)[0])
        raise AssertionError(
            f"the gradient of argument {position} at {list(place)} is {gradient[place]:.6g}, "
            f"by differences {slopes[place]:.6g} ({np.count_nonzero(different)} of {different.size} differ)"
        )
