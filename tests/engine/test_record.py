"""TrainingRecord: from a run to a file and back."""

import json
from dataclasses import replace

import numpy as np
import pytest

from engine import TrainingConfig
from engine.calibration import Calibration
from engine.record import LearningRateChange, TrainingRecord, library_versions
from engine.training import EpochSummary

RECORD = TrainingRecord(
    TrainingConfig(hidden=(8,), epochs=2, validation_share=0.2),
    "mnist",
    (EpochSummary(0, 0.5, 0.75, 0.6, 0.7), EpochSummary(1, 0.4, 0.875)),
    (LearningRateChange(3, 0.25),),
    test_loss=0.25,
    test_accuracy=0.5,
    calibration=Calibration(1.4, 5.2, 0.6),
    blas_threads=2,
    taught_drawings=4,
    earlier_epochs=0,
    class_names=("odd", "even"),
    versions=library_versions(),
)


def test_a_record_comes_back_from_json_as_it_was():
    assert TrainingRecord.from_meta(json.loads(json.dumps(RECORD.to_meta(), allow_nan=False))) == RECORD


def test_the_file_format_does_not_change():
    meta = RECORD.to_meta()
    assert meta["config"] == RECORD.config.to_dict()
    assert meta["epochs"][1] == {
        "epoch": 1,
        "loss": 0.4,
        "accuracy": 0.875,
        "validation_loss": None,
        "validation_accuracy": None,
    }
    assert meta["learning_rate_changes"] == [{"mini_batches": 3, "learning_rate": 0.25}]
    assert (meta["dataset"], meta["test_loss"], meta["test_accuracy"]) == ("mnist", 0.25, 0.5)
    assert meta["calibration"] == {"temperature": 1.4, "least_evidence": 5.2, "threshold": 0.6}
    assert (meta["blas_threads"], meta["taught_drawings"]) == (2, 4)
    assert meta["versions"]["numpy"] == np.__version__


def test_unknown_facts_are_not_written():
    assert TrainingRecord().to_meta() == {}
    assert TrainingRecord.from_meta({}) == TrainingRecord()


USELESS = [
    ("config", "all"),
    ("config", {"epochs": -1}),
    ("config", {"of_a_newer_version": 1}),
    ("dataset", ["mnist"]),
    ("epochs", "all"),
    ("epochs", [3]),
    ("epochs", [{"epoch": 0}]),
    ("epochs", [{"epoch": 0, "loss": float("nan"), "accuracy": 0.5}]),
    ("epochs", [{"epoch": 1, "loss": 1.0, "accuracy": 0.5}] * 2),
    ("epochs", [{"epoch": 0.5, "loss": 1.0, "accuracy": 0.5}]),
    ("epochs", [{"epoch": -1, "loss": 1.0, "accuracy": 0.5}]),
    ("epochs", [{"epoch": 0, "loss": 1e300, "accuracy": 0.5}]),
    ("epochs", [{"epoch": 0, "loss": None, "accuracy": 0.5}]),
    ("epochs", [{"epoch": 0, "loss": 1.0, "accuracy": None}]),
    ("learning_rate_changes", [{"mini_batches": 5, "learning_rate": None}]),
    ("learning_rate_changes", [{"mini_batches": -5, "learning_rate": 0.1}]),
    ("learning_rate_changes", [{"mini_batches": 5, "learning_rate": 0}]),
    ("epochs", [{"epoch": 0, "loss": "low", "accuracy": 0.5}]),
    ("learning_rate_changes", 3),
    ("learning_rate_changes", [{"mini_batches": "x"}]),
    ("learning_rate_changes", [{"mini_batches": 1, "learning_rate": 1e200}]),
    ("learning_rate_changes", [{"mini_batches": None, "learning_rate": 0.5}]),
    ("test_loss", float("nan")),
    ("test_accuracy", 1.5),
    ("test_accuracy", "high"),
    ("calibration", 3),
    ("calibration", {"temperature": 0.0}),
    ("blas_threads", 0),
    ("blas_threads", True),
    ("taught_drawings", -1),
    ("taught_drawings", 2.5),
    ("earlier_epochs", -1),
    ("earlier_epochs", False),
    ("class_names", "ab"),
    ("class_names", ["a"]),
    ("class_names", ["a", ""]),
    ("class_names", ["a", 2]),
    ("class_names", ["a"] * 101),
    ("versions", "3.11"),
    ("versions", {"numpy": 2}),
    ("of_a_newer_version", {"anything": [1, 2]}),
]


@pytest.mark.parametrize(("name", "stored"), USELESS, ids=str)
def test_an_invalid_entry_counts_as_missing_and_is_written_back_unchanged(name, stored):
    meta = {**RECORD.to_meta(), name: stored}
    read = TrainingRecord.from_meta(meta)
    missing = {name: getattr(TrainingRecord(), name)} if hasattr(RECORD, name) else {}
    assert read == replace(RECORD, **missing, unread={name: stored})
    assert read.to_meta() == meta


def test_a_valid_entry_replaces_an_invalid_one():
    read = TrainingRecord.from_meta({"test_accuracy": "high", "note": 1})
    assert replace(read, test_accuracy=0.5).to_meta() == {"test_accuracy": 0.5, "note": 1}


def test_a_long_run_is_reduced_to_500_epochs():
    epochs = tuple(EpochSummary(index, 1.0, 0.5) for index in range(100_000))
    meta = TrainingRecord(epochs=epochs).to_meta()
    assert 400 <= len(meta["epochs"]) <= 500
    assert meta["epochs"][-1]["epoch"] == 99_999
    assert len(json.dumps(meta)) < 100_000
    assert TrainingRecord.from_meta(meta).to_meta() == meta, "and loses no more"
