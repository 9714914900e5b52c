"""pyqtgraph is imported without what curves do not need, and finds it when it is asked for it."""

import os
import subprocess
import sys

NAMES = """
from PySide6 import QtWidgets
from minigrad_gui.widgets.graphs import pg
theirs = pg.Qt.QtWidgets
print("QWizard" in vars(theirs), theirs.QWizard is QtWidgets.QWizard, "QWizard" in vars(theirs))
print("QWizard" in dir(QtWidgets), hasattr(theirs, "QtWidget"), issubclass(pg.PlotWidget, QtWidgets.QGraphicsView))
"""
MODULES = """
import sys
from minigrad_gui.widgets.graphs import pg
roi = sys.modules["pyqtgraph.graphicsItems.ROI"]
print("RectROI" in vars(roi), "pyqtgraph.parametertree.Parameter" in sys.modules, hasattr(roi, "__all__"))
from pyqtgraph.graphicsItems.ROI import RectROI
print("RectROI" in vars(roi), issubclass(RectROI, pg.graphicsItems.GraphicsObject.GraphicsObject), len(roi.__all__) > 5)
import pyqtgraph.parametertree as tree
print(tree.Parameter.create(name="a", type="int", value=3).value(), hasattr(tree, "Parametre"))
print([finder for finder in sys.meta_path if finder.__class__.__module__ == "minigrad_gui.widgets.graphs"])
"""


def printed_by(script: str) -> str:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", script]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=True).stdout


def test_pyqtgraph_takes_a_class_of_qt_when_it_needs_it():
    assert printed_by(NAMES) == "False True True\nTrue False True\n"


def test_a_module_of_pyqtgraph_runs_when_it_is_asked_for_a_name():
    assert printed_by(MODULES) == "False False True\nTrue True True\n3 False\n[]\n"
