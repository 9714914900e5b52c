"""The plots: their curves, the readout and the export."""

import csv
import math
from collections.abc import Callable
from itertools import cycle

import numpy as np
import pyqtgraph as pg
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QAction, QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDockWidget, QFileDialog, QLabel, QWidget
from some_views import with_settings

from engine import MLP, save_model
from minigrad_gui import process, theme
from minigrad_gui.history import History
from minigrad_gui.session.curves import Curves
from minigrad_gui.views.loss_plot import LossPlot

pytestmark = [
    pytest.mark.tabs("curvesView", "whyView"),
    pytest.mark.panels("TrainingPanel"),
    pytest.mark.usefixtures("qapp"),  # axes are not widgets, but need the application
]


@pytest.fixture
def trained(few_digits, user):  # noqa: ARG001
    """After two epochs of 54 mini-batches."""
    user.train(hidden="16", epochs=2, batch_size=50)
    user.wait(lambda: len(curves(user, "lossPlot")["mini-batch"][0]) == len(user.session.history))
    return user


def curves(user, name: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    items = user.window.findChild(object, name).getPlotItem().listDataItems()
    shown = {item.name(): item.getOriginalDataset() for item in items}
    return {name: (np.empty(0), np.empty(0)) if data[0] is None else _once(*data) for name, data in shown.items()}


def _once(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A curve without the last point's repetitions."""
    is_first = np.diff(x, prepend=0) > 0
    return x[is_first], y[is_first]


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


def test_the_axes_show_their_labels_until_the_next_run_has_some(trained):
    axes = [trained.window.findChild(object, name).getAxis("left") for name in ("lossPlot", "accuracyPlot")]
    with process.blas_turn():  # the next run waits for this before its first step
        trained.click("trainButton")
        trained.wait(lambda: len(curves(trained, "lossPlot")["mini-batch"][0]) == 0)
        assert all(axis.style["showValues"] for axis in axes)
        trained.click("stopButton")
    trained.wait(lambda: trained.session.state == "idle")
    trained.wait(lambda: not any(axis.style["showValues"] for axis in axes))


def test_there_is_room_on_the_right_during_a_run_and_none_after_it(user):
    box = user.window.findChild(object, "lossPlot").plotItem.vb
    user.configure(hidden="16", epochs=50, batch_size=500)
    user.click("trainButton")
    user.wait(lambda: len(user.session.history) >= 30)
    user.click("pauseButton")
    user.wait(lambda: len(user.session.history) <= box.viewRange()[0][1] <= 1.3 * len(user.session.history))
    user.click("stopButton")

    def end() -> list[float]:
        return pytest.approx([0, 1.02 * len(user.session.history)])

    user.wait(lambda: user.session.state == "idle" and box.viewRange()[0] == end())


def wait_for_batches(user, count: int) -> None:
    """Wait until the plot shows this many mini-batches of a run."""
    user.wait(lambda: len(curves(user, "lossPlot")["mini-batch"][0]) >= count)


def test_the_loss_is_shown_from_zero_or_on_a_log_scale(trained, qtbot):
    plot, losses = trained.window.findChild(object, "lossPlot"), trained.session.history.losses
    box, logarithmic = plot.plotItem.vb, plot.plotItem.ctrl.logYCheck
    low, high = box.viewRange()[1]
    assert -0.1 * losses.max() < low < 0 < losses.max() < high < 1.2 * losses.max()
    trained.click("logScaleCheck")
    assert logarithmic.isChecked()
    lowest, highest = np.log10(losses.min()), np.log10(losses.max())
    # and not from the logarithm of nearly 0
    trained.wait(lambda: -3 < box.viewRange()[1][0] < lowest < highest < box.viewRange()[1][1])
    plot.grab()
    trained.click("logScaleCheck")
    assert not logarithmic.isChecked()
    trained.wait(lambda: box.viewRange()[1] == pytest.approx([low, high]))
    trained.window.activateWindow()
    qtbot.keyClick(trained.window, Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)
    assert trained.widget("logScaleCheck").isChecked()


def test_a_panned_view_stays_during_a_run(user):
    plot = user.window.findChild(object, "lossPlot")
    box = plot.plotItem.vb
    user.configure(hidden="16", epochs=50, batch_size=500)
    user.click("trainButton")
    wait_for_batches(user, 30)
    user.wheel(plot.viewport(), 1200)
    user.wait(lambda: box.viewRange()[0][0] > 0)
    looked_at = box.viewRange()[0]
    count = len(user.session.history)
    user.wait(lambda: len(user.session.history) > 2 * count)
    assert box.viewRange()[0] == looked_at
    user.click("resetZoomButton")
    user.wait(lambda: box.viewRange()[0][0] == 0)
    user.click("stopButton")


def hover(user, batch: float, condition: Callable[[], bool]) -> None:
    """Move the mouse over a mini-batch until `condition` holds."""
    plot = user.window.findChild(object, "lossPlot")
    box = plot.plotItem.vb
    near = plot.mapFromScene(box.mapViewToScene(QPointF(batch, box.viewRect().center().y())))
    jitter = cycle([QPoint(0, 0), QPoint(0, 1)])  # pyqtgraph skips moves that follow each other too closely

    def moved() -> bool:
        QTest.mouseMove(plot.viewport(), near + next(jitter))
        return condition()

    user.wait(moved)


def test_hovering_reads_the_curve_and_the_validation_of_the_last_finished_epoch(trained):
    history, readout = trained.session.history, trained.widget("plotReadout")
    trained.click("resetZoomButton")
    hover(trained, 70, lambda: readout.text().startswith("Mini-batch"))
    batch = int(readout.text().split()[1])
    assert abs(batch - 70) <= 2
    assert f"loss {history.losses[batch - 1]:.4f}" in readout.text()
    hover(trained, -5, lambda: readout.text() == "")
    hover(trained, 30, lambda: "epoch 1" in readout.text())
    assert "not validated yet" in readout.text()
    hover(trained, 90, lambda: "epoch 2" in readout.text())
    assert f"validated after epoch 1: {history.epochs[0].validation_accuracy:.2%}" in readout.text()
    hover(trained, 108, lambda: "after epoch 2" in readout.text())
    assert f"{history.epochs[1].validation_accuracy:.2%}" in readout.text()


def test_the_plot_is_exported_as_a_picture_and_as_a_table_or_it_is_told(trained, tmp_path, choose, warnings):
    choose(tmp_path / "plot.png")
    trained.trigger("exportPngAction")
    image = QImage(str(tmp_path / "plot.png"))
    assert image.width() > 800
    colours = {image.pixel(x, y) for x in range(0, image.width(), 7) for y in range(0, image.height(), 7)}
    assert len(colours) > 5

    path = tmp_path / "figures.csv"
    choose(path)
    trained.trigger("exportCsvAction")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    history = trained.session.history
    assert [float(row["loss"]) for row in rows] == history.losses.tolist()
    assert rows[53]["epoch"] == "1"
    assert float(rows[53]["validation_accuracy"]) == history.epochs[0].validation_accuracy
    assert float(rows[53]["training_accuracy"]) == history.epochs[0].accuracy
    assert rows[0]["validation_loss"] == ""

    choose(tmp_path / "missing" / "x")
    for action in ("exportPngAction", "exportCsvAction"):
        warnings.clear()
        trained.trigger(action)
        assert len(warnings) == 1, action
        assert "Could not write" in warnings[0]


def test_without_curves_there_is_nothing_to_export(user, tmp_path):
    save_model(tmp_path / "bare.npz", MLP(784, (8,), 10, dtype=np.float32), {})
    user.window.open(tmp_path / "bare.npz")
    actions = [user.window.findChild(QAction, name) for name in ("exportPngAction", "exportCsvAction")]
    user.wait(lambda: not any(action.isEnabled() for action in actions))


def test_before_a_run_is_ready_no_epochs_are_marked(user):
    axis = user.window.findChild(object, "lossPlot").getAxis("top")
    user.trigger("openPretrainedAction")
    plot = user.window.findChild(LossPlot)
    plot.refresh()
    assert axis.tickValues(0, 40_000, 400)[0][1]
    with process.blas_turn():  # a run waits for this before it is ready
        user.click("trainButton")
        plot.refresh()
        assert axis.tickValues(0, 10, 400) == []


def shown_heights(user, name: str = "lossPlot") -> list[float]:
    return user.window.findChild(object, name).plotItem.vb.viewRange()[1]


def fed(user, losses, epochs=(), steps: int = 100) -> None:
    """Show the losses of a pretended run."""
    history = History(steps)
    history.extend(losses, epochs)
    user.session._training.show(Curves(history, gave_a_network=True))
    user.session.progressed.emit()
    user.wait(lambda: len(curves(user, "lossPlot")["mini-batch"][0]) == len(losses))


def test_before_it_is_seen_its_picture_can_be_saved(make_window, tmp_path):
    first = make_window()
    first.findChild(QDockWidget, "whyViewDock").bring_to_front()
    first.close()
    window = make_window()
    assert window.findChild(QWidget, "lossPlot") is None
    window.session.history.extend([2.3, 1.1], [])
    assert window.findChild(LossPlot).export_png(tmp_path / "plot.png")
    assert QImage(str(tmp_path / "plot.png")).width() > 800


def test_an_explosion_does_not_set_the_scale(user):
    losses = np.concatenate(([2.4, 95_986.0, 32_000.0], np.geomspace(5000, 2.4, 50), np.full(2000, 2.3)))
    fed(user, losses)
    low, high = shown_heights(user)
    assert -0.5 < low < 0
    assert 4 < high < 8
    above = int((losses > high).sum())
    assert user.widget("plotReadout").text() == f"▲ {above} losses are higher than the plot, up to 95,986"
    assert len(curves(user, "lossPlot")["higher losses"][0]) == above
    assert curves(user, "lossPlot")["mini-batch"][1].max() == 95_986, "zooming out shows it"
    user.click("logScaleCheck")
    assert shown_heights(user)[1] > math.log10(95_986)
    assert user.widget("plotReadout").text() == ""


@with_settings
def test_a_changed_learning_rate_is_marked_and_described(user):
    user.configure(hidden="16", epochs=50, batch_size=1000)
    for rate in (0.0005, 0.002):
        user.widget("learningRateSpin").setValue(rate)
        count = len(user.session.history)
        user.click("stepButton")
        user.wait(lambda count=count: len(user.session.history) == count + 1)
    plot = user.window.findChild(object, "lossPlot")

    def marks() -> list[tuple[float, str]]:
        lines = [item for item in plot.plotItem.items if isinstance(item, pg.InfiniteLine) and hasattr(item, "label")]
        return [(line.value(), line.label.format) for line in lines]

    user.wait(lambda: marks() == [(1.5, "rate 0.002")])
    hover(user, 2, lambda: "Mini-batch 2" in user.widget("plotReadout").text())
    assert "rate 0.002" in user.widget("plotReadout").text()
    hover(user, 1, lambda: "Mini-batch 1" in user.widget("plotReadout").text())
    assert "rate" not in user.widget("plotReadout").text()


def test_an_opened_network_shows_its_epochs(user, tmp_path):
    user.train(hidden="16", epochs=2, batch_size=1000)  # on all digits: a file does not say how many there were
    epochs, settings = user.session.history.epochs, user.session.config
    user.session.save(tmp_path / "mine.npz")
    user.window.open(tmp_path / "mine.npz")
    user.wait(lambda: len(curves(user, "lossPlot")["training"][0]) == 2)
    loss, accuracy = curves(user, "lossPlot"), curves(user, "accuracyPlot")
    assert loss["training"][0].tolist() == [54, 108]
    assert loss["training"][1].tolist() == [epoch.loss for epoch in epochs]
    assert loss["validation"][1].tolist() == [epoch.validation_loss for epoch in epochs]
    assert accuracy["validation"][1] == pytest.approx([100 * epoch.validation_accuracy for epoch in epochs])
    assert len(loss["mini-batch"][0]) == 0
    assert "from its file" in user.widget("plotReadout").text()
    assert user.session.curves_config == settings
    hover(user, 60, lambda: user.widget("plotReadout").text().startswith("Epoch 1"))
    assert f"validation loss {epochs[0].validation_loss:.4f}" in user.widget("plotReadout").text()


def test_the_epochs_of_a_file_are_exported(trained, tmp_path, monkeypatch):
    epochs = trained.session.history.epochs
    trained.session.save(tmp_path / "mine.npz")
    trained.window.open(tmp_path / "mine.npz")
    trained.wait(lambda: len(curves(trained, "lossPlot")["training"][0]) == 2)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "figures.csv"), ""))
    trained.trigger("exportCsvAction")
    rows = list(csv.DictReader((tmp_path / "figures.csv").read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert [float(row["training_loss"]) for row in rows] == [epoch.loss for epoch in epochs]
    assert rows[0]["mini_batch"] == ""


def test_the_readout_under_the_pointer_is_never_stale(trained):
    readout = trained.widget("plotReadout")
    hover(trained, 70, lambda: "Mini-batch" in readout.text())
    trained.trigger("backAction")
    trained.wait(lambda: "Mini-batch" not in readout.text())
    trained.trigger("backAction")
    trained.wait(lambda: "Mini-batch" in readout.text())


def test_the_curves_of_a_failed_run_are_labelled_as_such(user, explode):
    title = next(label for label in user.window.findChildren(QLabel) if label.text() == "Learning curves")
    explode(user)
    user.wait(lambda: title.text() == "Failed run")
    user.trigger("backAction")
    user.wait(lambda: title.text() == "Learning curves")


def colors(image: QImage) -> np.ndarray:
    """The colours of all pixels, uint32 (height, width), as `rgb` gives them."""
    opaque = image.convertToFormat(QImage.Format.Format_RGB32)
    return np.frombuffer(opaque.constBits(), np.uint32).reshape(image.height(), image.width())


def rgb(name: str) -> int:
    return QColor(name).rgb()


def test_the_picture_has_a_title_and_settings_and_no_band_of_the_windows_colour(trained, tmp_path):
    plot = trained.window.findChild(LossPlot)
    assert plot.export_png(tmp_path / "plot.png")
    image = QImage(str(tmp_path / "plot.png"))
    pixels = colors(image)
    assert (pixels == rgb(theme.colors().window)).mean() < 0.001
    assert (pixels == rgb(theme.colors().card)).mean() > 0.7
    head = pixels[: image.height() // 12]
    assert (head == rgb(theme.colors().text)).any(), "the title"
    assert plot._export_title() == trained.session.name
    assert plot._export_settings().startswith("hidden layers 16  ·  ReLU  ·  Adam  ·  learning rate 0.0005")
    assert "seed 0" in plot._export_settings()
    assert f"test accuracy {trained.session.record.test_accuracy:.2%}" in plot._export_settings()
