"""A matrix of many classes scrolls, and its names stay in view."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRect, Qt

from minigrad_gui import theme
from minigrad_gui.insight.readings import Readings
from minigrad_gui.widgets.confusion_matrix import Cell, ConfusionMatrix
from minigrad_gui.widgets.matrix_area import MatrixArea


def area_of(qtbot, classes: int) -> tuple[MatrixArea, ConfusionMatrix]:
    matrix = ConfusionMatrix()
    area = MatrixArea(matrix)
    qtbot.addWidget(area)
    area.resize(400, 300)
    labels = np.arange(classes * 3) % classes
    readings = Readings(labels, labels[::-1].copy(), np.ones(len(labels)), np.zeros(len(labels)), classes)
    matrix.set_readings(readings, [f"n{number}" for number in range(classes)])
    with qtbot.waitExposed(area):
        area.show()
    return area, matrix


@pytest.fixture
def scrolling(qtbot, qapp):
    theme.apply(qapp, dark=False)
    return area_of(qtbot, 62)


def seen(area, matrix) -> QRect:
    return QRect(-matrix.pos(), area.viewport().size())


def test_twenty_classes_fit(qtbot):
    area, matrix = area_of(qtbot, 20)
    assert matrix.size() == area.viewport().size() == area.size()


def test_more_classes_scroll_while_their_names_stay(scrolling):
    area, matrix = scrolling
    assert matrix.height() > 2 * area.height()
    left, edge = matrix.margins().left(), matrix.margins().top()
    before = area.grab().toImage()
    area.verticalScrollBar().setValue(300)
    after = area.grab().toImage()
    top = QRect(0, 0, area.viewport().width(), int(edge))
    side = QRect(0, int(edge), int(left), 150)
    assert before.copy(top) == after.copy(top), "the names of the columns"
    assert before.copy(side) != after.copy(side), "the names of the rows have moved"
    area.horizontalScrollBar().setValue(300)
    assert area.grab().toImage().copy(side) == after.copy(side)


def test_the_edges_of_what_is_seen_stand_for_rows_and_columns(scrolling):
    area, matrix = scrolling
    area.verticalScrollBar().setValue(300)
    area.horizontalScrollBar().setValue(200)
    around = matrix.margins()
    corner, cell = seen(area, matrix).topLeft(), Cell(40, 30)
    middle = matrix.rect_of(cell).center()
    assert matrix.cell_at(middle) == cell
    assert matrix.cell_at(QPointF(corner.x() + around.left() / 2, middle.y())) == Cell(40, None)
    assert matrix.cell_at(QPointF(middle.x(), corner.y() + around.top() / 2)) == Cell(None, 30)
    assert matrix.cell_at(QPointF(corner + QPoint(2, 2))) == Cell()
    assert matrix.cell_at(QPointF(seen(area, matrix).right() - around.right() / 2, middle.y())) == Cell(40, None)


def test_the_cursor_of_the_keyboard_stays_in_view(scrolling, qtbot):
    area, matrix = scrolling
    hidden = matrix.margins().toMargins()
    for key, presses in ((Qt.Key.Key_Down, 50), (Qt.Key.Key_Right, 45), (Qt.Key.Key_Up, 30)):
        for _ in range(presses):
            qtbot.keyClick(matrix, key)
    place = matrix.rect_of(Cell(19, 44)).toAlignedRect()
    assert seen(area, matrix).marginsRemoved(hidden).adjusted(-2, -2, 2, 2).contains(place)
