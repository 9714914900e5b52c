"""A confusion matrix in words, under the mouse, and with many classes."""

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, QRect, Qt
from PySide6.QtGui import QColor, QHelpEvent
from PySide6.QtWidgets import QApplication, QToolTip

from minigrad_gui import theme
from minigrad_gui.insight.readings import Readings
from minigrad_gui.widgets.accessibility import plain
from minigrad_gui.widgets.confusion_matrix import ALL, Cell, ConfusionMatrix, described


def readings_of(labels, predicted, classes):
    ones = np.ones(len(labels), np.float32)
    return Readings(np.array(labels), np.array(predicted), ones, ones, classes)


FRUIT = ("apple", "pear", "plum")
READINGS = readings_of([0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 1, 0], 3)


@pytest.fixture
def matrix(qtbot):
    matrix = ConfusionMatrix()
    qtbot.addWidget(matrix)
    matrix.resize(400, 300)
    matrix.set_readings(READINGS, FRUIT)
    return matrix


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (ALL, "4 of 6 read correctly (66.7%)"),
        (Cell(0, 1), "Labelled apple, read as pear: 1 of 4 (25.0%)"),
        (Cell(0, None), "Labelled apple: 3 of 4 read correctly (recall 75.0%)"),
        (Cell(None, 0), "Read as apple: 3 of 4 correctly (precision 75.0%)"),
        (Cell(2, None), "Labelled plum: 0 of 0 read correctly (recall none)"),
    ],
)
def test_cells_rows_and_columns_in_words(cell, words):
    assert described(READINGS, FRUIT, cell) == words


def test_the_edges_stand_for_rows_and_columns(matrix):
    middle = matrix.rect_of(Cell(1, 2)).center()
    assert matrix.cell_at(middle) == Cell(1, 2)
    for x in (2.0, 398.0):
        assert matrix.cell_at(QPointF(x, middle.y())) == Cell(1, None)
    below = matrix.rect_of(ALL).bottom() + 4
    for y in (2.0, below):
        assert matrix.cell_at(QPointF(middle.x(), y)) == Cell(None, 2)
    assert matrix.cell_at(QPointF(2, 2)) == ALL
    assert matrix.cell_at(QPointF(-1, 50)) is None


def test_names_that_look_like_html_are_told_as_they_are(matrix):
    matrix.set_readings(READINGS, ("<b>apple</b>", "pear", "plum"))
    spot = matrix.rect_of(Cell(0, 1)).center().toPoint()
    QApplication.sendEvent(matrix, QHelpEvent(QEvent.Type.ToolTip, spot, matrix.mapToGlobal(spot)))
    assert plain(QToolTip.text()) == "Labelled <b>apple</b>, read as pear: 1 of 4 (25.0%)"
    QToolTip.hideText()


def test_what_is_right_is_blue_and_what_is_wrong_orange(matrix):
    image = matrix.grab().toImage()

    def color(label, reading):
        return image.pixelColor((matrix.rect_of(Cell(label, reading)).topLeft() + QPointF(4, 4)).toPoint())

    assert color(0, 0).blue() > color(0, 0).red()
    assert color(0, 1).red() > color(0, 1).blue()
    assert color(2, 1) == QColor(theme.colors().card), "there are none"
    assert color(1, 0) == QColor(theme.colors().negative), "the largest share of mistakes"


def test_the_cursor_stays_inside(matrix, qtbot):
    chosen = []
    matrix.chosen.connect(chosen.append)
    for key in [Qt.Key.Key_Down] * 9 + [Qt.Key.Key_Return, Qt.Key.Key_Home, Qt.Key.Key_Left, Qt.Key.Key_Space]:
        qtbot.keyClick(matrix, key)
    assert chosen == [Cell(2, None), ALL]
    qtbot.keyClick(matrix, Qt.Key.Key_Right)
    matrix.set_readings(readings_of([0], [0], 1), ("apple",))
    assert matrix.accessibleDescription() == "Read as apple: 1 of 1 correctly (precision 100.0%)"


def test_a_hundred_classes_with_long_names_fit(matrix):
    rng = np.random.default_rng(0)
    labels, predicted = rng.integers(0, 100, (2, 5000))
    matrix.set_readings(readings_of(labels, predicted, 100), [f"a class with number {each}" for each in range(100)])
    assert matrix.rect_of(ALL).right() < matrix.width()
    assert matrix.cell_at(matrix.rect_of(Cell(99, 98)).center()) == Cell(99, 98)


CLOTHES = ("t-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")


def inked(matrix, top, height):
    """Where something is written in this stretch of a matrix, by x."""
    picture = matrix.grab(QRect(0, int(top), matrix.width(), height)).toImage()
    return [len({picture.pixel(x, y) for y in range(height)}) > 1 for x in range(picture.width())]


@pytest.mark.parametrize(("names", "width"), [(CLOTHES, 300), (CLOTHES, 420), (CLOTHES, 600), (CLOTHES * 5, 900)])
def test_each_name_stands_above_its_own_column(matrix, names, width):
    labels = np.arange(len(names))
    matrix.resize(width, 400)
    matrix.set_readings(readings_of(labels, labels, len(names)), names)
    is_inked = inked(matrix, 1, int(matrix.rect_of(ALL).top()) - 2)
    for column in range(len(names)):
        place = matrix.rect_of(Cell(None, column))
        assert any(is_inked[round(place.left()) + 2 : round(place.right()) - 1])
        assert not is_inked[round(place.right())]


def test_in_a_low_matrix_names_leave_room_for_figures(matrix):
    labels = np.arange(10)
    matrix.resize(360, 160)
    matrix.set_readings(readings_of(labels, labels, 10), CLOTHES)
    for figure in range(10):
        place = matrix.rect_of(Cell(figure, figure)).toRect().adjusted(1, 1, -1, -1)
        picture = matrix.grab(place).toImage()
        assert len({picture.pixel(x, y) for x in range(picture.width()) for y in range(picture.height())}) > 1


def test_the_precision_stands_below_its_own_column(matrix):
    labels = np.arange(60)
    matrix.resize(900, 400)
    matrix.set_readings(readings_of(labels, (labels + labels % 2) % 60, 60), [f"{label}" for label in labels])
    is_inked = inked(matrix, matrix.rect_of(ALL).bottom() + 2, 12)
    for column in range(60):
        place = matrix.rect_of(Cell(None, column))
        middle = slice(round(place.left()) + 2, round(place.right()) - 1)
        assert any(is_inked[middle]) == (column % 2 == 0)
