"""A run survives its window, after a crash, a kill or quitting during training. The next window can resume it."""

import os
import shutil
import signal
import threading
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from forked import Forked, output_of
from left_behind import leave_a_run, recoverable_runs, said
from mnist_digits import mnist
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QMessageBox
from some_views import with_settings

from engine import checkpoint, load_checkpoint, save_checkpoint
from engine.run import TrainingRun
from minigrad_gui import data
from minigrad_gui.recovery import RunFolder
from minigrad_gui.session import facade

pytestmark = pytest.mark.panels("TrainingPanel")

REAL_EXEC = QMessageBox.exec
BUTTONS = QMessageBox.StandardButton
CONFIG = {"hidden": "16", "epochs": 3, "batch_size": 64}


def train_a_while(user, steps: int = 50) -> None:
    user.configure(**CONFIG)
    user.click("trainButton")
    user.wait(lambda: len(user.session.history) > steps)


# ---------------------------------------------------------------- quitting during training


def test_quitting_during_training_asks_and_can_be_cancelled(user, answer):
    train_a_while(user)
    questions = answer(BUTTONS.Cancel)
    assert not user.window.close()
    assert len(questions) == 1
    assert questions[0].startswith("Quit while the network is training? If you keep the run, ")
    assert user.window.isVisible()
    assert user.session.state == "training"


@with_settings
@pytest.mark.usefixtures("patient_closing")
def test_a_kept_run_can_be_resumed_in_the_next_window(user, make_user, answer, runs):
    train_a_while(user)
    answer(BUTTONS.Save)
    assert user.window.close()
    assert user.window.has_ended
    (run_file,) = recoverable_runs(runs)
    state, _ = load_checkpoint(run_file)
    assert state.steps_done >= 50

    later = make_user()
    assert said(later, "offer").startswith("A run was interrupted: hidden layers 16, ")
    assert later.session.state == "idle"
    later.click("offerResumeButton")
    assert not later.widget("offer").isVisible()
    assert later.session.state == "training"
    later.wait(lambda: len(later.session.history) > 0)
    assert len(later.session.history) >= state.steps_done
    np.testing.assert_array_equal(later.session.history.losses[: state.steps_done], state.losses)
    assert later.widget("hiddenLayersEdit").text() == "16"
    assert later.widget("epochsSpin").value() == 3
    later.wait(lambda: later.session.state == "idle")
    assert [epoch.epoch for epoch in later.session.history.epochs] == [0, 1, 2]
    assert later.session.modified
    assert recoverable_runs(runs) == [run_file]


def test_a_discarded_run_is_deleted(user, make_user, answer, runs):
    train_a_while(user)
    assert len(recoverable_runs(runs)) == 1
    answer(BUTTONS.Discard)
    assert user.window.close()
    assert list(runs.iterdir()) == []
    assert said(make_user(), "offer") == ""


def test_a_paused_run_is_kept_as_it_is(user, answer, runs):
    train_a_while(user)
    user.click("pauseButton")
    user.wait_until_still()
    (run_file,) = recoverable_runs(runs)
    answer(BUTTONS.Save)
    assert user.window.close()
    assert load_checkpoint(run_file)[0].steps_done == len(user.session.history)


