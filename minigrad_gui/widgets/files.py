"""Asking where to save a file."""

from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

MODEL_KIND, MODEL_SUFFIX = "minigrad model", ".npz"


def ask_where_to_save(parent: QWidget, title: str, start: str, kind: str, suffix: str) -> Path | None:
    """The path that the user chose, with the suffix; None if they cancelled.

    The dialog asks before it replaces a file with the name as typed. `QFileDialog.setDefaultSuffix` would not do: GTK's
    dialog then replaces digits.npz unasked when "digits" is typed, and "digits.v2" gets no suffix.
    """
    typed, _ = QFileDialog.getSaveFileName(parent, title, start, f"{kind} (*{suffix})")
    if not typed:
        return None
    path = Path(typed)
    if path.suffix.lower() == suffix:
        return path
    path = path.with_name(path.name + suffix)
    buttons = QMessageBox.StandardButton
    if path.exists() and buttons.Yes != QMessageBox.question(
        parent, title, f"{path.name} already exists. Replace it?", buttons.Yes | buttons.No, buttons.No
    ):
        return None
    return path
