"""The choice of a theme, without a window."""

import pytest
from PySide6.QtCore import QSettings

from minigrad_gui import theme
from minigrad_gui.widgets.theme_menu import ThemeMenu


@pytest.fixture
def make_menu(tmp_path, qtbot):
    def make() -> ThemeMenu:
        menu = ThemeMenu(QSettings(str(tmp_path / "theme.ini"), QSettings.Format.IniFormat))
        qtbot.addWidget(menu)
        return menu

    return make


def checked(menu) -> list[str]:
    return [action.data() for action in menu.actions() if action.isChecked()]


def pick(menu, name: str) -> None:
    next(action for action in menu.actions() if action.data() == name).trigger()


def test_one_theme_is_checked_applied_and_remembered(make_menu, qapp):
    menu = make_menu()
    assert checked(menu) == ["system"]
    for name, colors in (("dark", theme.DARK), ("light", theme.LIGHT), ("dark", theme.DARK)):
        pick(menu, name)
        assert checked(menu) == [name]
        assert theme.colors() == colors
    pick(menu, "system")
    assert theme.colors() == (theme.DARK if theme.system_is_dark() else theme.LIGHT)
    pick(menu, "dark")
    theme.apply(qapp, dark=False)
    assert checked(make_menu()) == ["dark"]
    assert theme.colors() == theme.DARK


def test_an_unknown_theme_means_the_systems(make_menu, tmp_path):
    QSettings(str(tmp_path / "theme.ini"), QSettings.Format.IniFormat).setValue("theme", "pink")
    assert checked(make_menu()) == ["system"]
