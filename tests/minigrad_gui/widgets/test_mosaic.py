"""Many pictures in one widget can be seen, pointed at, chosen and heard."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QScrollArea

from minigrad_gui.widgets.maps import ink
from minigrad_gui.widgets.mosaic import LARGEST_SCALE, Mosaic, MosaicArea

COUNT = 10


@pytest.fixture
def mosaic(qtbot):
    mosaic = Mosaic("Misread digits")
    qtbot.addWidget(mosaic)
    shades = np.linspace(0, 1, COUNT)[:, np.newaxis, np.newaxis] * np.ones((28, 28))
    mosaic.set_pictures(ink(shades), [str(n) for n in range(COUNT)], [f"picture {n}" for n in range(COUNT)])
    mosaic.resize(4 * 60 + 10, 200)
    with qtbot.waitExposed(mosaic):
        mosaic.show()
    return mosaic


@pytest.fixture
def chosen(mosaic):
    chosen = []
    mosaic.chosen.connect(chosen.append)
    return chosen


def test_pictures_flow_into_rows_of_its_width(mosaic):
    assert mosaic.rect_of(3).top() == mosaic.rect_of(0).top()
    assert mosaic.rect_of(4).left() == mosaic.rect_of(0).left()
    assert mosaic.height() >= mosaic.rect_of(9).bottom() + mosaic.fontMetrics().height()
    mosaic.resize(10 * 60, 100)
    assert mosaic.rect_of(9).top() == mosaic.rect_of(0).top()


def test_each_picture_is_painted_in_its_place(mosaic):
    image = mosaic.grab().toImage()
    for index in (0, 4, 9):
        shade = image.pixelColor(mosaic.rect_of(index).center() * mosaic.devicePixelRatio()).lightness()
        assert shade == pytest.approx(255 * index / 9, abs=1)


def test_long_captions_stay_apart(mosaic):
    mosaic.set_pictures(ink(np.zeros((2, 28, 28))), ["l" * 60] * 2)
    image, ratio = mosaic.grab().toImage(), mosaic.devicePixelRatio()
    between = (mosaic.rect_of(0).right() + mosaic.rect_of(1).left()) // 2
    below = range(mosaic.rect_of(0).bottom() + 2, mosaic.rect_of(0).bottom() + mosaic.fontMetrics().height())
    colors = {image.pixelColor(QPoint(x, y) * ratio).name() for x in range(between - 1, between + 3) for y in below}
    assert len(colors) == 1


def test_each_line_of_a_caption_is_cut_by_itself(mosaic):
    pictures, line = ink(np.zeros((1, 28, 28))), mosaic.fontMetrics().height()

    def written(caption):
        mosaic.set_pictures(pictures, [caption])
        return mosaic.grab(mosaic.rect_of(0).adjusted(0, 28 * mosaic.scale, 0, 2 * line)).toImage()

    assert written("short\n" + "l" * 60) == written("short\n" + "l" * 90) != written("short\nl")
    assert mosaic.heightForWidth(60) - 28 * mosaic.scale > 2 * line
    mosaic.set_pictures(pictures, ["short"])
    assert mosaic.heightForWidth(60) - 28 * mosaic.scale < 2 * line


def test_a_click_chooses_the_picture_that_is_there(mosaic, chosen):
    QTest.mouseClick(mosaic, Qt.MouseButton.LeftButton, pos=mosaic.rect_of(6).center())
    assert (chosen, mosaic.current) == ([6], 6)
    right_of_the_last = mosaic.rect_of(9).center() + QPoint(60, 0)
    for nowhere in (QPoint(mosaic.width() - 2, 10), right_of_the_last):
        QTest.mouseClick(mosaic, Qt.MouseButton.LeftButton, pos=nowhere)
    assert chosen == [6]


def test_the_mouse_points_at_pictures_and_leaves_them(mosaic):
    told = []
    mosaic.hovered.connect(told.append)
    QTest.mouseMove(mosaic, mosaic.rect_of(2).center())
    QTest.mouseMove(mosaic, mosaic.rect_of(2).center() + QPoint(1, 1))
    QTest.mouseMove(mosaic, mosaic.rect_of(5).center())
    QTest.mouseMove(mosaic, QPoint(mosaic.width() - 1, mosaic.height() - 1))
    assert told == [2, 5, -1]


def test_the_keyboard_moves_and_chooses(mosaic, chosen):
    mosaic.setFocus()
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_Left, Qt.Key.Key_Left, Qt.Key.Key_Return):
        QTest.keyClick(mosaic, key)
    assert chosen == [3]
    for key in (Qt.Key.Key_End, Qt.Key.Key_Down, Qt.Key.Key_Space):  # there is nothing below the last row
        QTest.keyClick(mosaic, key)
    assert chosen == [3, 9]


def test_what_is_pointed_at_can_be_heard(mosaic):
    mosaic.setFocus()
    QTest.keyClick(mosaic, Qt.Key.Key_End)
    node = QAccessible.queryAccessibleInterface(mosaic)
    assert node.text(QAccessible.Text.Name) == "Misread digits"
    assert node.text(QAccessible.Text.Description) == "picture 9"


def test_fewer_pictures_leave_no_cursor_behind(mosaic, chosen):
    mosaic.setFocus()
    QTest.keyClick(mosaic, Qt.Key.Key_End)
    mosaic.set_current(9)
    mosaic.set_pictures(ink(np.zeros((2, 28, 28))))
    assert mosaic.current == 1
    QTest.keyClick(mosaic, Qt.Key.Key_Return)
    assert chosen == [1]
    mosaic.set_pictures(ink(np.zeros((0, 28, 28))))
    QTest.keyClick(mosaic, Qt.Key.Key_Home)
    QTest.keyClick(mosaic, Qt.Key.Key_Return)
    assert chosen == [1]
    assert mosaic.current == -1


def test_pictures_can_be_shown_larger(mosaic):
    before = mosaic.rect_of(0).width()
    mosaic.set_scale(4)
    assert mosaic.rect_of(0).width() == 2 * before
    assert mosaic.height() >= mosaic.rect_of(9).bottom()


def test_the_keyboard_scrolls_to_the_picture_that_it_points_at(mosaic, qtbot):
    area = QScrollArea(widgetResizable=True)
    qtbot.addWidget(area)
    area.setWidget(mosaic)
    area.resize(270, 80)
    with qtbot.waitExposed(area):
        area.show()
    QTest.keyClick(mosaic, Qt.Key.Key_End)
    assert mosaic.visibleRegion().contains(mosaic.rect_of(COUNT - 1))
    QTest.keyClick(mosaic, Qt.Key.Key_Home)
    assert mosaic.visibleRegion().contains(mosaic.rect_of(0))
    area.takeWidget()


def test_pictures_grow_with_the_room_that_there_is(qtbot):
    mosaic = Mosaic("Neurons", scale=1)
    area = MosaicArea(mosaic, "Neurons", room_for=4)
    qtbot.addWidget(area)
    area.resize(300, 200)
    with qtbot.waitExposed(area):
        area.show()
    scales = []
    for count in (1, 4, 24, 200):
        area.set_pictures(ink(np.zeros((count, 28, 28))))
        scales.append(mosaic.scale)
        fits = mosaic.rect_of(count - 1).bottom() < area.viewport().height()
        assert fits == (count < 200)
    assert scales[0] == scales[1] > scales[2] >= scales[3] == 1
    area.resize(3000, 2000)
    qtbot.waitUntil(lambda: mosaic.scale > 1)
    area.set_pictures(ink(np.zeros((1, 28, 28))))
    assert mosaic.scale == LARGEST_SCALE


def test_steady_pictures_are_scrolled_to_rather_than_shrunk(qtbot):
    mosaic = Mosaic("Digits", scale=1)
    area = MosaicArea(mosaic, "Digits", room_for=12, is_steady=True)
    qtbot.addWidget(area)
    area.resize(300, 200)
    with qtbot.waitExposed(area):
        area.show()
    scales = set()
    for count in (1, 12, 500):
        area.set_pictures(ink(np.zeros((count, 28, 28))))
        scales.add(mosaic.scale)
        assert (mosaic.rect_of(count - 1).bottom() < area.viewport().height()) == (count <= 12)
    assert len(scales) == 1
    assert scales.pop() > 1
