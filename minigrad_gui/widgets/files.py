"""Asking which file to open, or where to save one."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from engine.archive import SUFFIX
from minigrad_gui.widgets.accessibility import verbatim

MODEL_KIND = "minigrad model"
SETTINGS_SUFFIX = ".toml"


def ask_which_network(parent: QWidget, title: str, folder: Path, foreign: Iterable[str]) -> Path | None:
    """The file of a network that the user chose; None if they cancelled. foreign: suffixes of other programs' files."""
    own = f"{MODEL_KIND} (*{SUFFIX})"
    others = " ".join(f"*{suffix}" for suffix in foreign)
    kinds = (f"All networks (*{SUFFIX} {others})", own, f"Networks of other programs ({others})", "All files (*)")
    path, _ = QFileDialog.getOpenFileName(parent, title, str(folder), ";;".join(kinds))
    return Path(path) if path else None


def ask_where_to_save(parent: QWidget, title: str, start: str, kind: str, suffix: str) -> Path | None:
    """The path that the user chose, with the suffix; None if they cancelled.

    The dialog asks before it replaces a file with the name as typed. `QFileDialog.setDefaultSuffix` would not do: GTK's
    dialog then replaces digits.npz unasked when "digits" is typed, and "digits.v2" gets no suffix.
    """
    typed, _ = QFileDialog.getSaveFileName(parent, title, start, f"{kind} (*{suffix})")
    return _with_suffix(parent, title, Path(typed), [suffix], suffix) if typed else None


def ask_where_to_export(parent: QWidget, title: str, start: str, kinds: Mapping[str, str]) -> Path | None:
    """The same for several formats, whose names `kinds` gives by suffix.

    A suffix that was typed counts before the format that was chosen in the dialog.
    """
    filters = {f"{name} (*{suffix})": suffix for suffix, name in kinds.items()}
    typed, chosen = QFileDialog.getSaveFileName(parent, title, start, ";;".join(filters))
    return _with_suffix(parent, title, Path(typed), kinds, filters.get(chosen, next(iter(kinds)))) if typed else None


def _with_suffix(parent: QWidget, title: str, path: Path, known: Collection[str], suffix: str) -> Path | None:
    if path.suffix.lower() in known:
        return path
    path = path.with_name(path.name + suffix)
    buttons = QMessageBox.StandardButton
    if path.exists() and buttons.Yes != QMessageBox.question(
        parent, title, verbatim(f"{path.name} already exists. Replace it?"), buttons.Yes | buttons.No, buttons.No
    ):
        return None
    return path
