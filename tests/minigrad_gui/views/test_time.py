"""A run is played back with its own networks: what is shown is what each of them says."""

import csv

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox

from engine.training import evaluate
from minigrad_gui import surveying, worker
from minigrad_gui.insight.landscape import SIDE
from minigrad_gui.reader import Reader
from minigrad_gui.views.time import FEW, GROWN, LOW_PX, TimeView, confusion_map

pytestmark = [pytest.mark.tabs("timeView"), pytest.mark.panels("TrainingPanel", "DrawPanel")]


@pytest.fixture
def run(user, few_digits, monkeypatch):  # noqa: ARG001
    """The user of a window with the view in front after a run, and the view."""
    monkeypatch.setattr(TimeView, "longest_refresh_ms", 100)
    monkeypatch.setattr(worker, "REPORT_INTERVAL_S", 0.0)
    monkeypatch.setattr(worker, "SNAPSHOT_INTERVAL_S", 0.0)
    monkeypatch.setattr(worker, "SNAPSHOT_TIME_SHARE", 1.0)
    user.trigger("showTimeAction")
    user.train(hidden="12", epochs=2, batch_size=128)
    user.draw(7)
    user.reading()
    view = user.widget("timeView")
    user.wait(lambda: view._snapshots is user.session.snapshots and len(view._snapshots) > 2)
    user.wait(lambda: user.widget("timePlayer").done == len(view._snapshots) - 1)
    return user, view


def told(user):
    return user.widget("timeTold").text()


def shows(user, index):
    """Whether all parts are those of this snapshot, by an independent computation."""
    batch, model = user.session.snapshots[index]
    digits = user.session._analyst._datasets.get("mnist")
    images, labels = digits.test_images[:500], digits.test_labels[:500]
    predictions = model(images.reshape(500, -1).astype(model.dtype) / model.dtype.type(255)).data.argmax(axis=1)
    right = float((predictions == labels).mean())
    probabilities = Reader(model).predict(user.session.picture).probabilities
    loss = user.session.history.smoothed[batch - 1]
    start = f"Mini-batch {batch:,} (epoch {batch / 22:.2f}): loss {loss:.4f}"
    return (
        np.array_equal(user.widget("timeBars").probabilities, probabilities)
        and told(user).startswith(f"{start}, {right:.1%} of 500 test pictures right. Your drawing: ")
        and user.widget("timeTimeline")._current == batch
    )


def test_each_moment_shows_what_its_network_says(run):
    user, view = run
    last = len(view._snapshots) - 1
    for index in (last, 0, 1):
        user.widget("timePlayer").go(index - user.widget("timePlayer").done)
        user.wait(lambda index=index: shows(user, index))
    readings = view._readings[view._snapshots[1].batch]
    np.testing.assert_array_equal(user.widget("timeMatrix").pixels, confusion_map(readings))
    assert not np.array_equal(confusion_map(readings), confusion_map(view._readings[view._snapshots[last].batch]))
    before = user.widget("timeMosaic")._pixels.copy()
    user.widget("timePlayer").go(last)
    assert not np.array_equal(user.widget("timeMosaic")._pixels, before)


def test_one_goes_to_a_moment_with_the_mouse_and_plays_from_there(run):
    user, view = run
    timeline, player = user.widget("timeTimeline"), user.widget("timePlayer")
    at = QPoint(round(timeline.x_of(view._snapshots[1].batch)), 30)
    QTest.mouseClick(timeline, Qt.MouseButton.LeftButton, pos=at)
    assert player.done == 1
    view._timer.setInterval(5)
    seen = []
    player.moved.connect(seen.append)
    user.click("timePlayButton")
    user.wait(lambda: not user.widget("timePlayButton").isChecked())
    assert seen == list(range(2, len(view._snapshots)))
    user.click("timePlayButton")  # at the end it begins anew
    assert player.done == 0
    user.trigger("showCurvesAction")
    user.wait(lambda: not view._timer.isActive())


