"""How a run went, as far as it is known."""

import math
from dataclasses import dataclass, field
from typing import Any

from engine import TrainingConfig
from minigrad_gui import data
from minigrad_gui.diagnosis import Diagnosis
from minigrad_gui.history import History, recorded_history
from minigrad_gui.session.settings import config_from_dict
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


def recorded_curves(meta: dict[str, Any]) -> Curves:
    """What a network's file tells of its run."""
    return Curves(recorded_history(meta, _steps_per_epoch(meta)), gave_a_network=True)


def curves_config(curves: Curves, meta: dict[str, Any]) -> TrainingConfig | None:
    """The config of the run with these curves; None if that is not known. meta: the current network's."""
    if curves.preparation is not None:
        return curves.preparation.job.config
    is_known = curves.history.epochs and isinstance(meta.get("config"), dict)
    return config_from_dict(meta["config"]) if is_known else None


def _steps_per_epoch(meta: dict[str, Any]) -> int:
    """How many mini-batches an epoch had, by what a file tells of it; 1 where that cannot be said."""
    config, source = meta.get("config"), meta.get("dataset")
    if not isinstance(config, dict) or not isinstance(source, str) or source not in data.SOURCES:
        return 1
    known, count = config_from_dict(config), data.SOURCES[source].training_count
    return math.ceil((count - round(count * known.validation_share)) / known.batch_size)
