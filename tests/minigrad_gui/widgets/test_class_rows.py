"""Each class has a row of its own with its name, count and pictures, whatever the number of classes and the room."""

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QAccessible, QColor, QHelpEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolTip

from minigrad_gui import theme
from minigrad_gui.widgets.accessibility import plain
from minigrad_gui.widgets.class_rows import NONE, ClassRow, ClassRows

LONG = "a <b>name</b> that is far too long for the narrow column in front"
NARROW, WIDE = (440, 330), (1500, 1100)


@pytest.fixture
def area(qtbot):
    area = ClassRows("Pictures of each class")
    qtbot.addWidget(area)
    area.resize(*NARROW)
    with qtbot.waitExposed(area):
        area.show()
    return area


def make_rows(classes, pictures=60, name="class"):
    """The shade of a picture tells its class, and its first pixel its number."""
    shades = np.linspace(60, 255, classes).astype(np.uint8)
    stacks = np.full((classes, pictures, 28, 28), shades[:, None, None, None], np.uint8)
    stacks[:, :, 0, 0] = np.arange(pictures)
    return [
        ClassRow(f"{name} {index}", 100 * (index + 1), stack, [f"{name} {index} no. {n}" for n in range(pictures)])
        for index, stack in enumerate(stacks)
    ]


@pytest.mark.parametrize("size", [NARROW, WIDE])
@pytest.mark.parametrize("classes", [2, 3, 10, 62])
def test_every_class_has_a_row_beside_its_name(area, classes, size):
    area.resize(*size)
    rows = make_rows(classes)
    area.set_rows(rows)
    mosaic, heads = area.mosaic, area._heads
    for place, (index, number) in enumerate(area._places):
        assert (mosaic._pixels[place, 1:] == rows[index].pictures[number, 1, 1]).all()
        assert mosaic._pixels[place, 0, 0, 0] == number
        assert mosaic._descriptions[place] == f"class {index} no. {number}"
        middle = mosaic.rect_of(place).center()
        assert heads.mapFromGlobal(mosaic.mapToGlobal(middle)).y() // heads._row_px == index
        assert middle.x() < mosaic.width()
    assert {index for index, _ in area._places} == set(range(classes))
    assert area.widget().width() <= area.viewport().width()
    scrolls = area.verticalScrollBar().maximum() > 0
    assert scrolls == (classes == 62), "few classes need no scrolling"
    assert mosaic.scale > 1 or size == NARROW


def test_few_classes_have_several_lines_of_pictures(area):
    lines = {}
    for classes in (2, 10):
        area.set_rows(make_rows(classes))
        lines[classes] = {
            area.mosaic.rect_of(place).top() for place, (index, _) in enumerate(area._places) if not index
        }
    assert [len(tops) for tops in lines.values()] == [5, 1]


def test_a_low_view_shows_few_classes_without_scrolling(area):
    area.resize(440, 230)
    area.set_rows(make_rows(2))
    assert area.verticalScrollBar().maximum() == 0


def test_a_row_with_few_pictures_ends_early_and_has_nothing_to_choose(area):
    rows = make_rows(10)
    rows[3] = ClassRow("rare", 2, rows[3].pictures[:2], rows[3].picture_names[:2])
    area.set_rows(rows)
    chosen = []
    area.chosen.connect(lambda *which: chosen.append(which))
    places = [place for place, (index, _) in enumerate(area._places) if index == 3]
    assert [area._places[place][1] for place in places[:4]] == [0, 1, -1, -1]
    assert area.mosaic._descriptions[places[2]] == NONE
    for place in places[:3]:
        QTest.mouseClick(area.mosaic, Qt.MouseButton.LeftButton, pos=area.mosaic.rect_of(place).center())
    assert chosen == [(3, 0), (3, 1)]
    assert area.mosaic.current == places[1]


def test_the_end_of_a_row_has_the_colour_of_the_card_in_light_and_dark(area, qapp):
    rows = make_rows(10)
    rows[3] = ClassRow("rare", 1, rows[3].pictures[:1], rows[3].picture_names[:1])
    area.set_rows(rows)
    for dark, card in ((True, theme.DARK.card), (False, theme.LIGHT.card)):
        theme.apply(qapp, dark=dark)
        QApplication.sendPostedEvents()
        colour = QColor(*area.mosaic._pixels[area._places.index((3, -1)), 5, 5].tolist())
        assert colour == QColor(card)


def test_what_was_chosen_stands_out_at_any_size(area):
    area.set_rows(make_rows(10))
    area.set_current(4, 2)
    for size in (WIDE, NARROW):
        area.resize(*size)
        assert area._places[area.mosaic.current] == (4, 2)
    area.set_current(-1, -1)
    assert area.mosaic.current == -1


def test_a_long_name_leaves_room_for_pictures_and_is_told(area):
    rows = make_rows(10)
    rows[1] = ClassRow(LONG, 1, *[rows[1].pictures, rows[1].picture_names])
    area.set_rows(rows)
    assert area._heads.width() < 0.5 * area.width()
    spot = QPoint(3, round(1.5 * area._heads._row_px))
    QApplication.sendEvent(area._heads, QHelpEvent(QEvent.Type.ToolTip, spot, area._heads.mapToGlobal(spot)))
    assert plain(QToolTip.text()) == f"{LONG}: 1 picture"
    QToolTip.hideText()
    interface = QAccessible.queryAccessibleInterface(area._heads)
    assert f"{LONG}: 1 picture; class 2: 300 pictures" in interface.text(QAccessible.Text.Description)


def test_bars_are_as_long_as_counts(area):
    area.set_rows(make_rows(10))
    heads = area._heads
    image = heads.grab().toImage()
    ratio, colors = heads.devicePixelRatio(), []
    for index in range(10):
        top = index * heads._row_px + (heads._row_px - heads.fontMetrics().height() - 3) // 2
        y = round((top + heads.fontMetrics().height() + 1) * ratio)
        line = [image.pixelColor(x, y).name() for x in range(image.width())]
        colors.append(line.index(line[-1]) / len(line) if index < 9 else 1)
        assert line[0] != line[-1] or index == 9
    assert colors == pytest.approx(np.arange(1, 11) / 10, abs=0.02)
