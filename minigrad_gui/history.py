"""A run so far: the loss of every mini-batch, raw and smoothed, and a summary of each epoch."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.record import LearningRateChange, TrainingRecord
from engine.training import EpochSummary

HALF_WINDOW = 50
"""Largest number of mini-batches on either side that a smoothed loss takes into account."""
HALF_WINDOW_AT_THE_END = 10
"""At least this many before it, even if fewer have followed yet; otherwise the end of the curve would be jumpy."""
BLOCKS = 5
GUESSING = math.log(10)
ENOUGH = 4000
"""Losses that are sampled to find the typical one."""


class History:
    """The losses of a run, mini-batch by mini-batch and epoch by epoch. Its length counts mini-batches.

    The history of a network that was read from a file has epochs only, perhaps not all, and length 0. begins: of a
    committee, how many mini-batches come before each further network, whose losses are smoothed apart.
    """

    def __init__(self, steps_per_epoch: int = 1, begins: Sequence[int] = ()) -> None:
        self.steps_per_epoch = steps_per_epoch
        self._begins = begins
        self.epochs: list[EpochSummary] = []
        self.rate_changes: list[LearningRateChange] = []
        self._losses, self._smoothed = np.empty(1024), np.empty(1024)
        self._count = 0
        self._smoothed_count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def losses(self) -> NDArray[np.float64]:
        """The loss of each mini-batch."""
        return self._losses[: self._count]

    @property
    def smoothed(self) -> NDArray[np.float64]:
        """The losses as `smooth` gives them. The last 50 still change as more arrive."""
        if self._smoothed_count < self._count:
            start = max(0, self._smoothed_count - HALF_WINDOW)
            edges = [0, *(begin for begin in self._begins if begin < self._count), self._count]
            for begin, end in pairwise(edges):
                first = min(max(begin, start), end)
                self._smoothed[first:end] = smooth(self._losses[begin:end], first - begin)
            self._smoothed_count = self._count
        return self._smoothed[: self._count]

    def extend(self, losses: ArrayLike, epochs: Sequence[EpochSummary]) -> None:
        """Add the losses of more mini-batches, (n,), and the epochs that ended with them."""
        added: NDArray[np.floating[Any]] = np.asarray(losses, np.float64)
        count = self._count + len(added)
        if count > len(self._losses):
            self._losses, self._smoothed = (np.resize(values, 2 * count) for values in (self._losses, self._smoothed))
        self._losses[self._count : count] = added
        self._count = count
        self.epochs.extend(epochs)

    def epochs_ended_by(self, batch: int) -> list[EpochSummary]:
        """The epochs that had ended when mini-batch number `batch`, counted from 1, had been trained on."""
        return [epoch for epoch in self.epochs if self.end_of(epoch) <= batch]

    def end_of(self, epoch: EpochSummary) -> int:
        """The number of an epoch's last mini-batch, counted from 1."""
        return (epoch.epoch + 1) * self.steps_per_epoch

    @property
    def epochs_trained(self) -> float:
        """How many epochs have been trained, with the fraction of the current one."""
        if self._count:
            return self._count / self.steps_per_epoch
        return self.epochs[-1].epoch + 1 if self.epochs else 0


def outlier_limit(losses: NDArray[np.float64]) -> float:
    """The loss above which losses (n,), n > 0, are left out of a plot: higher than any in a run that learns.

    Three times the typical loss, but at least twice the first one and twice that of guessing among ten classes.
    (`np.median` would import `numpy.ma`, which takes as long as all the rest of a first plot.)
    """
    some = np.sort(losses[:: len(losses) // ENOUGH + 1])
    typical = float(some[(len(some) - 1) // 2])
    return max(3 * typical, 2 * float(losses[0]), 2 * GUESSING)


def recorded_history(record: TrainingRecord, steps_per_epoch: int) -> History:
    """The history recorded in a network's file."""
    history = History(steps_per_epoch)
    history.epochs = list(record.epochs)
    history.rate_changes = list(record.learning_rate_changes)
    return history


def smooth(losses: NDArray[np.float64], start: int = 0) -> NDArray[np.float64]:
    """A robust moving average of losses (n,) around each place from `start` on: (n - start,).

    The window reaches equally far to both sides, 50 mini-batches or as many as there are, so the curve neither lags
    behind a falling loss nor begins above it. Its five blocks are averaged each, and the median of these averages is
    the value: one explosion spoils one block, and the other four outvote it. (The median of means: Nemirovsky and
    Yudin, Problem Complexity and Method Efficiency in Optimization, 1983.)
    """
    count = len(losses)
    places = np.arange(start, count)
    ahead = np.maximum(count - 1 - places, HALF_WINDOW_AT_THE_END)
    half = np.minimum(np.minimum(places, ahead), HALF_WINDOW)
    first, end = places - half, np.minimum(places + half + 1, count)
    edges = first + (end - first) * np.arange(BLOCKS + 1)[:, np.newaxis] // BLOCKS
    sums = np.concatenate(([0.0], np.cumsum(losses[start - half[0] :]))) if count > start else np.zeros(1)
    totals, counts = (np.diff(values, axis=0) for values in (sums[edges - first[:1]], edges))
    means = totals / np.maximum(counts, 1)
    smoothed = np.median(means, axis=0)
    few = end - first < BLOCKS  # at the very beginning
    smoothed[few] = totals[:, few].sum(axis=0) / (end - first)[few]
    return np.asarray(smoothed)
