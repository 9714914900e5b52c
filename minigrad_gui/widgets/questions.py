"""Warnings, and questions with custom labels on their buttons; what files and classes are called is shown as it is."""

from collections.abc import Mapping

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from minigrad_gui.widgets.accessibility import verbatim

TITLE = "minigrad"
"""Title of messages that need no title of their own."""


def warn(parent: QWidget, title: str, text: str) -> None:
    """Show this until it has been read."""
    QMessageBox.warning(parent, title, verbatim(text))


def choose(parent: QWidget, title: str, text: str, choices: Mapping[str, QMessageBox.ButtonRole]) -> str | None:
    """The label of the button pressed, the first being the default; None if the question was closed."""
    box = QMessageBox(QMessageBox.Icon.Question, title, text, parent=parent)
    box.setTextFormat(Qt.TextFormat.PlainText)
    buttons = {label: box.addButton(label, role) for label, role in choices.items()}
    box.setDefaultButton(next(iter(buttons.values())))
    box.exec()
    pressed = box.clickedButton()
    box.deleteLater()
    return next((label for label, button in buttons.items() if button is pressed), None)
