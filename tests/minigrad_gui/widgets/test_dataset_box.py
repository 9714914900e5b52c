"""The box of datasets, without a window."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QInputDialog, QWidget

from minigrad_gui.data import SOURCES
from minigrad_gui.widgets.dataset_box import (
    COMMANDS,
    FILE,
    FOLDER,
    HUB,
    DatasetEditor,
    ask_for_dataset,
)

OWN = "/some/folder/digits.csv"


@pytest.fixture
def editor(qtbot):
    editor = DatasetEditor("datasetCombo")
    qtbot.addWidget(editor.widget)
    editor.widget.show()
    return editor


def titles(editor) -> list[str]:
    box = editor.widget
    return [box.itemText(row) for row in range(box.count()) if box.itemText(row)]


def test_it_lists_what_there_is_what_was_opened_and_how_to_open_more(editor):
    chosen = [source.title for source in SOURCES.values()]
    assert titles(editor) == [*chosen, FILE, FOLDER, HUB]
    editor.set_recent([OWN, "owner/name"])
    assert titles(editor) == [*chosen, "digits.csv", "owner/name", FILE, FOLDER, HUB]
    assert editor.widget.itemData(editor.widget.findData(OWN), Qt.ItemDataRole.ToolTipRole) == OWN


def test_one_to_choose_is_chosen_and_others_are_asked_for(editor):
    edited, wanted = [], []
    editor.on_edited(edited.append)
    editor.on_wanted(wanted.append)
    editor.set_recent([OWN])
    box = editor.widget
    box.setCurrentIndex(box.findData("mnist+pen"))
    assert (editor.value(), edited, wanted) == ("mnist+pen", ["mnist+pen"], [])
    for key in (OWN, COMMANDS[FILE]):
        box.setCurrentIndex(box.findData(key))
        assert (editor.value(), box.currentData()) == ("mnist+pen", "mnist+pen"), "until it has been opened"
    assert wanted == [OWN, COMMANDS[FILE]]


def test_one_that_was_never_opened_here_is_shown_too(editor):
    editor.show(OWN)
    assert (editor.value(), editor.widget.currentText()) == (OWN, "digits.csv")
    editor.set_recent([OWN])
    assert titles(editor).count("digits.csv") == 1


def test_the_arrow_keys_open_no_dialog(editor, qtbot):
    wanted = []
    editor.on_wanted(wanted.append)
    box = editor.widget
    box.setFocus()
    for _ in range(box.count()):
        qtbot.keyClick(box, Qt.Key.Key_Down)
    qtbot.keyClick(box, Qt.Key.Key_End)
    assert (box.currentData(), wanted) == (list(SOURCES)[-1], [])


def test_the_list_can_open_others(editor, qtbot):
    wanted = []
    editor.on_wanted(wanted.append)
    box = editor.widget
    box.showPopup()
    for _ in range(box.count()):
        qtbot.keyClick(box.view(), Qt.Key.Key_Down)
    qtbot.keyClick(box.view(), Qt.Key.Key_Return)
    assert wanted == [COMMANDS[HUB]]
    command = box.model().item(box.findData(COMMANDS[HUB]))
    qtbot.waitUntil(lambda: not command.isEnabled())
    qtbot.keyClick(box, Qt.Key.Key_End)
    assert wanted == [COMMANDS[HUB]]


def test_a_person_chooses_a_file_a_folder_or_a_name(qtbot, monkeypatch):
    parent = QWidget()
    qtbot.addWidget(parent)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (OWN, ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "")
    monkeypatch.setattr(QInputDialog, "getText", lambda *_: (" owner/name ", True))
    answers = [ask_for_dataset(COMMANDS[title], Path.home(), parent) for title in (FILE, FOLDER, HUB)]
    assert answers == [OWN, None, "owner/name"]
    monkeypatch.setattr(QInputDialog, "getText", lambda *_: ("owner/name", False))
    assert ask_for_dataset(COMMANDS[HUB], Path.home(), parent) is None
