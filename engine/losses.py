"""Losses: one number that says how wrong the predictions are. Training makes it smaller."""

from typing import Any

import numpy as np

from engine import ops
from engine.ops import Array
from engine.tensor import Tensor, apply


def mse_loss(pred: Tensor, target: Tensor | Array) -> Tensor:
    """The mean of the squared differences. Returns a scalar; raises ValueError if the shapes differ."""
    if pred.shape != np.shape(target):
        raise ValueError(f"predictions of shape {pred.shape} do not fit targets of shape {np.shape(target)}")
    difference: Tensor = pred - target
    return (difference * difference).mean()


def cross_entropy_loss(logits: Tensor, target_idx: Any) -> Tensor:
    """-log softmax(logits)[target]: the surprise at the right answer; for a batch, the mean.

    logits: (..., classes), not yet probabilities; target_idx: integers of shape (...), each a class. Returns a
    scalar. Raises ValueError if the shapes do not fit or there is no sample, TypeError if targets are not integers,
    IndexError if a target is no class.
    """
    return apply(ops.cross_entropy, logits, target=class_indices(target_idx, logits.shape))


def class_indices(target_idx: Any, shape: tuple[int, ...]) -> Array:
    """The targets for logits of this shape, as an intp array; raises what `cross_entropy_loss` does."""
    target = np.asarray(target_idx)
    if target.dtype.kind not in "iu":
        raise TypeError(f"targets are class indices (integers), not {target.dtype}")
    if not shape or target.shape != shape[:-1]:
        raise ValueError(f"logits of shape {shape} do not fit targets of shape {target.shape}")
    if target.size == 0:
        raise ValueError("a loss needs at least one sample")
    classes = shape[-1]
    target = target.astype(np.intp)
    if target.view(np.uintp).max() >= classes:  # as unsigned, what is negative is very large
        raise IndexError(f"targets must be from 0 to {classes - 1}, found {target.min()} to {target.max()}")
    return target
