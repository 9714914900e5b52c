"""Short helpers for building views: named widgets, rows and columns."""

from typing import TypeVar

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QLabel, QLayout, QScrollArea, QVBoxLayout, QWidget

from minigrad_gui.widgets.accessibility import explain, name_scroll_area

W = TypeVar("W", bound=QWidget)
Item = QWidget | QLayout | int


def named(widget: W, name: str, tip: str = "") -> W:
    """The widget, with an object name and a tool tip."""
    widget.setObjectName(name)
    if tip:
        explain(widget, tip)
    return widget


def styled(widget: W, role: str) -> W:
    """The widget, styled for this role by the style sheet."""
    widget.setProperty("role", role)
    return widget


def restyled(widget: QWidget, key: str, value: object) -> None:
    """Set a property that the style sheet depends on, and apply the style again."""
    if widget.property(key) != value:
        widget.setProperty(key, value)
        widget.style().polish(widget)


def scrolled(content: QWidget, name: str) -> QScrollArea:
    """A frameless area that scrolls its content vertically. name: for screen readers."""
    area = QScrollArea()
    make_scrolling(area, content, name)
    return area


def make_scrolling(area: QScrollArea, content: QWidget, name: str) -> None:
    """Make this such an area."""
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(content)
    name_scroll_area(area, name)


def caption(text: str = "", role: str = "muted", align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft) -> QLabel:
    """A label that shows its text as it is: names of classes and files may look like HTML."""
    plain = Qt.TextFormat.PlainText
    return styled(QLabel(text, alignment=align | Qt.AlignmentFlag.AlignVCenter, textFormat=plain), role)


def row(*items: Item, spacing: int = 8, margin: int = 0, parent: QWidget | None = None) -> QHBoxLayout:
    """Widgets and layouts side by side; a number is empty space with this stretch factor."""
    return _filled(QHBoxLayout(), items, spacing, margin, parent)


def column(*items: Item, spacing: int = 8, margin: int = 0, parent: QWidget | None = None) -> QVBoxLayout:
    """The same from top to bottom."""
    return _filled(QVBoxLayout(), items, spacing, margin, parent)


L = TypeVar("L", bound=QBoxLayout)


def _filled(layout: L, items: tuple[Item, ...], spacing: int, margin: int, parent: QWidget | None) -> L:
    layout.setSpacing(spacing)
    layout.setContentsMargins(margin, margin, margin, margin)
    for item in items:
        if isinstance(item, int):
            layout.addStretch(item)
        elif isinstance(item, QWidget):
            layout.addWidget(item)
        else:
            layout.addLayout(item)
    if parent is not None:
        parent.setLayout(layout)
    return layout


def action(
    parent: QObject,
    text: str,
    name: str,
    slot: object = None,
    key: QKeySequence.StandardKey | str | None = None,
    *,
    checkable: bool = False,
) -> QAction:
    """A menu entry with an object name; `slot` is a bound method of a QObject."""
    made = QAction(text, parent, checkable=checkable)
    made.setObjectName(name)
    if isinstance(key, QKeySequence.StandardKey):
        made.setShortcuts(QKeySequence.keyBindings(key))
    elif key is not None:
        made.setShortcut(QKeySequence(key))
    if slot is not None:
        made.triggered.connect(slot)
    return made
