"""Reasons belong to the drawing and the network that are there, and follow both."""

import csv
import re
from dataclasses import replace

import numpy as np
import pytest

from engine import MLP, Tensor, save_model
from minigrad_gui.insight import prototype
from minigrad_gui.reader import Prediction
from minigrad_gui.views.why import verdict
from minigrad_gui.widgets.maps import ink, signed

pytestmark = [
    pytest.mark.usefixtures("quick_prototypes"),
    pytest.mark.tabs("whyView"),
    pytest.mark.panels("TrainingPanel", "DrawPanel"),
]


@pytest.fixture
def why(user):
    """The user of a window with a drawn 7 and its reasons in front, and the view."""
    user.trigger("showWhyAction")
    user.draw(7)
    user.reading()
    view = user.widget("whyView")
    user.wait(lambda: explains(user, view))
    return user, view


def explains(user, view):
    return view._explained is not None and view._explained[0] is user.session.picture


def gradient(model, picture, digit):
    """d logit / d pixel by the network's own forward pass, on a Tensor that asks for it."""
    x = Tensor(picture.reshape(-1).astype(model.dtype), requires_grad=True)
    model(x)[digit].backward()
    return x.grad.reshape(28, 28)


def tile(user, index):
    return user.widget("whyMosaic")._pixels[index]


def test_it_shows_gradients_of_the_digit_that_was_read_or_chosen(why):
    user, _ = why
    session = user.session
    for choice, digit in (("The reading", 7), ("2", 2)):
        user.widget("whyDigitCombo").setCurrentText(choice)
        slope = gradient(session.reading_model, session.picture, digit)
        user.wait(lambda slope=slope: np.array_equal(tile(user, 2), signed(slope)))
        np.testing.assert_array_equal(tile(user, 0), signed(slope * session.picture))


def test_it_shows_what_speaks_for_a_digit_rather_than_for_its_rival(why):
    user, _ = why
    session = user.session
    second = int(np.argsort(session.prediction.probabilities)[-2])
    for choice, digit, rival in (("The reading", 7, second), ("2", 2, 7)):
        user.widget("whyDigitCombo").setCurrentText(choice)
        slopes = [gradient(session.reading_model, session.picture, each) for each in (digit, rival)]
        difference = signed(slopes[0] * session.picture - slopes[1] * session.picture)
        user.wait(lambda difference=difference: np.array_equal(tile(user, 1), difference))
        assert user.widget("whyMosaic")._captions[1] == f"for {digit}, not {rival}"


def test_it_shows_the_networks_own_picture_of_the_digit(why):
    user, _ = why
    own = prototype(user.session.reading_model, 7)
    user.wait(lambda: np.array_equal(tile(user, 3), ink(own / own.max())))


def test_it_follows_the_pen_and_is_empty_with_the_canvas(why):
    user, view = why
    assert user.widget("whyVerdict").text().startswith("Read as 7 (")
    user.click("clearButton")
    user.wait(user.widget("whyOfferButton").isVisible)
    assert not user.widget("whyMosaic").isVisible()
    user.click("whyOfferButton")
    user.wait(lambda: user.session.shown is not None and explains(user, view))
    assert user.session.shown.name.startswith("Test digit ")
    user.click("clearButton")
    user.draw(1)
    user.wait(lambda: user.widget("whyVerdict").text().startswith("Read as 1 ("))


def test_what_is_not_recognised_is_not_said_to_be_read():
    probabilities = np.full(10, 0.0625, np.float32)
    probabilities[7], probabilities[1] = 0.3, 0.2
    unsure = Prediction(7, probabilities, recognised=False)
    assert verdict(unsure, 7) == "Not recognised. Closest match: 7 (30.0%). The next most likely is 1 (20.0%)."
    assert verdict(replace(unsure, recognised=True), 7).startswith("Read as 7 (30.0%). ")


def test_a_drawing_is_made_another_digit(why):
    user, view = why
    assert not user.widget("whyMakeButton").isEnabled()  # it is a 7 already
    user.widget("whyDigitCombo").setCurrentText("3")
    user.wait(user.widget("whyMakeButton").isEnabled)
    before = user.session.picture
    user.click("whyMakeButton")
    user.wait(lambda: "black pixels" in user.widget("whyVerdict").text())
    changed = view._changed
    assert user.session.predict(changed).digit == 3
    assert user.session.picture is before
    told = re.match(r"A change as large as ([\d.]+) black pixels makes it 3 \(5", user.widget("whyVerdict").text())
    assert float(told[1]) == pytest.approx(np.linalg.norm(changed - before), abs=0.06)
    np.testing.assert_array_equal(tile(user, 4), ink(changed))
    user.draw(1)
    user.wait(lambda: user.session.picture is not before and explains(user, view))
    assert view._changed is None


