import os
import subprocess
import sys

LOOK = """
from PySide6 import QtWidgets
from minigrad_gui.widgets.graphs import pg
theirs = pg.Qt.QtWidgets
print("QWizard" in vars(theirs), theirs.QWizard is QtWidgets.QWizard, "QWizard" in vars(theirs))
print("QWizard" in dir(QtWidgets), hasattr(theirs, "QtWidget"), issubclass(pg.PlotWidget, QtWidgets.QGraphicsView))
"""


def test_pyqtgraph_takes_a_class_of_qt_when_it_needs_it():
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, env=environment, check=True)
    assert run.stdout == "False True True\nTrue False True\n"
