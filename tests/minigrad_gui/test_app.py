"""Starting Qt, and the message if it cannot start."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from minigrad_gui.app import LIBRARIES


def run(*words: str, **environment: str | None) -> subprocess.CompletedProcess:
    changed = {**os.environ, **environment}
    return subprocess.run(
        [sys.executable, "-m", "minigrad_gui", *words],
        env={key: value for key, value in changed.items() if value is not None},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has machines without a display")
@pytest.mark.parametrize("display", [None, ":4711"])
def test_without_a_display_the_command_says_so_in_one_line(display):
    result = run(QT_QPA_PLATFORM=None, WAYLAND_DISPLAY=None, DISPLAY=display)
    assert result.returncode == 2
    assert "minigrad-gui train works without one" in result.stderr
    assert result.stderr.count("\n") == 1


INVISIBLY = """
import sys
from PySide6 import QtWidgets
class Invisible(QtWidgets.QApplication):
    def __init__(self, words):
        super().__init__([*words, "-platform", "offscreen"])
QtWidgets.QApplication = Invisible
from minigrad_gui import cli
sys.exit(cli.main([]))
"""
"""As Qt starts on arm64 if there is no display."""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has machines without a display")
def test_a_window_that_nobody_would_see_is_refused():
    changed = {**os.environ, "DISPLAY": ":4711"}
    changed.pop("QT_QPA_PLATFORM", None)
    child = subprocess.run([sys.executable, "-c", INVISIBLY], env=changed, capture_output=True, text=True, timeout=60)
    assert child.returncode == 2
    assert "no window can be opened on this display" in child.stderr


def test_the_readme_names_the_same_libraries():
    readme = Path(__file__).resolve().parents[2] / "README.md"
    assert f"\nsudo apt install {LIBRARIES}\n" in readme.read_text(encoding="utf-8")
