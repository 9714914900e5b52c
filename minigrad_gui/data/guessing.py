"""Guesses how pictures lie and what their labels mean, by comparing each class's mean picture with MNIST's.

A file does not say that its pictures are transposed, as EMNIST's are, or that 10 means zero, as in SVHN. Where the
classes are digits, the mean pictures of the right reading resemble MNIST's, and those of all others do not.
"""

from collections.abc import Callable, Mapping
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.data.choices import LABELS, ORIENTATIONS
from minigrad_gui.data.labelling import Classes

LIKENESS = 0.4
"""The correlation from which mean pictures count as digits; MNIST's own reach 1, clothes 0.1."""
MOST_PER_CLASS, AVERAGED_AT_ONCE = 2000, 250
GUESSED = ("upright", "transposed")

Means = NDArray[np.float64]


def mean_pictures(images: NDArray[np.uint8], labels: NDArray[np.integer[Any]], count: int) -> Means:
    """The mean picture of each class, float64 (count, 28, 28), from at most 2,000 of each; NaN for a class without."""
    means = np.full((count, *images.shape[1:]), np.nan)
    for index in range(count):
        chosen = np.flatnonzero(labels == index)
        chosen = chosen[:: max(1, len(chosen) // MOST_PER_CLASS)]
        if len(chosen):
            parts = (images[chosen[at : at + AVERAGED_AT_ONCE]] for at in range(0, len(chosen), AVERAGED_AT_ONCE))
            means[index] = sum(part.sum(axis=0, dtype=np.float64) for part in parts) / len(chosen)
    return means


def likeness(means: Means, digits: NDArray[np.int64], reference: Means) -> float:
    """How alike means (n, 28, 28) are to those of the `digits` (n,): the mean correlation of what sets each apart."""
    ours, theirs = means - means.mean(axis=0), reference[digits] - reference[digits].mean(axis=0)
    products = (ours * theirs).sum(axis=(1, 2))
    lengths = np.sqrt((ours**2).sum(axis=(1, 2)) * (theirs**2).sum(axis=(1, 2)))
    return float((products / np.maximum(lengths, 1e-9)).mean())


def guess(
    means: Means,
    readings: Mapping[str, Classes],
    values: list[Any],
    reference: Callable[[], Means],
    known: tuple[str | None, str | None],
    usual: str,
) -> tuple[str, str]:
    """Orientation and meaning of the labels, each as it is known or as the mean pictures of digits suggest.

    means: of each of the `values`; readings: the classes for each possible meaning; reference: MNIST's means; known:
    both, or None; usual: the orientation where the classes are not digits.
    """
    orientations = tuple(dict.fromkeys((usual, *GUESSED))) if known[0] is None else (known[0],)
    meanings = tuple(readings) if known[1] is None else (known[1],)
    plain = orientations[0], meanings[0]
    if len(orientations) * len(meanings) == 1:
        return plain
    scores = {}
    for orientation, meaning in product(orientations, meanings[1:] or meanings):
        classes = readings[meaning]
        digits = [classes.names[classes.indices[value]] for value in values]
        which = [at for at, name in enumerate(digits) if name in set("0123456789") and np.isfinite(means[at, 0, 0])]
        if len(which) < 3:
            return plain
        upright = ORIENTATIONS[orientation](means[which])
        scores[orientation, meaning] = likeness(upright, np.array([int(digits[at]) for at in which]), reference())
    best = max(scores, key=scores.__getitem__)
    return best if scores[best] > LIKENESS else plain


def possible_meanings(values: list[Any]) -> tuple[str, ...]:
    """What these labels may mean; the first is right if their classes are no digits."""
    return LABELS if values == list(range(1, 11)) else LABELS[:1]
