"""The plots: what they show of a run, how they are read and exported."""

import csv
from collections.abc import Callable
from itertools import cycle, pairwise

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QAction, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QMessageBox

from minigrad_gui.threads import BLAS_TURN
from minigrad_gui.views.loss_plot import _LossAxis


@pytest.fixture
def trained(hand):
    hand.train(hidden="16", epochs=2, batch_size=1000)
    hand.wait(lambda: len(curves(hand, "lossPlot")["mini-batch"][0]) == len(hand.session.history))
    return hand


def curves(hand, name: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    items = hand.window.findChild(object, name).getPlotItem().listDataItems()
    shown = {item.name(): item.getOriginalDataset() for item in items}
    return {name: data if data[0] is not None else (np.empty(0), np.empty(0)) for name, data in shown.items()}


def test_the_curves_show_the_history(trained):
    history = trained.session.history
    loss, accuracy = curves(trained, "lossPlot"), curves(trained, "accuracyPlot")
    assert np.array_equal(loss["mini-batch"][1], history.losses)
    assert np.array_equal(loss["training, smoothed"][1], history.smoothed)
    assert loss["mini-batch"][0].tolist() == list(range(1, len(history) + 1))
    assert loss["validation"][1].tolist() == [epoch.validation_loss for epoch in history.epochs]
    assert loss["validation"][0].tolist() == [54, 108]
    assert accuracy["validation"][1] == pytest.approx([100 * epoch.validation_accuracy for epoch in history.epochs])
    assert accuracy["training"][1] == pytest.approx([100 * epoch.accuracy for epoch in history.epochs])


def test_a_new_run_starts_with_empty_curves(trained):
    trained.configure(epochs=50, batch_size=1000)
    trained.click("stepButton")
    trained.wait(lambda: len(trained.session.history) == 1)
    trained.wait(lambda: len(curves(trained, "lossPlot")["mini-batch"][0]) == 1)


def test_the_axes_keep_their_figures_until_the_next_run_has_some(trained):
    axes = [trained.window.findChild(object, name).getAxis("left") for name in ("lossPlot", "accuracyPlot")]
    with BLAS_TURN:  # the next run waits for it before its first step
        trained.click("trainButton")
        trained.wait(lambda: len(curves(trained, "lossPlot")["mini-batch"][0]) == 0)
        assert all(axis.style["showValues"] for axis in axes)
        trained.click("stopButton")
    trained.wait(lambda: trained.session.state == "idle")
    trained.wait(lambda: not any(axis.style["showValues"] for axis in axes))


def test_there_is_room_to_the_right_while_a_run_goes_on_and_none_after_it(hand):
    box = hand.window.findChild(object, "lossPlot").plotItem.vb
    hand.configure(hidden="16", epochs=50, batch_size=500)
    hand.click("trainButton")
    hand.wait(lambda: len(hand.session.history) >= 30)
    hand.click("pauseButton")
    hand.wait(lambda: len(hand.session.history) <= box.viewRange()[0][1] <= 1.3 * len(hand.session.history))
    hand.click("stopButton")

    def end() -> list[float]:
        return pytest.approx([0, 1.02 * len(hand.session.history)])

    hand.wait(lambda: hand.session.state == "idle" and box.viewRange()[0] == end())


def test_while_a_run_goes_on_the_axis_grows_in_few_steps(hand):
    box = hand.window.findChild(object, "lossPlot").plotItem.vb
    ends: list[float] = []
    box.sigXRangeChanged.connect(lambda _, shown: ends.append(shown[1] / 1.02))
    hand.configure(hidden="16", epochs=1000, batch_size=500)
    hand.click("trainButton")
    hand.wait(lambda: len([end for end in ends if end > 10]) >= 3)
    counts = [end for end in ends if end > 10]
    assert counts[0] <= 8 * len(hand.session.history)
    assert all(later >= 1.25 * earlier for earlier, later in pairwise(counts))
    hand.click("stopButton")


def test_the_loss_is_shown_from_zero(trained):
    plot = trained.window.findChild(object, "lossPlot")
    low, high = plot.plotItem.vb.viewRange()[1]
    most = trained.session.history.losses.max()
    assert -0.1 * most < low < 0 < most < high < 1.2 * most
    trained.click("logScaleCheck")
    trained.wait(lambda: plot.plotItem.vb.viewRange()[1][0] > -3)  # and not at the logarithm of nearly 0
    trained.click("logScaleCheck")
    trained.wait(lambda: plot.plotItem.vb.viewRange()[1] == pytest.approx([low, high]))


def test_a_view_that_was_moved_stays_while_the_run_goes_on(hand):
    plot = hand.window.findChild(object, "lossPlot")
    box = plot.plotItem.vb
    hand.configure(hidden="16", epochs=50, batch_size=500)
    hand.click("trainButton")
    hand.wait(lambda: box.viewRange()[0][1] >= 30)
    hand.wheel(plot.viewport(), 1200)
    hand.wait(lambda: box.viewRange()[0][0] > 0)
    looked_at = box.viewRange()[0]
    count = len(hand.session.history)
    hand.wait(lambda: len(hand.session.history) > 2 * count)
    assert box.viewRange()[0] == looked_at
    hand.click("resetZoomButton")
    hand.wait(lambda: box.viewRange()[0][0] == 0)
    hand.click("stopButton")


def hover(hand, batch: float, condition: Callable[[], bool]) -> None:
    """Move the mouse over a mini-batch until `condition` holds."""
    plot = hand.window.findChild(object, "lossPlot")
    box = plot.plotItem.vb
    near = plot.mapFromScene(box.mapViewToScene(QPointF(batch, box.viewRect().center().y())))
    jitter = cycle([QPoint(0, 0), QPoint(0, 1)])  # pyqtgraph skips moves that follow one another too closely

    def moved() -> bool:
        QTest.mouseMove(plot.viewport(), near + next(jitter))
        return condition()

    hand.wait(moved)


def test_hovering_reads_the_curve(trained):
    readout = trained.widget("plotReadout")
    trained.click("resetZoomButton")
    hover(trained, 70, lambda: readout.text().startswith("Mini-batch"))
    batch = int(readout.text().split()[1])
    assert abs(batch - 70) <= 2
    assert f"loss {trained.session.history.losses[batch - 1]:.4f}" in readout.text()
    hover(trained, -5, lambda: readout.text() == "")


def test_hovering_tells_the_validation_of_the_last_epoch_that_had_ended(trained):
    history, readout = trained.session.history, trained.widget("plotReadout")
    trained.click("resetZoomButton")
    hover(trained, 30, lambda: "epoch 1" in readout.text())
    assert "not validated yet" in readout.text()
    hover(trained, 90, lambda: "epoch 2" in readout.text())
    assert f"validated after epoch 1: {history.epochs[0].validation_accuracy:.2%}" in readout.text()
    hover(trained, 108, lambda: "after epoch 2" in readout.text())
    assert f"{history.epochs[1].validation_accuracy:.2%}" in readout.text()


def test_log_scale_and_back(trained):
    plot = trained.window.findChild(object, "lossPlot")
    trained.click("logScaleCheck")
    assert plot.plotItem.ctrl.logYCheck.isChecked()
    lowest, highest = np.log10(trained.session.history.losses.min()), np.log10(trained.session.history.losses.max())
    box = plot.plotItem.vb
    trained.wait(lambda: box.viewRange()[1][0] < lowest < highest < box.viewRange()[1][1])
    plot.grab()
    trained.click("logScaleCheck")
    assert not plot.plotItem.ctrl.logYCheck.isChecked()


def test_show_all_undoes_zooming(trained):
    box = trained.window.findChild(object, "lossPlot").plotItem.vb
    box.setRange(xRange=(10, 20), padding=0)
    trained.click("resetZoomButton")
    trained.wait(lambda: box.viewRange()[0][1] > 100)


def test_the_plot_is_exported_as_a_picture(trained, tmp_path, monkeypatch):
    path = tmp_path / "plot.png"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    trained.trigger("exportPngAction")
    image = QImage(str(path))
    assert image.width() > 800
    colours = {image.pixel(x, y) for x in range(0, image.width(), 7) for y in range(0, image.height(), 7)}
    assert len(colours) > 5


def test_the_figures_are_exported_as_a_table(trained, tmp_path, monkeypatch):
    path = tmp_path / "figures.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    trained.trigger("exportCsvAction")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    history = trained.session.history
    assert [float(row["loss"]) for row in rows] == history.losses.tolist()
    assert rows[53]["epoch"] == "1"
    assert float(rows[53]["validation_accuracy"]) == history.epochs[0].validation_accuracy
    assert float(rows[53]["training_accuracy"]) == history.epochs[0].accuracy
    assert rows[0]["validation_loss"] == ""


def test_a_name_without_its_ending_does_not_replace_a_file_unasked(trained, tmp_path, monkeypatch, answer):
    (tmp_path / "figures.csv").write_text("precious")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "figures"), ""))
    questions = answer(QMessageBox.StandardButton.No)
    trained.trigger("exportCsvAction")
    assert questions == ["figures.csv exists already. Replace it?"]
    assert (tmp_path / "figures.csv").read_text() == "precious"


