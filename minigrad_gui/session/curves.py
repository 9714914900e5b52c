"""How a run went, as far as it is known."""

import math
from dataclasses import dataclass, field

from engine import TrainingConfig
from engine.record import TrainingRecord
from minigrad_gui import data
from minigrad_gui.diagnosis import Diagnosis
from minigrad_gui.history import History, recorded_history
from minigrad_gui.worker import Preparation


@dataclass(frozen=True)
class Curves:
    """How a run went. preparation: None before it is ready, or if the run is known from a network's file alone;
    diagnosis: what is wrong with it, once it has ended; gave_a_network: whether it got so far that the current network
    is its own, and not that from before the run."""

    history: History = field(default_factory=History)
    preparation: Preparation | None = None
    diagnosis: Diagnosis | None = None
    gave_a_network: bool = False


def recorded_curves(record: TrainingRecord) -> Curves:
    """What a network's file tells of its run."""
    return Curves(recorded_history(record, _steps_per_epoch(record)), gave_a_network=True)


def curves_config(curves: Curves, record: TrainingRecord) -> TrainingConfig | None:
    """The config of the run with these curves; None if that is not known. record: the current network's."""
    if curves.preparation is not None:
        return curves.preparation.job.config
    return record.config if curves.history.epochs else None


def _steps_per_epoch(record: TrainingRecord) -> int:
    """How many mini-batches an epoch had, by what a file tells of it; 1 where that cannot be said."""
    config = record.config
    if config is None or record.dataset not in data.SOURCES:
        return 1
    source = data.SOURCES[record.dataset]
    held_back = round(source.training_count * config.validation_share)
    return math.ceil((source.training_count - held_back + source.outlier_count) / config.batch_size)
