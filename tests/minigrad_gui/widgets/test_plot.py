"""Zooming, and line widths on screens with more pixels."""

import os
import sys

import pytest
from forked import output_of

pytestmark = [pytest.mark.tabs("curvesView"), pytest.mark.panels("TrainingPanel")]


def test_show_all_undoes_zooming(user):
    user.train(hidden="16", epochs=2, batch_size=1000)
    box = user.window.findChild(object, "lossPlot").plotItem.vb
    box.setRange(xRange=(10, 20), padding=0)
    user.click("resetZoomButton")
    user.wait(lambda: box.viewRange()[0][1] > 100)


def test_curves_are_as_wide_on_a_screen_with_twice_the_pixels():
    look = """
from PySide6.QtWidgets import QApplication
app = QApplication([])
from minigrad_gui.widgets.curves import Curves
curves = Curves()
curves.restyle()
print([item.opts["pen"].widthF() / curves.devicePixelRatioF() for item in curves._loss.listDataItems()[:2]])
"""
    widths = []
    for scale in ("1", "2"):
        environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "QT_SCALE_FACTOR": scale}
        environment["PYTHONPATH"] = os.pathsep.join(sys.path)
        widths.append(output_of("-c", look, environment=environment))
    assert widths[0] == widths[1] == "[1.0, 2.0]\n"
