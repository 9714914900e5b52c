"""The curves of a run, as they are drawn while it grows."""

import math
from itertools import pairwise

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QFont, QFontMetrics, QWheelEvent
from PySide6.QtWidgets import QApplication

from engine.training import EpochSummary
from minigrad_gui.history import History
from minigrad_gui.widgets.curves import Curves


@pytest.fixture
def curves(qtbot):
    curves = Curves()
    qtbot.addWidget(curves)
    curves.restyle()
    curves.resize(600, 500)
    with qtbot.waitExposed(curves):
        curves.show()
    return curves


def show(curves, losses, epochs=(), state="idle", longest=0):
    """Draw the losses of a pretended run."""
    history = History(100)
    history.extend(losses, epochs)
    curves.show_history(history, state, longest, has_epochs=True)
    return history


def heights(plot):
    return plot.plotItem.vb.viewRange()[1]


def curve(plot, name):
    return next(item for item in plot.listDataItems() if item.name() == name)


def turn(plot, angle):
    """Turn the wheel over the middle of a plot."""
    middle = QPointF(plot.viewport().rect().center())
    where = plot.viewport().mapToGlobal(middle)
    none, phase = Qt.MouseButton.NoButton, Qt.ScrollPhase.NoScrollPhase
    keys = Qt.KeyboardModifier.NoModifier
    event = QWheelEvent(middle, where, QPoint(), QPoint(0, angle), none, keys, phase, False)
    QApplication.sendEvent(plot.viewport(), event)


def test_the_title_of_the_lower_axis_is_whole(curves):
    show(curves, np.full(200, 2.3))
    QApplication.processEvents()
    title, plot = curves._accuracy.getAxis("bottom").label, curves._accuracy
    assert plot.sceneRect().contains(title.sceneBoundingRect())


def test_the_numbers_of_the_epochs_have_a_whole_line_from_the_first_to_the_last(curves):
    axis = curves._loss.getAxis("top")
    for count in (50, 100, 500):
        show(curves, np.full(count, 2.3))
        curves.grab()
        QApplication.processEvents()
        assert axis.height() == QFontMetrics(QFont()).height() + axis.style["tickTextOffset"][1]


def test_during_a_run_the_axis_grows_in_few_steps(curves):
    history = show(curves, [], state="training", longest=10**6)
    ends = []
    curves._loss.plotItem.vb.sigXRangeChanged.connect(lambda _, shown: ends.append(shown[1] / 1.02))
    for _ in range(100):
        history.extend(np.full(20, 2.3), [])
        curves.show_history(history, "training", 10**6, has_epochs=True)
        assert len(history) <= (ends or [0])[-1] <= 8 * len(history)
    assert 3 <= len(ends) <= math.log(2000 / 20, 1.25)
    assert all(later >= 1.25 * earlier for earlier, later in pairwise(ends))


def test_a_run_that_never_recovers_is_shown_in_full_height(curves):
    show(curves, 80 + 10 * np.random.default_rng(0).standard_normal(1000))
    assert 100 < heights(curves._loss)[1] < 150
    assert curves.outlier_note == ""


def test_zooming_out_shows_what_was_cut_off(curves):
    show(curves, np.concatenate(([2.4, 300.0], np.full(500, 2.3))))
    assert heights(curves._loss)[1] < 10
    for _ in range(30):
        turn(curves._loss, -240)
    assert heights(curves._loss)[1] > 300
    curves.show_all()
    assert heights(curves._loss)[1] < 10


def test_nearly_equal_accuracies_do_not_fill_the_plot(curves):
    show(curves, np.full(200, 2.3), [EpochSummary(0, 2.3, 0.101), EpochSummary(1, 2.3, 0.102)])
    low, high = heights(curves._accuracy)
    assert high - low >= 4


def test_a_hundred_thousand_points_are_drawn(curves):
    show(curves, 1 / np.arange(1, 100_001))
    assert curves._loss.plotItem.vb.viewRange()[0][1] > 99_000
    batches = curve(curves._loss, "training, smoothed").getOriginalDataset()[0]
    np.testing.assert_array_equal(np.unique(batches), np.arange(1, 100_001))
    curves.grab()


@pytest.mark.parametrize("count", [20_009, 31_013, 100_003])
@pytest.mark.parametrize("longest", [0, 1_000_000])
def test_the_last_loss_of_a_long_run_is_drawn(curves, count, longest):
    losses = np.full(count, 0.5)
    losses[-1] = 0.6
    show(curves, losses, state="training" if longest else "idle", longest=longest)
    QApplication.processEvents()
    x, y = curve(curves._loss, "mini-batch").getData()
    assert 1 < len(x) < count * 0.8, "points are drawn in groups"
    assert (x[-1], y.max()) == (count, pytest.approx(0.6))


def test_a_single_mini_batch_is_a_dot(curves):
    show(curves, [2.3])
    assert curve(curves._loss, "mini-batch").opts["symbol"] == "o"
    show(curves, [2.3, 2.2])
    assert curve(curves._loss, "mini-batch").opts["symbol"] is None


def test_another_run_is_pointed_at_where_it_has_values(curves, qtbot):
    told = []
    curves.pointed.connect(lambda: told.append((len(curves.history), curves.batch)))
    show(curves, np.full(50, 2.3))
    qtbot.keyClick(curves._loss, Qt.Key.Key_Left)
    assert told[-1] == (50, 50)
    show(curves, np.full(10, 2.3))
    assert told[-1] == (10, 0)
    assert not any(cursor.isVisible() for cursor in curves._cursors)
