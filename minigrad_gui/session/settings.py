"""What the next run is to be like: its config and dataset, or what is wrong with them."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from engine import ConfigError, TrainingConfig
from engine.nn import ACTIVATIONS, MLP
from engine.record import TrainingRecord
from minigrad_gui import data
from minigrad_gui.control import TrainingControl
from minigrad_gui.runner import TrainingJob


class Settings(QObject):
    """The config, the key of a dataset in data.SOURCES, and whether the next run goes on from the current network."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._config = TrainingConfig()
        self._source = "mnist"
        self._error: ConfigError | None = None
        self._continues = False

    @property
    def config(self) -> TrainingConfig:
        """The last config that can be trained."""
        return self._config

    @property
    def source(self) -> str:
        return self._source

    @property
    def error(self) -> ConfigError | None:
        """Why what was entered last cannot be trained; None if it can."""
        return self._error

    @property
    def continues(self) -> bool:
        """Whether the next run is to go on from the current network, where it fits."""
        return self._continues

    def set(self, config: TrainingConfig, source: str) -> None:
        if (config, source, None) != (self._config, self._source, self._error):
            self._config, self._source, self._error = config, source, None
            self.changed.emit()

    def set_error(self, error: ConfigError) -> None:
        self._error = error
        self.changed.emit()

    def set_continues(self, continues: bool) -> None:
        self._continues = continues

    def take(self, model: MLP, record: TrainingRecord) -> None:
        """Take the config and the dataset that a network was trained with, as far as they are known."""
        known = record.dataset if record.dataset in data.SOURCES else None
        self.set(config_of(model, record), known or self._source)

    def fit(self, model: MLP | None) -> bool:
        """Whether a run with this config can go on from this network."""
        if model is None or model.sizes[1:-1] != self._config.hidden:
            return False
        return type(model.activation) is ACTIVATIONS[self._config.activation]

    def job(self, model: MLP | None, taught_drawings: int, checkpoint: Path | None, *, paused: bool) -> TrainingJob:
        """The next run. model: the current network, which has learnt so many drawings."""
        control = TrainingControl(self._config.learning_rate, paused=paused)
        if not self._continues or not self.fit(model):
            return TrainingJob(self._config, self._source, control, checkpoint_path=checkpoint)
        return TrainingJob(self._config, self._source, control, model, checkpoint, taught_drawings=taught_drawings)


def config_to_json(config: TrainingConfig, source: str) -> str:
    return json.dumps({"config": config.to_dict(), "source": source})


def config_from_json(text: str) -> tuple[TrainingConfig, str]:
    """What `config_to_json` was given; the defaults if the text is of no use."""
    try:
        stored = json.loads(text)
        source = stored["source"]
    except (TypeError, ValueError, KeyError, RecursionError):
        return TrainingConfig(), "mnist"
    return config_from_dict(stored.get("config")), source if source in list(data.SOURCES) else "mnist"


def config_from_dict(stored: Any) -> TrainingConfig:
    """What `TrainingConfig.to_dict` gave; the default config if this is none."""
    try:
        return TrainingConfig(**stored)
    except (TypeError, ValueError):
        return TrainingConfig()


def config_of(model: MLP, record: TrainingRecord) -> TrainingConfig:
    """The config that a network was trained with, as far as its record tells; its layers are what they are."""
    stored = record.config or TrainingConfig()
    activation = next(name for name, kind in ACTIVATIONS.items() if kind is type(model.activation))
    return replace(stored, hidden=model.sizes[1:-1], activation=activation)
