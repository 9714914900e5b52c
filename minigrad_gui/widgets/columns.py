"""The window's three columns: the settings, the views, the drawing.

Each has the width that the user gave it, but no less than it needs. If there is no room for all three, the settings
fold away until there is room again or the user asks for them.
"""

import json
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSplitter, QWidget

SETTINGS_WIDTH_PX = 300
DRAWING_SHARE = 0.26
DRAWING_WIDTH_PX = 340
"""Until the user moves the border, the drawing has this share of the width, but at least these pixels."""


class Columns(QSplitter):
    """wanted: the drawing column's ideal width in pixels at a given height; 0 if its minimum width will do."""

    settingsShown = Signal(bool)  # noqa: N815

    def __init__(
        self,
        settings: QWidget,
        views: QWidget,
        drawing: QWidget,
        wanted: Callable[[int], int],
        handle_px: int,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent, handleWidth=handle_px, childrenCollapsible=False)
        self._settings, self._views, self._drawing = settings, views, drawing
        for part in (settings, views, drawing):
            self.addWidget(part)
        self.setAccessibleName("Columns")
        for index, name in enumerate(("settings", "drawing"), start=1):
            self.handle(index).setAccessibleName(f"{name.title()} border")
        self._wanted = wanted
        self._wants_settings, self._insists = True, False
        self._settings_px = SETTINGS_WIDTH_PX
        self._shares: dict[bool, float] = {}
        """The drawing's share of the width, if it has an ideal width and if it has none."""
        self._is_arranging = False
        self.splitterMoved.connect(self._learn)

    # ------------------------------------------------------------ what the user wants

    def show_settings(self, shown: bool) -> None:
        """Show the settings or fold them away; if shown with too little room, they stay until they are folded away."""
        self._wants_settings, self._insists = shown, shown and not self._has_room_for_all()
        self._arrange()
        self.updateGeometry()

    def setSizes(self, sizes: list[int]) -> None:  # type: ignore[override]
        super().setSizes(sizes)
        self._learn()

    def _learn(self) -> None:
        """Remember the current widths."""
        sizes = self.sizes()
        if not self._settings.isHidden():
            self._settings_px = sizes[0]
        if sum(sizes):
            self._shares[self._wanted(self.height()) > 0] = sizes[2] / sum(sizes)

    def state(self) -> str:
        """For `restore`."""
        shares = {str(int(key)): share for key, share in self._shares.items()}
        return json.dumps({"settings": self._wants_settings, "width": self._settings_px, "drawing": shares})

    def restore(self, state: Any) -> None:
        """Restore what `state` returned; ignore anything invalid."""
        try:
            stored = json.loads(state)
            shares = {bool(int(key)): float(share) for key, share in stored["drawing"].items()}
            self._settings_px = min(max(int(stored["width"]), 0), 10_000)
            self._wants_settings = bool(stored["settings"])
            self._shares = {key: share for key, share in shares.items() if 0 < share < 1}
        except (TypeError, ValueError, KeyError, AttributeError, RecursionError, OverflowError):
            return

    # ------------------------------------------------------------ sharing the width

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fold()  # before Qt squeezes the columns
        super().resizeEvent(event)
        self._arrange()

    def event(self, event: QEvent) -> bool:
        result = super().event(event)
        if event.type() == QEvent.Type.LayoutRequest:
            self._arrange()
        return result

    def _least(self, *columns: QWidget) -> int:
        widths = sum(column.minimumSizeHint().width() for column in columns)
        return widths + (len(columns) - 1) * self.handleWidth()

    def minimumSizeHint(self) -> QSize:
        """Without the settings, which can fold away, unless the user has asked for them."""
        columns = [self._settings] * self._insists + [self._views, self._drawing]
        return QSize(self._least(*columns), max(column.minimumSizeHint().height() for column in columns))

    def _arrange(self) -> None:
        if self._is_arranging:
            return
        self._is_arranging = True
        super().setSizes(self._widths(self._fold()))
        self._is_arranging = False

    def _fold(self) -> bool:
        """Show the settings or fold them away; returns whether they are shown."""
        shown = self._wants_settings and (self._insists or self._has_room_for_all())
        if shown == self._settings.isHidden():
            self._settings.setVisible(shown)
            self.settingsShown.emit(shown)
        return shown

    def _has_room_for_all(self) -> bool:
        least = self._least(self._settings, self._views, self._drawing)
        more = self._wanted(self.height()) - self._drawing.minimumSizeHint().width()
        return least + max(more, 0) <= self.width()

    def _widths(self, with_settings: bool) -> list[int]:
        columns = [
            each for each in (self._settings, self._views, self._drawing) if with_settings or each is not self._settings
        ]
        total = self.width() - (len(columns) - 1) * self.handleWidth()
        least = [column.minimumSizeHint().width() for column in columns]
        wanted = self._wanted(self.height())
        share = self._shares.get(wanted > 0)
        drawing = max(wanted, DRAWING_WIDTH_PX, round(DRAWING_SHARE * total)) if share is None else round(share * total)
        settings = max(self._settings_px, least[0]) if with_settings else 0
        others = least[-2] + max(least[-1], wanted)
        settings = max(min(settings, total - others), least[0] if with_settings else 0)
        drawing = max(min(drawing, total - settings - least[-2]), least[-1])
        return [settings, max(total - settings - drawing, least[-2]), drawing]
