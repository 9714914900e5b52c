"""Finds the parts of a window, and those that have too little room."""

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QScrollArea,
    QSizePolicy,
    QSlider,
    QStyle,
    QStyleOptionComboBox,
    QWidget,
)

from minigrad_gui.widgets.canvas import Canvas
from minigrad_gui.widgets.probability_bars import ProbabilityBars


def parts_of(window) -> list[QWidget]:
    """All visible parts with text or for interaction."""
    kinds = (QAbstractButton, QLabel, QComboBox, QLineEdit, QAbstractSpinBox, QSlider, Canvas, ProbabilityBars)
    return [part for kind in kinds for part in window.findChildren(kind) if part.isVisible()]


def reachable(part, window) -> bool:
    """Whether a part lies within the window or a vertically scrolled area."""
    x, width = part.mapTo(window, QPoint()).x(), part.width()
    ancestors, parent = [], part.parentWidget()
    while parent is not None and parent is not window:
        ancestors.append(parent)
        parent = parent.parentWidget()
    areas = [each for each in ancestors if isinstance(each, QScrollArea)]
    inner = areas[0] if areas else window
    left = inner.mapTo(window, QPoint()).x()
    return left <= x and x + width <= left + inner.width()


def has_room(part: QWidget) -> bool:
    """Whether it is as wide as it needs to be; of a box that takes what it gets, whether what is chosen can be read."""
    if isinstance(part, QComboBox) and part.sizePolicy().horizontalPolicy() == QSizePolicy.Policy.Ignored:
        option = QStyleOptionComboBox()
        part.initStyleOption(option)
        kind, field = QStyle.ComplexControl.CC_ComboBox, QStyle.SubControl.SC_ComboBoxEditField
        room = part.style().subControlRect(kind, option, field, part).width()
        return room >= part.fontMetrics().horizontalAdvance(part.currentText())
    return part.minimumSizeHint().width() <= part.width() + 1


def clipped(window) -> list[str]:
    """The names of parts that are smaller than they need to be or out of reach."""
    small = [part for part in parts_of(window) if not has_room(part)]
    unseen = [part for part in parts_of(window) if not reachable(part, window)]
    return [part.objectName() or getattr(part, "text", str)() for part in small + unseen]


def resized(window, width: int, height: int) -> None:
    window.resize(width, height)
    for _ in range(4):  # a growing layout resizes its parent, and so on
        QApplication.sendPostedEvents()
        QApplication.processEvents()
    assert (window.width(), window.height()) == (width, height)
