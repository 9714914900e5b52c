"""The place of a view in the middle of the window, which fills it when it is first looked at.

Most views are never looked at in a session, so their modules are imported late. The view that is in front when the
window opens waits for the window's first picture: one can draw and train while its plots are being made.
"""

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QWidget

from minigrad_gui.session import Session
from minigrad_gui.views.view import Docked, DockedView
from minigrad_gui.widgets.building import column


class ViewHolder(QWidget):
    """Holds the view of an entry, and its header in `header`. Emits `loaded` with the view before that is built."""

    loaded = Signal(QWidget)

    def __init__(self, entry: Docked, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.header = QWidget()
        self.view: DockedView | None = None
        self._entry, self._session = entry, session
        self._first = QWidget(self)
        """Never visible; the widgets of the view follow it in the order of Tab."""
        self._first.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # Qt orders only what can have the focus
        self._first.hide()
        self._is_seen = self._was_painted = False
        self.is_waiting = False
        """In front, but still without its view."""

    def load(self) -> None:
        """Import and make the view, unless that has been done; it is built when it is seen."""
        if self.view is None:
            self.view = self._entry.load()(self._session, self._entry, self)
            column(self.view, parent=self)
            column(self.view.header, parent=self.header)
            for part in (self.view, self.view.header):
                part.show()  # Qt would do so later
            self.loaded.emit(self.view)

    @Slot(bool)
    def set_seen(self, seen: bool) -> None:
        """Whether it is in front."""
        self._is_seen = seen
        handle = self.window().windowHandle()
        if not seen or self._was_painted or (handle is not None and handle.isExposed()):
            self._tell()
        else:
            self.is_waiting = True

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._was_painted:
            self._was_painted = True
            QTimer.singleShot(0, self, self._tell)

    @Slot()
    def _tell(self) -> None:
        self.is_waiting = False
        if self._is_seen:
            self.load()
        if self.view is not None:
            is_new = not self.view.is_built
            self.view.set_seen(self._is_seen)
            if is_new:
                self._place_in_tab_order()

    def _place_in_tab_order(self) -> None:
        """Widgets that are made late come last; they belong where the holder is."""
        before = self._first
        for widget in [*_in_tab_order(self.header), *_in_tab_order(self)]:
            if widget is not self._first:
                QWidget.setTabOrder(before, widget)
                before = widget


def _in_tab_order(parent: QWidget) -> list[QWidget]:
    """The widgets inside `parent` that Tab goes through, in their order."""
    widgets, widget = [], parent.nextInFocusChain()
    while widget is not None and widget is not parent:
        if parent.isAncestorOf(widget) and widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
            widgets.append(widget)
        widget = widget.nextInFocusChain()
    return widgets
