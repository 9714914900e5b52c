"""Functions of several Tensors, named and ordered as in NumPy."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from engine import ops
from engine.tensor import Tensor, apply


def concatenate(tensors: Sequence[Any], axis: int | None = 0) -> Tensor:
    """Join along an existing axis: shapes (2, 3) and (4, 3) give (6, 3). With axis None all are flattened first."""
    joined = _alike(tensors)
    if axis is None:
        joined, axis = [tensor.flatten() for tensor in joined], 0
    return apply(ops.concatenate(len(joined)), *joined, axis=axis)


def stack(tensors: Sequence[Any], axis: int = 0) -> Tensor:
    """Join along a new axis: two Tensors of shape (3,) give (2, 3), or (3, 2) for axis 1."""
    joined = _alike(tensors)
    return apply(ops.stack(len(joined)), *joined, axis=axis)


def where(condition: Any, a: Any, b: Any) -> Tensor:
    """a where the condition is true (not 0), else b; only the chosen element gets a gradient."""
    condition = condition.data if isinstance(condition, Tensor) else condition
    return apply(ops.where, *_alike([a, b]), condition=np.asarray(condition).astype(bool))


def maximum(a: Any, b: Any) -> Tensor:
    """The larger of the two, element by element; ties share the gradient equally."""
    return apply(ops.maximum, *_alike([a, b]))


def minimum(a: Any, b: Any) -> Tensor:
    """The smaller of the two, element by element; ties share the gradient equally."""
    return apply(ops.minimum, *_alike([a, b]))


def dropout(x: Any, p: float = 0.5, rng: "np.random.Generator | np.random.RandomState | None" = None) -> Tensor:
    """Set each element to 0 with probability p and multiply the others by 1 / (1 - p), which preserves the mean.

    Srivastava et al., JMLR 15 (2014), 1929-1958. Raises ValueError for a p outside [0, 1].
    """
    if not 0 <= p <= 1:
        raise ValueError(f"p is a probability, from 0 to 1, not {p}")
    (x,) = _alike([x])
    is_retained = (np.random.default_rng() if rng is None else rng).random(x.shape) >= p
    return apply(ops.dropout, x, scale=is_retained.astype(x.dtype) / x.dtype.type(1 - p or 1))


def _alike(values: Iterable[Any]) -> list[Tensor]:
    """The values as Tensors; a plain number takes the dtype of the first Tensor."""
    values = list(values)
    first = next((value for value in values if isinstance(value, Tensor)), None)
    return [Tensor(value) if first is None else first._like(value) for value in values]
