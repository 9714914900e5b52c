"""Samples: images and their labels, prepared for training and evaluation."""

import math
from typing import Any

import numpy as np

from engine.nn import Module
from engine.ops import Array


def as_rows(images: Array, dtype: np.dtype[Any]) -> Array:
    """Images (N, ...) as rows (N, inputs): bytes from 0 to 255 are scaled to 0 to 1, other numbers are unchanged."""
    rows = images.reshape(len(images), math.prod(images.shape[1:]))
    if images.dtype == np.uint8:
        return np.divide(rows, 255, dtype=dtype)
    return rows.astype(dtype, copy=False)


def as_pairs(images: Any, labels: Any) -> tuple[Array, Array]:
    """Both as arrays. Raises ValueError if their lengths differ."""
    images, labels = np.asarray(images), np.asarray(labels)
    counts = [len(array) if array.ndim else None for array in (images, labels)]
    if None in counts or counts[0] != counts[1]:
        raise ValueError(f"each image needs a label: got {counts[0]} images and {counts[1]} labels")
    return images, labels


def dtype_of(model: Module) -> np.dtype[Any]:
    """The dtype that a network computes in."""
    tensors = model.parameters() or model.tensors()
    return tensors[0].dtype if tensors else np.dtype(np.float64)


def epoch_order(count: int, seed: int | None, epoch: int) -> Array:
    """The indices of the samples in the order of an epoch, shuffled if there is a seed."""
    return np.arange(count) if seed is None else np.random.default_rng([seed, 2, epoch]).permutation(count)


def split_validation(count: int, share: float, seed: int) -> tuple[Array, Array]:
    """Indices of the training samples and of the held-out ones, drawn from the seed; both in ascending order."""
    held_out = np.zeros(count, bool)
    held_out[np.random.default_rng([seed, 1]).permutation(count)[: round(count * share)]] = True
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)


def fewer_samples(labels: Array, most: int, seed: int) -> Array:
    """Indices of at most so many samples, each class in proportion, drawn from the seed; in ascending order.

    Fewer samples are always among the more of the same seed. labels: (N,), whole numbers from 0.
    """
    if most >= len(labels):
        return np.arange(len(labels))
    order = np.random.default_rng([seed, 6]).permutation(len(labels))
    shuffled = labels[order]
    by_class, counts = np.argsort(shuffled, kind="stable"), np.bincount(shuffled)
    rank = np.empty(len(labels), np.intp)  # of each sample among those of its class
    rank[by_class] = np.arange(len(labels)) - np.repeat(np.cumsum(counts) - counts, counts)
    done = (rank + 0.5) / counts[shuffled]
    return np.sort(order[np.argsort(done, kind="stable")[:most]])


def noisy_labels(labels: Array, share: float, classes: int, seed: int) -> Array:
    """Labels of which a share, drawn from the seed, is replaced by any other class; the others are as they were.

    Uniform label noise: Zhang et al., Understanding deep learning requires rethinking generalization (2017).
    """
    rng, noisy = np.random.default_rng([seed, 7]), labels.copy()
    wrong = rng.permutation(len(labels))[: round(len(labels) * share)]
    if classes > 1:
        noisy[wrong] = (labels[wrong] + rng.integers(1, classes, len(wrong))) % classes
    return noisy
