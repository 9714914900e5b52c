"""The middle of the window: views in tabs, which can be put side by side, torn off to another screen, or closed."""

from typing import Any
from zlib import crc32

from PySide6.QtCore import QByteArray, QEvent, Qt, Signal, Slot
from PySide6.QtWidgets import QDockWidget, QMainWindow, QSizePolicy, QTabBar, QTabWidget, QWidget

from minigrad_gui.widgets.building import action, column

AREA = Qt.DockWidgetArea.TopDockWidgetArea
LAYOUT_VERSION = 1
CHECKSUM_BYTES = 4
TABS = "Views in tabs"


class Dock(QDockWidget):
    """A widget with a header, which is the title bar: by it the dock can be dragged.

    `action` is checked while the dock is in front; checking brings it there, unchecking closes it. What is not in front
    should cost nothing, so `seen` tells.
    """

    seen = Signal(bool)

    def __init__(self, widget: QWidget, header: QWidget, name: str, title: str, tab: str, number: int) -> None:
        super().__init__(tab)
        self.setObjectName(f"{name}Dock")
        self.setAccessibleName(title)
        bar = QWidget()
        column(header, parent=bar)
        self.setTitleBarWidget(bar)
        self.setWidget(widget)
        self._header = header
        self._is_seen = False
        self._need_room(False)
        shows = f"show{name[:1].upper()}{name[1:].removesuffix('View')}Action"
        self.action = action(self, title, shows, None, f"Ctrl+{number}" if number < 10 else None, checkable=True)
        self.action.toggled.connect(self._on_toggled)
        self.visibilityChanged.connect(self._on_visibility)
        self.topLevelChanged.connect(self._on_floating)

    def bring_to_front(self) -> None:
        self.show()
        self.raise_()

    @Slot(bool)
    def _on_toggled(self, checked: bool) -> None:
        if checked and not self._is_seen:
            self.bring_to_front()
        elif not checked and self._is_seen:
            self.close()

    @Slot(bool)
    def _on_visibility(self, visible: bool) -> None:
        if visible != self._is_seen:
            self._is_seen = visible
            self._need_room(visible)
            self.action.setChecked(visible)
            self.seen.emit(visible)

    def _need_room(self, needs: bool) -> None:
        """Whether it takes no less room than its minimum size: of docks in tabs, only the one in front."""
        policies = QSizePolicy.Policy
        policy = policies.Preferred if needs else policies.Ignored
        self._header.setSizePolicy(policy, policies.Preferred)
        self.widget().setSizePolicy(policy, policy)

    @Slot(bool)
    def _on_floating(self, floating: bool) -> None:
        # Of a dock that is torn off from behind another one, Qt tells only that it has become invisible.
        if floating and self.isVisible():
            self._on_visibility(True)


class Docks(QMainWindow):
    """Shows docks, at first all as tabs with the first in front."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowFlags(Qt.WindowType.Widget)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self.setAccessibleName("Views")
        self.setDocumentMode(True)
        self.setDockNestingEnabled(True)
        self.setTabPosition(Qt.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        self.docks: list[Dock] = []
        self._tabs = QByteArray()

    def add(self, widget: QWidget, header: QWidget, name: str, title: str, tab: str = "") -> Dock:
        """A dock for this widget, the last of the tabs.

        name: of what it shows, such as "confusionView"; tab: a shorter title for its tab, if that is needed.
        """
        dock = Dock(widget, header, name, title, tab or title, len(self.docks) + 1)
        self.docks.append(dock)
        self.addDockWidget(AREA, dock)
        first = self.docks[0]
        if dock is not first:
            self.tabifyDockWidget(first, dock)
            first.raise_()
        self._tabs = self.saveState(LAYOUT_VERSION)
        return dock

    def bring_to_front(self, name: str) -> None:
        """Bring the dock of this name to the front."""
        next(dock for dock in self.docks if dock.objectName() == f"{name}Dock").bring_to_front()

    @Slot()
    def arrange(self) -> None:
        """All as tabs again, the first in front."""
        self.restoreState(self._tabs, LAYOUT_VERSION)

    def state(self) -> QByteArray:
        """For `restore`: a checksum and Qt's state."""
        state = self.saveState(LAYOUT_VERSION).data()
        return QByteArray(crc32(state).to_bytes(CHECKSUM_BYTES) + state)

    def restore(self, state: Any) -> None:
        """Restore what `state` returned; ignore anything invalid."""
        if isinstance(state, QByteArray):
            checksum, saved = state.data()[:CHECKSUM_BYTES], state.data()[CHECKSUM_BYTES:]
            if crc32(saved).to_bytes(CHECKSUM_BYTES) == checksum:  # Qt 6.11 may crash on a damaged state
                self.restoreState(QByteArray(saved), LAYOUT_VERSION)

    def event(self, event: QEvent) -> bool:
        result = super().event(event)
        if event.type() == QEvent.Type.LayoutRequest:
            for tabs in self.findChildren(QTabBar):  # Qt makes and removes them as docks are moved
                if tabs.accessibleName() != TABS:  # for each change asks for a layout again
                    tabs.setAccessibleName(TABS)
                    tabs.setExpanding(False)
                    tabs.setElideMode(Qt.TextElideMode.ElideNone)
                    tabs.setUsesScrollButtons(True)
                    tabs.setDrawBase(False)
        return result
