"""The training loop, called in the test's own thread: its reports and its end."""

import numpy as np
import pytest
from mnist_digits import replace_mnist

from engine import TrainingConfig
from engine.run import TrainingRun
from minigrad_gui import data
from minigrad_gui.control import TrainingControl
from minigrad_gui.runner import TrainingJob
from minigrad_gui.worker import TrainingWorker

CONFIG = TrainingConfig(hidden=(16,), batch_size=100, epochs=2)
ENDLESS = TrainingConfig(hidden=(16,), batch_size=100, epochs=100_000)

pytestmark = pytest.mark.usefixtures("few_digits", "qapp")


@pytest.fixture
def worker():
    return TrainingWorker()


@pytest.fixture
def told(worker):
    """The arguments of the signals, by name."""
    told = {"prepared": [], "progressed": [], "ended": []}
    for name, carried in told.items():
        getattr(worker, name).connect(carried.append)
    return told


def job_of(config, **others):
    return TrainingJob(config, "mnist", TrainingControl(config.learning_rate, **others), threads=1)


def test_every_step_is_reported_once(worker, told):
    worker.run(job_of(CONFIG))
    (prepared,) = told["prepared"]
    assert (prepared.training_count, prepared.validation_count, prepared.steps_per_epoch) == (2700, 300, 27)
    steps = [step for progress in told["progressed"] for step in progress.steps]
    assert [(step.epoch, step.index) for step in steps] == [(epoch, index) for epoch in (0, 1) for index in range(27)]
    assert [epoch.epoch for progress in told["progressed"] for epoch in progress.epochs] == [0, 1]
    for progress in told["progressed"]:
        if progress.epochs:
            assert progress.validation.epoch == progress.epochs[-1].epoch
            assert progress.validation.logits.shape == (300, 10)
        else:
            assert progress.validation is None
    (ended,) = told["ended"]
    assert ended.error is None
    assert ended.test[1] > 0.5


def test_a_reported_network_no_longer_changes(worker, told):
    job, reported = job_of(ENDLESS), []

    def on_progress(progress) -> None:
        if progress.model is not None:
            reported.append((progress.model, [each.data.copy() for each in progress.model.parameters()]))
        if len(reported) == 2:
            job.control.stop()

    worker.progressed.connect(on_progress)
    worker.run(job)
    assert len(told["ended"]) == 1
    assert not np.array_equal(reported[0][1][0], reported[1][1][0]), "it was trained in between"
    for model, weights in reported:
        assert all(np.array_equal(now.data, then) for now, then in zip(model.parameters(), weights, strict=True))


def test_the_moments_to_look_back_at_begin_with_the_first_mini_batches(worker, told, few, monkeypatch):
    monkeypatch.setattr("minigrad_gui.worker.MOMENTS_S", 60.0)  # a busy machine shall not end them early
    worker.run(job_of(CONFIG))
    moments = dict(moment for progress in told["progressed"] for moment in progress.moments)
    assert list(moments)[:9] == [1, 2, 3, 4, 5, 7, 9, 11, 14]
    assert 40 < list(moments)[-1] <= 54
    assert len(moments) < 16
    run = TrainingRun(CONFIG, few.train_images, few.train_labels, 10)
    for done, _ in enumerate(run, 1):
        if done in (1, 7):
            np.testing.assert_array_equal(moments[done].layers[0].W.data, run.model.layers[0].W.data)


def test_moments_stop_where_they_would_take_time(worker, told, monkeypatch):
    monkeypatch.setattr("minigrad_gui.worker.MOMENTS_S", 0.0)
    monkeypatch.setattr("minigrad_gui.worker.MOMENTS_TIME_SHARE", 0.0)
    worker.run(job_of(CONFIG))
    assert [batch for progress in told["progressed"] for batch, _ in progress.moments] == [1]


def test_a_stop_ends_the_run(worker, told):
    job = job_of(ENDLESS)
    worker.progressed.connect(lambda _: job.control.stop())
    worker.run(job)
    assert len(told["ended"]) == 1
    assert told["ended"][0].test is not None


def test_a_paused_run_takes_single_steps(worker):
    job = job_of(ENDLESS, paused=True)
    taken = []

    def on_progress(progress) -> None:
        taken.extend(progress.steps)
        if len(taken) < 3:
            job.control.allow_step()
        else:
            job.control.stop()

    worker.progressed.connect(on_progress)
    worker.run(job)
    assert [step.index for step in taken] == [0, 1, 2]


def test_an_abandoned_run_is_not_evaluated(worker, told):
    job = job_of(ENDLESS)
    worker.progressed.connect(lambda _: job.control.abandon(keep=False))
    worker.run(job)
    assert told["ended"][0].test is None


def test_a_diverged_run_ends_with_advice(worker, told):
    worker.run(job_of(TrainingConfig(hidden=(16,), optimizer="sgd", learning_rate=1000.0, batch_size=100)))
    (ended,) = told["ended"]
    assert ended.error.startswith("The loss exploded")
    assert ended.diagnosis.advice in ended.error


@pytest.mark.parametrize(
    ("error", "told_error"),
    [(data.DataError("There are no digits."), "There are no digits."), (MemoryError(), "There is not enough memory")],
)
def test_every_error_ends_in_one_sentence(worker, told, monkeypatch, error, told_error):
    def load():
        raise error

    replace_mnist(monkeypatch, load)
    worker.run(job_of(CONFIG))
    assert [result.error.startswith(told_error) for result in told["ended"]] == [True]


def test_an_internal_error_is_reported_and_logged(worker, told, monkeypatch, caplog):
    replace_mnist(monkeypatch, lambda: 1 / 0)
    worker.run(job_of(CONFIG))
    assert "ZeroDivisionError" in told["ended"][0].error
    assert "ZeroDivisionError" in caplog.text


def test_cancelled_loading_ends_without_an_error(worker, told, monkeypatch):
    def load():
        raise data.LoadingCancelledError

    replace_mnist(monkeypatch, load)
    worker.run(job_of(CONFIG))
    assert [result.error for result in told["ended"]] == [None]
