"""Windows and dialogs fit on their screen, including their frames."""

import ast
import json
import os
import sys

import pytest
from forked import output_of
from PySide6.QtCore import QRect, QSize
from PySide6.QtWidgets import (
    QWidget,
)

from minigrad_gui.widgets.screens import move_onto_screen, resize_within

LOOK = """
import sys
from PySide6.QtCore import QRect, QSettings
from PySide6.QtWidgets import QApplication
from minigrad_gui.main_window import MainWindow

app = QApplication([])
if sys.argv[1:]:
    remembered = MainWindow()
    remembered.setGeometry(QRect(*map(int, sys.argv[1:])))
    remembered.close()
    remembered.session.wait(60_000)
window = MainWindow()
window.show()
app.processEvents()
screens = [screen.availableGeometry().getRect() for screen in app.screens()]
print(repr((window.geometry().getRect(), screens)))
window.close()
window.session.wait(60_000)  # a busy machine may take longer than a window waits
"""


def look(tmp_path, screens, *geometry: int):
    """The geometry of the first window on these screens, or of one that restores this geometry.

    screens and geometry: (left, top, width, height).
    """
    dots = {"logicalDpi": 96, "logicalBaseDpi": 96}
    described = [
        {"name": str(number), "x": x, "y": y, "width": width, "height": height, "dpr": 1, **dots}
        for number, (x, y, width, height) in enumerate(screens)
    ]
    (tmp_path / "screens.json").write_text(json.dumps({"screens": described}))
    platform = {"QT_QPA_PLATFORM": f"offscreen:configfile={tmp_path / 'screens.json'}"}
    folders = {"XDG_CONFIG_HOME": str(tmp_path / "config"), "XDG_DATA_HOME": str(tmp_path / "data")}
    environment = {**os.environ, **platform, **folders, "PYTHONPATH": os.pathsep.join(sys.path)}
    place, found = ast.literal_eval(output_of("-c", LOOK, *geometry, environment=environment))
    assert found == screens
    return QRect(*place)


SIZES = [(683, 384), (3840, 2160)]
MORE_SIZES = [pytest.param(size, marks=pytest.mark.long) for size in [(1024, 576), (1366, 768), (1093, 614)]]


@pytest.mark.parametrize("size", SIZES + MORE_SIZES)
def test_the_first_window_fits_on_its_screen_with_its_frame(tmp_path, size):
    place = look(tmp_path, [(0, 0, *size)])
    screen = QRect(0, 0, *size)
    assert screen.contains(place.adjusted(-1, -30, 1, 1))
    assert abs(place.center().x() - screen.center().x()) <= 10
    assert abs(place.center().y() - screen.center().y()) <= 20


GONE = [(3000, 2000, 1280, 820), (-5000, 100, 1280, 820), (100, 100, 3000, 2000), (1000, 500, 1000, 500)]


@pytest.mark.parametrize("geometry", GONE)
def test_a_window_beyond_the_screens_is_moved_onto_one(qtbot, geometry):
    window = QWidget()
    qtbot.addWidget(window)
    available = window.screen().availableGeometry()
    window.setGeometry(QRect(*geometry).translated(available.width() - 1366, available.height() - 768))
    assert not available.contains(window.geometry())
    move_onto_screen(window)
    assert available.contains(window.geometry().adjusted(0, -24, 0, 0))


@pytest.mark.parametrize("geometry", [GONE[0], *(pytest.param(each, marks=pytest.mark.long) for each in GONE[1:])])
def test_a_window_remembered_on_a_missing_screen_is_moved_onto_another(tmp_path, geometry):
    place = look(tmp_path, [(0, 0, 1366, 768)], *geometry)
    assert QRect(0, 0, 1366, 768).contains(place.adjusted(0, -24, 0, 0))


def test_a_window_on_the_second_screen_stays_there(tmp_path):
    geometry = (1466, 100, 1000, 600)
    place = look(tmp_path, [(0, 0, 1366, 768), (1366, 0, 1920, 1080)], *geometry)
    assert place == QRect(*geometry)


def test_a_dialog_is_no_larger_than_its_screen(qtbot):
    dialog = QWidget()
    qtbot.addWidget(dialog)
    resize_within(dialog, QSize(680, 440))
    assert dialog.size() == QSize(680, 440)
    resize_within(dialog, QSize(5000, 440))
    assert dialog.height() == 440
    assert dialog.width() < dialog.screen().availableGeometry().width()
