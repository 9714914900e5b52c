"""What is recorded of a run while it trains, and what is left of it after a kill."""

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from forked import Forked
from mnist_digits import first_digits
from small_runs import some_digits

from engine import TrainingConfig, load_checkpoint, load_model
from engine.calibration import calibrate_run
from engine.checkpoint import summarize_checkpoint
from engine.record import TrainingRecord
from engine.run import TrainingRun
from minigrad_gui import data, recording, runs
from minigrad_gui.control import TrainingControl
from minigrad_gui.runner import DivergedError, RunCache, TrainingJob, open_run
from minigrad_gui.runs import RunStore
from minigrad_gui.version import version

CONFIG = TrainingConfig(hidden=(16,), learning_rate=0.01, epochs=3, batch_size=100, validation_share=0.1)


@pytest.fixture(scope="module")
def digits():
    return first_digits()


@pytest.fixture(autouse=True)
def few_digits(digits, monkeypatch):
    monkeypatch.setattr(data, "load", lambda *_: digits)


@pytest.fixture
def told():
    return []


@pytest.fixture
def store(tmp_path, told):
    return RunStore(tmp_path, told.append)


def refuse(error):
    raise AssertionError(f"a checkpoint that could not be written: {error}")


def opened(store, config=CONFIG, **others):
    job = TrainingJob(config, "mnist", TrainingControl(config.learning_rate), **{"threads": 1, **others})
    return open_run(job, RunCache(), refuse, store)


def recorded(store):
    (run,) = store.runs()
    return run


def assert_same_weights(model, path):
    kept, _ = load_model(path)
    for one, other in zip(model.parameters(), kept.parameters(), strict=True):
        np.testing.assert_array_equal(one.data, other.data)


def test_a_run_is_told_from_one_without_windows():
    config = replace(CONFIG, hidden=(16, 8), receptive_field_px=10)
    run = TrainingRun(config, *some_digits(100), 10)
    assert recording.begun_run("1", config, "MNIST", run).hidden == "16-8, 10 px"


def test_a_run_is_recorded_to_its_end(store, told):
    best = None
    with opened(store) as runner:
        for _, epoch in runner.chunks():
            if epoch is not None and (best is None or epoch.validation_accuracy > best[0]):
                best = epoch.validation_accuracy, epoch.epoch, runner.run.model.copy()
        result = runner.finish()
    run, curve = recorded(store), store.curve(runner.job.run_id)
    assert (run.id, run.ending, run.dataset, run.hidden, run.seed) == (runner.job.run_id, "finished", "MNIST", "16", 0)
    assert (run.steps, run.epochs_done) == (runner.run.steps_done, 3)
    assert 0 < run.training_s < run.updated_s - run.began_s
    assert (run.test_loss, run.test_accuracy) == result.test
    assert (run.loss, run.accuracy) == (runner.run.epochs[-1].loss, runner.run.epochs[-1].accuracy)
    assert (run.validation_accuracy, run.best_epoch) == best[:2]
    assert run.config == CONFIG
    assert run.record.blas_threads == 1
    assert run.record.versions == {"minigrad": version(), **runner.record(result).versions}
    np.testing.assert_array_equal(curve.losses, runner.run.losses)
    assert list(curve.epochs) == runner.run.epochs
    assert_same_weights(runner.run.model, store.network(run.id, "final"))
    assert_same_weights(best[2], store.network(run.id, "best"))
    assert told == []
    assert "recorder" not in [thread.name for thread in threading.enumerate()]


@pytest.mark.parametrize("is_last_best", [True, False])
def test_the_network_of_the_best_epoch_is_calibrated(store, is_last_best):
    with opened(store) as runner:
        usual = runner.run.learning_rate
        if is_last_best:
            runner.change_learning_rate(usual / 100)
        for _, epoch in runner.chunks():
            if epoch is not None and epoch.epoch == 1:
                best = runner.run.model.copy()
                runner.change_learning_rate(usual if is_last_best else 5.0)  # the third epoch is better, or worse
        result = runner.finish()
    run = recorded(store)
    _, meta = load_model(store.network(run.id, "best"))
    calibration = TrainingRecord.from_meta(meta).calibration
    assert calibration.least_log_sum_exp is not None
    assert run.best_epoch == (2 if is_last_best else 1)
    if is_last_best:
        assert calibration == result.calibration
    else:
        expected = calibrate_run(runner.run, best)  # with another number of threads
        assert calibration.temperature == pytest.approx(expected.temperature, rel=0.01)
        assert result.calibration.temperature != pytest.approx(expected.temperature, rel=0.1)


def test_a_run_is_listed_while_it_trains(store, monkeypatch):
    monkeypatch.setattr(recording, "INTERVAL_S", 0.01)
    written = threading.Event()
    extend = store.extend
    monkeypatch.setattr(store, "extend", lambda *arguments: (extend(*arguments), written.set())[0])
    with opened(store) as runner:
        chunks = runner.chunks()
        next(chunks)
        assert written.wait(20)
        run = recorded(store)
        assert run.ending == ""
        assert run.steps == len(store.curve(run.id).losses) == runner.run.steps_done
        chunks.close()
        runner.job.control.stop()
    assert recorded(store).ending == "stopped"


def test_the_ending_of_a_run_that_diverged_or_failed_is_recorded(store):
    with pytest.raises(DivergedError), opened(store, TrainingConfig(optimizer="sgd", learning_rate=1000)) as runner:
        list(runner.chunks())
    assert recorded(store).ending == "failed"
    assert "The loss exploded" in recorded(store).message
    assert store.network(runner.job.run_id, "final") is None
    store.delete([runner.job.run_id])
    with pytest.raises(ZeroDivisionError), opened(store):
        1 / 0  # noqa: B018
    assert (recorded(store).ending, recorded(store).message) == ("failed", "division by zero")


