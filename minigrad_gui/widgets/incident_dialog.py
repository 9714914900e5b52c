"""The dialog for an unexpected exception."""

from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QDialog, QPlainTextEdit, QPushButton, QWidget

from minigrad_gui import theme
from minigrad_gui.widgets.building import caption, column, named, row
from minigrad_gui.widgets.screens import resize_within

SIZE_PX = QSize(680, 440)


class IncidentDialog(QDialog):
    """Says that something went wrong, with details to copy."""

    def __init__(self, details: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Something went wrong")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAttribute(Qt.WidgetAttribute.WA_QuitOnClose, False)  # the program ends with its window
        resize_within(self, SIZE_PX)
        title = caption("minigrad encountered an unexpected error.", "title")
        comfort = caption("Your network and drawings are still here; you can continue.", "")
        self._details = named(QPlainTextEdit(details, readOnly=True), "incidentDetails")
        self._details.setAccessibleName("Details")
        self._details.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self._note = named(caption(), "incidentNote")
        for label in (title, comfort, self._note):
            label.setWordWrap(True)
        self._copy = named(QPushButton("Copy details"), "incidentCopyButton", "Copy the details for a bug report")
        close = named(QPushButton("Close"), "incidentCloseButton")
        self._copy.setAutoDefault(False)
        close.setDefault(True)
        column(
            column(title, comfort, spacing=4),
            self._details,
            self._note,
            row(self._copy, 1, close),
            spacing=theme.SPACING_PX,
            margin=theme.SPACING_PX,
            parent=self,
        )
        self._copy.clicked.connect(self._on_copy)
        close.clicked.connect(self.close)
        close.setFocus()

    def show_note(self, note: str) -> None:
        if self._note.text() != note:
            self._note.setText(note)

    @Slot()
    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self._details.toPlainText())
        self._copy.setText("Copied")
