"""A run, the network it trains, its checkpoint and the previous network, without handwriting or drawing."""

import pytest
from PySide6.QtCore import QDeadlineTimer

from engine import ConfigError, ModelFileError, TrainingConfig, load_model
from minigrad_gui.session.experiment import Experiment

CONFIG = TrainingConfig(hidden=(16,), batch_size=100, epochs=1)
LONG = TrainingConfig(hidden=(16,), batch_size=100, epochs=1000)

pytestmark = pytest.mark.usefixtures("few_digits")


@pytest.fixture
def make_experiment(tmp_path):
    made = []

    def make() -> Experiment:
        made.append(Experiment(tmp_path / "runs"))
        return made[-1]

    yield make
    for experiment in made:
        end(experiment)


@pytest.fixture
def experiment(make_experiment):
    return make_experiment()


def end(experiment, *, keep_checkpoint: bool = False) -> None:
    experiment.abandon(keep_checkpoint=keep_checkpoint)
    experiment.training.quit()
    assert experiment.training.wait(QDeadlineTimer(30_000))
    experiment.close(keep_checkpoint=keep_checkpoint)
    experiment.runs.release()


def checkpoints(tmp_path) -> list:
    return sorted((tmp_path / "runs").glob("*.npz"))


def train(experiment, qtbot) -> None:
    experiment.settings.set(CONFIG, "mnist")
    experiment.start(paused=False)
    qtbot.waitUntil(lambda: experiment.training.state == "idle", timeout=30_000)


def begin(experiment, qtbot) -> None:
    experiment.settings.set(LONG, "mnist")
    experiment.start(paused=False)
    qtbot.waitUntil(lambda: len(experiment.training.curves.history) > 0, timeout=30_000)


def test_a_run_starts_only_if_it_can(experiment):
    assert experiment.can_start
    experiment.settings.set_error(ConfigError("epochs", "The number of epochs is at least 1."))
    assert not experiment.can_start
    experiment.settings.set(LONG, "mnist")
    experiment.start(paused=True)
    assert not experiment.can_start


def test_a_run_produces_a_network_with_a_record_and_a_checkpoint(experiment, qtbot, tmp_path):
    with qtbot.waitSignal(experiment.begun):
        train(experiment, qtbot)
    now = experiment.network.now
    assert now.model.sizes == (784, 16, 10)
    assert now.record.config == CONFIG
    assert now.record.test_accuracy is not None
    assert checkpoints(tmp_path) == [now.checkpoint_path]


def test_a_saved_network_needs_no_checkpoint(experiment, qtbot, tmp_path):
    train(experiment, qtbot)
    experiment.save(tmp_path / "mine.npz")
    assert checkpoints(tmp_path) == []
    assert experiment.network.now.checkpoint_path is None


def test_saving_during_training_records_that_and_does_not_remove_the_checkpoint(experiment, qtbot, tmp_path):
    begin(experiment, qtbot)
    qtbot.waitUntil(lambda: experiment.training.curves.gave_a_network, timeout=30_000)
    experiment.save(tmp_path / "mine.npz")
    assert load_model(tmp_path / "mine.npz")[1]["config"]["epochs"] == 1000
    assert len(checkpoints(tmp_path)) == 1


def test_the_learning_rate_of_a_run_follows_the_settings(experiment):
    experiment.settings.set(LONG, "mnist")
    experiment.start(paused=True)
    experiment.settings.set(TrainingConfig(learning_rate=0.25), "mnist")
    assert experiment.training.job.control.learning_rate == 0.25
    experiment.settings.set_error(ConfigError("learning_rate", "The learning rate is more than 0."))
    assert experiment.training.job.control.learning_rate == 0.25


def test_the_previous_network_is_restored_with_its_curves_and_settings(experiment, qtbot, tmp_path):
    experiment.restore_previous()  # nothing to restore yet
    experiment.open(None, keep_checkpoint=False)
    experiment.take_settings()
    before, settings = experiment.network.now, experiment.settings.config
    assert not experiment.can_restore_previous
    train(experiment, qtbot)
    after = experiment.network.now
    with qtbot.waitSignal(experiment.previousRestored):
        experiment.restore_previous()
    assert (experiment.network.now, experiment.settings.config) == (before, settings)
    assert len(experiment.training.curves.history) == 0
    assert checkpoints(tmp_path) == [after.checkpoint_path], "the newer network can still be restored"
    experiment.restore_previous()
    assert (experiment.network.now, experiment.settings.config) == (after, CONFIG)
    assert len(experiment.training.curves.history) == 27  # a tenth of 3,000 digits is held out


def test_the_next_run_deletes_the_checkpoint_of_the_network_put_aside(experiment, qtbot, tmp_path):
    train(experiment, qtbot)
    aside = experiment.network.now.checkpoint_path
    train(experiment, qtbot)
    assert aside in checkpoints(tmp_path)
    train(experiment, qtbot)
    assert aside not in checkpoints(tmp_path)
    assert len(checkpoints(tmp_path)) == 2
    end(experiment)
    assert checkpoints(tmp_path) == []


@pytest.mark.parametrize("keep", [True, False])
def test_an_unsaved_network_can_be_kept_when_another_is_opened(experiment, qtbot, tmp_path, keep):
    train(experiment, qtbot)
    experiment.open(None, keep_checkpoint=keep)
    end(experiment)
    assert len(checkpoints(tmp_path)) == keep


@pytest.mark.parametrize("keep", [True, False])
def test_a_run_can_be_kept_when_a_network_is_opened(experiment, make_experiment, qtbot, tmp_path, keep):
    begin(experiment, qtbot)
    experiment.open(None, keep_checkpoint=keep)
    assert experiment.training.state == "idle"
    end(experiment)
    assert len(checkpoints(tmp_path)) == keep
    following = make_experiment()
    following.runs.look()
    assert len(following.runs.left_behind) == keep


def test_a_file_that_cannot_be_read_changes_nothing(experiment, qtbot, tmp_path):
    begin(experiment, qtbot)
    with pytest.raises(ModelFileError):
        experiment.open(tmp_path / "none.npz", keep_checkpoint=False)
    assert experiment.training.state == "training"
    assert len(checkpoints(tmp_path)) == 1


def test_a_run_that_was_left_behind_resumes_with_its_settings(make_experiment, qtbot, tmp_path):
    first = make_experiment()
    begin(first, qtbot)
    end(first, keep_checkpoint=True)
    second = make_experiment()
    second.runs.look()
    (run,) = second.runs.left_behind
    second.resume_run(run, keep_checkpoint=False)
    assert second.settings.config == LONG
    assert second.training.job.checkpoint_path == run.path
    qtbot.waitUntil(lambda: len(second.training.curves.history) > 0, timeout=30_000)
    assert checkpoints(tmp_path) == [run.path]


def test_a_run_that_could_not_be_resumed_is_left_behind_again(make_experiment, qtbot):
    first = make_experiment()
    begin(first, qtbot)
    end(first, keep_checkpoint=True)
    second = make_experiment()
    second.runs.look()
    (run,) = second.runs.left_behind
    run.path.write_bytes(b"damaged since")
    with qtbot.waitSignal(second.training.ended):
        second.resume_run(run, keep_checkpoint=False)
        assert second.runs.left_behind == []
    assert second.runs.left_behind == [run]
