"""Which of the digits that a network learned from resemble a picture most, and what to call them. No Qt here."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.nn import MLP
from engine.ops import Array
from minigrad_gui.analysis import Desk, Digits, TrainedOn
from minigrad_gui.data import Choices
from minigrad_gui.digits import Picture
from minigrad_gui.insight.neighbours import NearestIndex, Space
from minigrad_gui.wording import several, with_article

COUNT = 12
"""Digits that are found."""
PIECE_S = 0.02
"""How long a piece of the work of preparing takes, about: a stroke may have to wait for it."""
Subject = tuple[MLP | None, str, Choices, float, int, int]
"""What an index depends on: the network, if it asks that, and the digits that the network learned from."""

Moment = tuple[object, float]


@dataclass(frozen=True)
class Resembling:
    """The digits that resemble a picture most, nearest first: `indices` intp (n,) of digits, and `distances` (n,)."""

    digits: Digits
    indices: NDArray[np.intp]
    distances: Array

    @property
    def pictures(self) -> Picture:
        """float32 (n, 28, 28)"""
        return self.digits.pictures(self.indices)

    @property
    def labels(self) -> list[str]:
        return [self.digits.class_names[label] for label in self.digits.labels[self.indices]]

    @property
    def names(self) -> list[str]:
        """What to call each of them."""
        return [self.digits.called(index) for index in self.indices]

    @property
    def descriptions(self) -> list[str]:
        """The same, and how far away it is."""
        return [f"{name}, distance {far:.2f}" for name, far in zip(self.names, self.distances, strict=True)]

    @property
    def summary(self) -> str:
        """Such as "9 of 12 are 7s (2 × 9, 1 × 4)"; names of classes are in quotation marks, not in the plural."""
        (label, most), *others = Counter(self.labels).most_common()
        if not others:
            return f"All {most} are {several(label)}"
        besides = ", ".join(f"{count} × {other}" for other, count in others)
        those = f"is {with_article(label)}" if most == 1 else f"are {several(label)}"
        return f"{most} of {len(self.indices)} {those} ({besides})"


@dataclass(frozen=True, eq=False)
class DigitIndex:
    """Digits prepared for finding those that resemble a picture. moment: the run of its network, and its epochs."""

    subject: Subject
    moment: Moment
    digits: Digits
    nearest: NearestIndex

    def find(self, picture: Picture) -> Resembling:
        return Resembling(self.digits, *self.nearest.nearest(picture, COUNT))


class IndexBuilder:
    """Work for an analyst: prepares an index piece by piece, so that other work need not wait for all of it."""

    def __init__(self, model: MLP, trained_on: TrainedOn, space: Space, moment: Moment) -> None:
        self.subject = subject(model, trained_on, space)
        self.moment = moment
        self._asks = model, trained_on, space
        self._pieces: Iterator[DigitIndex | None] | None = None
        self._index: DigitIndex | None = None

    def __call__(self, desk: Desk) -> DigitIndex | None:
        """Do a piece of the work; returns the index once it is there."""
        began_s = time.perf_counter()
        if self._pieces is None:
            self._pieces = self._build(desk)
        for index in self._pieces:
            self._index = index
            if time.perf_counter() > began_s + PIECE_S:
                break
        return self._index

    def _build(self, desk: Desk) -> Iterator[DigitIndex | None]:
        model, trained_on, space = self._asks
        digits = desk.digits(trained_on, "training")
        for nearest in NearestIndex.build(model, digits.images, space, digits.indices):
            yield None if nearest is None else DigitIndex(self.subject, self.moment, digits, nearest)


def subject(model: MLP, trained_on: TrainedOn, space: Space) -> Subject:
    return model if space == "hidden" else None, trained_on.source, trained_on.choices, *trained_on.split


def find(picture: Picture, indices: Mapping[Space, DigitIndex], desk: Desk) -> dict[Space, Resembling]:  # noqa: ARG001
    """What resembles a picture by each of these indices."""
    return {space: index.find(picture) for space, index in indices.items()}


def table(found: Mapping[Space, Resembling]) -> Iterator[Sequence[Any]]:
    """What was found, as rows with a head."""
    yield "compared", "rank", "digit", "label", "distance"
    for space, resembling in found.items():
        columns = resembling.indices, resembling.labels, resembling.distances
        for rank, (index, label, distance) in enumerate(zip(*columns, strict=True), start=1):
            yield space, rank, int(index), label, float(distance)
