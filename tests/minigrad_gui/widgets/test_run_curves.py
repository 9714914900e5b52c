"""Curves of several runs over each other."""

import numpy as np
import pyqtgraph as pg

from minigrad_gui.run_comparison import Line
from minigrad_gui.widgets.run_curves import Drawn, RunCurves


def test_each_run_is_drawn_in_its_colour_and_all_are_in_sight(qtbot):
    plot = RunCurves()
    qtbot.addWidget(plot)
    x = np.array([1.0, 2.0, 3.0])
    lines = [
        Drawn("one", "#ff0000", Line(x, np.array([90.0, 95.0, 96.0]))),
        Drawn("mean", "#0000ff", Line(x[:2], np.array([80.0, 90.0]), np.array([4.0, 1.0]))),
        Drawn("nothing", "#00ff00", Line(np.empty(0), np.empty(0))),
    ]
    plot.draw(lines)
    curves = plot.plotItem.listDataItems()
    assert [curve.opts["pen"].color().name() for curve in curves] == ["#ff0000", "#0000ff"]
    np.testing.assert_array_equal(curves[0].getData(), [x, [90, 95, 96]])
    assert len([item for item in plot.plotItem.items if isinstance(item, pg.FillBetweenItem)]) == 1
    (left, right), (low, high) = plot.viewRange()
    assert left == 0
    assert right > 3
    assert low < 76
    assert high > 96
    assert plot.accessibleDescription() == "one: 96 after 3 epochs; mean: 90 after 2 epochs"
    plot.draw([])
    assert plot.plotItem.listDataItems() == []
