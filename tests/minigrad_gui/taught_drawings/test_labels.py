"""A drawing is taught by a click on a bar, a key or the menu, and is then read as that digit."""

import numpy as np
import pytest
from PySide6.QtCore import Qt
from some_views import every_panel
from taught_drawings import (
    CROSS,
    FLAGGED_ONE,
    TRIANGLE,
    click_bar,
    draw,
    press,
    stored,
    taught,
    text,
    wait_until_learnt,
)

from engine import evaluate

pytestmark = pytest.mark.panels("TrainingPanel", "DrawPanel")


@pytest.mark.parametrize("way", ["bar", "key"])
def test_a_wrong_reading_is_corrected(user, folder, mnist, way):
    before = user.session.model
    assert text(user, "accuracyLabel") == "50.00%"
    weights = [parameter.data.copy() for parameter in before.parameters()]
    draw(user, FLAGGED_ONE)
    assert user.session.prediction.digit != 1
    digit = user.session.prediction.digit
    asked = f"Is it a {digit}?" if user.session.prediction.recognised else "Which digit is it?"
    assert text(user, "taughtLabel") == f"{asked} Press its key or click its bar."
    if way == "bar":
        click_bar(user, 1)
    else:
        press(user, "1")
    assert user.session.handwriting_state == "learning"
    assert text(user, "taughtLabel") == "Taught as a 1."
    assert text(user, "handwritingCheck") == "Learning your handwriting…"
    assert user.session.reading_model is before, "the window still uses the network it has"
    wait_until_learnt(user, 1)
    assert text(user, "predictionLabel") == "1"
    assert text(user, "verdictLabel").endswith("sure\nwith your handwriting")
    assert text(user, "handwritingCheck") == "With your handwriting (1)"
    assert user.session.reading_model is not before
    assert user.session.model is before
    assert all(np.array_equal(old, p.data) for old, p in zip(weights, before.parameters(), strict=True))
    (drawing,) = stored(user, folder)
    assert drawing["label"] == 1
    np.testing.assert_allclose(drawing["strokes"][0], user.widget("drawingCanvas").strokes[0], atol=1e-4)

    tested = evaluate(user.session.reading_model, mnist.test_images, mnist.test_labels)
    assert user.session.handwriting_accuracy == pytest.approx(tested[1], abs=1e-4)
    assert f"{tested[1]:.2%} of the MNIST test digits" in user.widget("handwritingCheck").toolTip()
    assert user.session.record.test_accuracy == 0.5
    assert text(user, "accuracyLabel") == "50.00%", "that of the network itself"


def test_the_pretrained_network_learns_too(user):
    user.session.open_pretrained()
    draw(user, *CROSS)
    wrong = next(digit for digit in (9, 6) if digit != user.session.prediction.digit)
    click_bar(user, wrong)
    wait_until_learnt(user, wrong)
    assert user.session.handwriting_accuracy > 0.97
    assert text(user, "accuracyLabel") == f"{user.session.record.test_accuracy:.2%}"


def test_several_drawings_are_learnt_together(user, folder):
    for stroke, digit in ((FLAGGED_ONE, 1), (TRIANGLE, 6), (FLAGGED_ONE * 0.9, 1)):
        draw(user, stroke)
        click_bar(user, digit)
    wait_until_learnt(user, 1)
    assert text(user, "handwritingCheck") == "With your handwriting (3)"
    assert [each["label"] for each in stored(user, folder)] == [1, 6, 1]
    draw(user, TRIANGLE)
    assert user.session.prediction.digit == 6
    assert user.session.taught_drawings == 0


def test_a_second_label_corrects_the_first(user, folder):
    draw(user, TRIANGLE)
    click_bar(user, 6)
    press(user, "8")
    assert taught(user) == [8]
    wait_until_learnt(user, 8)
    assert [each["label"] for each in stored(user, folder)] == [8]
    assert text(user, "taughtLabel") == "Taught as an 8."
    model = user.session.reading_model
    click_bar(user, 8)
    assert not user.session.is_learning, "it is recognised"
    assert taught(user) == [8]
    assert user.session.reading_model is model
    click_bar(user, 5)
    wait_until_learnt(user, 5)
    assert [each["label"] for each in stored(user, folder)] == [5]


def test_an_additional_stroke_makes_another_drawing(user):
    draw(user, CROSS[0])
    click_bar(user, 7)
    user.stroke(CROSS[1])
    click_bar(user, 9)
    assert taught(user) == [7, 9]
    wait_until_learnt(user, 9)


def test_a_blank_canvas_teaches_nothing(user, folder):
    bars = user.widget("probabilityBars")

    def nothing_happens() -> None:
        assert bars.cursor().shape() == Qt.CursorShape.ArrowCursor
        assert bars.toolTip() == ""
        click_bar(user, 3)
        press(user, "3")
        user.trigger("teach3Action")
        assert taught(user) == []
        assert not user.session.is_learning

    nothing_happens()
    draw(user, FLAGGED_ONE)
    assert bars.cursor().shape() == Qt.CursorShape.PointingHandCursor
    assert bars.toolTip()
    user.click("clearButton")
    click_bar(user, 3)
    assert taught(user) == [], "not even before the blank sheet has been read"
    user.wait(lambda: user.session.prediction is None)
    nothing_happens()
    assert stored(user, folder) == []


@every_panel
def test_a_digit_typed_into_a_field_teaches_nothing(user):
    draw(user, FLAGGED_ONE)
    for name in ("hiddenLayersEdit", "batchSizeSpin", "epochsSpin"):
        field = user.widget(name)
        field.setFocus()
        field.selectAll()
        press(user, "7")
        assert field.text() == "7"
        assert taught(user) == []
    user.stroke(TRIANGLE)
    press(user, "6")
    assert field.text() == "7", "drawing moves the focus out of the field"
    assert taught(user) == [6]
    wait_until_learnt(user)
