"""Rows of digits use the room there is, and nothing moves when digits come and go."""

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QSize, Qt
from PySide6.QtTest import QTest

from minigrad_gui.widgets.digit_rows import DigitRow, DigitRows, largest_fit
from minigrad_gui.widgets.maps import ink
from minigrad_gui.widgets.mosaic import LARGEST_SCALE

COUNT = 12


@pytest.fixture
def two(qapp):  # noqa: ARG001
    return [DigitRow("first", "First"), DigitRow("second", "Second")]


@pytest.fixture
def rows(qtbot, two):
    rows = DigitRows(two, COUNT)
    qtbot.addWidget(rows)
    with qtbot.waitExposed(rows):
        rows.show()
    return rows


def fill(row):
    captions = [str(number) for number in range(COUNT)]
    row.show_digits(ink(np.ones((COUNT, 28, 28))), captions, captions, "Twelve")


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (9999, 9999, (LARGEST_SCALE, 12)),
        (440, 200, (2, 6)),
        (800, 100, (2, 12)),
        (400, 100, (1, 12)),
        (10, 10, (1, 12)),
    ],
)
def test_digits_are_as_large_as_the_room_allows_in_equal_rows(width, height, expected):
    assert largest_fit(QSize(width, height), COUNT, lambda scale: QSize(30 * scale, 30 * scale + 15)) == expected


@pytest.mark.parametrize("size", [(436, 365), (880, 800), (880, 300), (436, 170)])
def test_all_digits_are_inside(rows, two, size):
    rows.resize(*size)
    for row in two:
        fill(row)
        last = row.mosaic.rect_of(COUNT - 1).bottomRight() + row.mosaic.pos() + row.pos()
        assert last.x() < rows.width()
        assert last.y() + row.fontMetrics().height() <= rows.height()
        assert row.mosaic.geometry().bottom() < row.height()
    assert len({row._summary.x() for row in two}) == 1, "the words begin below each other"


def test_nothing_moves_when_digits_come_and_go(rows, two):
    rows.resize(436, 365)
    places = set()
    for shown in (True, False, True):
        for row in two:
            if shown:
                fill(row)
            else:
                row.show_none("Looking…")
                row.set_note("and a note that is far too long to fit beside everything else in this narrow window")
        QCoreApplication.sendPostedEvents()  # lay them out
        places.add((two[1].pos().toTuple(), two[1].mosaic.pos().toTuple(), rows.width(), two[1].mosaic.rect_of(7)))
    assert len({place[:3] for place in places}) == 1


def test_a_summary_has_the_room_of_a_note_and_is_cut_visibly(rows, two):
    rows.resize(436, 365)
    first = two[0]
    fill(first)
    long = "10 of 12 are “class 3 second half” (2 × class 3 first half)"
    first.show_digits(ink(np.ones((COUNT, 28, 28))), [""] * COUNT, [""] * COUNT, long)
    QCoreApplication.sendPostedEvents()  # lay them out
    assert first._summary.geometry().right() >= 436 - 2
    first.set_note("comparing again…")
    QCoreApplication.sendPostedEvents()
    (line,) = first._summary.lines(first._summary.width())
    assert line.endswith("…")


def test_a_click_tells_which_digit(two, rows):  # noqa: ARG001
    chosen = []
    two[1].chosen.connect(chosen.append)
    fill(two[1])
    QTest.mouseClick(two[1].mosaic, Qt.MouseButton.LeftButton, pos=two[1].mosaic.rect_of(4).center())
    assert chosen == [4]
