"""Where NumPy meets Tensors: which NumPy functions accept one, and what to call instead of the others.

Operators work: `array * tensor` is an operation of the engine. So do functions whose result has no gradient anyway
(comparisons, indices, shapes). All others would silently lose the gradient, so they raise an error.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from engine import ops

OPERATIONS = {
    np.add: ops.add,
    np.subtract: ops.subtract,
    np.multiply: ops.multiply,
    np.divide: ops.divide,
    np.power: ops.power,
    np.matmul: ops.matmul,
}
"""The ufuncs that NumPy calls for `array + tensor` and the other operators."""

WITHOUT_GRADIENT: frozenset[Callable[..., Any]] = frozenset(
    {
        *(np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal),
        *(np.isnan, np.isinf, np.isfinite, np.isclose, np.allclose, np.array_equal),
        *(np.logical_and, np.logical_or, np.logical_not, np.any, np.all, np.count_nonzero),
        *(np.argmax, np.argmin, np.argsort, np.argwhere, np.nonzero, np.flatnonzero),
        *(np.shape, np.ndim, np.size, np.result_type, np.shares_memory, np.may_share_memory),
        *(np.zeros_like, np.ones_like, np.empty_like, np.full_like),
        *(np.array2string, np.array_repr, np.array_str, np.save, np.savetxt),
    }
)
"""Functions that are safe to call on the data."""

FUNCTIONS = {"concatenate", "maximum", "minimum", "stack", "where"}
OTHER_NAMES = {
    "absolute": "abs",
    "amax": "max",
    "amin": "min",
    "permute_dims": "transpose",
    "ravel": "flatten",
    "hstack": "concatenate",
    "vstack": "concatenate",
}
OPERATORS = {
    "dot": "a @ b",
    "vdot": "a @ b",
    "inner": "a @ b.T",
    "negative": "-a",
    "positive": "a",
    "square": "a * a",
    "reciprocal": "1 / a",
    "cbrt": "a ** (1 / 3)",
    "float_power": "a ** b",
}


def advice(function: Callable[..., Any], tensor: type) -> str:
    """One sentence: why this NumPy function does not accept a Tensor, and what to write instead."""
    name = OTHER_NAMES.get(function.__name__, function.__name__)
    if name in OPERATORS:
        right = f"write {OPERATORS[name]}"
    elif name in FUNCTIONS:
        right = f"use engine.{name}()"
    elif hasattr(tensor, name):
        right = f"write t.{name}()"
    else:
        right = "use the methods of Tensor, or t.data for the numbers alone"
    module = getattr(function, "__module__", "numpy").replace("numpy", "np")
    return f"{module}.{function.__name__} does not compute gradients: {right}"
