"""The program's purpose, version, licence and log file."""

from html import escape
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from minigrad_gui.version import version

ICON_PX = 64


class AboutBox(QMessageBox):
    """Deletes itself when closed. Its text can be selected."""

    def __init__(self, log: Path, parent: QWidget) -> None:
        text = (
            f"<b>minigrad</b> {escape(version())}<br><br>A laboratory for neural networks: configure one, watch it "
            "learn, draw a digit and see what it thinks.<br><br>Code: MIT licence. Digits: MNIST by LeCun, Cortes and "
            f"Burges, CC BY-SA 3.0.<br><br>Errors are written to the log:<br>{escape(str(log))}"
        )
        buttons = QMessageBox.StandardButton
        super().__init__(QMessageBox.Icon.NoIcon, "About minigrad", text, buttons.Ok, parent)
        self.setObjectName("aboutBox")
        self.setIconPixmap(parent.windowIcon().pixmap(ICON_PX))
        flags = Qt.TextInteractionFlag
        self.setTextInteractionFlags(flags.TextSelectableByMouse | flags.TextSelectableByKeyboard)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
