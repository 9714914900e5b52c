"""The box of datasets: those to choose from, those that were opened before, and how to open another one."""

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QSignalBlocker, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QFileDialog, QInputDialog, QSizePolicy, QWidget

from minigrad_gui.data import SOURCES, title_of
from minigrad_gui.widgets.accessibility import verbatim
from minigrad_gui.widgets.building import named
from minigrad_gui.widgets.setting_editors import SettingEditor
from minigrad_gui.widgets.wheel import ChoiceBox

FILE, FOLDER, HUB = "Open a file…", "Open a folder…", "Open from the hub…"
COMMANDS = {FILE: "file:", FOLDER: "folder:", HUB: "hub:"}
"""The data of their rows, by title; no source of a dataset ends with a colon."""


class DatasetBox(ChoiceBox):
    """Its rows that open something can be chosen only from the list: the arrow keys and the wheel pass over them."""

    def set_commands_enabled(self, enabled: bool) -> None:
        model = self.model()
        assert isinstance(model, QStandardItemModel)
        for data in COMMANDS.values():
            if (row := self.findData(data)) >= 0:
                model.item(row).setEnabled(enabled)

    def showPopup(self) -> None:
        self.set_commands_enabled(True)
        super().showPopup()

    def hidePopup(self) -> None:
        super().hidePopup()
        QTimer.singleShot(0, self, self._disable_commands)  # after the chosen row has become the current one

    @Slot()
    def _disable_commands(self) -> None:
        self.set_commands_enabled(False)


class _Wishes(QObject):
    chosen = Signal(str)
    """A source of data.SOURCES."""
    wanted = Signal(str)
    """One of COMMANDS, or the source of a dataset that was opened before."""


class DatasetEditor(SettingEditor):
    """Shows the source of a dataset. `on_wanted` tells what is to be opened; meanwhile the old one stays shown."""

    widget: DatasetBox

    def __init__(self, name: str) -> None:
        box = named(DatasetBox(), name)
        box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        super().__init__(box)
        self._wishes = _Wishes(box)
        self._source = next(iter(SOURCES))
        self._recent: Sequence[str] = ()
        self._fill()
        box.currentIndexChanged.connect(self._on_chosen)

    def value(self) -> str:
        return self._source

    def show(self, value: str) -> None:
        self._source = value
        if self.widget.findData(value) < 0:
            self._fill()
        self._show_current()

    def set_recent(self, sources: Sequence[str]) -> None:
        """Offer these datasets, which were opened before."""
        if sources != self._recent:
            self._recent = sources
            self._fill()

    def on_edited(self, slot: Callable[..., None]) -> None:
        self._wishes.chosen.connect(slot)

    def on_wanted(self, slot: Callable[[str], None]) -> None:
        self._wishes.wanted.connect(slot)

    def _fill(self) -> None:
        box = self.widget
        with QSignalBlocker(box):
            box.clear()
            for key, source in SOURCES.items():
                self._add(source.title, key, source.description)
            own = [*self._recent, *({self._source} - {*SOURCES, *self._recent})]
            if own:
                box.insertSeparator(box.count())
            for key in own:
                self._add(title_of(key), key, verbatim(key))
            box.insertSeparator(box.count())
            for title, key in COMMANDS.items():
                self._add(title, key, "")
            box.set_commands_enabled(False)
        self._show_current()

    def _add(self, title: str, key: str, tip: str) -> None:
        self.widget.addItem(title, key)
        self.widget.setItemData(self.widget.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)

    def _show_current(self) -> None:
        with QSignalBlocker(self.widget):
            self.widget.setCurrentIndex(self.widget.findData(self._source))

    @Slot()
    def _on_chosen(self) -> None:
        chosen = self.widget.currentData()
        if chosen in SOURCES:
            self._source = chosen
            self._wishes.chosen.emit(chosen)
        elif chosen is not None:
            self._show_current()
            self._wishes.wanted.emit(chosen)


def ask_for_dataset(command: str, folder: Path, parent: QWidget) -> str | None:
    """Have the person choose a dataset by one of COMMANDS; None if they do not. folder: where to begin."""
    if command == COMMANDS[FILE]:
        return QFileDialog.getOpenFileName(parent, "Open a dataset", str(folder))[0] or None
    if command == COMMANDS[FOLDER]:
        return QFileDialog.getExistingDirectory(parent, "Open a folder with a dataset", str(folder)) or None
    question = "The name of a dataset on huggingface.co, such as ylecun/mnist:"
    name, accepted = QInputDialog.getText(parent, "Open a dataset from the hub", question)
    return name.strip() or None if accepted else None
