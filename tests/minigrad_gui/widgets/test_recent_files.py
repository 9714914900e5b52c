"""The menu of recent files, without a window."""

from pathlib import Path

import pytest
from PySide6.QtCore import QSettings

from minigrad_gui.widgets.recent_files import MAX_FILES, RecentFilesMenu


@pytest.fixture
def settings(tmp_path):
    return QSettings(str(tmp_path / "recent.ini"), QSettings.Format.IniFormat)


@pytest.fixture
def menu(settings, qtbot):
    menu = RecentFilesMenu(settings)
    qtbot.addWidget(menu)
    return menu


def entries(menu) -> list[str]:
    menu.aboutToShow.emit()
    return [action.text() for action in menu.actions()]


def test_the_newest_file_stands_first_and_only_once(menu, tmp_path):
    for name in ("a.npz", "b.npz", "a.npz"):
        menu.remember(tmp_path / name)
    assert menu.paths() == [tmp_path / "a.npz", tmp_path / "b.npz"]
    assert entries(menu) == [str(tmp_path / "a.npz"), str(tmp_path / "b.npz")]


def test_the_oldest_files_drop_out(menu):
    paths = [Path(f"/models/{number}.npz") for number in range(MAX_FILES + 2)]
    for path in paths:
        menu.remember(path)
    assert menu.paths() == paths[:1:-1]


def test_choosing_a_file_emits_its_path(menu, tmp_path, qtbot):
    menu.remember(tmp_path / "a.npz")
    menu.aboutToShow.emit()
    with qtbot.waitSignal(menu.chosen) as told:
        menu.actions()[0].trigger()
    assert told.args == [tmp_path / "a.npz"]


def test_a_forgotten_file_is_gone(menu):
    for name in ("/a.npz", "/b.npz"):
        menu.remember(Path(name))
    menu.forget(Path("/b.npz"))
    assert menu.paths() == [Path("/a.npz")]


def test_without_files_it_says_so_and_offers_the_home_folder(menu):
    assert entries(menu) == ["None yet"]
    assert not menu.actions()[0].isEnabled()
    assert menu.folder() == Path.home()
    menu.remember(Path("/models/a.npz"))
    assert menu.folder() == Path("/models")


def test_what_another_window_has_added_is_seen(menu, settings):
    menu.remember(Path("/a.npz"))
    settings.sync()
    file = Path(settings.fileName())
    file.write_text(file.read_text().replace("/a.npz", "/b.npz, /a.npz"))
    assert menu.paths() == [Path("/b.npz"), Path("/a.npz")]


@pytest.mark.parametrize("stored", [7, "", ["", 3, None], {"a": 1}, b"x"])
def test_invalid_stored_paths_are_ignored(menu, settings, stored):
    settings.setValue("recent", stored)
    assert all(path.name.isalnum() for path in menu.paths())
    menu.remember(Path("/a.npz"))
    assert menu.paths()[0] == Path("/a.npz")


def test_a_single_stored_path_is_read(menu, settings):
    settings.setValue("recent", "/a.npz")
    assert menu.paths() == [Path("/a.npz")]
