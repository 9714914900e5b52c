"""The questions before something unsaved is lost, without the window that asks them."""

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
    raise AssertionError("nobody asked for that")


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
def test_a_run_can_be_kept(session, parent, answer, pressed, expected):
    session.set_config(TrainingConfig(epochs=1000), "mnist")
    session.step()
    questions = answer(pressed)
    assert ask_before("open another network", session, parent, not_saved) is expected
    assert questions[0].startswith("Open another network while the network is in training?")
    assert session.state == "paused", "the answer is all that it gives"


@pytest.mark.parametrize("saved", [True, False])
def test_a_network_can_be_saved_first(session, parent, answer, qtbot, saved):
    train(session, qtbot)
    questions = answer(BUTTONS.Save)
    expected = Answer.PROCEED if saved else Answer.CANCEL
    assert ask_before("leave", session, parent, lambda: saved) is expected
    assert questions == ["The trained network has not been saved. Save it before you leave?"]


@pytest.mark.parametrize(("pressed", "expected"), ANSWERS[1:])
def test_a_network_can_be_discarded(session, parent, answer, qtbot, pressed, expected):
    train(session, qtbot)
    answer(pressed)
    assert ask_before_leaving(session, parent, not_saved) is expected


@pytest.mark.parametrize(("pressed", "expected"), ANSWERS)
def test_whoever_leaves_is_asked_about_the_network_that_was_put_aside(
    session, parent, answer, qtbot, pressed, expected
):
    train(session, qtbot)
    session.go_back()
    questions = answer(pressed)
    assert ask_before("open another network", session, parent, not_saved) is Answer.PROCEED
    assert questions == []
    assert ask_before_leaving(session, parent, not_saved) is expected
    assert "you went back from has not been saved" in questions[0]


def test_whoever_discards_a_network_is_not_asked_about_the_one_put_aside(session, parent, answer, qtbot):
    train(session, qtbot)
    train(session, qtbot)
    session.go_back()
    assert session.modified
    assert session.has_unsaved_way_back
    questions = answer(BUTTONS.Discard)
    assert ask_before_leaving(session, parent, not_saved) is Answer.PROCEED
    assert len(questions) == 1
