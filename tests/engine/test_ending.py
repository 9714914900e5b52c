"""When a run ends early, and which of its epochs is the best."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from networks import same
from small_runs import blobs

from engine import TrainingConfig, evaluate, load_checkpoint, save_checkpoint
from engine.checkpoint import summarize_checkpoint
from engine.ending import best_epoch, reason_to_stop
from engine.run import TrainingRun
from engine.training import EpochSummary

CONFIG = TrainingConfig(hidden=(8,), batch_size=2, epochs=8, learning_rate=0.01, validation_share=0.2, seed=4)
JUMPY = replace(CONFIG, batch_size=4)
"""With `noise`, its best epoch is neither the first nor the last."""


def noise():
    """Points and labels that have little to do with each other: a network soon overfits."""
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 3, 100)
    return (rng.standard_normal((100, 3)) + 0.4 * np.eye(3)[labels]).astype(np.float32), labels


def epochs_of(*validations):
    """Epochs with these validation losses and accuracies."""
    return [EpochSummary(epoch, 1.0, 0.5, *validation) for epoch, validation in enumerate(validations)]


EPOCHS = epochs_of((0.5, 0.90), (0.3, 0.92), (0.4, 0.95), (0.3, 0.95), (float("nan"), 0.1))


@pytest.mark.parametrize(("by", "best"), [("none", 1), ("loss", 1), ("accuracy", 3)])
def test_the_best_epoch(by, best):
    assert best_epoch(replace(CONFIG, keep_best=by), EPOCHS).epoch == best


@pytest.mark.parametrize(
    ("changes", "ends"),
    [
        ({}, None),
        ({"patience": 1}, 3),
        ({"patience": 2}, 4),
        ({"patience": 4}, None),
        ({"patience": 1, "keep_best": "accuracy"}, 5),
        ({"stop_accuracy": 0.92}, 2),
        ({"stop_accuracy": 0.951}, None),
        ({"stop_accuracy": 0.95, "patience": 1}, 3),
    ],
)
def test_the_epoch_after_which_a_run_ends(changes, ends):
    config = replace(CONFIG, **changes)
    reasons = [reason_to_stop(config, EPOCHS[:count]) for count in range(len(EPOCHS) + 1)]
    assert next((count for count, reason in enumerate(reasons) if reason), None) == ends
    if ends:
        assert not reason_to_stop(replace(config, epochs=ends), EPOCHS[:ends]), "its last epoch is no early end"


def test_reasons_are_told():
    assert reason_to_stop(replace(CONFIG, patience=2), EPOCHS[:4]) == "no lower validation loss since epoch 2"
    accuracy = replace(CONFIG, patience=1, keep_best="accuracy")
    assert reason_to_stop(accuracy, EPOCHS) == "no higher validation accuracy since epoch 4"
    reached = reason_to_stop(replace(CONFIG, stop_accuracy=0.925), EPOCHS[:3])
    assert reached == "the validation accuracy has reached 92.5%"


def test_without_validation_nothing_ends_early():
    config = replace(CONFIG, patience=1, stop_accuracy=0.01, keep_best="loss")
    epochs = epochs_of((None, None), (None, None))
    assert best_epoch(config, epochs) is None
    assert reason_to_stop(config, epochs) == ""
    run = TrainingRun(replace(config, validation_share=0.0), *blobs(), 3)
    list(run)
    assert len(run.epochs) == CONFIG.epochs
    assert run.model is run.trained


@pytest.mark.parametrize("averaging", ["none", "ema"])
@pytest.mark.parametrize("by", ["loss", "accuracy"])
def test_a_run_ends_with_its_best_epoch(by, averaging):
    config = replace(JUMPY, keep_best=by, averaging=averaging, averaged_epochs=0.2)
    run, plain = TrainingRun(config, *noise(), 3), TrainingRun(replace(config, keep_best="none"), *noise(), 3)
    networks = [plain.model.copy() for _, summary in plain if summary]
    for _, summary in run:
        assert summary is None or same(run.model, networks[summary.epoch]), "the current network, while it trains"
    best = best_epoch(config, run.epochs)
    assert 0 < best.epoch < CONFIG.epochs - 1
    assert same(run.model, networks[best.epoch])
    assert evaluate(run.model, *run.validation) == (best.validation_loss, best.validation_accuracy)


def test_a_run_that_is_stopped_has_its_best_epoch_too():
    run = TrainingRun(replace(JUMPY, keep_best="loss"), *noise(), 3)
    steps = iter(run)
    for _ in islice(steps, 6 * run.steps_per_epoch + 3):
        pass
    assert run.model is run.trained
    steps.close()
    best = best_epoch(run.config, run.epochs)
    assert evaluate(run.model, *run.validation) == (best.validation_loss, best.validation_accuracy)


@pytest.mark.parametrize("changes", [{"patience": 2}, {"stop_accuracy": 0.5}])
def test_a_run_ends_early(tmp_path, changes):
    run = TrainingRun(replace(JUMPY, **changes), *noise(), 3)
    list(run)
    assert len(run.epochs) < CONFIG.epochs
    assert run.is_finished
    assert run.ended_early == reason_to_stop(run.config, run.epochs) != ""
    save_checkpoint(tmp_path / "run.npz", run.state())
    assert summarize_checkpoint(tmp_path / "run.npz").is_finished
    resumed = TrainingRun(run.config, *noise(), 3)
    resumed.load_state(load_checkpoint(tmp_path / "run.npz")[0])
    assert resumed.ended_early == run.ended_early
    assert list(resumed) == []
