"""An accessible plot: the arrow keys read it value by value, and it has a description."""

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAccessible, QKeyEvent

from minigrad_gui.widgets.graphs import pg

STEPS = {
    Qt.Key.Key_Left: -1,
    Qt.Key.Key_Right: 1,
    Qt.Key.Key_PageUp: -100,
    Qt.Key.Key_PageDown: 100,
    Qt.Key.Key_Home: -(2**31 - 1),
    Qt.Key.Key_End: 2**31 - 1,
}
"""How many values to the right each key moves."""


class Plot(pg.PlotWidget):  # type: ignore[misc]
    """Emits `stepped` with the number of values to move on, at most to the end."""

    stepped = Signal(int)
    ACCESSIBLE_ROLE = QAccessible.Role.Chart

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__(enableMenu=False, **options)
        self.setAccessibleName(name)
        self.viewport().setAccessibleName(f"{name}, curves")
        self.viewport().setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setProperty("plot", True)
        # pyqtgraph makes a menu all the same, without a parent: it would outlive the plot until garbage is collected.
        self.destroyed.connect(self.plotItem.ctrlMenu.deleteLater)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = STEPS.get(Qt.Key(event.key()))
        if steps is None:
            super().keyPressEvent(event)
        else:
            self.stepped.emit(steps)
