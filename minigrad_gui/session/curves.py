"""The course of a run, as far as it is known."""

import math
from dataclasses import dataclass, field, replace

import numpy as np

from engine import TrainingConfig
from engine.record import TrainingRecord
from engine.run import Validation
from minigrad_gui import data
from minigrad_gui.diagnosis import Diagnosis
from minigrad_gui.history import History, recorded_history
from minigrad_gui.runs import Curve
from minigrad_gui.snapshots import Snapshots
from minigrad_gui.worker import Preparation


@dataclass(frozen=True)
class Curves:
    """The course of a run. preparation: None before the run is ready, or if only a network's file tells of it;
    diagnosis: what went wrong, once it has ended; gave_a_network: whether the run got far enough to replace the
    network from before it; validation: that of the last epoch of a run in progress; snapshots: its networks."""

    history: History = field(default_factory=History)
    preparation: Preparation | None = None
    diagnosis: Diagnosis | None = None
    gave_a_network: bool = False
    validation: Validation | None = None
    snapshots: Snapshots = field(default_factory=Snapshots)


def recorded_curves(record: TrainingRecord) -> Curves:
    """The curves that a network's file records."""
    steps_per_epoch = _steps_per_epoch(record)
    if steps_per_epoch is None:  # it is not known when the learning rate was changed
        record, steps_per_epoch = replace(record, learning_rate_changes=()), 1
    return Curves(recorded_history(record, steps_per_epoch), gave_a_network=True)


def kept_curves(curve: Curve, record: TrainingRecord) -> Curves:
    """The curves of a recorded run; of a very long one, the losses are means over stretches."""
    history = recorded_history(record, curve.steps_per_epoch)
    history.epochs = []
    history.extend(np.repeat(curve.losses, curve.mini_batches), curve.epochs)
    return Curves(history, gave_a_network=True)


def curves_config(curves: Curves, record: TrainingRecord) -> TrainingConfig | None:
    """The config of the run with these curves; None if it is not known. record: that of the current network."""
    if curves.preparation is not None:
        return curves.preparation.job.config
    return record.config if curves.history.epochs else None


def _steps_per_epoch(record: TrainingRecord) -> int | None:
    """Mini-batches per epoch, computed from a file's record; None if that is not known."""
    config = record.config
    if config is None or record.dataset not in data.SOURCES:
        return None
    source = data.SOURCES[record.dataset]
    return math.ceil(config.training_count(source.training_count, source.outlier_count) / config.batch_size)
