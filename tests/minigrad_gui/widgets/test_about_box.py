"""The About box names the program, its version and its log, and is gone once it is closed."""

from pathlib import Path

from PySide6.QtWidgets import QWidget

from minigrad_gui.version import version
from minigrad_gui.widgets.about_box import AboutBox


def test_it_names_the_version_and_the_log(qtbot):
    parent = QWidget()
    qtbot.addWidget(parent)
    box = AboutBox(Path("/logs/<mine>/minigrad.log"), parent)
    assert version() in box.text()
    assert "/logs/&lt;mine&gt;/minigrad.log" in box.text(), "a path is not mark-up"
    box.show()
    with qtbot.waitSignal(box.destroyed):
        box.button(AboutBox.StandardButton.Ok).click()
