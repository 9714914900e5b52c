"""The offer of a run that was left behind, without a window."""

import os
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QPushButton

from engine import TrainingConfig
from engine.checkpoint import save_checkpoint
from engine.run import TrainingRun
from minigrad_gui.recovery import run_in
from minigrad_gui.run_offer import RunOffer, description
from minigrad_gui.session import Session
from minigrad_gui.unsaved_work import Answer

BUTTONS = QMessageBox.StandardButton
CONFIG = TrainingConfig(hidden=(4, 3), batch_size=500, epochs=2, validation_share=0.0)


@pytest.fixture
def leave_a_run(tmp_path, few_digits):
    """`leave_a_run(steps)`: writes a run of 6 mini-batches per epoch, as another window leaves it; returns its file."""

    def leave(steps: int = 3):
        folder = tmp_path / "data" / "runs"
        folder.mkdir(parents=True, exist_ok=True)
        run = TrainingRun(CONFIG, few_digits.train_images, few_digits.train_labels, 10)
        for _ in zip(range(steps), run, strict=False):
            pass
        path = folder / f"left-{len(list(folder.iterdir()))}.npz"
        save_checkpoint(path, run.state(), {"dataset": "mnist", "blas_threads": 1})
        os.utime(path, (86_400, 86_400))
        return path

    return leave


@pytest.fixture
def make_offer(tmp_path, qtbot):
    """`make_offer(answer)`: the offer of a session that looked for runs; the person gives this answer to questions."""
    sessions = []

    def make(answer: Answer = Answer.PROCEED) -> RunOffer:
        session = Session(folder=tmp_path / "data")
        sessions.append(session)
        session.open_pretrained()
        offer = RunOffer(session, lambda _: answer)
        qtbot.addWidget(offer)
        session.look_for_runs()
        return offer

    yield make
    for session in sessions:
        session.close()
        assert session.wait(30_000)


def click(offer, text: str) -> None:
    buttons = offer.findChildren(QPushButton, options=Qt.FindChildOption.FindDirectChildrenOnly)
    next(button for button in buttons if button.text() == text and not button.isHidden()).click()


def wait_until_idle(offer, qtbot) -> None:
    qtbot.waitUntil(lambda: offer.session.state == "idle", timeout=30_000)


@pytest.mark.usefixtures("locale")
def test_a_run_is_described_in_one_sentence(leave_a_run):
    begun, finished = run_in(leave_a_run(3)), run_in(leave_a_run(12))
    assert description(begun).startswith(
        "A run was interrupted: hidden layers 4, 3, 0.5 of 2 epochs, saved 2 Jan 1970, "
    )
    assert description(finished).startswith(
        "A trained network was not saved: hidden layers 4, 3, 2 epochs, saved 2 Jan"
    )
    bare = replace(begun, summary=replace(begun.summary, config=replace(CONFIG, hidden=(), epochs=1)))
    assert "hidden layers none, 0.5 of 1 epoch, " in description(bare)


def test_nothing_is_offered_if_nothing_was_left_behind(make_offer):
    offer = make_offer()
    assert not offer.has_something_to_say
    assert not offer.action.isEnabled()


def test_a_resumed_run_trains_to_its_end(make_offer, leave_a_run, qtbot):
    leave_a_run()
    offer = make_offer()
    assert offer.has_something_to_say
    click(offer, "Resume")
    assert not offer.has_something_to_say
    wait_until_idle(offer, qtbot)
    assert offer.session.model.sizes == (784, 4, 3, 10)
    assert not offer.has_something_to_say
    assert not offer.action.isEnabled()


def test_a_finished_run_can_be_restored(make_offer, leave_a_run, qtbot):
    leave_a_run(12)
    offer = make_offer()
    click(offer, "Restore")
    wait_until_idle(offer, qtbot)
    assert offer.session.modified


def test_the_offer_stays_if_the_person_cancels(make_offer, leave_a_run):
    leave_a_run()
    offer = make_offer(Answer.CANCEL)
    click(offer, "Resume")
    assert offer.has_something_to_say
    assert offer.session.state == "idle"


def test_after_a_run_is_deleted_the_next_is_offered(make_offer, leave_a_run, answer):
    older, newer = leave_a_run(), leave_a_run(12)
    os.utime(newer, (90_000, 90_000))
    offer = make_offer()
    answer(BUTTONS.Cancel)
    click(offer, "Delete")
    assert newer.exists()
    answer(BUTTONS.Discard)
    click(offer, "Delete")
    assert not newer.exists()
    click(offer, "Delete")
    assert not older.exists()
    assert not offer.has_something_to_say


@pytest.mark.parametrize("is_postponed", [True, False])
def test_after_another_run_the_offer_appears_only_on_request(make_offer, leave_a_run, qtbot, is_postponed):
    leave_a_run()
    offer = make_offer()
    if is_postponed:
        click(offer, "Not now")
        assert not offer.has_something_to_say
    offer.session.set_config(CONFIG, "mnist")
    offer.session.train()
    assert not offer.action.isEnabled(), "not during another run"
    wait_until_idle(offer, qtbot)
    assert not offer.has_something_to_say
    offer.action.trigger()
    assert offer.has_something_to_say


def test_a_run_that_could_not_be_resumed_is_offered_again(make_offer, leave_a_run, qtbot):
    path = leave_a_run()
    offer = make_offer()
    path.write_bytes(b"damaged since")
    with qtbot.waitSignal(offer.session.failed):
        click(offer, "Resume")
    wait_until_idle(offer, qtbot)
    assert offer.has_something_to_say
