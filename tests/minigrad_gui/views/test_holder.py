"""Views are imported when they are first seen, and take their place in the order of Tab."""

import os
import subprocess
import sys

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QWidget

LOOK = """
import linecache, sys
from PySide6.QtWidgets import QApplication
app = QApplication([])
from minigrad_gui.main_window import MainWindow
window = MainWindow()
def known():
    return ["pyqtgraph" in sys.modules, "minigrad_gui.views.why" in sys.modules]
told = [known()]
window.show()
told += [window.is_complete, known()]
while not window.is_complete:
    app.processEvents()
told += [known()]
early = [name for name in ("filelock", "hashlib", "numpy.ma", "numpy.random") if name in sys.modules]
window.findChild(object, "whyViewDock").bring_to_front()
told += [window.is_complete, known()]
early += [name for name in linecache.cache if "numpy" in name]
print(told, early)
window.leave()
window.deleteLater()
app.sendPostedEvents(None, 52)  # DeferredDelete
"""


def test_the_window_opens_without_plots_and_makes_them_after_its_first_picture(tmp_path):
    environment = {**os.environ, "XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    run = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, env=environment, check=True)
    before, shown, after = [False, False], [True, False], [True, True]
    assert run.stdout == f"{[before, False, before, shown, True, after]} []\n", "modules that take long come later"


def test_tab_goes_through_a_view_where_it_stands(user):
    user.trigger("showWhyAction")
    widget, names = user.widget("trainButton"), []
    while widget.objectName() != "drawingCanvas":
        names.append(widget.objectName())
        widget = widget.nextInFocusChain()
    parts = user.widget("whyView").findChildren(QWidget)
    inside = {each.objectName() for each in parts if each.focusPolicy() & Qt.FocusPolicy.TabFocus and each.objectName()}
    assert inside
    assert inside <= set(names)


def test_a_view_that_is_not_in_front_when_the_window_opens_is_made_when_it_is(make_user):
    user = make_user()
    user.trigger("showGraphAction")
    user.window.close()
    again = make_user()
    QApplication.processEvents()
    assert again.widget("graphView").isVisible()
    assert again.window.findChild(QWidget, "lossPlot") is None
    again.trigger("showCurvesAction")
    again.wait(again.widget("lossPlot").isVisible)
