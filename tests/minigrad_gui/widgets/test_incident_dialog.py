"""The dialog of an unexpected error: its details can be copied, and it is deleted when closed."""

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QPlainTextEdit, QPushButton

from minigrad_gui.widgets.incident_dialog import IncidentDialog


@pytest.fixture
def dialog(qtbot):
    dialog = IncidentDialog("Traceback: <b>ValueError</b>")
    dialog.show()
    yield dialog
    with qtbot.waitSignal(dialog.destroyed):
        dialog.findChild(QPushButton, "incidentCloseButton").click()


def test_the_details_are_copied_as_they_are(dialog):
    details = dialog.findChild(QPlainTextEdit, "incidentDetails")
    assert details.isReadOnly()
    dialog.findChild(QPushButton, "incidentCopyButton").click()
    assert QGuiApplication.clipboard().text() == details.toPlainText() == "Traceback: <b>ValueError</b>"


def test_a_note_stands_below_the_details(dialog):
    for note in ("It happened 2 times.", "It happened 3 times."):
        dialog.show_note(note)
        assert dialog.findChild(QLabel, "incidentNote").text() == note
