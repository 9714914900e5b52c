"""The list of taught drawings: newest first, to select, correct and delete."""

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QListView, QMenu, QPushButton

from minigrad_gui.handwriting import MAX_DRAWINGS, Drawing
from minigrad_gui.widgets.accessibility import plain
from minigrad_gui.widgets.handwriting_dialog import HandwritingDialog

ROLE = Qt.ItemDataRole
ONE = (np.array([[0.5, 0.1], [0.5, 0.9]]),)


def drawing(label: int, number: int = 0) -> Drawing:
    return Drawing(ONE, label, f"{number:020d}.json")


@pytest.fixture
def dialog(qtbot):
    dialog = HandwritingDialog()
    qtbot.addWidget(dialog)
    dialog.set_drawings([drawing(label, label) for label in (1, 7, 4)])
    with qtbot.waitExposed(dialog):
        dialog.show()
    return dialog


def listed(dialog) -> QListView:
    return dialog.findChild(QListView, "handwritingList")


def shown(dialog, role: Qt.ItemDataRole = ROLE.DisplayRole) -> list:
    model = listed(dialog).model()
    return [model.index(row, 0).data(role) for row in range(model.rowCount())]


def choose(dialog, *rows: int) -> None:
    found = listed(dialog)
    for number, row in enumerate(rows):
        keys = Qt.KeyboardModifier.ControlModifier if number else Qt.KeyboardModifier.NoModifier
        place = found.visualRect(found.model().index(row, 0)).center()
        QTest.mouseClick(found.viewport(), Qt.MouseButton.LeftButton, keys, place)


def button(dialog, name: str) -> QPushButton:
    return dialog.findChild(QPushButton, f"handwriting{name}Button")


def test_the_newest_drawing_stands_first(dialog):
    assert shown(dialog) == ["4", "7", "1"]
    assert shown(dialog, ROLE.ToolTipRole)[0] == "Taught as a 4"


def test_a_label_that_looks_like_html_is_told_as_it_is(dialog):
    dialog.set_drawings([drawing("<b>seven</b>")])
    assert plain(shown(dialog, ROLE.ToolTipRole)[0]) == "Taught as “<b>seven</b>”"


def test_a_picture_shows_the_ink(dialog):
    image = shown(dialog, ROLE.DecorationRole)[0].toImage()
    middle, side = (image.pixelColor(x * image.width() // 100, image.height() // 2).lightness() for x in (50, 10))
    assert middle > 200
    assert side < 50


def test_the_selected_drawings_can_be_deleted(dialog, qtbot):
    assert not button(dialog, "Delete").isEnabled()
    choose(dialog, 0, 2)
    with qtbot.waitSignal(dialog.deleted) as deleted:
        button(dialog, "Delete").click()
    assert [each.label for each in deleted.args[0]] == [4, 1]
    with qtbot.waitSignal(dialog.deleted):
        QTest.keyClick(listed(dialog), Qt.Key.Key_Delete)


def test_a_selected_drawing_can_be_corrected(dialog, qtbot):
    choose(dialog, 1)
    (menu,) = {button(dialog, "Correct").menu(), dialog.findChild(QMenu)}
    with qtbot.waitSignal(dialog.corrected) as corrected:
        menu.actions()[2].trigger()
    (drawings, digit) = corrected.args
    assert ([each.label for each in drawings], digit) == ([7], 2)


def test_a_drawing_can_be_corrected_to_a_class_that_is_no_digit(dialog, qtbot):
    dialog.set_classes(["coat", "shirt"])
    choose(dialog, 1)
    with qtbot.waitSignal(dialog.corrected) as corrected:
        button(dialog, "Correct").menu().actions()[1].trigger()
    assert corrected.args[1] == "shirt"


def test_a_selection_stays_when_the_list_changes(dialog):
    choose(dialog, 1)
    dialog.set_drawings([drawing(label, label) for label in (7, 4, 8)])
    assert [index.data(ROLE.DisplayRole) for index in listed(dialog).selectedIndexes()] == ["7"]


def test_forget_is_disabled_while_drawings_are_loaded_or_without_any(dialog, qtbot):
    with qtbot.waitSignal(dialog.forgotten):
        button(dialog, "Forget").click()
    dialog.set_drawings([drawing(1)], is_reading=True)
    assert not button(dialog, "Forget").isEnabled()
    dialog.set_drawings([])
    assert not button(dialog, "Forget").isEnabled()
    assert shown(dialog) == []


def test_it_says_how_many_are_learnt(dialog):
    dialog.set_drawings([drawing(number % 10, number) for number in range(MAX_DRAWINGS + 1)])
    said = dialog.findChild(object, "handwritingCountLabel").text()
    assert f"{MAX_DRAWINGS + 1:,} drawings" in said
    assert f"newest {MAX_DRAWINGS:,}" in said
