"""How a network reads the digits that it is tested on, and what to call each of them. No Qt here."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.losses import NO_CLASS
from engine.nn import MLP
from engine.run import Validation
from minigrad_gui.analysis import Desk, Digits, Part, TrainedOn
from minigrad_gui.digits import Picture
from minigrad_gui.insight.readings import Readings, read_all
from minigrad_gui.wording import percentage


@dataclass(frozen=True)
class Evaluation:
    """How a network reads a part of the digits. of: whose evaluation it is, in words; run: what it belongs to.

    A sample is an index into the readings; a digit's number in words is its index in the dataset.
    """

    digits: Digits
    readings: Readings
    of: str
    run: object

    @property
    def part(self) -> Part:
        return self.digits.part

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Of the network's classes; those that the digits do not have are named by their numbers."""
        known, count = self.digits.class_names, self.readings.classes
        return (*known[:count], *map(str, range(len(known), count)))

    def label(self, sample: int) -> str:
        return self.names[int(self.readings.labels[sample])]

    def reading(self, sample: int) -> str:
        return self.names[int(self.readings.predicted[sample])]

    def called(self, sample: int) -> str:
        """Such as "Test digit 4,163, labelled 9"."""
        return self.digits.called(self.digits.indices[sample])

    def described(self, sample: int) -> str:
        """The same and how it is read."""
        sureness = percentage(float(self.readings.confidence[sample]))
        return f"{self.called(sample)}, read as {self.reading(sample)}, {sureness} sure"

    def pictures(self, samples: Any) -> Picture:
        """Of one sample or many: float32 (..., 28, 28) from 0 (paper) to 1 (ink)."""
        return self.digits.pictures(self.digits.indices[samples])

    def is_of_same_run(self, other: "Evaluation") -> bool:
        """Whether both are readings of the same digits in the course of one run."""
        same_digits = self.part == other.part and self.digits.images is other.digits.images
        return same_digits and self.run is other.run and len(self.readings.labels) == len(other.readings.labels)

    def table(self, *, shares: bool) -> list[Sequence[Any]]:
        """The confusion matrix as rows, with names, recall and precision; in their corner, the accuracy."""
        cells = self.readings.shares if shares else self.readings.counts
        rows = [
            [name, *row.tolist(), recall]
            for name, row, recall in zip(self.names, cells, self.readings.recall, strict=True)
        ]
        head = ["label \\ read as", *self.names, "recall"]
        return [head, *rows, ["precision", *self.readings.precision.tolist(), self.readings.accuracy]]


def evaluate(
    model: MLP, temperature: float, trained_on: TrainedOn, part: Part, of: str, run: object, desk: Desk
) -> Evaluation | None:
    """Read this part of what the network was trained on or tested with; None if cancelled.

    Digits of classes that the network does not know are counted nowhere.
    """
    digits = desk.digits(trained_on, part)
    labels = _known_labels(digits, model.sizes[-1])
    chosen, cancelled = digits.indices, desk.cancelled
    readings = read_all(model, digits.images, labels, chosen=chosen, temperature=temperature, cancelled=cancelled)
    return None if readings is None else Evaluation(digits, readings, of, run)


def evaluation_of(
    validation: Validation, temperature: float, trained_on: TrainedOn, of: str, run: object, desk: Desk
) -> Evaluation:
    """The same of the validation digits, from what a run's network has already said of them."""
    digits = desk.digits(trained_on, "validation")
    labels = _known_labels(digits, validation.logits.shape[1])[digits.indices]
    return Evaluation(digits, Readings.of(validation.logits, labels, temperature), of, run)


def accuracy_in_test(model: MLP, trained_on: TrainedOn, desk: Desk) -> float | None:
    """The share of the test digits that a network reads correctly; None if cancelled."""
    digits = desk.digits(trained_on, "test")
    readings = read_all(model, digits.images, digits.labels, chosen=digits.indices, cancelled=desk.cancelled)
    return None if readings is None else readings.accuracy


def readings_of_some(model: MLP, trained_on: TrainedOn, count: int, desk: Desk) -> Readings | None:
    """How a network reads the first `count` test digits; None if cancelled."""
    digits = desk.digits(trained_on, "test")
    labels = _known_labels(digits, model.sizes[-1])
    return read_all(model, digits.images, labels, chosen=digits.indices[:count], cancelled=desk.cancelled)


def _known_labels(digits: Digits, classes: int) -> NDArray[np.intp]:
    """The labels of all digits, NO_CLASS for those of classes that the network does not know: (N,)."""
    labels = digits.labels.astype(np.intp)
    return np.where(labels < classes, labels, NO_CLASS)
