"""A menu of themes: light, dark, or the system's. The choice is stored in the settings."""

from PySide6.QtCore import QSettings, Slot
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QApplication, QMenu, QWidget

from minigrad_gui import theme

THEMES = {"system": "&Follow system", "light": "&Light", "dark": "&Dark"}
KEY = "theme"


class ThemeMenu(QMenu):
    """Applies the theme to the application, now and whenever the choice or the system's scheme changes."""

    def __init__(self, settings: QSettings, parent: QWidget | None = None) -> None:
        super().__init__("&Theme", parent)
        self._settings = settings
        stored = settings.value(KEY)
        self._theme = stored if stored in THEMES else "system"
        group = QActionGroup(self)
        for name, title in THEMES.items():
            choice = QAction(title, group, checkable=True, checked=name == self._theme)
            choice.setData(name)
            self.addAction(choice)
        group.triggered.connect(self._on_chosen)
        QApplication.styleHints().colorSchemeChanged.connect(self._apply)
        self._apply()

    @Slot()
    def _apply(self) -> None:
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        theme.apply(app, dark=theme.system_is_dark() if self._theme == "system" else self._theme == "dark")

    @Slot(QAction)
    def _on_chosen(self, action: QAction) -> None:
        self._theme = action.data()
        self._settings.setValue(KEY, self._theme)
        self._apply()
