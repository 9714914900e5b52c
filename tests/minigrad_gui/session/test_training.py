"""Starting, controlling and reporting a run, without a window."""

import pytest
from PySide6.QtCore import QCoreApplication, QDeadlineTimer

from engine import TrainingConfig
from minigrad_gui.control import TrainingControl
from minigrad_gui.history import History
from minigrad_gui.runner import TrainingJob
from minigrad_gui.session.curves import Curves
from minigrad_gui.session.training import Training

CONFIG = TrainingConfig(hidden=(16,), batch_size=100, epochs=2)
ENDLESS = TrainingConfig(hidden=(16,), batch_size=100, epochs=1000)

pytestmark = pytest.mark.usefixtures("few_digits")


def job_of(config, *, paused=False):
    return TrainingJob(config, "mnist", TrainingControl(config.learning_rate, paused=paused), threads=1)


@pytest.fixture
def training():
    training = Training()
    yield training
    training.abandon(keep=False)
    training.quit()
    assert training.wait(QDeadlineTimer(30_000))


@pytest.fixture
def signals(training):
    """The names of the signals emitted so far, in order."""
    signals = []
    for name in ("stateChanged", "prepared", "networkTrained", "historyCleared", "ending", "ended"):
        getattr(training, name).connect(lambda *_, name=name: signals.append(name))
    return signals


def test_a_run_trains_to_its_end(training, signals, qtbot):
    with qtbot.waitSignal(training.ended, timeout=30_000) as ended:
        training.start(job_of(CONFIG))
        assert training.state == "training"
    assert training.state == "idle"
    assert training.job is None
    assert signals[:3] == ["historyCleared", "stateChanged", "prepared"]
    assert signals[-3:] == ["ending", "stateChanged", "ended"]
    assert "networkTrained" in signals
    curves = training.curves
    assert len(curves.history) == 2 * curves.preparation.steps_per_epoch
    assert curves.gave_a_network
    assert training.epochs_done == 2
    assert not training.shows_failed_run
    (result,) = ended.args
    assert training.record(result).test_accuracy == result.test[1]


def test_a_run_can_be_paused_stepped_resumed_and_stopped(training, qtbot):
    training.start(job_of(ENDLESS, paused=True))
    assert training.state == "paused"
    for steps in (1, 2):
        training.step()
        qtbot.waitUntil(lambda steps=steps: len(training.curves.history) == steps, timeout=30_000)
    training.resume()
    assert training.state == "training"
    qtbot.waitUntil(lambda: len(training.curves.history) > 10, timeout=30_000)
    assert training.seconds_left > 0
    training.pause()
    assert training.state == "paused"
    with qtbot.waitSignal(training.ended, timeout=30_000):
        training.stop()
    assert training.seconds_left is None


def test_another_learning_rate_reaches_the_run(training, qtbot):
    job = job_of(ENDLESS)
    training.start(job)
    qtbot.waitUntil(lambda: len(training.curves.history) > 0, timeout=30_000)
    training.set_learning_rate(0.5)
    qtbot.waitUntil(lambda: bool(training.curves.history.rate_changes), timeout=30_000)
    assert training.curves.history.rate_changes[0][1] == 0.5


def test_reports_of_an_abandoned_run_are_ignored(training, signals, qtbot):
    job = job_of(ENDLESS)
    training.start(job)
    qtbot.waitUntil(lambda: len(training.curves.history) > 0, timeout=30_000)
    assert training.abandon(keep=False) is job
    assert training.state == "idle"
    training.show(Curves())
    signals.clear()
    training.quit()
    assert training.wait(QDeadlineTimer(30_000))
    QCoreApplication.processEvents()
    assert signals == []
    assert len(training.curves.history) == 0


def test_a_run_that_produced_no_network_failed(training):
    history = History()
    history.extend([2.3, 2.2], ())
    training.show(Curves(history))
    assert training.shows_failed_run
    training.show(Curves(history, gave_a_network=True))
    assert not training.shows_failed_run


def test_the_state_is_read_only(training):
    for name in ("state", "job", "curves", "samples_per_second"):
        with pytest.raises(AttributeError):
            setattr(training, name, None)
