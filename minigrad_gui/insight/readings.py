"""Where a network fails: how it reads many labelled pictures, which it confuses, and which labels may be wrong."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from engine import ops
from engine.nn import MLP
from engine.ops import Array
from engine.samples import as_pairs
from engine.training import logits_of
from minigrad_gui.insight.trace import allowing_overflow, in_blocks

Indices = NDArray[np.intp]


@dataclass(frozen=True)
class Readings:
    """How a network reads N labelled pictures of `classes` classes.

    labels, predicted: intp (N,). confidence: float32 (N,), the probability of the predicted class. truth: float32 (N,),
    the probability of the labelled class, NaN for samples of no class (a label below 0), which are counted nowhere.
    """

    labels: Indices
    predicted: Indices
    confidence: NDArray[np.float32]
    truth: NDArray[np.float32]
    classes: int

    @classmethod
    @allowing_overflow
    def of(cls, logits: Array, labels: Array, temperature: float = 1.0) -> Self:
        """The readings of pictures with these labels (N,), from a network's logits (N, classes).

        temperature: the logits are divided by it, as by a calibration.
        """
        labels = labels.astype(np.intp)
        probabilities = ops.softmax(logits / logits.dtype.type(temperature))
        rows, predicted = np.arange(len(logits)), logits.argmax(axis=1)
        confidence = probabilities[rows, predicted].astype(np.float32)
        truth = np.where(labels < 0, np.nan, probabilities[rows, labels]).astype(np.float32)
        return cls(labels, predicted, confidence, truth, logits.shape[1])

    @property
    def counts(self) -> NDArray[np.intp]:
        """The confusion matrix (classes, classes): row the label, column the reading."""
        known = self.labels >= 0
        cells = self.labels[known] * self.classes + self.predicted[known]
        return np.bincount(cells, minlength=self.classes**2).reshape(self.classes, self.classes)

    @property
    def shares(self) -> NDArray[np.float64]:
        """Each row of `counts` divided by its sum; NaN for a class without samples."""
        return _ratio(self.counts, self.counts.sum(axis=1, keepdims=True))

    @property
    def recall(self) -> NDArray[np.float64]:
        """Of the samples of each class, the share that is read as it: (classes,); NaN without samples."""
        return _ratio(self.counts.diagonal(), self.counts.sum(axis=1))

    @property
    def precision(self) -> NDArray[np.float64]:
        """Of the samples read as each class, the share that belongs to it: (classes,); NaN without readings."""
        return _ratio(self.counts.diagonal(), self.counts.sum(axis=0))

    @property
    def accuracy(self) -> float:
        """The share of all samples of a class that are read correctly; NaN without samples."""
        return float(_ratio(self.counts.trace(), self.counts.sum()))

    @property
    def wrong(self) -> NDArray[np.bool_]:
        """Whether each sample is read as another class than its label: (N,)."""
        return np.asarray((self.predicted != self.labels) & (self.labels >= 0))

    def samples(self, label: int | None = None, reading: int | None = None) -> Indices:
        """Indices of the samples of a cell; of a row or column, or all, where one or both are None.

        Most confidently wrong first, then the right ones, least confident first.
        """
        chosen = self.labels >= 0
        if label is not None:
            chosen &= self.labels == label
        if reading is not None:
            chosen &= self.predicted == reading
        indices = np.flatnonzero(chosen)
        surprise = np.where(self.wrong, self.confidence, -self.confidence)
        return indices[np.argsort(-surprise[indices], kind="stable")]


def _ratio(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore"):
        return np.asarray(part / whole, np.float64)


def read_all(
    model: MLP,
    images: Array,
    labels: Array,
    *,
    chosen: Indices | None = None,
    temperature: float = 1.0,
    cancelled: Callable[[], bool] = lambda: False,
) -> Readings | None:
    """Read images (N, ...), uint8 or floating, with class labels (N,); None if cancelled, which is asked often.

    chosen: which of them are read, (n,), in this order; temperature: see `Readings.of`. Raises ValueError if the
    numbers of images and labels differ.
    """
    images, labels = as_pairs(images, labels)
    logits = [np.empty((0, model.sizes[-1]), model.dtype)]
    for block in in_blocks(images, chosen):
        if cancelled():
            return None
        logits.append(logits_of(model, block))
    return Readings.of(np.concatenate(logits), labels if chosen is None else labels[chosen], temperature)


def confusion(model: MLP, images: Array, labels: Array) -> NDArray[np.intp]:
    """How often images (N, ...) of each class are read as each class: (classes, classes).

    Row the label, column the reading. Raises ValueError as `read_all` does.
    """
    readings = read_all(model, images, labels)
    assert readings is not None
    return readings.counts


def label_suspects(readings: Sequence[Readings], least_confidence: float = 0.0) -> Indices:
    """Indices of the samples whose labels may be wrong, most suspicious first.

    readings: the same samples, read by the network after successive epochs, at least once. A suspect is read as one and
    the same other class each time, with at least this confidence. They are sorted by the mean probability of their
    labels: after Swayamdipta et al., Dataset Cartography (2020), samples that stay hard to learn are often mislabelled.
    """
    first = readings[0]
    persistently = first.wrong.copy()
    for each in readings:
        persistently &= (each.predicted == first.predicted) & ~(each.confidence < least_confidence)
    suspects = np.flatnonzero(persistently)
    truth = np.mean([each.truth[suspects] for each in readings], axis=0, dtype=np.float64)
    return suspects[np.argsort(truth, kind="stable")]
