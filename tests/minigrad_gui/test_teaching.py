"""The teaching worker, called in the test's own thread: every job ends in one result."""

from dataclasses import replace

import numpy as np
import pytest
from mnist_digits import replace_mnist

from engine import MLP
from minigrad_gui import data, handwriting, teaching
from minigrad_gui.analysis import TrainedOn
from minigrad_gui.handwriting import Drawing
from minigrad_gui.machine_code import MachineCode
from minigrad_gui.teaching import TeachingJob, TeachingResult, TeachingWorker

LINE = np.array([[0.5, 0.1], [0.5, 0.9]])

pytestmark = pytest.mark.usefixtures("few_digits", "qapp")


@pytest.fixture
def worker(monkeypatch):
    monkeypatch.setattr(handwriting, "TAUGHT_VARIATIONS", 40)
    monkeypatch.setattr(handwriting, "REPLAYED_VARIATIONS", 80)
    return TeachingWorker()


@pytest.fixture
def results(worker):
    results = []
    worker.taught.connect(results.append)
    return results


@pytest.fixture
def job():
    model = MLP(784, [16], 10, dtype=np.float32, init="he", rng=np.random.default_rng(0))
    return TeachingJob(model, (Drawing((LINE,), 1, "line"),))


def test_nothing_is_compiled_in_a_window_that_closes_while_it_waits_for_machine_code(results, job, monkeypatch):
    class Closing(MachineCode):
        def wait(self, cancelled):  # noqa: ARG002
            return False

    worker = TeachingWorker(machine_code=Closing())
    worker.taught.connect(results.append)
    monkeypatch.setattr(teaching, "prepare", lambda: pytest.fail("it compiles"))
    monkeypatch.setattr(teaching, "teach", lambda *_, **__: pytest.fail("it compiles"))
    worker.prepare()
    worker.run(job)
    assert results == [TeachingResult(job)]


def test_a_copy_learns_the_drawings_and_is_tested(worker, results, job):
    before = [parameter.data.copy() for parameter in job.model.parameters()]
    worker.run(job)
    (result,) = results
    assert (result.job, result.error) == (job, None)
    assert result.model is not job.model
    assert 0 <= result.test[1] <= 1
    for parameter, data_before in zip(job.model.parameters(), before, strict=True):
        np.testing.assert_array_equal(parameter.data, data_before)


def test_a_cancelled_job_ends_without_a_copy_and_without_an_error(worker, results, job):
    job.cancelled.set()
    worker.run(job)
    assert [(result.model, result.error) for result in results] == [(None, None)]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (data.DataError("The digits are gone."), "The digits are gone."),
        (MemoryError(), "There is not enough memory to learn your drawings."),
        (ZeroDivisionError("by zero"), "Learning stopped because of an error in the program: ZeroDivisionError"),
    ],
)
def test_every_error_is_reported_in_one_sentence(worker, results, job, monkeypatch, error, message):
    def fail():
        raise error

    replace_mnist(monkeypatch, fail)
    worker.run(job)
    assert [result.error.startswith(message) for result in results] == [True]


def test_without_digits_preparing_is_silent(worker, monkeypatch):
    def fail():
        raise data.DataError("The digits are gone.")

    replace_mnist(monkeypatch, fail)
    worker.prepare()


@pytest.fixture
def own(tmp_path):
    """A job of a network of two classes, and the file that it was trained on: sorted by class."""
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (800, 28, 28), np.uint8), np.repeat(["A", "B"], 400)
    np.savez(tmp_path / "own.npz", x_train=images, y_train=labels)
    model = MLP(784, [16], 2, dtype=np.float32, init="he", rng=np.random.default_rng(0))
    trained_on = TrainedOn(str(tmp_path / "own.npz"))
    return TeachingJob(model, (Drawing((LINE,), "B", "line"),), ("A", "B"), trained_on)


def test_a_network_of_other_classes_learns_with_its_own_data(worker, results, own, monkeypatch):
    asked = []
    monkeypatch.setattr(teaching, "REPLAYED", 100)
    monkeypatch.setattr(teaching, "teach", lambda *given, **_: asked.append(given) or given[0].copy())
    worker.run(own)
    assert [result.error for result in results] == [None]
    ((_, _, labels, replayed, replayed_labels),) = asked
    assert labels == [1]
    assert len(replayed) == 100
    assert 30 < replayed_labels.sum() < 70, "the file is sorted by class"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"class_names": ("A", "B", "C")}, "own.npz has other classes than this network"),
        (
            {"trained_on": TrainedOn("/gone/own.npz")},
            "The pictures that this network was trained on are not at /gone/own.npz",
        ),
    ],
)
def test_without_its_own_data_it_learns_nothing(worker, results, own, changed, message):
    worker.run(replace(own, **changed))
    assert [result.error.startswith(message) for result in results] == [True]
