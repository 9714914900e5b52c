"""TrainingRecord: how a network was trained, as stored in its file.

In the file it is the `meta` of `save_model`, a JSON object. Each entry is validated separately: an invalid one counts
as missing. Invalid entries, and entries of other versions, are written back unchanged.
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
MAX_CLASSES = 100
MAX_NAME_CHARS = 60
LARGEST = 1e100
"""Larger numbers in a file cannot be plotted."""

T = TypeVar("T")


class LearningRateChange(NamedTuple):
    """A new learning rate, and the number of mini-batches done when it was set."""

    mini_batches: int
    learning_rate: float


@dataclass(frozen=True)
class TrainingRecord:
    """How a network was trained, as far as that is known.

    dataset: the name of the training data; epochs: in order, a selection if the run was long; test_loss,
    test_accuracy: on the test samples; blas_threads: recorded because it may change the last digit of a product;
    taught_drawings: how many of its user's drawings the network has also learnt; earlier_epochs: those of the network
    that its run continued from, 0 if they are not known, None for a new network; class_names: of its outputs, if they
    are not the digits; dataset_choices: how the dataset was read, where that was chosen; versions: of Python and
    NumPy; run_id: of an unfinished run, in its checkpoint; unread: all other entries of the file's `meta`.
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
    earlier_epochs: int | None = None
    class_names: tuple[str, ...] = ()
    dataset_choices: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    run_id: str | None = None
    unread: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_meta(cls, meta: Mapping[str, Any]) -> "TrainingRecord":
        """The record in a `meta` from `load_model`, which may have any entries."""
        understood: dict[str, Any] = {}
        unread: dict[str, Any] = {}
        for name, stored in meta.items():
            try:
                understood[name] = _READERS[name](stored)
            except (KeyError, TypeError, ValueError):
                unread[name] = stored
        return cls(**understood, unread=unread)

    def to_meta(self) -> dict[str, Any]:
        """Plain values for the `meta` of `save_model`. Of more than 500 epochs, an evenly spaced selection."""
        meta = dict(self.unread)
        for name, write in _WRITERS.items():
            value = getattr(self, name)
            if value != getattr(_NOTHING, name):
                meta[name] = write(value)
        return meta


def library_versions() -> dict[str, str]:
    """The versions of Python and NumPy, for a record."""
    return {"python": platform.python_version(), "numpy": np.__version__}


# ---------------------------------------------------------------- entries: a reader raises for an invalid one


def _read_epochs(stored: list[Any]) -> tuple[EpochSummary, ...]:
    epochs = tuple(EpochSummary(**_numbers(epoch)) for epoch in _list(stored))
    numbers = [epoch.epoch for epoch in epochs]
    if numbers != sorted(set(numbers)) or any(type(number) is not int or number < 0 for number in numbers):
        raise ValueError("these are not epoch numbers")
    if any(None in (epoch.loss, epoch.accuracy) for epoch in epochs):
        raise ValueError("an epoch has a loss and an accuracy")
    return epochs


def _read_changes(stored: list[Any]) -> tuple[LearningRateChange, ...]:
    changes = [LearningRateChange(**_numbers(change)) for change in _list(stored)]
    if any(change.mini_batches < 0 or change.learning_rate <= 0 for change in changes):  # TypeError for None
        raise ValueError("these are not changes of a learning rate")
    return tuple(LearningRateChange(int(batches), rate) for batches, rate in changes)


def _list(stored: Any) -> list[Any]:
    if not isinstance(stored, list):
        raise TypeError("this is not a list")
    return stored


def _numbers(stored: Any) -> dict[str, Any]:
    """An object whose values are None or numbers small enough to plot."""
    for value in _read_object(stored).values():
        if value is not None and not (type(value) in (int, float) and abs(value) < LARGEST):
            raise ValueError("a record holds numbers")
    return dict(stored)


def _checked(kind: type[T], holds: Callable[[Any], bool] = lambda _: True) -> Callable[[Any], T]:
    def read(stored: Any) -> T:
        if type(stored) is not kind or not holds(stored):
            raise ValueError(f"{stored!r} is invalid")
        return stored

    return read


def _read_versions(stored: Any) -> dict[str, str]:
    return {name: _checked(str)(version) for name, version in _read_object(stored).items()}


def _read_object(stored: Any) -> dict[str, Any]:
    if not isinstance(stored, dict):
        raise TypeError("this is not an object")
    return stored


def _read_names(stored: Any) -> tuple[str, ...]:
    names = tuple(_checked(str, lambda name: 0 < len(name) <= MAX_NAME_CHARS)(name) for name in _list(stored))
    if not 1 < len(names) <= MAX_CLASSES:
        raise ValueError("these are not the names of classes")
    return names


def _evenly(epochs: Sequence[EpochSummary]) -> list[dict[str, Any]]:
    """At most 500 evenly spaced epochs, including the last."""
    stride = math.ceil(len(epochs) / MAX_RECORDED_EPOCHS)
    return [asdict(epoch) for epoch in epochs[::-stride][::-1]]


_NOTHING = TrainingRecord()
_READERS: dict[str, Callable[[Any], Any]] = {
    "config": lambda stored: TrainingConfig(**stored),
    "dataset": _checked(str),
    "dataset_choices": _read_object,
    "epochs": _read_epochs,
    "learning_rate_changes": _read_changes,
    "test_loss": _checked(float, math.isfinite),
    "test_accuracy": _checked(float, lambda accuracy: 0 <= accuracy <= 1),
    "calibration": Calibration.from_dict,
    "blas_threads": _checked(int, lambda threads: threads >= 1),
    "taught_drawings": _checked(int, lambda count: count > 0),
    "earlier_epochs": _checked(int, lambda count: count >= 0),
    "class_names": _read_names,
    "versions": _read_versions,
    "run_id": _checked(str, lambda run_id: run_id.isalnum() and len(run_id) <= MAX_NAME_CHARS),
}
_WRITERS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(_READERS, lambda value: value),
    "config": lambda config: config.to_dict(),
    "epochs": _evenly,
    "learning_rate_changes": lambda changes: [change._asdict() for change in changes],
    "calibration": lambda calibration: calibration.to_dict(),
    "dataset_choices": dict,
    "class_names": list,
    "versions": dict,
}
