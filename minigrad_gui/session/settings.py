"""The settings of the next run: its config and dataset, or why they are invalid."""

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
from minigrad_gui.records import recorded_dataset
from minigrad_gui.runner import TrainingJob

Dataset = tuple[str, data.Choices]
"""The source of a dataset and how it is read."""


class Settings(QObject):
    """The config, the source of a dataset and how it is read, and whether the next run continues from the current
    network."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._config = TrainingConfig()
        self._source = data.MNIST
        self._choices = data.ALL_GUESSED
        self._missing: Dataset | None = None
        self._error: ConfigError | None = None
        self._continues = False

    @property
    def config(self) -> TrainingConfig:
        """The last valid config."""
        return self._config

    @property
    def source(self) -> str:
        return self._source

    @property
    def choices(self) -> data.Choices:
        return self._choices

    @property
    def missing(self) -> Dataset | None:
        """A dataset that was to be taken over and is gone, until another is chosen or trained on."""
        return self._missing

    @property
    def error(self) -> ConfigError | None:
        """Why the last input is invalid; None if it is valid."""
        return self._error

    @property
    def continues(self) -> bool:
        """Whether the next run should continue from the current network, if it fits."""
        return self._continues

    def set(self, config: TrainingConfig, source: str, choices: data.Choices = data.ALL_GUESSED) -> None:
        if (config, source, choices, None) != (self._config, self._source, self._choices, self._error):
            if source != self._source:
                self._missing = None
            self._config, self._source, self._choices, self._error = config, source, choices, None
            self.changed.emit()

    def set_dataset(self, source: str, choices: data.Choices) -> None:
        """Set the dataset and nothing else: an invalid config stays as the person entered it."""
        if (source, choices, None) != (self._source, self._choices, self._missing):
            self._source, self._choices, self._missing = source, choices, None
            self.changed.emit()

    def take_over(self, config: TrainingConfig, dataset: Dataset | None) -> None:
        """Set a config and a dataset that were stored. One that is unknown or gone leaves that of now in its place."""
        is_there = dataset is not None and data.can_be_loaded(dataset[0])
        self.set(config, *(dataset if dataset and is_there else (self._source, self._choices)))
        self._set_missing(None if is_there else dataset)

    def accept_dataset(self) -> None:
        """A run begins with the dataset that is there."""
        self._set_missing(None)

    def _set_missing(self, dataset: Dataset | None) -> None:
        if dataset != self._missing:
            self._missing = dataset
            self.changed.emit()

    def set_error(self, error: ConfigError) -> None:
        self._error = error
        self.changed.emit()

    def set_continues(self, continues: bool) -> None:
        self._continues = continues

    def take(self, model: MLP, record: TrainingRecord) -> None:
        """Take over the config and dataset that a network was trained with, as far as they are known."""
        self.take_over(config_of(model, record), recorded_dataset(record))

    def obstacle_to_continue(self, model: MLP | None, classes: int | None = None) -> str:
        """Why a run with this config cannot continue from this network, as a sentence about it; "" if it can.

        classes: of the dataset, if that is known.
        """
        if model is None:
            return "There is none yet."
        if classes not in (None, model.sizes[-1]):
            return f"It tells {model.sizes[-1]} classes apart; the dataset has {classes}."
        obstacle = self._config.obstacle_to_continue(model)
        return obstacle and f"It {obstacle}."

    def job(
        self,
        model: MLP | None,
        record: TrainingRecord,
        checkpoint: Path | None,
        *,
        paused: bool,
        classes: int | None = None,
    ) -> TrainingJob:
        """The next run. model, record: the current network, and how it was trained; classes: of the dataset, if that is
        known."""
        control = TrainingControl(self._config.learning_rate, paused=paused)
        job = TrainingJob(self._config, self._source, control, checkpoint_path=checkpoint, choices=self._choices)
        if not self._continues or self.obstacle_to_continue(model, classes):
            return job
        epochs = (record.earlier_epochs or 0) + (record.epochs[-1].epoch + 1 if record.epochs else 0)
        return replace(job, start_from=model, taught_drawings=record.taught_drawings, earlier_epochs=epochs)


def config_to_json(config: TrainingConfig, source: str, choices: data.Choices = data.ALL_GUESSED) -> str:
    chosen = {"choices": choices.to_dict()} if choices != data.ALL_GUESSED else {}
    return json.dumps({"config": config.to_dict(), "source": source, **chosen})


def config_from_json(text: str) -> tuple[TrainingConfig, str, data.Choices]:
    """The inverse of `config_to_json`; invalid text gives the defaults. The dataset may be gone."""
    try:
        stored = json.loads(text)
        config, source = config_from_dict(stored.get("config")), stored["source"]
        choices = data.Choices.from_dict(stored.get("choices", {}))
        data.can_be_loaded(source)  # raises if it is no name at all
    except (AttributeError, TypeError, ValueError, KeyError, RecursionError):
        return TrainingConfig(), data.MNIST, data.ALL_GUESSED
    return config, source, choices


def config_from_dict(stored: Any) -> TrainingConfig:
    """The inverse of `TrainingConfig.to_dict`; anything invalid gives the default config."""
    try:
        return TrainingConfig(**stored)
    except (TypeError, ValueError):
        return TrainingConfig()


def config_of(model: MLP, record: TrainingRecord) -> TrainingConfig:
    """The config that a network was trained with, as far as its record tells; its layers are the network's own,
    or those of each network of the committee that it is.
    """
    stored = record.config or TrainingConfig()
    activation = next(name for name, kind in ACTIVATIONS.items() if kind is type(model.activation))
    hidden, of_one = model.sizes[1:-1], stored.hidden
    if any(hidden == tuple(done * size for size in of_one) for done in range(1, stored.members + 1)):
        return replace(stored, activation=activation)
    return replace(stored, hidden=hidden, activation=activation, members=1)
