"""Runs as the list has them, without training."""

import json
from typing import Any

import numpy as np

from engine import TrainingConfig
from engine.record import TrainingRecord
from engine.training import EpochSummary
from minigrad_gui.runs import Run, RunStore

EPOCHS = (EpochSummary(0, 1.5, 0.5, 1.0, 0.7), EpochSummary(1, 0.5, 0.75, 0.8, 0.8))


def run_of(run_id: str, config: TrainingConfig | None = None, **changes: Any) -> Run:
    """A finished run of two epochs of ten mini-batches; with a config, its settings are those of the config."""
    config = config or TrainingConfig()
    meta = TrainingRecord(config=config, dataset="mnist").to_meta()
    run = Run(
        id=run_id,
        began_s=1e9,
        updated_s=1e9,
        training_s=2.5,
        ending="finished",
        name="",
        note="",
        dataset="MNIST",
        hidden="-".join(map(str, config.hidden)),
        activation=config.activation,
        optimizer=config.optimizer,
        learning_rate=config.learning_rate,
        batch_size=config.batch_size,
        epochs=config.epochs,
        seed=config.seed,
        steps=20,
        steps_per_epoch=10,
        loss=0.5,
        accuracy=0.75,
        validation_loss=0.8,
        validation_accuracy=0.8,
        best_epoch=1,
        test_loss=0.7,
        test_accuracy=0.85,
        settings=json.dumps(meta),
        message="",
    )
    return run._replace(**changes)


def losses_of(count: int = 20) -> np.ndarray:
    return np.linspace(2, 0.5, count, dtype=np.float32)


def put(store: RunStore, *runs: Run) -> None:
    """Record these runs with curves of twenty mini-batches."""
    for run in runs:
        store.begin(run, 0, losses_of(), EPOCHS)
