"""The weights that are shown are those of the network, in order, and follow a run."""

import csv

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest

from engine import TrainingConfig
from minigrad_gui import theme
from minigrad_gui.theme import SPACING_PX
from minigrad_gui.views.weights import MOST_LOOKS, thinned

pytestmark = [
    pytest.mark.usefixtures("few_digits"),
    pytest.mark.tabs("weightsView"),
    pytest.mark.panels("TrainingPanel"),
]


@pytest.fixture
def weights(user):
    """The user of a window with the weights in front, and the view."""
    user.trigger("showWeightsAction")
    view = user.widget("weightsView")
    user.wait(lambda: shows(user, view))
    return user, view


def shows(user, view):
    return view._shown is not None and view._shown.model is user.session.model


def test_neurons_are_shown_by_the_size_of_their_weights_and_in_other_orders(weights):
    user, view = weights
    W = user.session.model.layers[0].W.data
    mosaic, readout = user.widget("weightsMosaic"), user.widget("weightsReadout")
    assert mosaic.count == len(W)
    largest = int(np.linalg.norm(W, axis=1).argmax())
    mosaic.setFocus()
    QTest.keyClick(mosaic, Qt.Key.Key_Home)
    QTest.mouseMove(mosaic, mosaic.rect_of(0).center())
    assert readout.text().startswith(f"Neuron {largest + 1:,}: weights' norm {np.linalg.norm(W[largest]):.3g}")
    image = mosaic.grab().toImage()
    corner, ratio = mosaic.rect_of(0).topLeft(), mosaic.devicePixelRatio()
    colors = [image.pixelColor((corner.x() + x) * ratio, (corner.y() + y) * ratio) for y, x in np.ndindex(28, 28)]
    blueness = np.array([color.blue() - color.red() for color in colors]).reshape(28, 28)
    inside = slice(3, 25)  # of the cursor's frame
    likeness = np.corrcoef(blueness[inside, inside].ravel(), W[largest].reshape(28, 28)[inside, inside].ravel())
    assert likeness[0, 1] > 0.8
    user.widget("weightsOrderCombo").setCurrentText("Most active first")
    user.wait(lambda: int(view._shown.activity.argmax()) == view._shown.order[0])


def test_one_sees_where_windows_lie(weights):
    user, view = weights
    user.configure(hidden="16", receptive_field_px=10)
    user.click("stepButton")
    user.wait(lambda: len(user.session.history) == 1 and shows(user, view))
    outside = user.session.model.layers[0].W.data[view._shown.order].reshape(-1, 28, 28) == 0
    assert outside.sum(axis=(1, 2)).tolist() == [28 * 28 - 10 * 10] * 16
    border = list(QColor(theme.colors().border).getRgb()[:3])
    np.testing.assert_array_equal((view._shown.pixels == border).all(axis=-1), outside)
    QTest.mouseMove(user.widget("weightsMosaic"), user.widget("weightsMosaic").rect_of(0).center())
    assert user.widget("weightsReadout").text().endswith(", sees 100 of 784 pixels")


def test_it_follows_a_run_step_by_step(weights):
    user, view = weights
    user.configure(hidden="12", batch_size=256)
    models = []
    for steps in (1, 2, 3):
        user.click("stepButton")
        user.wait(lambda steps=steps: len(user.session.history) == steps and shows(user, view))
        models.append(user.session.model)
    assert user.widget("weightsMosaic").count == 12
    assert len(view._series) == 3
    before, now = (model.layers[1].W.data for model in models[-2:])
    assert view._series[-1].layers[1].weight_norm == pytest.approx(np.linalg.norm(now), rel=1e-5)
    moved = np.linalg.norm(now - before) / np.linalg.norm(before)
    assert user.widget("layerTable").row_text(1).endswith(f"moved {moved:.1e} per mini-batch.")


def test_what_moved_while_nobody_looked_is_per_mini_batch(weights):
    user, view = weights
    user.configure(hidden="12", batch_size=256)
    user.click("stepButton")
    user.wait(lambda: len(user.session.history) == 1 and shows(user, view))
    before = user.session.model.layers[1].W.data
    user.trigger("showCurvesAction")
    for steps in (2, 3):
        user.click("stepButton")
        user.wait(lambda steps=steps: len(user.session.history) == steps)
    user.wait(lambda: user.session.model.layers[1].W.data is not before)
    user.trigger("showWeightsAction")
    user.wait(lambda: shows(user, view) and view._shown.moment[1] == 3)
    moved = np.linalg.norm(view._shown.model.layers[1].W.data - before) / np.linalg.norm(before) / 2
    assert user.widget("layerTable").row_text(1).endswith(f"moved {moved:.1e} per mini-batch.")


def test_it_follows_a_committee_that_grows(weights):
    user, view = weights
    user.session.set_config(TrainingConfig(hidden=(4,), batch_size=100_000, epochs=3, members=3), "mnist")
    for neurons in (4, 8, 12):
        user.click("stepButton")
        user.wait(lambda neurons=neurons: user.session.model.sizes == (784, neurons, 10) and shows(user, view))
        assert user.widget("weightsMosaic").count == neurons


def test_it_says_what_hinders_the_network(weights):
    user, view = weights
    model = user.session.model.copy()
    for layer in model.layers[:-1]:
        layer.b.data[:] = -1e3
    user.session._network.take_trained(model, user.session._settings.job(model, 0, None, paused=False), is_first=True)
    user.wait(lambda: shows(user, view))
    assert user.widget("weightsWarning").text().startswith("All neurons in hidden layer 1 are dead")


def test_the_table_has_each_neurons_weights(weights, choose, tmp_path):
    user, view = weights
    choose(tmp_path / "w.csv")
    user.trigger("weightsCsvAction")
    with open(tmp_path / "w.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    W = user.session.model.layers[0].W.data
    assert [int(row["neuron"]) for row in rows] == [unit + 1 for unit in view._shown.order], "numbered as in the window"
    assert float(rows[3]["w400"]) == pytest.approx(W[view._shown.order[3], 400])


def test_the_picture_has_all_neurons(weights, choose, tmp_path):
    user, _ = weights
    mosaic = user.widget("weightsMosaic")
    assert mosaic.height() > mosaic.visibleRegion().boundingRect().height(), "some are scrolled away"
    choose(tmp_path / "w.png")
    user.trigger("weightsPngAction")
    picture = QImage(str(tmp_path / "w.png"))
    assert picture.height() > 2 * (mosaic.height() + user.widget("layerTable").height())
    last = mosaic.rect_of(mosaic.count - 1)
    copied = picture.copy(2 * (last.left() + SPACING_PX), 2 * (last.top() + SPACING_PX), 56, 56)
    assert copied == mosaic.grab(last).toImage().scaled(56, 56).convertToFormat(copied.format())


def test_a_long_series_is_thinned_and_keeps_its_ends():
    series = list(range(MOST_LOOKS + 1))
    assert thinned(series[:MOST_LOOKS]) == series[:MOST_LOOKS]
    assert thinned(series)[0] == 0
    assert thinned(series)[-1] == MOST_LOOKS
    assert len(thinned(series)) == MOST_LOOKS // 2 + 1
