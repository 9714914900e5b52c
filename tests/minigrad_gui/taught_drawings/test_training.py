"""Neither training nor networks that were opened are affected by what was taught."""

import numpy as np
import pytest
from networks import same
from PySide6.QtCore import Qt
from some_views import every_panel
from taught_drawings import FLAGGED_ONE, click_bar, click_check, draw, taught, text, wait_until_learnt

from minigrad_gui import data

pytestmark = pytest.mark.panels("TrainingPanel", "DrawPanel")


def test_teaching_does_not_change_a_trained_network(user):
    """Only a copy is taught: neither the weights nor the accuracy of the network change."""
    for _ in range(3):
        steps = len(user.session.history)
        user.click("stepButton")
        user.wait(lambda steps=steps: len(user.session.history) > steps)
    user.click("stopButton")
    user.wait(lambda: user.session.state == "idle")
    trained, losses = user.session.model, user.session.history.losses.tolist()
    weights = [parameter.data.copy() for parameter in trained.parameters()]
    accuracy = text(user, "accuracyLabel")
    assert float(accuracy.rstrip("%")) < 50
    assert not user.widget("handwritingCheck").isChecked(), "it was not requested for this network"
    draw(user, FLAGGED_ONE)
    click_bar(user, 1)
    assert taught(user) == [1]
    assert not user.session.is_learning
    assert text(user, "taughtLabel") == "Saved as a 1. Tick “With your handwriting” to use it."
    assert not user.session.prediction.with_handwriting

    click_check(user)
    user.wait(lambda: user.session.handwriting_state == "on")
    user.wait(lambda: user.session.prediction.with_handwriting)
    assert user.session.handwriting_accuracy > float(accuracy.rstrip("%")) / 100 + 0.1
    assert user.session.model is trained
    assert all(np.array_equal(old, p.data) for old, p in zip(weights, trained.parameters(), strict=True))
    assert text(user, "accuracyLabel") == accuracy
    assert user.session.history.losses.tolist() == losses
    click_check(user)
    user.wait(lambda: not user.session.prediction.with_handwriting)
    assert user.session.reading_model is trained


def test_an_opened_network_is_not_taught_without_request(user, small_file):
    draw(user, FLAGGED_ONE)
    click_bar(user, 1)
    wait_until_learnt(user, 1)
    user.window.open(small_file)
    assert not user.session.is_learning
    assert user.session.reading_model is user.session.model
    assert not user.widget("handwritingCheck").isChecked()
    assert text(user, "handwritingCheck") == "With your handwriting (1)"
    user.wait(lambda: not user.session.prediction.with_handwriting)
    assert "with" not in text(user, "verdictLabel")


def test_switching_on_and_off_learns_once(user):
    draw(user, FLAGGED_ONE)
    click_bar(user, 1)
    wait_until_learnt(user, 1)
    copy = user.session.reading_model
    user.trigger("handwritingAction")
    assert not user.widget("handwritingCheck").isChecked()
    assert user.session.reading_model is user.session.model
    user.wait(lambda: user.session.prediction.digit != 1)
    check = user.widget("handwritingCheck")
    check.setFocus()
    user.qtbot.keyClick(check, Qt.Key.Key_Space)
    assert user.session.reading_model is copy
    assert user.session.handwriting_state == "on"
    assert not user.session.is_learning
    user.wait(lambda: user.session.prediction.digit == 1)


def test_switching_off_during_learning_discards_the_result(user):
    draw(user, FLAGGED_ONE)
    click_bar(user, 1)
    click_check(user)
    wait_until_learnt(user)
    assert user.session.handwriting_state == "off"
    assert user.session.reading_model is user.session.model
    click_check(user)
    wait_until_learnt(user, 1)


def test_the_choice_for_the_pretrained_network_is_remembered(make_user):
    user = make_user()
    assert user.widget("handwritingCheck").isChecked()
    click_check(user)
    user.window.close()
    user = make_user()
    assert not user.widget("handwritingCheck").isChecked()
    click_check(user)
    user.window.close()
    assert make_user().widget("handwritingCheck").isChecked()


def test_a_network_in_training_reads_by_itself(user):
    draw(user, FLAGGED_ONE)
    user.configure(hidden="32", epochs=1000)
    user.click("trainButton")
    user.wait(lambda: len(user.session.history) > 0 and user.session.model.sizes == (784, 32, 10))
    assert not user.widget("handwritingCheck").isChecked(), "it is another network"
    click_bar(user, 1)
    assert taught(user) == [1]
    assert text(user, "taughtLabel") == "Saved as a 1. Tick “With your handwriting” to use it."
    click_check(user)
    assert not user.session.is_learning
    assert text(user, "taughtLabel") == "Saved as a 1. It will be used after the run."
    assert text(user, "handwritingCheck") == "Your handwriting (after the run)"
    before = len(user.session.history)
    user.wait(lambda: len(user.session.history) > before + 100)
    assert user.session.state == "training"
    assert user.session.reading_model is user.session.model
    assert not user.session.prediction.with_handwriting
    user.click("stopButton")
    user.wait(lambda: user.session.state == "idle")
    assert user.session.is_learning
    trained = user.session.model
    wait_until_learnt(user, 1)
    assert user.session.model is trained
    user.click("undoTeachingButton")
    assert user.session.reading_model is trained


def test_a_failed_run_leaves_the_handwriting_switched_on(user, monkeypatch, warnings):
    draw(user, FLAGGED_ONE)
    click_bar(user, 1)
    wait_until_learnt(user, 1)
    copy = user.session.reading_model

    def fail(*_: object) -> None:
        raise data.DataError("The digits are gone.")

    monkeypatch.setattr(data, "load", fail)
    user.click("trainButton")
    user.wait(lambda: len(warnings) == 1)
    assert user.session.reading_model is copy
    user.wait(lambda: user.session.prediction.with_handwriting)


def test_training_is_not_affected_by_a_running_teaching_job(user):
    """The same mini-batches have the same losses with and without a teaching job."""

    def losses() -> list[float]:
        user.train(hidden="16")
        return user.session.history.losses.tolist()

    alone = losses()
    click_check(user)
    draw(user, FLAGGED_ONE)
    click_bar(user, 1)
    assert user.session.is_learning
    with_a_lesson = losses()
    assert not user.session.uses_handwriting
    if user.session.preparation.blas_threads == 1:  # it affects the last digit of a sum
        assert with_a_lesson == alone
    np.testing.assert_allclose(with_a_lesson, alone, rtol=1e-2)
    wait_until_learnt(user)


@every_panel
def test_a_run_continues_from_the_network_without_handwriting(user):
    untaught = user.session.model
    draw(user, FLAGGED_ONE)
    click_bar(user, 1)
    wait_until_learnt(user, 1)
    user.click("continueCheck")
    user.configure(hidden="64")
    user.click("stepButton")
    assert user.session._training.job.start_from is untaught
    user.click("stopButton")
    user.wait(lambda: user.session.state == "idle")
    assert user.session.taught_drawings == 0


def test_a_restored_network_learns_the_handwriting_again(user):
    draw(user, FLAGGED_ONE)
    click_bar(user, 1)
    wait_until_learnt(user, 1)
    copy = user.session.reading_model
    user.train(hidden="8")
    assert not user.session.is_learning
    assert user.session.model.sizes == (784, 8, 10)
    user.trigger("backAction")
    assert user.widget("handwritingCheck").isChecked()
    wait_until_learnt(user, 1)
    assert same(user.session.reading_model, copy)
    user.trigger("backAction")
    assert not user.widget("handwritingCheck").isChecked()
    assert user.session.reading_model is user.session.model
