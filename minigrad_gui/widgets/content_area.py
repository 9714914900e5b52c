"""The contents of a window, with scroll bars if the window is very small."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from minigrad_gui.widgets.accessibility import name_scroll_area

SMALLEST = QSize(560, 240)
"""The window's minimum size; content that does not fit is scrolled."""


class ContentArea(QScrollArea):
    def __init__(self, content: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent, widgetResizable=True)
        self._content = content
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        name_scroll_area(self, "Window")
        self.setWidget(content)

    def minimumSizeHint(self) -> QSize:
        return self._content.minimumSizeHint().boundedTo(SMALLEST)
