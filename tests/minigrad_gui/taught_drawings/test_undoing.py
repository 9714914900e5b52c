"""Teaching can be undone, and the handwriting forgotten."""

import numpy as np
import pytest
from networks import same
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from taught_drawings import (
    BUTTONS,
    FLAGGED_ONE,
    TRIANGLE,
    click_bar,
    draw,
    labels,
    stored,
    taught,
    text,
    wait_until_learnt,
)

pytestmark = pytest.mark.panels("TrainingPanel", "DrawPanel")


def test_teaching_can_be_undone(user, folder):
    untaught, record = user.session.model, user.session.record
    before = [parameter.data.copy() for parameter in untaught.parameters()]
    assert not user.widget("undoTeachingButton").isEnabled()
    draw(user, FLAGGED_ONE)
    wrong = user.session.prediction.probabilities
    click_bar(user, 1)
    wait_until_learnt(user, 1)
    first = user.session.reading_model
    draw(user, TRIANGLE)
    click_bar(user, 6)
    wait_until_learnt(user, 6)
    assert not same(user.session.reading_model, first)

    user.click("undoTeachingButton")
    assert taught(user) == [1]
    wait_until_learnt(user)
    assert same(user.session.reading_model, first), "as if the second had never been taught"
    keys = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    user.qtbot.keyClick(QApplication.focusWidget() or user.window, Qt.Key.Key_T, keys)
    assert user.session.reading_model is user.session.model is untaught
    assert user.session.record == record
    assert all(np.array_equal(old, p.data) for old, p in zip(before, user.session.model.parameters(), strict=True))
    assert text(user, "handwritingCheck") == "With your handwriting (none yet)"
    assert text(user, "accuracyLabel") == "50.00%"
    assert not user.widget("undoTeachingButton").isEnabled()
    assert stored(user, folder) == []
    draw(user, FLAGGED_ONE)
    assert np.array_equal(user.session.prediction.probabilities, wrong)


def test_teaching_can_be_undone_while_it_is_learnt(user, folder):
    untaught = user.session.model
    draw(user, FLAGGED_ONE)
    click_bar(user, 1)
    user.click("undoTeachingButton")
    wait_until_learnt(user)
    assert user.session.reading_model is untaught
    assert stored(user, folder) == []
    click_bar(user, 1)
    wait_until_learnt(user, 1)
    assert taught(user) == [1], "the same drawing can be taught again"


def test_the_handwriting_is_forgotten_on_request(user, answer, folder):
    untaught = user.session.model
    for stroke, digit in ((FLAGGED_ONE, 1), (TRIANGLE, 6)):
        draw(user, stroke)
        click_bar(user, digit)
    wait_until_learnt(user, 6)
    model = user.session.reading_model
    user.click("handwritingButton")

    questions = answer(BUTTONS.Cancel)
    user.click("handwritingForgetButton")
    assert len(questions) == 1
    assert "2 drawings" in questions[0]
    assert taught(user) == [1, 6]
    assert user.session.reading_model is model
    assert len(stored(user, folder)) == 2

    answer(BUTTONS.Discard)
    user.click("handwritingForgetButton")
    assert taught(user) == []
    assert user.session.reading_model is untaught
    assert stored(user, folder) == []
    assert labels(user.widget("handwritingList")) == []
    assert not user.widget("handwritingForgetButton").isEnabled()
    user.click("handwritingCloseButton")
    assert not user.widget("handwritingList").isVisible()
