"""The list of runs in a terminal, and as CSV and JSON."""

import csv
import json

import numpy as np
import pytest
from recorded_runs import EPOCHS, losses_of, put, run_of

from engine import TrainingConfig
from engine.training import EpochSummary
from minigrad_gui import cli
from minigrad_gui.folders import data_folder
from minigrad_gui.runs import RunStore
from minigrad_gui.runs_report import COLUMNS, run_lines, shown


@pytest.fixture
def store():
    """The user's list, with two runs."""
    store = RunStore(data_folder())
    put(store, run_of("a1", TrainingConfig(seed=3), began_s=1.0, test_accuracy=0.5))
    put(store, run_of("b2", TrainingConfig(hidden=(), learning_rate=0.25), began_s=2.0, name="wide, “old”"))
    return store


def test_cells_say_what_is_known():
    run = run_of("a1", TrainingConfig(hidden=()), ending="", validation_accuracy=None, steps=5, began_s=1e30)
    cells = {column: shown(run, column) for column in COLUMNS}
    assert cells == {
        "began": "",
        "name": "",
        "data": "MNIST",
        "layers": "none",
        "activation": "relu",
        "optimizer": "adam",
        "lr": "0.0005",
        "batch": "128",
        "seed": "0",
        "epochs": "0.5/10",
        "loss": "0.5000",
        "accuracy": "75.00%",
        "validation": "",
        "test": "85.00%",
        "seconds": "2.5",
        "ending": "unfinished",
        "note": "",
    }


def test_lines_are_in_columns():
    title, first, second = run_lines([run_of("a1", name="a"), run_of("b2", name="longer")])
    assert len({line.index(text) for line, text in ((title, "data"), (first, "MNIST"), (second, "MNIST"))}) == 1
    assert list(run_lines([])) == ["no runs"]


def test_the_command_lists_filters_and_sorts(store, capsys):
    assert len(store.runs()) == 2
    assert cli.main(["runs"]) == 0
    title, newest, oldest = capsys.readouterr().out.splitlines()
    assert title.split() == list(COLUMNS)
    assert "wide, “old”" in newest
    assert "50.00%" in oldest
    assert cli.main(["runs", "seed=3"]) == 0
    assert [line.split()[-4:] for line in capsys.readouterr().out.splitlines()[1:]] == [oldest.split()[-4:]]
    assert cli.main(["runs", "--sort", "lr", "--reverse"]) == 0
    assert capsys.readouterr().out.splitlines() == [title, oldest, newest]


def test_the_command_writes_csv(store, tmp_path, capsys):
    assert cli.main(["runs", "--sort", "test", "--reverse", "--save", str(tmp_path / "runs.csv")]) == 0
    assert capsys.readouterr().out == f"saved {tmp_path / 'runs.csv'}\n"
    with open(tmp_path / "runs.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["id"], row["name"], row["test_accuracy"], row["seed"]) for row in rows] == [
        ("a1", "", "0.5", "3"),
        ("b2", "wide, “old”", "0.85", "0"),
    ]
    assert store.get("a1").seed == 3


def test_the_command_writes_json_with_settings_and_epochs(store, tmp_path):
    epochs = [*EPOCHS, EpochSummary(2, np.inf, 0.1)]
    store.begin(run_of("c3", TrainingConfig(seed=9), began_s=3.0), 0, losses_of(), epochs)
    assert cli.main(["runs", "--save", str(tmp_path / "runs.json")]) == 0
    newest, *others = json.loads((tmp_path / "runs.json").read_text(encoding="utf-8"))
    assert [run["id"] for run in others] == ["b2", "a1"]
    assert TrainingConfig(**newest["config"]) == TrainingConfig(seed=9)
    assert newest["epoch_summaries"][1]["validation_accuracy"] == 0.8
    assert newest["epoch_summaries"][2]["loss"] is None


def test_a_file_that_cannot_be_written_is_told(store, tmp_path, capsys):
    assert store.runs()
    assert cli.main(["runs", "--save", str(tmp_path / "nowhere" / "runs.csv")]) == 2
    assert "could not be written" in capsys.readouterr().err


def test_train_records_its_run(capsys):
    words = "train --epochs 1 --hidden 4 --samples 500 --threads 1 --seed 5 --validation 0.1"
    assert cli.main(words.split()) == 0
    (run,) = RunStore(data_folder()).runs()
    assert (run.seed, run.ending, run.epochs_done) == (5, "finished", 1)
    assert f"test accuracy {run.test_accuracy:.2%}" in capsys.readouterr().out