def test_a_resumed_run_goes_on_in_its_record(store, tmp_path):
    path = tmp_path / "run.npz"
    with opened(store, checkpoint_path=path) as runner:
        chunks = runner.chunks()
        next(item for item in chunks if item[1] is not None)
        chunks.close()
        runner.checkpoint.write()
        runner.job.control.stop()
    store.rename(runner.job.run_id, "mine")
    before = recorded(store)
    resumed = TrainingJob.resuming(path, summarize_checkpoint(path), path)
    assert resumed.run_id == before.id
    with open_run(resumed, RunCache(), refuse, store) as runner:
        list(runner.chunks())
        result = runner.finish()
    run = recorded(store)
    assert (run.id, run.name, run.began_s, run.ending) == (before.id, "mine", before.began_s, "finished")
    assert run.training_s > before.training_s
    np.testing.assert_array_equal(store.curve(run.id).losses, runner.run.losses)
    assert len(store.curve(run.id).epochs) == 3
    assert runner.record(result).run_id is None  # the same network has the same file
    assert load_checkpoint(path)[1]["run_id"] == run.id


def test_training_goes_on_where_nothing_can_be_recorded(tmp_path, told):
    (tmp_path / "file").write_text("")
    with opened(RunStore(tmp_path / "file", told.append)) as runner:
        list(runner.chunks())
        assert runner.finish().test[1] > 0.5
    (sentence,) = told
    assert sentence.startswith("Training continues, but its record may be incomplete: ")


def test_what_could_not_be_written_at_first_is_written_later(store, told, monkeypatch):
    with ExitStack() as other_process:
        other_process.enter_context(store._transaction())
        monkeypatch.setattr(runs, "PATIENCE_S", 0)
        with opened(store) as runner:
            list(runner.chunks())
            while not told:
                pass
            other_process.close()
    np.testing.assert_array_equal(store.curve(runner.job.run_id).losses, runner.run.losses)
    assert len(told) == 1
    assert "database is locked" in told[0]


def test_a_deleted_run_is_not_recorded_further(store):
    with opened(store) as runner:
        chunks = runner.chunks()
        next(chunks)
        while not store.runs():
            pass
        store.delete([runner.job.run_id])
        list(chunks)
        runner.finish()
    assert store.runs() == []
    assert list(store.networks.glob("*")) == []


TRAINER = """
import sys, time
from pathlib import Path
from minigrad_gui import data
from minigrad_gui.data import bundled
from minigrad_gui.control import TrainingControl
from minigrad_gui.runner import RunCache, TrainingJob, open_run
from minigrad_gui.runs import RunStore
from engine import TrainingConfig
digits = bundled.first_test_digits(3000)
data.load = lambda *_: data.Dataset(*digits, *digits, "MNIST", data.DIGIT_NAMES)
config = TrainingConfig(hidden=(16,), epochs=100000, batch_size=100, optimizer="sgd")
job = TrainingJob(config, "mnist", TrainingControl(0.01), threads=1)
print(job.run_id, flush=True)
with open_run(job, RunCache(), print, RunStore(Path(sys.argv[1]))) as runner:
    for _ in runner.chunks():
        print(time.monotonic(), runner.run.steps_done, flush=True)
"""


class Trainer:
    """A process that trains until it is killed, and writes down when it had done how many mini-batches."""

    def __init__(self, folder: Path, told: Path) -> None:
        self._told = told
        with told.open("w") as file:
            self._process = Forked("-c", TRAINER, folder, environment=os.environ, stdout=file)

    @property
    def done(self) -> np.ndarray:
        """Times in seconds and mini-batches: (n, 2)."""
        lines = self._told.read_text().split("\n")[1:-1]  # the last one may be half written
        return np.array([line.split() for line in lines], float).reshape(-1, 2)

    def has_trained_for(self, seconds: float) -> bool:
        assert self._process.poll() is None
        return len(self.done) > 0 and np.ptp(self.done[:, 0]) >= seconds

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._process.close()

    def check(self, store: RunStore) -> None:
        """What was done a second before the kill is in the list, and nothing that is there is damaged."""
        times, steps = self.done.T
        safe = steps[times <= times[-1] - 1].max(initial=0)
        run = store.get(self._told.read_text().split()[0])
        if run is not None:
            assert run.ending == ""
            assert run.steps >= safe
            losses = store.curve(run.id).losses
            assert len(losses) == run.steps
            assert np.isfinite(losses).all()
        else:
            assert safe == 0


@pytest.fixture
def start_trainer(tmp_path) -> Iterator[Callable[[], Trainer]]:
    trainers: list[Trainer] = []

    def start() -> Trainer:
        trainers.append(Trainer(tmp_path, tmp_path / f"told-{len(trainers)}.txt"))
        return trainers[-1]

    yield start
    for trainer in trainers:
        trainer.kill()


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_kill_loses_at_most_a_second(store, start_trainer):
    trainer = start_trainer()
    while not trainer.has_trained_for(2):
        time.sleep(0.02)
    trainer.kill()
    trainer.check(store)
    assert recorded(store).steps > 0


@pytest.mark.long
def test_two_runs_that_are_killed_at_any_moment_lose_at_most_a_second_each(store, start_trainer):
    rng = np.random.default_rng(0)
    for _ in range(15):
        trainers = start_trainer(), start_trainer()
        for trainer, seconds in zip(trainers, rng.uniform(0, 4, 2), strict=True):
            while not trainer.has_trained_for(seconds):
                time.sleep(0.001)
            trainer.kill()
        for trainer in trainers:
            trainer.check(store)
    with sqlite3.connect(store.path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
    assert len(store.runs()) > 20
