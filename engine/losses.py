"""Losses: one number that says how wrong the predictions are. Training reduces it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine import ops
from engine.ops import Array
from engine.tensor import Tensor, apply, as_tensor

NO_CLASS = -1
"""The target of a sample that belongs to none of the classes."""


def mse_loss(pred: Any, target: Any) -> Tensor:
    """The mean of the squared differences. Returns a scalar; raises ValueError if the shapes differ."""
    pred = as_tensor(pred)
    shape = target.shape if isinstance(target, Tensor) else np.shape(target)
    if pred.shape != shape:
        raise ValueError(f"predictions of shape {pred.shape} do not fit targets of shape {shape}")
    difference: Tensor = pred - target
    return (difference * difference).mean()


def cross_entropy_loss(logits: Any, target_idx: Any) -> Tensor:
    """-log softmax(logits)[target], averaged over a batch: how surprising the right answer is to the network.

    logits: (..., classes), before softmax; target_idx: class indices, integers of shape (...). Returns a scalar. Raises
    ValueError if the shapes do not match or there are no samples, TypeError if targets are not integers, IndexError if
    a target is out of range.
    """
    logits = as_tensor(logits)
    return apply(ops.cross_entropy, logits, target=class_indices(target_idx, logits.shape))


def outlier_exposure_loss(logits: Any, target_idx: Any) -> Tensor:
    """`cross_entropy_loss`, in which a target may also be NO_CLASS: the sample belongs to none of the classes.

    All classes should be equally likely for it: its loss is the cross-entropy of equal probabilities and the network's
    (Hendrycks, Mazeika and Dietterich, Deep Anomaly Detection with Outlier Exposure, 2019). Raises as
    `cross_entropy_loss` does.
    """
    logits = as_tensor(logits)
    return apply(ops.cross_entropy, logits, target=class_indices(target_idx, logits.shape, NO_CLASS))


@dataclass(frozen=True, slots=True)
class SmoothedLoss:
    """Label smoothing: a loss that asks for a share of equal probabilities, so that the network is less sure of itself.

    loss_fn: `cross_entropy_loss` or `outlier_exposure_loss`; smoothing: the share, from 0 to 1. With classes C, the
    target class should have probability 1 - smoothing + smoothing / C, each other one smoothing / C (Szegedy et al.,
    Rethinking the Inception Architecture for Computer Vision, 2016). Raises as the loss does.
    """

    loss_fn: Callable[[Any, Any], Tensor]
    smoothing: float

    def __call__(self, logits: Any, target_idx: Any) -> Tensor:
        logits = as_tensor(logits)
        loss = self.loss_fn(logits, target_idx)
        equal = outlier_exposure_loss(logits, np.full(logits.shape[:-1], NO_CLASS))
        return (1 - self.smoothing) * loss + self.smoothing * equal


LOWEST_TARGET: dict[Any, int] = {cross_entropy_loss: 0, outlier_exposure_loss: NO_CLASS}
"""The losses that are the cross-entropy of logits and class indices, and the lowest index that each takes."""


def count_correct(logits: Array, target: Array) -> int:
    """How many samples are classified correctly. logits: (n, classes); target: (n,), class indices or NO_CLASS.

    A sample of no class is if no class is more likely than all others together.
    """
    correct = logits.argmax(axis=-1) == target
    none = target == NO_CLASS
    if none.any():
        correct[none] = ops.softmax(logits[none]).max(axis=-1) < 0.5
    return int(np.count_nonzero(correct))


def class_indices(target_idx: Any, shape: tuple[int, ...], lowest: int = 0) -> Array:
    """The targets for logits of this shape, as an intp array; raises as `cross_entropy_loss` does.

    lowest: the lowest target there may be.
    """
    target = target_idx.data if isinstance(target_idx, Tensor) else np.asarray(target_idx)
    if target.dtype.kind not in "iu":
        kind = "a Tensor" if isinstance(target_idx, Tensor) else target.dtype
        raise TypeError(f"targets are class indices (integers), not {kind}")
    if not shape or target.shape != shape[:-1]:
        hint = ": a target is the index of a class, not a one-hot row" if target.shape == shape != () else ""
        raise ValueError(f"logits of shape {shape} do not fit targets of shape {target.shape}{hint}")
    if target.size == 0:
        raise ValueError("a loss needs at least one sample")
    classes = shape[-1]
    target = target.astype(np.intp)
    if target.min() < lowest or target.max() >= classes:
        raise IndexError(f"targets must be from {lowest} to {classes - 1}, found {target.min()} to {target.max()}")
    return target