def test_a_slow_step_does_not_delay_closing_the_window(tmp_path):
    """In a separate process, which must exit although the step is not finished."""
    script = """
import sys
from PySide6.QtCore import QTimer
from engine import TrainingConfig
from minigrad_gui import cli, main_window
from minigrad_gui.session import facade
facade.CLOSING_MS = 100
class Window(main_window.MainWindow):
    def __init__(self):
        super().__init__()
        self.session.set_config(TrainingConfig(hidden=(1024, 1024), batch_size=100_000), "mnist")
        QTimer.singleShot(0, self.session.train)
        self.session.prepared.connect(lambda: QTimer.singleShot(100, self.go))  # the first step has begun
    def go(self):
        print("under way", self.session.state, len(self.session.history), flush=True)
        self.leave()
        print("closed, ended:", self.has_ended, flush=True)
main_window.MainWindow = Window
sys.exit(cli.main([]))
"""
    environment = {**os.environ, "XDG_DATA_HOME": str(tmp_path / "data"), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    environment["OPENBLAS_NUM_THREADS"] = "1"  # with one thread there is no rehearsal, whose steps take as long
    told = output_of("-c", script, environment=environment)
    assert told.splitlines() == ["under way training 0", "closed, ended: False"], "the step takes 15 s"


# ---------------------------------------------------------------- crashes

ROOT = Path(__file__).parents[2]
TRAINING_APP = """
import sys
from PySide6.QtCore import QTimer
from minigrad_gui import cli, main_window
from engine import TrainingConfig
class Window(main_window.MainWindow):
    def __init__(self):
        super().__init__()
        config = TrainingConfig(hidden=(16,), epochs=60, batch_size=64)
        self.session.set_config(config, "mnist")
        QTimer.singleShot(0, self.session.train)
        self.session.progressed.connect(self.tell)
    def tell(self):
        print(len(self.session.history), self.session.state, flush=True)
main_window.MainWindow = Window
sys.exit(cli.main([]))
"""


def start_training_app(tmp_path: Path) -> Forked:
    folders = {"XDG_DATA_HOME": str(tmp_path / "data"), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    return Forked("-c", TRAINING_APP, environment={**os.environ, **folders})


def has_an_epoch(runs: Path) -> bool:
    """Whether the checkpoint is of more than the start: a busy disk may take longer to write it than an epoch takes."""
    return any(load_checkpoint(file)[0].steps_done > 0 for file in runs.glob("*.npz"))


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize(
    "number", [signal.SIGKILL, signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.long)]
)
def test_a_killed_run_resumes_to_the_same_network(tmp_path, make_user, runs, number):
    child = start_training_app(tmp_path)
    while int(child.stdout.readline().split()[0] or 0) < 1000 or not has_an_epoch(runs):
        pass
    child.send_signal(number)
    _, err = child.communicate(timeout=30)
    assert child.returncode == (-number if number == signal.SIGKILL else 0), err
    (run_file,) = recoverable_runs(runs)
    assert load_checkpoint(run_file)[0].steps_done > 0

    user = make_user()
    assert "A run was interrupted" in said(user, "offer")
    state, about = load_checkpoint(run_file)
    user.click("offerResumeButton")
    user.wait(lambda: len(user.session.history) > state.steps_done)
    user.click("stopButton")
    user.wait(lambda: user.session.state == "idle")
    # The engine's result without an interruption, with the same number of threads.
    from threadpoolctl import threadpool_limits

    digits = mnist()
    run = TrainingRun(state.config, digits.train_images, digits.train_labels, 10)
    with threadpool_limits(about["blas_threads"], user_api="blas"), closing(iter(run)) as steps:
        while run.steps_done < len(user.session.history):
            next(steps)
    for mine, expected in zip(user.session.model.parameters(), run.model.parameters(), strict=True):
        np.testing.assert_array_equal(mine.data, expected.data)


@pytest.mark.usefixtures("few_digits")
def test_an_unsaved_trained_network_can_be_restored(user, make_user, runs):
    user.train(hidden="16", epochs=1)
    (run_file,) = recoverable_runs(runs)
    weights = user.session.model.layers[0].W.data
    record = user.session.record
    crashed = runs / "crashed.npz"  # as if the window that wrote it had crashed
    shutil.copy(run_file, crashed)
    later = make_user()
    assert said(later, "offer").startswith("A trained network was not saved: hidden layers 16, 1 epoch, saved ")
    later.click("offerRestoreButton")
    later.wait(lambda: later.session.state == "idle")
    np.testing.assert_array_equal(later.session.model.layers[0].W.data, weights)
    assert later.session.modified
    assert later.session.record == record


# ---------------------------------------------------------------- which runs are offered, and when


def test_a_run_in_progress_in_another_window_is_not_offered(user, make_user, runs):
    train_a_while(user)
    assert len(recoverable_runs(runs)) == 1
    other = make_user()
    assert other.session.left_behind == []
    train_a_while(other)
    assert len(recoverable_runs(runs)) == 2


def test_two_windows_do_not_offer_the_same_run(make_user, runs):
    leave_a_run(runs)
    first, second = make_user(), make_user()
    assert len(first.session.left_behind) == 1
    assert second.session.left_behind == []
    first.window.close()
    assert len(make_user().session.left_behind) == 1


@pytest.mark.usefixtures("few_digits")
def test_saving_a_network_removes_its_checkpoint(user, make_user, tmp_path, runs):
    user.train(hidden="16", epochs=1)
    assert len(recoverable_runs(runs)) == 1
    user.session.save(tmp_path / "m.npz")
    assert list(runs.iterdir()) == []
    assert said(make_user(), "offer") == ""


def test_saving_during_training_does_not_remove_the_checkpoint(user, tmp_path, runs):
    train_a_while(user)
    user.session.save(tmp_path / "m.npz")
    assert len(recoverable_runs(runs)) == 1


@pytest.mark.usefixtures("few_digits")
def test_opening_another_network_deletes_a_discarded_run(user, tmp_path, runs, answer):
    user.session.save(tmp_path / "m.npz")
    user.train(hidden="16", epochs=1)
    answer(BUTTONS.Discard)
    user.window.open(tmp_path / "m.npz")
    assert recoverable_runs(runs) == []


def test_resuming_another_run_asks_about_the_run_in_progress(user, tmp_path, runs, answer):
    other = leave_a_run(tmp_path / "elsewhere")
    train_a_while(user)
    questions = answer(BUTTONS.Cancel)
    user.window.open(other)
    assert "If you keep the run, minigrad will offer to resume it" in questions[0]
    assert user.session.run_config.hidden == (16,)
    answer(BUTTONS.Save)
    user.window.open(other)
    assert user.session.run_config.hidden == (4,)
    user.wait(lambda: len(user.session.history) > 3)
    assert sorted(load_checkpoint(path)[0].config.hidden for path in recoverable_runs(runs)) == [(4,), (16,)]
    answer(BUTTONS.Discard)
    user.window.close()
    assert [load_checkpoint(path)[0].config.hidden for path in recoverable_runs(runs)] == [(16,)]


def test_a_run_is_asked_about_even_if_its_network_was_just_saved(user, tmp_path, runs, answer):
    train_a_while(user)
    user.click("pauseButton")
    user.session.save(tmp_path / "m.npz")
    questions = answer(BUTTONS.Cancel)
    user.window.open(tmp_path / "m.npz")
    assert len(questions) == 1
    assert user.session.state == "paused"
    assert len(recoverable_runs(runs)) == 1


@pytest.mark.usefixtures("few_digits")
def test_a_new_run_keeps_the_network_before_until_that_is_dropped(user, runs):
    user.train(hidden="16", epochs=1)
    (first,) = recoverable_runs(runs)
    user.train(hidden="8", epochs=1)
    (second,) = {*recoverable_runs(runs)} - {first}
    assert len(recoverable_runs(runs)) == 2
    user.train(hidden="4", epochs=1)
    assert first not in recoverable_runs(runs)
    assert second in recoverable_runs(runs)


@pytest.mark.usefixtures("few_digits")
def test_a_run_that_diverges_at_once_leaves_the_current_network_in_place(user, runs, explode):
    user.train(hidden="16", epochs=1)
    files = recoverable_runs(runs)
    model = user.session.model
    user.configure(hidden="8", batch_size=128)
    explode(user)
    assert user.session.model is model, "it exploded before it gave a network"
    assert recoverable_runs(runs) == files


@pytest.mark.usefixtures("few_digits")
def test_restoring_the_previous_network_does_not_delete_the_unsaved_one(user, tmp_path, runs):
    user.train(hidden="16", epochs=1)
    files = recoverable_runs(runs)
    user.session.restore_previous()
    user.session.save(tmp_path / "before.npz")
    assert recoverable_runs(runs) == files
    user.session.restore_previous()
    assert user.session.modified
    user.session.save(tmp_path / "after.npz")
    assert recoverable_runs(runs) == []


@pytest.mark.usefixtures("few_digits")
def test_the_next_run_deletes_the_checkpoint_of_a_network_put_aside(user, runs):
    user.train(hidden="16", epochs=1)
    (run_file,) = recoverable_runs(runs)
    config = user.session.config
    user.session.restore_previous()
    user.session.set_config(config, "mnist")  # the previous network's own settings would train for minutes
    user.train(hidden="16", epochs=1)
    assert len(recoverable_runs(runs)) == 1
    assert run_file not in recoverable_runs(runs)


@pytest.mark.usefixtures("few_digits")
def test_quitting_after_a_restore_asks_about_the_network_put_aside(user, make_user, answer, runs):
    user.train(hidden="16", epochs=1)
    user.session.restore_previous()
    questions = answer(BUTTONS.Cancel)
    assert not user.window.close()
    assert "without saving the newly trained one" in questions[0]
    answer(BUTTONS.Save)
    assert user.window.close()
    assert len(recoverable_runs(runs)) == 1
    assert said(make_user(), "offer").startswith("A trained network was not saved")


@pytest.mark.usefixtures("patient_closing")
def test_a_run_discarded_while_it_is_being_written_is_deleted(user, tmp_path, runs, answer, monkeypatch):
    writing, may_end = threading.Event(), threading.Event()
    real_write = checkpoint.write_archive

    def slow_write(path, *rest):
        writing.set()
        may_end.wait(10)
        real_write(path, *rest)

    user.session.save(tmp_path / "m.npz")
    train_a_while(user)
    monkeypatch.setattr(checkpoint, "write_archive", slow_write)
    user.wait(writing.is_set)
    answer(BUTTONS.Discard)
    user.window.open(tmp_path / "m.npz")
    may_end.set()
    assert user.window.close()
    assert user.window.has_ended
    assert recoverable_runs(runs) == []


def test_a_run_that_is_still_being_written_is_not_offered_to_another_window(user, make_user, runs, answer, monkeypatch):
    may_end = threading.Event()
    real_write = checkpoint.write_archive
    monkeypatch.setattr(facade, "CLOSING_MS", 100)
    train_a_while(user)
    monkeypatch.setattr(checkpoint, "write_archive", lambda *given: may_end.wait(10) and real_write(*given))
    answer(BUTTONS.Save)
    assert user.window.close()
    assert not user.window.has_ended
    try:
        assert make_user().session.left_behind == []
        assert len(recoverable_runs(runs)) == 1
    finally:
        may_end.set()


@pytest.mark.usefixtures("patient_closing")
def test_a_signal_while_the_question_is_open_closes_the_window_and_keeps_the_run(user, runs, monkeypatch):
    train_a_while(user)
    monkeypatch.setattr(QMessageBox, "exec", REAL_EXEC)
    look = QTimer(interval=1)
    look.timeout.connect(lambda: QApplication.activeModalWidget() and (look.stop(), user.window.leave()))
    look.start()
    user.window.close()
    assert not user.window.isVisible()
    assert user.window.has_ended
    assert len(recoverable_runs(runs)) == 1


@with_settings
def test_a_learning_rate_with_many_digits_is_not_rounded_by_focusing_its_field(make_user, runs, qtbot):
    rate = 1.23456789e-5
    leave_a_run(runs, learning_rate=rate)
    user = make_user()
    user.click("offerResumeButton")
    user.wait(lambda: len(user.session.history) > 3)
    user.widget("learningRateSpin").setFocus()
    qtbot.keyClick(user.widget("learningRateSpin"), Qt.Key.Key_Return)
    user.widget("momentumSpin").setFocus()
    assert user.session.config.learning_rate == rate
    user.widget("learningRateSpin").setValue(0.5)
    assert user.session.config.learning_rate == 0.5


def test_a_discarded_run_is_not_offered_after_the_next_run_ends_without_a_network(make_user, runs, tmp_path, answer):
    leave_a_run(runs)
    user = make_user()
    user.session.save(tmp_path / "m.npz")
    user.click("offerResumeButton")
    answer(BUTTONS.Discard)
    user.window.open(tmp_path / "m.npz")
    assert recoverable_runs(runs) == []
    user.click("trainButton")
    user.click("stopButton")
    user.wait(lambda: user.session.state == "idle")
    assert user.session.left_behind == []


def test_locks_without_a_run_are_removed(make_user, runs):
    runs.mkdir(parents=True)
    (runs / "0123.lock").touch()
    make_user()
    assert list(runs.iterdir()) == []


def test_a_run_whose_dataset_is_unavailable_is_offered_again_next_time(make_user, runs, warnings, monkeypatch):
    path = leave_a_run(runs)
    state, about = load_checkpoint(path)
    save_checkpoint(path, state, {**about, "dataset": "ylecun/mnist"})  # the hub is unreachable in tests
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("HF_HOME", str(runs / "nothing"))
    user = make_user()
    user.click("offerResumeButton")
    user.wait(lambda: bool(warnings))
    user.window.close()
    assert path.exists()
    assert len(make_user().session.left_behind) == 1


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06" + bytes(18), b"no run at all"], ids=len)
def test_files_that_are_not_runs_are_left_alone(make_user, runs, content):
    runs.mkdir(parents=True)
    (runs / "strange.npz").write_bytes(content)
    (runs / "notes.txt").write_bytes(content)
    user = make_user()
    assert user.session.left_behind == []
    user.window.close()
    assert (runs / "strange.npz").read_bytes() == content


def test_a_run_damaged_after_it_was_offered_is_reported(make_user, runs, warnings):
    path = leave_a_run(runs)
    user = make_user()
    path.write_bytes(path.read_bytes()[:-100])
    user.click("offerResumeButton")
    user.wait(lambda: bool(warnings))
    assert path.name in warnings[0]
    assert "error in the program" not in warnings[0]
    assert user.session.state == "idle"
    assert user.session.model is not None


def test_old_drafts_are_removed(make_user, runs):
    runs.mkdir(parents=True)
    old, new = runs / ".old.tmp", runs / ".new.tmp"
    old.touch()
    new.touch()
    os.utime(old, (1, 1))
    make_user()
    assert [file.name for file in runs.iterdir()] == [".new.tmp"]


def test_training_continues_with_a_notice_if_nothing_can_be_written(make_user, runs):
    runs.parent.mkdir(parents=True, exist_ok=True)
    runs.write_text("a file where the folder should be")
    user = make_user()
    train_a_while(user)
    assert "would be lost if the program ended now" in said(user, "notice")
    user.click("noticeCloseButton")
    user.wait(lambda: user.session.state == "idle")
    assert said(user, "notice") == ""


def test_a_folder_deleted_during_training_is_reported_once(user, runs):
    user.configure(hidden="16", epochs=4, batch_size=64)
    user.click("trainButton")
    user.wait(lambda: len(user.session.history) > 10)
    shutil.rmtree(runs.rename(runs.with_name("deleted")))  # at once: meanwhile, a checkpoint may be written to it
    user.wait(lambda: said(user, "notice") != "")
    user.click("noticeCloseButton")
    user.wait(lambda: user.session.state == "idle")
    assert said(user, "notice") == ""
    assert len(user.session.history.epochs) == 4


def test_a_checkpoint_of_the_command_line_can_be_opened(user, tmp_path, runs):
    path = leave_a_run(tmp_path / "elsewhere")
    before = path.read_bytes()
    user.window.open(path)
    assert user.session.state == "training"
    user.wait(lambda: len(user.session.history) > 3)
    assert path.read_bytes() == before, "the window writes the run to its own file"
    assert len(recoverable_runs(runs)) == 1


def test_the_folder_can_be_locked_by_one_at_a_time(tmp_path):
    leave_a_run(tmp_path)
    one, other = RunFolder(tmp_path), RunFolder(tmp_path)
    assert len(one.left_behind()) == 1
    assert other.left_behind() == []
    one.release()
    assert len(other.left_behind()) == 1
    other.release()
    assert [file.suffix for file in sorted(tmp_path.iterdir())] == [".lock", ".npz"]


def test_a_resumed_run_still_records_the_taught_drawings(make_user, runs):
    path = leave_a_run(runs)
    state, about = load_checkpoint(path)
    save_checkpoint(path, state, {**about, "taught_drawings": 4})
    user = make_user()
    user.click("offerResumeButton")
    user.wait(lambda: len(user.session.history) > 3)
    assert load_checkpoint(path)[1]["taught_drawings"] == 4
    user.click("stopButton")
    user.wait(lambda: user.session.state == "idle")
    assert user.session.taught_drawings == 4


def test_after_a_run_is_deleted_the_next_is_offered(make_user, runs, answer):
    older, newer = leave_a_run(runs, seed=1), leave_a_run(runs, seed=2)
    os.utime(older, (1, 1))
    user = make_user()
    assert [run.path for run in user.session.left_behind] == [newer, older]
    questions = answer(BUTTONS.Cancel)
    user.click("offerDeleteButton")
    assert newer.exists()
    answer(BUTTONS.Discard)
    user.click("offerDeleteButton")
    assert "cannot be undone" in questions[0]
    assert recoverable_runs(runs) == [older]
    assert "1 Jan 1970, " in said(user, "offer")
    user.click("offerNotNowButton")
    assert said(user, "offer") == ""
    assert older.exists()


def test_after_a_run_was_resumed_the_next_is_offered_only_on_request(make_user, runs):
    leave_a_run(runs, seed=1)
    newer = leave_a_run(runs, seed=2)
    user = make_user()
    user.click("offerResumeButton")
    assert said(user, "offer") == ""
    user.wait(lambda: len(user.session.history) > 3)
    user.click("stopButton")
    user.wait(lambda: user.session.state == "idle")
    assert newer in recoverable_runs(runs)
    assert said(user, "offer") == "", "nothing is offered any more without a request"
    user.trigger("recoverAction")
    assert said(user, "offer").startswith("A run was interrupted")


@pytest.mark.parametrize("dismissal", ["offerNotNowButton", "trainButton"])
def test_a_declined_offer_reappears_only_on_request(make_user, runs, dismissal):
    leave_a_run(runs)
    user = make_user()
    user.configure(hidden="8")
    recover = user.window.findChild(QAction, "recoverAction")
    assert recover.isEnabled()
    user.click(dismissal)
    assert said(user, "offer") == ""
    user.train(hidden="8")
    assert said(user, "offer") == ""
    recover.trigger()
    assert said(user, "offer").startswith("A run was interrupted")


def test_without_runs_left_behind_the_action_is_disabled(user):
    assert not user.window.findChild(QAction, "recoverAction").isEnabled()


def test_a_run_stopped_while_its_data_loads_is_offered_again(make_user, runs, monkeypatch):
    def load(key, choices, cancelled):  # noqa: ARG001
        while not cancelled():
            time.sleep(0.01)
        raise data.LoadingCancelledError

    path = leave_a_run(runs)
    user = make_user()
    with monkeypatch.context() as slow:
        slow.setattr(data, "load", load)
        user.click("offerResumeButton")
        user.click("stopButton")
        user.wait(lambda: user.session.state == "idle")
    assert said(user, "offer").startswith("A run was interrupted")
    user.click("offerResumeButton")
    user.wait(lambda: len(user.session.history) > 3)
    user.click("stopButton")
    user.wait(lambda: user.session.state == "idle")
    assert load_checkpoint(path)[0].steps_done == len(user.session.history)
