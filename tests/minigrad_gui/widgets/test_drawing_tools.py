"""Buttons and menu entries do the same to the canvas, and follow it."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton, QWidget

from minigrad_gui.widgets.building import column
from minigrad_gui.widgets.canvas import Canvas
from minigrad_gui.widgets.drawing_tools import DrawingTools

pytestmark = pytest.mark.usefixtures("qapp")


@pytest.fixture
def canvas():
    return Canvas()


@pytest.fixture
def tools(qtbot, canvas):
    sheet, tools = QWidget(), DrawingTools(canvas)
    column(canvas, tools, parent=sheet)
    qtbot.addWidget(sheet)
    with qtbot.waitExposed(sheet):
        sheet.show()
    yield tools
    del sheet  # it owns both


def click(tools, name):
    QTest.mouseClick(tools.findChild(QPushButton, name), Qt.MouseButton.LeftButton)


def trigger(tools, name):
    tools.findChild(QAction, name).trigger()


def dot(canvas):
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=QPoint(80, 80))


@pytest.mark.parametrize(
    ("do", "ending"), [(click, "Button"), (trigger, "Action")], ids=["with buttons", "with menu entries"]
)
def test_a_dot_is_undone_redone_and_cleared(canvas, tools, do, ending):
    dot(canvas)
    for name, count in (("undo", 0), ("redo", 1), ("clear", 0)):
        do(tools, name + ending)
        assert len(canvas.strokes) == count, name


def test_undo_and_redo_can_be_pressed_when_there_is_something_to_do(canvas, tools):
    def enabled():
        buttons = [tools.findChild(QPushButton, name).isEnabled() for name in ("undoButton", "redoButton")]
        actions = [tools.findChild(QAction, name).isEnabled() for name in ("undoAction", "redoAction")]
        assert buttons == actions
        return buttons

    assert enabled() == [False, False]
    dot(canvas)
    assert enabled() == [True, False]
    canvas.undo()
    assert enabled() == [False, True]


def test_the_eraser_is_chosen_by_button_menu_or_canvas(canvas, tools):
    button, entry = tools.findChild(QPushButton, "eraserButton"), tools.findChild(QAction, "eraserAction")
    dot(canvas)
    click(tools, "eraserButton")
    assert (canvas.erasing, entry.isChecked()) == (True, True)
    entry.trigger()
    assert (canvas.erasing, button.isChecked()) == (False, False)
    canvas.set_erasing(True)
    assert (button.isChecked(), entry.isChecked()) == (True, True)


def test_comparing_is_asked_for_and_the_focus_stays_on_the_canvas(qtbot, canvas, tools):
    canvas.setFocus()
    with qtbot.waitSignal(tools.compareToggled, check_params_cb=lambda compares: compares):
        click(tools, "compareButton")
    assert tools.compares
    assert not tools.findChild(QPushButton, "compareButton").hasFocus()


def test_the_menu_entries_are_in_the_order_of_the_buttons(tools):
    names = [entry.objectName() for entry in tools.menu_actions()]
    assert names == ["undoAction", "redoAction", "eraserAction", "clearAction"]
