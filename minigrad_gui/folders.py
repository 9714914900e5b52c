"""Where user data other than settings is stored: drawings, recoverable runs, the log."""

from pathlib import Path

from PySide6.QtCore import QStandardPaths


def data_folder() -> Path:
    """The user's data folder of minigrad; on Linux it follows XDG_DATA_HOME. It need not exist yet."""
    kind = QStandardPaths.StandardLocation.GenericDataLocation
    return Path(QStandardPaths.writableLocation(kind)) / "minigrad"
