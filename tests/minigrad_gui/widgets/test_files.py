"""The suffix of a file to save; no file is replaced without asking."""

import pytest
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from minigrad_gui.widgets.files import ask_where_to_export, ask_where_to_save


@pytest.fixture
def ask(qtbot, tmp_path, monkeypatch):
    """`ask(typed)`: the resulting path if the person types this into the file dialog."""
    parent = QWidget()
    qtbot.addWidget(parent)

    def ask_for(typed: str) -> str | None:
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (typed and str(tmp_path / typed), ""))
        path = ask_where_to_save(parent, "Save", str(tmp_path), "minigrad model", ".npz")
        assert path is None or path.parent == tmp_path
        return None if path is None else path.name

    return ask_for


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("digits", "digits.npz"),
        ("digits.npz", "digits.npz"),
        ("DIGITS.NPZ", "DIGITS.NPZ"),
        ("digits.v2", "digits.v2.npz"),
        ("digits.csv", "digits.csv.npz"),
        ("", None),
    ],
)
def test_a_missing_suffix_is_appended(ask, typed, expected):
    assert ask(typed) == expected


@pytest.mark.parametrize("typed", ["digits", "digits.v2"])
def test_a_file_whose_name_results_from_the_suffix_is_asked_about(ask, answer, tmp_path, typed):
    (tmp_path / f"{typed}.npz").touch()
    questions = answer(QMessageBox.StandardButton.No)
    assert ask(typed) is None
    assert questions == [f"{typed}.npz already exists. Replace it?"]
    answer(QMessageBox.StandardButton.Yes)
    assert ask(typed) == f"{typed}.npz"


def test_a_name_with_its_suffix_was_asked_about_by_the_dialog(ask, tmp_path):
    (tmp_path / "digits.npz").touch()
    assert ask("digits.npz") == "digits.npz"


@pytest.mark.parametrize(
    ("typed", "chosen", "expected"),
    [
        ("digits", "JSON (*.json)", "digits.json"),
        ("digits.py", "JSON (*.json)", "digits.py"),
        ("digits.PY", "JSON (*.json)", "digits.PY"),
        ("digits.v2", "", "digits.v2.py"),
        ("", "JSON (*.json)", None),
    ],
)
def test_an_exports_suffix_counts_before_the_chosen_format(qtbot, tmp_path, monkeypatch, typed, chosen, expected):
    parent = QWidget()
    qtbot.addWidget(parent)
    offered = []

    def choose(*arguments):
        offered.append(arguments[3])
        return typed and str(tmp_path / typed), chosen

    monkeypatch.setattr(QFileDialog, "getSaveFileName", choose)
    path = ask_where_to_export(parent, "Export", str(tmp_path), {".py": "Python", ".json": "JSON"})
    assert offered == ["Python (*.py);;JSON (*.json)"]
    assert path == (None if expected is None else tmp_path / expected)