def test_a_new_run_begins_anew_and_the_newest_moment_is_followed(run):
    user, view = run
    before = view._snapshots
    user.widget("timePlayer").go(-1000)
    user.configure(hidden="12", epochs=1, batch_size=64)
    user.click("stepButton")
    user.wait(lambda: view._snapshots is not before and told(user).startswith("Mini-batch 1 "))
    user.click("stepButton")
    user.wait(lambda: told(user).startswith("Mini-batch 2 "))
    user.widget("timePlayer").go(-1)
    assert told(user).startswith("Mini-batch 1 ")
    user.click("stepButton")
    user.wait(lambda: len(view._snapshots) == 3 and user.widget("timePlayer")._slider.maximum() == 2)
    assert told(user).startswith("Mini-batch 1 ")


@pytest.mark.usefixtures("few_digits")
def test_without_a_run_it_offers_one(user):
    user.trigger("showTimeAction")
    user.wait(user.widget("timeOfferButton").isVisible)
    user.configure()
    user.click("timeOfferButton")
    user.wait(lambda: user.session.state == "idle" and user.widget("timePlayer").isVisible())


def test_the_table_has_every_moment(run, choose, tmp_path):
    user, view = run
    choose(tmp_path / "time.csv")
    user.trigger("timeCsvAction")
    with open(tmp_path / "time.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["mini-batch"]) for row in rows] == [batch for batch, _ in view._snapshots]
    probabilities = Reader(view._snapshots[0].model).predict(user.session.picture).probabilities
    assert float(rows[0]["P(7)"]) == pytest.approx(float(probabilities[7]))


def test_it_follows_the_pen_at_the_moment_that_is_shown(run):
    user, view = run
    user.widget("timePlayer").go(-1000)
    model, before = view._snapshots[0].model, user.session.picture
    user.stroke(np.array([[0.4, 0.5], [0.55, 0.5], [0.7, 0.5]]))
    user.wait(lambda: not np.array_equal(user.session.picture, before))
    expected = Reader(model).predict(user.session.picture).probabilities
    user.wait(lambda: np.array_equal(user.widget("timeBars").probabilities, expected))
    user.click("clearButton")
    user.wait(lambda: user.widget("timeBars").probabilities is None)


def has_landscape(view):
    return view._landscape is not None and view._landscape.survey is None


def test_the_landscape_of_the_loss_shows_where_each_moment_is(run, choose, tmp_path):
    user, view = run
    combo, picture = user.widget("timeShownCombo"), user.widget("timeLandscape")
    assert not picture.isVisible()
    combo.setCurrentIndex(1)
    user.wait(lambda: has_landscape(view))
    assert picture.isVisible()
    view.resize(view.width(), LOW_PX)
    assert not user.widget("timeBars").isVisible()
    plane, surface = view._landscape.plane, view._landscape.surface
    assert surface.losses.shape == (SIDE, SIDE)
    # An independent computation of a place's loss, on the digits that the run held out.
    digits = user.session._analyst._datasets.get("mnist")
    held_out = user.session.curves_config.split(digits.train_labels)[1]
    images, labels = digits.train_images[held_out], digits.train_labels[held_out]
    loss, _ = evaluate(plane.model(surface.x[20], surface.y[7]), images, labels)
    assert surface.losses[7, 20] == pytest.approx(loss, rel=1e-3)
    for index in (0, 1):
        user.widget("timePlayer").go(index - user.widget("timePlayer").done)
        assert picture.moment == index
        there = surface.at(*plane.path[index])
        assert f"On the map: {there:.4f} for {len(labels)} validation digits." in told(user)
        assert told(user) in picture.accessibleDescription()
    picture.pointed.emit(2)
    assert user.widget("timePlayer").done == 2
    user.qtbot.keyClick(picture, Qt.Key.Key_Left)
    assert user.widget("timePlayer").done == 1
    choose(tmp_path / "time.csv")
    user.trigger("timeCsvAction")
    with open(tmp_path / "time.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == surface.losses.size + len(view._snapshots)
    assert float(rows[1]["loss"]) == surface.losses[0, 1]
    assert int(rows[-1]["mini-batch"]) == view._snapshots[-1].batch
    assert user.widget("timeTimeline").isVisible()
    view.resize(view.width(), LOW_PX - 1)
    assert not user.widget("timeTimeline").isVisible()
    combo.setCurrentIndex(0)
    assert user.widget("timeTimeline").isVisible()
    combo.setCurrentIndex(2)
    assert picture.surface is None  # that of the other directions is not shown meanwhile
    user.wait(lambda: has_landscape(view))
    np.testing.assert_array_equal(view._landscape.plane.span, [[-1, 1], [-1, 1]])
    combo.setCurrentIndex(0)
    user.wait(user.widget("timeBars").isVisible)


def test_what_is_shown_is_remembered(user, few_digits):  # noqa: ARG001
    settings = user.window._settings
    settings.setValue("time/shown", "random")
    user.trigger("showTimeAction")
    user.wait(lambda: user.window.findChild(QComboBox, "timeShownCombo") is not None)
    combo, view = user.widget("timeShownCombo"), user.widget("timeView")
    assert combo.currentText() == "Landscape at random"
    for index, kind in ((1, "path"), (0, "")):
        combo.setCurrentIndex(index)
        view.save_settings(settings)
        assert settings.value("time/shown") == kind
    settings.setValue("time/shown", "a map")  # of no version
    view.restore_settings(settings)
    view.save_settings(settings)
    assert settings.value("time/shown") == ""


def test_the_landscape_grows_with_a_run_and_rests_while_hidden(run, monkeypatch):
    user, view = run
    with monkeypatch.context() as patched:
        patched.setattr(surveying, "PIECE_S", 0.0)  # hundreds of pieces
        user.widget("timeShownCombo").setCurrentIndex(1)
        user.wait(lambda: view._landscape is not None and not view._is_stale)
        user.trigger("showCurvesAction")
        user.wait(lambda: not view._is_seen)
        assert not view._is_surveying
        begun = view._landscape
        assert begun.survey is not None
    user.trigger("showTimeAction")
    user.wait(lambda: view._is_seen)
    assert view._is_surveying or has_landscape(view)
    user.wait(lambda: has_landscape(view))
    assert view._landscape.plane is begun.plane  # it goes on where it was
    user.configure(hidden="12", epochs=1, batch_size=64)
    user.click("stepButton")
    user.wait(lambda: view._snapshots is user.session.snapshots and len(view._snapshots) == 1)
    user.wait(lambda: told(user) == FEW)
    assert user.widget("timeLandscape").surface is None
    user.click("stepButton")
    user.wait(lambda: has_landscape(view) and view._landscape.batches == (1, 2))
    user.trigger("showCurvesAction")
    user.wait(lambda: not view._is_seen)
    user.click("stepButton")
    user.wait(lambda: len(user.session.snapshots) == 3)
    assert view._landscape.batches == (1, 2)
    assert not view._is_surveying
    user.trigger("showTimeAction")
    user.wait(lambda: has_landscape(view) and view._landscape.batches == (1, 2, 3))


def test_a_committee_that_has_grown_has_no_landscape_and_is_not_said_to_need_more_training(run):
    user, view = run
    user.widget("timeShownCombo").setCurrentIndex(1)
    user.configure(epochs=2, members=2)
    for steps in (1, 2):
        user.click("stepButton")
        user.wait(lambda steps=steps: has_landscape(view) == (steps == 2) and len(user.session.history) == steps)
    user.click("pauseButton")
    user.wait(lambda: told(user) == GROWN)
    assert user.widget("timeLandscape").surface is None
    assert user.session.snapshots[0].model.sizes == (784, 16, 10)
    assert user.session.snapshots[-1].model.sizes == (784, 32, 10)