def test_names_of_any_length_fit_on_the_button_and_fold_nothing_away(why, tmp_path):
    user, view = why
    least = view.header.minimumSizeHint().width()
    long = "one & only, a very long name of a class that fits nowhere"
    names = [long, "x & y", *"abcdefgh"]
    model = MLP(784, (12,), 10, dtype=np.float32, init="he", rng=np.random.default_rng(1))
    save_model(tmp_path / "named.npz", model, {"class_names": names})
    user.session.open(tmp_path / "named.npz")
    button, combo = user.widget("whyMakeButton"), user.widget("whyDigitCombo")
    user.wait(lambda: combo.findText(long) > 0)
    combo.setCurrentText("x & y")
    user.wait(lambda: button.text() == "Make it “x && y”")
    combo.setCurrentText(long)
    user.wait(lambda: "…" in button.text())
    assert button.text().startswith("Make it “one &&")
    assert button.width() >= button.sizeHint().width()
    assert view.header.minimumSizeHint().width() < least + 100


def test_a_network_to_which_no_pixel_makes_a_difference_is_told_of(why):
    user, _ = why
    model = user.session.model.copy()
    model.layers[-1].W.data[:] = 0
    user.session._network.take_trained(model, user.session._settings.job(model, 0, None, paused=False), is_first=True)
    digit = (int(model.layers[-1].b.data.argmax()) + 1) % 10
    user.widget("whyDigitCombo").setCurrentText(str(digit))
    user.wait(lambda: user.session.reading_model is model and user.widget("whyMakeButton").isEnabled())
    user.click("whyMakeButton")
    user.wait(lambda: user.widget("whyVerdict").text().startswith("No pixel makes a difference: "))


def test_a_new_network_does_not_stop_the_change(why):
    """In training they come several times a second."""
    user, view = why
    user.widget("whyDigitCombo").setCurrentText("3")
    user.wait(user.widget("whyMakeButton").isEnabled)
    user.click("whyMakeButton")
    model = user.session.model.copy()
    user.session._network.take_trained(model, user.session._settings.job(model, 0, None, paused=False), is_first=True)
    user.wait(lambda: user.session.reading_model is model and "black pixels" in user.widget("whyVerdict").text())
    assert user.session.predict(view._changed).digit == 3


def test_a_network_that_stays_of_its_opinion_is_told_of(why, monkeypatch):
    monkeypatch.setattr("minigrad_gui.views.why.STEPS", 2)
    user, view = why
    before = user.session.picture
    user.widget("whyDigitCombo").setCurrentText("0")
    user.wait(user.widget("whyMakeButton").isEnabled)
    user.click("whyMakeButton")
    user.wait(lambda: user.widget("whyVerdict").text().endswith(" black pixels does not make it a 0."))
    assert 0 < np.linalg.norm(view._changed - before) < 1


def test_each_stroke_is_left_out(why):
    user, _ = why
    count = user.widget("whyMosaic").count
    user.stroke(np.array([[0.4, 0.5], [0.55, 0.5], [0.7, 0.5]]))
    user.wait(lambda: user.widget("whyMosaic").count == count + 2)
    without_bar = user.session.read(user.session.pointed_strokes[:1])
    assert user.widget("whyMosaic")._captions[-1] == f"no stroke 2: {without_bar.digits[0].prediction.digit}"
    np.testing.assert_array_equal(tile(user, -1), ink(without_bar.digits[0].picture))


@pytest.mark.usefixtures("few_digits")
def test_it_follows_a_run(why):
    user, _ = why
    user.configure(hidden="12")
    user.click("stepButton")
    user.wait(lambda: len(user.session.history) == 1 and user.session.reading_model.sizes[1] == 12)

    def follows():
        session = user.session
        slope = gradient(session.reading_model, session.picture, session.prediction.digit)
        return np.array_equal(tile(user, 2), signed(slope))

    user.wait(follows)


def test_the_table_has_every_pixel(why, choose, tmp_path):
    user, _ = why
    choose(tmp_path / "why.csv")
    user.trigger("whyCsvAction")
    with open(tmp_path / "why.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    slope = gradient(user.session.reading_model, user.session.picture, 7)
    assert [float(row["gradient"]) for row in rows] == pytest.approx(slope.ravel().tolist())
    second = int(np.argsort(user.session.prediction.probabilities)[-2])
    difference = (slope - gradient(user.session.reading_model, user.session.picture, second)) * user.session.picture
    assert [float(row["difference"]) for row in rows] == pytest.approx(difference.ravel().tolist(), abs=1e-5)