def test_there_is_nothing_to_export_before_training(hand):
    for name in ("exportPngAction", "exportCsvAction"):
        assert not hand.window.findChild(QAction, name).isEnabled()


def test_a_single_mini_batch_is_seen(hand):
    hand.configure(epochs=5)
    hand.click("stepButton")
    hand.wait(lambda: len(hand.session.history) == 1)
    items = hand.window.findChild(object, "lossPlot").listDataItems()
    (curve,) = (item for item in items if item.name() == "mini-batch")
    hand.wait(lambda: curve.opts["symbol"] == "o")


@pytest.mark.parametrize(("low", "high"), [(-2.0, 0.5), (-12.0, 30.0), (-300.0, 300.0)])
def test_a_logarithmic_axis_has_few_labels(low, high):
    ((_, values),) = _LossAxis("left").logTickValues(low, high)
    assert 2 <= len(values) <= 10
    assert all(low <= value <= high for value in values)


@pytest.mark.parametrize("action", ["exportPngAction", "exportCsvAction"])
def test_a_place_that_cannot_be_written_is_told(trained, tmp_path, monkeypatch, warnings, action):
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "missing" / "x"), ""))
    trained.trigger(action)
    assert len(warnings) == 1
    assert "could not be written" in warnings[0]


def test_a_hundred_thousand_points_are_drawn(hand):
    hand.session.history.extend(1 / np.arange(1, 100_001), [])
    hand.session.progressed.emit()
    hand.wait(lambda: hand.window.findChild(object, "lossPlot").plotItem.vb.viewRange()[0][1] > 99_000)
    assert len(curves(hand, "lossPlot")["training, smoothed"][0]) == 100_000
    hand.window.grab()


def test_keys_for_the_plot(trained, qtbot):
    trained.window.activateWindow()
    qtbot.keyClick(trained.window, Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)
    assert trained.widget("logScaleCheck").isChecked()
