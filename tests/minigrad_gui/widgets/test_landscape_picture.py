"""The map has its colours and the path its places; mouse and keys lead to a moment."""

from types import SimpleNamespace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QHelpEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolTip

from minigrad_gui.insight.landscape import Surface
from minigrad_gui.widgets.landscape_picture import LandscapePicture, written
from minigrad_gui.widgets.maps import amounts

PLANE = SimpleNamespace(path=np.array([[-3.0, 1.0], [-1.0, 2.0], [0.0, 0.0]]))
X, Y = np.linspace(-4, 1, 9), np.linspace(-1, 3, 9)


def slope(spread=1.0):
    """Losses that rise to the upper right."""
    return Surface(X, Y, np.exp(spread * (X + Y[:, np.newaxis])))


@pytest.fixture
def picture(qtbot):
    picture = LandscapePicture()
    qtbot.addWidget(picture)
    picture.resize(500, 300)
    with qtbot.waitExposed(picture):
        picture.show()
    picture.show_surface(PLANE, slope(), ("Direction 1: 90%", "Direction 2: 5%"))
    return picture


def color_at(picture, x, y):
    image = picture.grab().toImage()
    place = picture.place_of(x, y) * image.devicePixelRatio()
    return image.pixelColor(round(place.x()), round(place.y())).getRgb()[:3]


def test_the_colours_are_those_of_the_losses(picture):
    for x, y in [(-3.8, -0.8), (0.8, 2.8), (-1.3, 0.6)]:
        expected = amounts((x + y + 5) / 9, 1.0)
        assert np.abs(np.array(color_at(picture, x, y)) - expected).max() < 24  # a contour line may be near


def test_the_moment_is_marked_on_the_path(picture):
    before = color_at(picture, -1, 2)
    picture.show_moment(1, "At the second place.")
    assert color_at(picture, -1, 2) != before
    assert picture.accessibleDescription() == "At the second place."
    picture.show_nothing()
    assert picture.accessibleDescription() == ""
    assert not picture.grab().isNull()


def test_the_mouse_leads_to_the_nearest_moment(picture):
    pointed = []
    picture.pointed.connect(pointed.append)
    near = picture.place_of(-1, 2).toPoint() + QPoint(12, -5)
    QTest.mousePress(picture, Qt.MouseButton.LeftButton, pos=near)
    QTest.mouseMove(picture, picture.place_of(0.4, -0.5).toPoint())
    QTest.mouseRelease(picture, Qt.MouseButton.LeftButton)
    picture.show_nothing()
    QTest.mouseClick(picture, Qt.MouseButton.LeftButton, pos=near)
    assert pointed == [1, 2]


def test_the_arrow_keys_lead_along_the_path(picture):
    stepped = []
    picture.stepped.connect(stepped.append)
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Left, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_A):
        QTest.keyClick(picture, key)
    assert stepped == [1, -1, 1, -1]
    assert picture.focusPolicy() == Qt.FocusPolicy.StrongFocus


def test_a_tool_tip_tells_the_loss(picture):
    at = picture.place_of(-1.5, 0.5).toPoint()
    QApplication.sendEvent(picture, QHelpEvent(QEvent.Type.ToolTip, at, picture.mapToGlobal(at)))
    label, loss = QToolTip.text().split()
    assert label == "Loss"
    assert float(loss) == pytest.approx(np.exp(-1), rel=0.05)
    QToolTip.hideText()


def test_losses_are_written_in_a_few_characters():
    losses = [0.0002, 0.05, 1, 20, 100, 20_000, 1e-7, 5e9]
    assert [written(loss) for loss in losses] == ["0.0002", "0.05", "1", "20", "100", "20000", "1e-07", "5e+09"]


@pytest.mark.parametrize("losses", [np.full((9, 9), 0.3), np.zeros((9, 9)), np.full((9, 9), np.nan), 1e-9, 30.0])
def test_any_losses_can_be_painted(picture, losses):
    surface = slope(losses) if isinstance(losses, float) else Surface(X, Y, losses)
    picture.show_surface(PLANE, surface, ("a", "b"))
    picture.resize(120, 80)
    assert not picture.grab().isNull()
