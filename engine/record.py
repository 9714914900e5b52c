"""TrainingRecord: what a network's file says of how the network was trained.

In the file it is the `meta` of `save_model`, a JSON object. Read back, each entry is checked by itself: one that is
of no use counts as missing, and it is written again as it was, as are entries that only other versions know.
"""

import math
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple, TypeVar

import numpy as np

from engine.calibration import Calibration
from engine.config import TrainingConfig
from engine.training import EpochSummary

MAX_RECORDED_EPOCHS = 500
LARGEST = 1e100
"""Larger numbers in a file cannot be plotted."""

T = TypeVar("T")


class LearningRateChange(NamedTuple):
    """From when on, in mini-batches done, a run had another learning rate, and which."""

    mini_batches: int
    learning_rate: float


@dataclass(frozen=True)
class TrainingRecord:
    """How a network was trained, as far as that is known.

    dataset: the name of what it was trained on; epochs: in order, of a long run not all; test_loss, test_accuracy: of
    the network on the test samples; blas_threads: recorded because it may change the last digit of a product;
    taught_drawings: how many drawings of its user the network has learnt besides; versions: of Python and NumPy;
    unread: what else the file's `meta` holds.
    """

    config: TrainingConfig | None = None
    dataset: str | None = None
    epochs: tuple[EpochSummary, ...] = ()
    learning_rate_changes: tuple[LearningRateChange, ...] = ()
    test_loss: float | None = None
    test_accuracy: float | None = None
    calibration: Calibration = field(default_factory=Calibration)
    blas_threads: int | None = None
    taught_drawings: int = 0
    versions: Mapping[str, str] = field(default_factory=dict)
    unread: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_meta(cls, meta: Mapping[str, Any]) -> "TrainingRecord":
        """The record in the `meta` that `load_model` gave, whatever that holds."""
        understood: dict[str, Any] = {}
        unread: dict[str, Any] = {}
        for name, stored in meta.items():
            try:
                understood[name] = _READERS[name](stored)
            except (KeyError, TypeError, ValueError):
                unread[name] = stored
        return cls(**understood, unread=unread)

    def to_meta(self) -> dict[str, Any]:
        """Plain values for the `meta` of `save_model`. Of more than 500 epochs some are left out, evenly."""
        meta = dict(self.unread)
        for name, write in _WRITERS.items():
            value = getattr(self, name)
            if value != getattr(_NOTHING, name):
                meta[name] = write(value)
        return meta


def library_versions() -> dict[str, str]:
    """The versions of what computes, for a record."""
    return {"python": platform.python_version(), "numpy": np.__version__}


# ---------------------------------------------------------------- entries: a reader raises for what is of no use


def _read_epochs(stored: list[Any]) -> tuple[EpochSummary, ...]:
    epochs = tuple(EpochSummary(**_numbers(epoch)) for epoch in _list(stored))
    numbers = [epoch.epoch for epoch in epochs]
    if numbers != sorted(set(numbers)) or any(type(number) is not int or number < 0 for number in numbers):
        raise ValueError("these are no numbers of epochs")
    return epochs


def _read_changes(stored: list[Any]) -> tuple[LearningRateChange, ...]:
    changes = [LearningRateChange(**_numbers(change)) for change in _list(stored)]
    return tuple(LearningRateChange(int(batches), rate) for batches, rate in changes)


def _list(stored: Any) -> list[Any]:
    if not isinstance(stored, list):
        raise TypeError("this is no list")
    return stored


def _numbers(stored: Any) -> dict[str, Any]:
    """An object whose values are numbers that can be drawn, or None."""
    if not isinstance(stored, dict):
        raise TypeError("this is no object")
    for value in stored.values():
        if value is not None and not (type(value) in (int, float) and abs(value) < LARGEST):
            raise ValueError("a record holds numbers")
    return dict(stored)


def _checked(kind: type[T], holds: Callable[[Any], bool] = lambda _: True) -> Callable[[Any], T]:
    def read(stored: Any) -> T:
        if type(stored) is not kind or not holds(stored):
            raise ValueError(f"{stored!r} cannot be")
        return stored

    return read


def _read_versions(stored: Any) -> dict[str, str]:
    if not isinstance(stored, dict):
        raise TypeError("this is no object")
    return {name: _checked(str)(version) for name, version in stored.items()}


def _evenly(epochs: Sequence[EpochSummary]) -> list[dict[str, Any]]:
    """Some 500 epochs of a long run, the last among them."""
    stride = math.ceil(len(epochs) / MAX_RECORDED_EPOCHS)
    return [asdict(epoch) for epoch in epochs[::-stride][::-1]]


_NOTHING = TrainingRecord()
_READERS: dict[str, Callable[[Any], Any]] = {
    "config": lambda stored: TrainingConfig(**stored),
    "dataset": _checked(str),
    "epochs": _read_epochs,
    "learning_rate_changes": _read_changes,
    "test_loss": _checked(float, math.isfinite),
    "test_accuracy": _checked(float, lambda accuracy: 0 <= accuracy <= 1),
    "calibration": Calibration.from_dict,
    "blas_threads": _checked(int, lambda threads: threads >= 1),
    "taught_drawings": _checked(int, lambda count: count > 0),
    "versions": _read_versions,
}
_WRITERS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(_READERS, lambda value: value),
    "config": lambda config: config.to_dict(),
    "epochs": _evenly,
    "learning_rate_changes": lambda changes: [change._asdict() for change in changes],
    "calibration": lambda calibration: calibration.to_dict(),
    "versions": dict,
}
