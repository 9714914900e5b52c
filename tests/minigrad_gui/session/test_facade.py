"""The session as the views see it: what involves several of its parts."""

import sys

import numpy as np
import pytest
from PIL import Image

from engine import TrainingConfig, load_model
from minigrad_gui import process
from minigrad_gui.data import load_mnist
from minigrad_gui.insight.damage import Damage
from minigrad_gui.session import Session

CONFIG = TrainingConfig(hidden=(16,), batch_size=100, epochs=1)
ONE = np.array([[0.5, 0.1], [0.5, 0.9]])

pytestmark = pytest.mark.usefixtures("few_digits")


@pytest.fixture
def session(tmp_path):
    session = Session(folder=tmp_path / "data")
    yield session
    session.close()
    assert session.wait(30_000)


def train(session, qtbot, config=CONFIG):
    session.set_config(config, "mnist")
    session.train()
    qtbot.waitUntil(lambda: session.state == "idle", timeout=30_000)


def test_the_state_is_read_only(session):
    names = "state model history prediction config path modified left_behind continues reading_model"
    for name in names.split():
        with pytest.raises(AttributeError, match="read-only"):
            setattr(session, name, None)


def test_a_trained_network_can_be_saved_and_swapped_with_the_previous_one(session, qtbot, tmp_path):
    session.open_pretrained()
    pretrained = session.model
    train(session, qtbot)
    trained = session.model
    assert trained.sizes == (784, 16, 10)
    assert (session.modified, session.name) == (True, "New network 1 (16, 1 epoch)")
    assert list((tmp_path / "data" / "runs").glob("*.npz")), "it is not saved yet"
    session.save(tmp_path / "mine")
    assert session.path == tmp_path / "mine.npz"
    assert load_model(session.path)[1]["test_accuracy"] == session.record.test_accuracy
    assert list((tmp_path / "data" / "runs").glob("*.npz")) == []
    session.restore_previous()
    assert session.model is pretrained
    assert session.is_pretrained
    assert session.config != CONFIG
    session.restore_previous()
    assert session.model is trained
    assert session.config == CONFIG
    assert session.path == tmp_path / "mine.npz"


def test_the_current_network_reads_the_drawing(session, qtbot):
    session.set_drawing([ONE])
    with qtbot.waitSignal(session.predictionChanged):
        session.open_pretrained()
    assert session.prediction.digit == 1
    first = session.prediction.probabilities
    session.set_config(CONFIG, "mnist")
    session.train()
    qtbot.waitUntil(lambda: not np.array_equal(session.prediction.probabilities, first), timeout=30_000)
    qtbot.waitUntil(lambda: session.state == "idle", timeout=30_000)


def test_a_single_step_starts_a_paused_run(session, qtbot):
    session.set_config(CONFIG, "mnist")
    session.step()
    assert session.state == "paused"
    qtbot.waitUntil(lambda: len(session.history) == 1, timeout=30_000)
    session.train()
    assert session.state == "training"
    session.stop()
    qtbot.waitUntil(lambda: session.state == "idle", timeout=30_000)


def test_a_run_continues_from_the_network_if_that_is_wanted_and_possible(session, qtbot):
    train(session, qtbot)
    first = session.model
    session.set_continues(True)
    assert not session.obstacle_to_continue
    session.step()
    assert session._training.job.start_from is first
    session.stop()
    qtbot.waitUntil(lambda: session.state == "idle", timeout=30_000)


def test_the_next_session_can_resume_a_run(qtbot, tmp_path):
    first = Session(folder=tmp_path)
    first.set_config(TrainingConfig(hidden=(16,), batch_size=100, epochs=1000), "mnist")
    first.train()
    qtbot.waitUntil(lambda: len(first.history) > 0, timeout=30_000)
    first.close(keep_checkpoint=True)
    assert first.wait(30_000)
    second = Session(folder=tmp_path)
    second.look_for_runs()
    (run,) = second.left_behind
    second.resume_run(run)
    assert second.left_behind == []
    qtbot.waitUntil(lambda: len(second.history) > 0, timeout=30_000)
    second.close()
    assert second.wait(30_000)
    assert list((tmp_path / "runs").glob("*.npz")) == []


def test_threads_switch_often_while_a_session_is_open(tmp_path):
    before = sys.getswitchinterval()
    sessions = [Session(folder=tmp_path) for _ in range(2)]
    assert sys.getswitchinterval() == pytest.approx(process.SWITCH_INTERVAL_S)
    sessions[0].close()
    assert sys.getswitchinterval() == pytest.approx(process.SWITCH_INTERVAL_S)
    sessions[1].close()
    assert sys.getswitchinterval() == pytest.approx(before)
    sessions[1].close()
    assert sys.getswitchinterval() == pytest.approx(before)


def test_a_damaged_copy_reads_the_drawing_until_another_network_comes(session, qtbot):
    session.open_pretrained()
    session.set_drawing([np.array([[0.25, 0.2], [0.75, 0.2], [0.45, 0.85]])])
    qtbot.waitUntil(lambda: session.prediction is not None)
    before, model = session.prediction.probabilities, session.model
    session.set_damage(Damage().with_scale(len(model.layers) - 1, 0.0))
    qtbot.waitUntil(lambda: session.prediction.probabilities.max() < 0.11)
    assert session.model is model is session.intact_model is not session.reading_model
    assert session.predict(session.picture).probabilities.max() < 0.11
    session.open_pretrained()
    assert not session.damage
    qtbot.waitUntil(lambda: session.prediction.probabilities.max() > 0.11)
    np.testing.assert_array_equal(session.prediction.probabilities, before)


def test_without_a_network_nothing_is_damaged(session):
    session.set_damage(Damage().toggled(0, 1))
    assert not session.damage


def test_a_picture_is_read_in_another_thread(session, qtbot):
    session.open_pretrained()
    picture = 255 - np.asarray(Image.fromarray(load_mnist().train_images[0]).resize((280, 280)))
    with qtbot.waitSignal(session.analysed, timeout=30_000) as analysed:
        session.ask_to_read("mine", picture)
    (answer,) = analysed.args
    assert (answer.key, answer.error) == ("mine", None)
    assert [digit.text for digit in answer.result] == [str(load_mnist().train_labels[0])]
