"""What every view has: a column to stand in, actions for the menus, and settings that outlast the window."""

from typing import ClassVar, Literal

from PySide6.QtCore import QEvent, QSettings
from PySide6.QtGui import QAccessible, QAction
from PySide6.QtWidgets import QFrame, QWidget

from minigrad_gui import theme
from minigrad_gui.session import Session

Column = Literal["left", "centre", "right"]


class View(QFrame):
    """A card in the window. A view shows the session, and asks it for what the person wants."""

    place: ClassVar[Column]
    stretch: ClassVar[int] = 0
    """How much of the column's spare height it takes."""
    ACCESSIBLE_ROLE = QAccessible.Role.Grouping
    _colors: theme.Colors | None = None
    """Those that it was styled with; None while it is being built."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.setProperty("card", True)
        self._colors = theme.colors()

    def menu_actions(self) -> dict[str, list[QAction]]:
        """Actions for the menu bar, by the title of their menu."""
        return {}

    def wanted_width(self, height: int) -> int:  # noqa: ARG002
        """How wide a column of this height has to be for the view to be at its best; 0 where any width will do."""
        return 0

    def save_settings(self, settings: QSettings) -> None:
        """Remember what the person has set."""

    def restore_settings(self, settings: QSettings) -> None:
        """Take what was remembered, and nothing that is of no use."""

    def restyle(self) -> None:
        """Take the theme's colours where neither the palette nor the style sheet reaches."""

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        # Qt sends several of these for one change of the theme, and some where the theme stays.
        if event.type() == QEvent.Type.PaletteChange and self._colors not in (None, theme.colors()):
            self._colors = theme.colors()
            self.restyle()
