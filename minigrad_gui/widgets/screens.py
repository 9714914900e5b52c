"""Placing windows, with their frames, within a screen."""

from PySide6.QtCore import QMargins, QRect, QSize
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

USUAL_SIZE = QSize(1280, 820)
SHARE = 0.75
"""Share of the screen for a new window, on a large screen."""
FRAME = QMargins(8, 36, 8, 8)
"""Room for the frame, whose size is unknown until the window is shown."""


def place_first(window: QWidget) -> None:
    """Centre a new window on its screen, at its usual size or as large as the screen allows."""
    available = window.screen().availableGeometry()
    size = USUAL_SIZE.expandedTo(available.size() * SHARE)
    geometry = QRect(available.topLeft(), size.boundedTo(available.marginsRemoved(FRAME).size()))
    geometry.moveCenter(available.marginsRemoved(FRAME).center())
    window.setGeometry(geometry)


def move_onto_screen(window: QWidget) -> None:
    """Move a window that is partly off screen onto the screen with most of it, and shrink it if necessary."""
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
    """Resize to this size, or as large as the screen allows."""
    window.resize(size.boundedTo(window.screen().availableGeometry().marginsRemoved(FRAME).size()))


def _area(rect: QRect) -> int:
    return rect.width() * rect.height() if rect.isValid() else 0
