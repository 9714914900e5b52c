"""A menu of recently opened or saved files, shared by all windows through the settings."""

from pathlib import Path

from PySide6.QtCore import QSettings, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

MAX_FILES = 8
KEY = "recent"


class RecentFilesMenu(QMenu):
    """The newest file first. Emits `chosen` with the path of a file."""

    chosen = Signal(Path)

    def __init__(self, settings: QSettings, parent: QWidget | None = None) -> None:
        super().__init__("Open &recent", parent)
        self._settings = settings
        self.aboutToShow.connect(self._fill)
        self.triggered.connect(self._on_triggered)

    def paths(self) -> list[Path]:
        """At most MAX_FILES paths; invalid settings are ignored."""
        self._settings.sync()  # other windows may have added files
        stored = self._settings.value(KEY, [])
        paths = [stored] if isinstance(stored, str) else stored if isinstance(stored, list) else []
        return [Path(path) for path in paths if isinstance(path, str) and path][:MAX_FILES]

    def folder(self) -> Path:
        """The folder of the newest file, or the home folder."""
        return next((path.parent for path in self.paths()), Path.home())

    def remember(self, path: Path) -> None:
        """Move a file to the top."""
        self._store([path, *self._others(path)][:MAX_FILES])

    def forget(self, path: Path) -> None:
        self._store(self._others(path))

    def _others(self, path: Path) -> list[Path]:
        return [each for each in self.paths() if each != path]

    def _store(self, paths: list[Path]) -> None:
        self._settings.setValue(KEY, list(map(str, paths)))

    @Slot()
    def _fill(self) -> None:
        self.clear()
        for path in self.paths():
            self.addAction(str(path)).setData(str(path))
        if self.isEmpty():
            self.addAction("None yet").setEnabled(False)

    @Slot(QAction)
    def _on_triggered(self, action: QAction) -> None:
        self.chosen.emit(Path(action.data()))
