"""Where user data is stored."""

import sys
from pathlib import Path

from PySide6.QtCore import (
    QStandardPaths,
)

from minigrad_gui.folders import data_folder


def test_the_data_folder_is_the_users(tmp_path):
    if sys.platform == "linux":
        assert data_folder() == tmp_path / "data" / "minigrad"
    generic = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.GenericDataLocation)
    assert data_folder() == Path(generic) / "minigrad"
