"""The base class of all views: a column to stand in, menu actions and saved settings."""

from typing import ClassVar, Literal

from PySide6.QtCore import QEvent, QSettings
from PySide6.QtGui import QAccessible, QAction
from PySide6.QtWidgets import QFrame, QWidget

from minigrad_gui import theme
from minigrad_gui.session import Session

Column = Literal["left", "centre", "right"]


class View(QFrame):
    """A card in the window. It shows the session and passes the user's requests on to it."""

    place: ClassVar[Column]
    stretch: ClassVar[int] = 0
    """Its share of the column's spare height."""
    ACCESSIBLE_ROLE = QAccessible.Role.Grouping
    _colors: theme.Colors | None = None
    """The colours it was last styled with; None during construction."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.setProperty("card", True)
        self._colors = theme.colors()

    def menu_actions(self) -> dict[str, list[QAction]]:
        """Actions for the menu bar, by menu title."""
        return {}

    def wanted_width(self, height: int) -> int:  # noqa: ARG002
        """The ideal width in pixels of a column of this height; 0 if any width will do."""
        return 0

    def save_settings(self, settings: QSettings) -> None:
        """Store what the user has set."""

    def restore_settings(self, settings: QSettings) -> None:
        """Restore stored settings; ignore invalid ones."""

    def restyle(self) -> None:
        """Apply the theme's colours where the palette and the style sheet have no effect."""

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        # Qt sends several of these for one change of theme, and some without any change.
        if event.type() == QEvent.Type.PaletteChange and self._colors not in (None, theme.colors()):
            self._colors = theme.colors()
            self.restyle()
