"""One judge for all operations: values against NumPy, gradients against central differences."""

# ruff: noqa: ARG005 - all rules take the same arguments

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import settings

from engine import Tensor, no_grad
from engine.ops import Op

STEP = 1e-6

WRONG = {  # rules that the judge and gradcheck reject
    "a factor is missing": Op("wrong", np.exp, (lambda g, y, a: g,)),
    "the incoming gradient is ignored": Op("wrong", np.exp, (lambda g, y, a: y,)),
    "a little too large": Op("wrong", np.exp, (lambda g, y, a: 1.00001 * g * y,)),
    "the wrong sign": Op("wrong", np.exp, (lambda g, y, a: -g * y,)),
    "the wrong place": Op("wrong", np.exp, (lambda g, y, a: np.roll(g * y, 1),)),
    "argument 1 of two": Op("wrong", np.multiply, (lambda g, y, a, b: g * b, lambda g, y, a, b: g * b)),
}

modestly = settings(max_examples=40, deadline=None, derandomize=True, database=None)


def parameter(*values: Any, dtype: type = np.float64) -> Tensor:
    return Tensor(np.array(values, dtype), requires_grad=True)


def judge(f: Callable[..., Tensor], reference: Callable[..., Any], *arrays: Any) -> None:
    """Compare `f`, of Tensors, with `reference`, of arrays, at these float64 arrays. Raises AssertionError.

    Every element of the result has a different weight, so that a gradient in the wrong place is detected.
    """
    arrays = tuple(np.array(array, float) for array in arrays)
    tensors = [Tensor(array.copy(), requires_grad=True) for array in arrays]
    result = f(*tensors)
    expected = np.asarray(reference(*arrays))
    assert result.shape == expected.shape, f"shape {result.shape}, expected {expected.shape}"
    np.testing.assert_allclose(result.data, expected, rtol=1e-12, atol=1e-12, err_msg="value")

    weights = np.random.default_rng(0).normal(size=result.shape)
    (result * weights).sum().backward()
    for index, tensor in enumerate(tensors):
        np.testing.assert_array_equal(tensor.data, arrays[index], err_msg=f"argument {index} was changed")
        assert tensor.grad is not None, f"argument {index} has no gradient"
        np.testing.assert_allclose(
            tensor.grad, _differences(f, arrays, index, weights), rtol=1e-6, atol=1e-7, err_msg=f"gradient {index}"
        )


def _differences(f: Callable[..., Tensor], arrays: tuple[Any, ...], index: int, weights: Any) -> Any:
    """The derivative of sum(weights * f) with respect to each element of one argument."""

    def moved(place: tuple[int, ...], distance: float) -> float:
        copies = [array.copy() for array in arrays]
        copies[index][place] += distance
        return float((f(*map(Tensor, copies)).data * weights).sum())

    slopes = np.empty_like(arrays[index])
    with no_grad():
        for place in np.ndindex(slopes.shape):
            slopes[place] = (moved(place, STEP) - moved(place, -STEP)) / (2 * STEP)
    return slopes


def away_from_zero(shape: tuple[int, ...], seed: int = 0) -> Any:
    """Distinct numbers of either sign, with absolute values from 0.2 to 2."""
    rng = np.random.default_rng(seed)
    return rng.uniform(0.2, 2, shape) * rng.choice([-1, 1], shape)


def positive(shape: tuple[int, ...], seed: int = 0) -> Any:
    return np.abs(away_from_zero(shape, seed))
