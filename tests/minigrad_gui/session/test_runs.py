"""The checkpoint files of this window, and those it can offer."""

from dataclasses import replace

import numpy as np
import pytest

from engine import TrainingConfig
from engine.checkpoint import load_checkpoint, save_checkpoint
from engine.run import TrainingRun
from minigrad_gui.session.runs import Runs


@pytest.fixture
def runs(tmp_path):
    runs = Runs(tmp_path / "runs")
    yield runs
    runs.release()


@pytest.fixture
def left(tmp_path):
    """A run that another window left behind."""
    run = TrainingRun(TrainingConfig(hidden=(3,)), np.zeros((50, 28, 28), np.uint8), np.zeros(50, np.intp), 10)
    folder = tmp_path / "runs"
    folder.mkdir()
    save_checkpoint(folder / "left.npz", run.state(), {"dataset": "mnist"})
    return folder / "left.npz"


def test_what_was_left_behind_is_offered(runs, left, qtbot):
    with qtbot.waitSignal(runs.leftBehindChanged):
        runs.look()
    assert [run.path for run in runs.left_behind] == [left]
    runs.delete(runs.left_behind[0])
    assert runs.left_behind == []
    assert not left.exists()


def test_a_resumed_run_is_written_to_its_own_file(runs, left):
    runs.look()
    (run,) = runs.left_behind
    assert runs.adopt(run) == left
    assert runs.left_behind == []
    runs.settle(succeeded=True)
    runs.remove_all_but()
    assert not left.exists(), "it now belongs to this window"


def test_a_run_resumes_with_its_last_learning_rate(runs, left):
    checkpoint, meta = load_checkpoint(left)
    save_checkpoint(left, replace(checkpoint, learning_rate=0.125), meta)
    runs.look()
    assert runs.left_behind[0].config == TrainingConfig(hidden=(3,), learning_rate=0.125)


def test_a_run_that_could_not_be_resumed_is_offered_again(runs, left):
    runs.look()
    (run,) = runs.left_behind
    runs.adopt(run)
    runs.settle(succeeded=False)
    assert runs.left_behind == [run]
    runs.remove_all_but()
    assert left.exists()
    runs.settle(succeeded=False)
    assert runs.left_behind == [run], "once"


@pytest.mark.usefixtures("left")
def test_after_a_new_run_a_failed_one_is_not_offered_again(runs):
    runs.look()
    runs.adopt(runs.left_behind[0])
    runs.claim()
    runs.settle(succeeded=False)
    assert runs.left_behind == []


def test_unneeded_checkpoints_are_removed(runs):
    needed, unneeded, left = (runs.claim() for _ in range(3))
    for path in (needed, unneeded, left):
        path.touch()
    runs.leave(left)
    runs.remove_all_but(needed, None)
    assert [path.exists() for path in (needed, unneeded, left)] == [True, False, True]


def test_a_folder_that_cannot_be_written_to_is_reported(tmp_path, qtbot):
    (tmp_path / "file").touch()
    runs = Runs(tmp_path / "file" / "runs")
    with qtbot.waitSignal(runs.checkpointFailed) as failed:
        assert runs.claim() is None
    assert "cannot be written to" in failed.args[0]
