"""Where user data other than settings is stored: drawings, runs, the log. No Qt here."""

import os
import sys
from pathlib import Path


def data_folder() -> Path:
    """The user's data folder of minigrad; on Linux it follows XDG_DATA_HOME. It need not exist yet."""
    return _generic() / "minigrad"


def _generic() -> Path:
    """Qt's GenericDataLocation."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    chosen = os.environ.get("XDG_DATA_HOME", "")
    return Path(chosen) if os.path.isabs(chosen) else Path.home() / ".local" / "share"
