"""The questions before unsaved work is lost, without the main window."""

import pytest
from PySide6.QtWidgets import QMessageBox, QWidget

from engine import TrainingConfig
from minigrad_gui.session import Session
from minigrad_gui.unsaved_work import Answer, ask_before, ask_before_leaving

BUTTONS = QMessageBox.StandardButton
ANSWERS = [(BUTTONS.Save, Answer.KEEP), (BUTTONS.Discard, Answer.PROCEED), (BUTTONS.Cancel, Answer.CANCEL)]


@pytest.fixture
def parent(qtbot) -> QWidget:
    parent = QWidget()
    qtbot.addWidget(parent)
    return parent


@pytest.fixture
def session(tmp_path, few_digits, qapp):  # noqa: ARG001
    session = Session(folder=tmp_path / "data")
    session.open_pretrained()
    yield session
    session.close()
    assert session.wait(30_000)


def not_saved() -> bool:
    raise AssertionError("nothing should be saved")


def train(session, qtbot) -> None:
    session.set_config(TrainingConfig(hidden=(8,), batch_size=500, epochs=1), "mnist")
    session.train()
    qtbot.waitUntil(lambda: session.state == "idle", timeout=30_000)
    assert session.modified


def test_with_nothing_to_lose_nothing_is_asked(session, parent, answer):
    questions = answer(BUTTONS.Cancel)
    assert ask_before("open another network", session, parent, not_saved) is Answer.PROCEED
    assert ask_before_leaving(session, parent, not_saved) is Answer.PROCEED
    assert questions == []


@pytest.mark.parametrize(("pressed", "expected"), ANSWERS)
def test_a_run_can_be_kept(session, parent, answer, qtbot, pressed, expected):
    session.set_config(TrainingConfig(epochs=1000), "mnist")
    session.step()
    qtbot.waitUntil(lambda: len(session.history) == 1)
    questions = answer(pressed)
    assert ask_before("open another network", session, parent, not_saved) is expected
    assert questions[0].startswith("Open another network while the network is training?")
    assert session.state == "paused", "asking changes nothing"


def test_a_run_that_has_not_trained_yet_is_not_asked_about(session, parent, answer):
    questions = answer(BUTTONS.Cancel)
    session.set_config(TrainingConfig(epochs=1000), "mnist")
    session.train()
    assert session.state == "training"
    assert ask_before_leaving(session, parent, not_saved) is Answer.PROCEED, "a kept run would be offered in vain"
    assert questions == []


def test_a_resumed_run_is_asked_about_before_it_trains_on(session, parent, answer, qtbot, tmp_path):
    session.set_config(TrainingConfig(epochs=1000), "mnist")
    session.step()
    qtbot.waitUntil(lambda: len(session.history) == 1)
    session.close(keep_checkpoint=True)
    assert session.wait(30_000)
    following = Session(folder=tmp_path / "data")
    following.look_for_runs()
    (run,) = following.left_behind
    following.resume_run(run)
    questions = answer(BUTTONS.Save)
    assert ask_before_leaving(following, parent, not_saved) is Answer.KEEP
    assert questions[0].startswith("Quit while the network is training?")
    following.close()
    assert following.wait(30_000)


@pytest.mark.parametrize("saved", [True, False])
def test_a_network_can_be_saved_first(session, parent, answer, qtbot, saved):
    train(session, qtbot)
    questions = answer(BUTTONS.Save)
    expected = Answer.PROCEED if saved else Answer.CANCEL
    assert ask_before("quit", session, parent, lambda: saved) is expected
    assert questions == ["The trained network has not been saved. Save it before you quit?"]


@pytest.mark.parametrize(("pressed", "expected"), ANSWERS[1:])
def test_a_network_can_be_discarded(session, parent, answer, qtbot, pressed, expected):
    train(session, qtbot)
    answer(pressed)
    assert ask_before_leaving(session, parent, not_saved) is expected


@pytest.mark.parametrize(("pressed", "expected"), ANSWERS)
def test_quitting_asks_about_the_network_that_was_put_aside(session, parent, answer, qtbot, pressed, expected):
    train(session, qtbot)
    session.restore_previous()
    questions = answer(pressed)
    assert ask_before("open another network", session, parent, not_saved) is Answer.PROCEED
    assert questions == []
    assert ask_before_leaving(session, parent, not_saved) is expected
    assert "without saving the newly trained one" in questions[0]


def test_after_discarding_a_network_the_one_put_aside_is_not_asked_about(session, parent, answer, qtbot):
    train(session, qtbot)
    train(session, qtbot)
    session.restore_previous()
    assert session.modified
    assert session.previous_is_unsaved
    questions = answer(BUTTONS.Discard)
    assert ask_before_leaving(session, parent, not_saved) is Answer.PROCEED
    assert len(questions) == 1
