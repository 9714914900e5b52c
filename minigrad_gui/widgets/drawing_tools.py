"""The buttons and menu entries that change what is on a canvas: undo, redo, eraser, clear; and one that compares."""

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QPushButton, QWidget

from minigrad_gui import theme
from minigrad_gui.widgets.building import action, named, row
from minigrad_gui.widgets.canvas import Canvas

SPACING_PX, ICON_BUTTON_PX = 6, 36


class DrawingTools(QWidget):
    """Each button does the same as its entry in the menu. `compareToggled` asks for a comparison of readings."""

    compareToggled = Signal(bool)  # noqa: N815

    def __init__(self, canvas: Canvas, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._undo = named(QPushButton(), "undoButton")
        self._redo = named(QPushButton(), "redoButton")
        self._eraser = named(QPushButton(), "eraserButton", "Erase parts of the drawing")
        self._clear = named(QPushButton("Clear"), "clearButton")
        tip = "Compare what the network sees with your drawing merely scaled down, and how each is read"
        self._compare = named(QPushButton("Compare"), "compareButton", tip)
        self._eraser.setCheckable(True)
        self._compare.setCheckable(True)
        for button, name in ((self._undo, "Undo"), (self._redo, "Redo"), (self._eraser, "Eraser")):
            button.setAccessibleName(name)
            button.setProperty("iconOnly", True)
            button.setFixedWidth(ICON_BUTTON_PX)
        for button in (self._undo, self._redo, self._eraser, self._clear, self._compare):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click leaves the focus on the canvas
        keys = QKeySequence.StandardKey
        self._undo_action = action(self, "&Undo", "undoAction", canvas.undo, keys.Undo)
        self._redo_action = action(self, "&Redo", "redoAction", canvas.redo, keys.Redo)
        self._clear_action = action(self, "&Clear the drawing", "clearAction", canvas.clear, keys.Delete)
        self._eraser_action = action(self, "&Eraser", "eraserAction", None, "E", checkable=True)
        for button, tied, tip in (
            (self._undo, self._undo_action, "Undo the last change"),
            (self._redo, self._redo_action, "Redo the change"),
            (self._eraser, self._eraser_action, "Erase parts of the drawing"),
            (self._clear, self._clear_action, "Clear the canvas"),
        ):
            shortcut = tied.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            button.setToolTip(f"{tip} ({shortcut})" if shortcut else tip)
        row(self._undo, self._redo, self._eraser, 1, self._compare, self._clear, spacing=SPACING_PX, parent=self)

        self._undo.clicked.connect(canvas.undo)
        self._redo.clicked.connect(canvas.redo)
        self._clear.clicked.connect(canvas.clear)
        self._eraser.toggled.connect(self._eraser_action.setChecked)
        self._eraser_action.toggled.connect(self._eraser.setChecked)
        self._eraser_action.toggled.connect(canvas.set_erasing)
        self._compare.toggled.connect(self.compareToggled)
        canvas.erasingChanged.connect(self._eraser_action.setChecked)
        canvas.undoChanged.connect(self._show_undo)
        self._show_undo(False, False)

    @property
    def compares(self) -> bool:
        return self._compare.isChecked()

    def menu_actions(self) -> list[QAction]:
        return [self._undo_action, self._redo_action, self._eraser_action, self._clear_action]

    def restyle(self) -> None:
        colors = theme.colors()
        for button, name in (
            (self._undo, "undo"),
            (self._redo, "redo"),
            (self._eraser, "eraser"),
            (self._clear, "clear"),
        ):
            button.setIcon(theme.icon(name, colors.text, colors.muted))

    @Slot(bool, bool)
    def _show_undo(self, can_undo: bool, can_redo: bool) -> None:
        for control in (self._undo, self._undo_action):
            control.setEnabled(can_undo)
        for control in (self._redo, self._redo_action):
            control.setEnabled(can_redo)
