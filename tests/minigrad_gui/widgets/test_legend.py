"""Legends beside the curves."""

import pytest
from PySide6.QtCore import QPoint, QRect
from PySide6.QtWidgets import QWidget

from minigrad_gui.widgets.legend import Legend

pytestmark = [pytest.mark.tabs("curvesView"), pytest.mark.panels("TrainingPanel")]


def test_the_legend_stands_beside_the_data(user):
    user.train(hidden="16", epochs=2, batch_size=1000)
    legends = user.window.findChildren(Legend)
    user.wait(lambda: all(legend.entries for legend in legends))
    assert [[entry.name for entry in legend.entries] for legend in legends] == [
        ["mini-batch", "training, smoothed", "validation"],
        ["training", "validation"],
    ]
    user.wait(lambda: all(legend.width() >= legend.sizeHint().width() for legend in legends))
    for legend in legends:
        assert legend.isVisible()
        for name in ("lossPlot", "accuracyPlot"):
            plot = user.window.findChild(QWidget, name)
            on_screen = [QRect(each.mapToGlobal(QPoint()), each.size()) for each in (legend, plot)]
            assert not on_screen[0].intersects(on_screen[1])
