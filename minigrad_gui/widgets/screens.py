"""Windows that stand on a screen as a whole, their frames included."""

from PySide6.QtCore import QMargins, QRect, QSize
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

USUAL_SIZE = QSize(1280, 820)
SHARE = 0.75
"""Of a large screen, for a first window."""
FRAME = QMargins(8, 36, 8, 8)
"""Room for the frame, which is not known before the window is shown."""


def place_first(window: QWidget) -> None:
    """In the middle of its screen, as large as is usual, or as the screen allows."""
    available = window.screen().availableGeometry()
    size = USUAL_SIZE.expandedTo(available.size() * SHARE)
    geometry = QRect(available.topLeft(), size.boundedTo(available.marginsRemoved(FRAME).size()))
    geometry.moveCenter(available.marginsRemoved(FRAME).center())
    window.setGeometry(geometry)


def bring_back(window: QWidget) -> None:
    """Move a window that reaches out of the screens onto the one where most of it is, smaller if need be."""
    if window.isMaximized() or window.isFullScreen():
        return
    geometry = window.geometry()
    available = max((each.availableGeometry() for each in QGuiApplication.screens()), key=lambda a: _area(a & geometry))
    room = available.marginsRemoved(FRAME)
    if not available.contains(geometry) or geometry.width() > room.width():
        size = geometry.size().boundedTo(room.size())
        left = min(max(geometry.left(), room.left()), room.right() - size.width() + 1)
        top = min(max(geometry.top(), room.top()), room.bottom() - size.height() + 1)
        window.setGeometry(QRect(left, top, size.width(), size.height()))


def resize_within(window: QWidget, size: QSize) -> None:
    """Make it this large, or as large as its screen allows."""
    window.resize(size.boundedTo(window.screen().availableGeometry().marginsRemoved(FRAME).size()))


def _area(rect: QRect) -> int:
    return rect.width() * rect.height() if rect.isValid() else 0
