"""What a window contains, or the part of it that a very small window has room for."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from minigrad_gui.widgets.accessibility import name_scroll_area

SMALLEST = QSize(560, 240)
"""The window does not get smaller than this; content that does not fit is scrolled."""


class ContentArea(QScrollArea):
    def __init__(self, content: QWidget) -> None:
        super().__init__(widgetResizable=True)
        self._content = content
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        name_scroll_area(self, "Window")
        self.setWidget(content)

    def minimumSizeHint(self) -> QSize:
        return self._content.minimumSizeHint().boundedTo(SMALLEST)
