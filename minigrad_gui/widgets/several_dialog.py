"""Asks for the list of values of one setting with which several runs are started, each value with one seed or more."""

import re
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QSize, Slot
from PySide6.QtWidgets import QComboBox, QDialog, QDialogButtonBox, QLabel, QLineEdit, QWidget

from engine import TrainingConfig
from minigrad_gui import theme
from minigrad_gui.layer_sizes import parse_hidden
from minigrad_gui.widgets.accessibility import explain
from minigrad_gui.widgets.building import caption, column, named, row
from minigrad_gui.widgets.number_spin import count_spin
from minigrad_gui.widgets.screens import resize_within
from minigrad_gui.widgets.setting_editors import LayersEditor, NumberEditor, SettingEditor
from minigrad_gui.widgets.setting_table import BY_FIELD
from minigrad_gui.wording import counted

MOST_RUNS = 100
SIZE_PX = QSize(400, 230)


EXAMPLES = {
    "seed": "0, 1, 2, 3, 4",
    "learning_rate": "0.0001, 0.0005, 0.002, 0.01",
    "batch_size": "32, 128, 512",
    "hidden": "32; 128; 256, 128",
    "receptive_field_px": "0, 7, 14, 20",
    "weight_decay": "0, 0.001, 0.01",
    "training_samples": "500, 2000, 10000, 0",
    "label_noise": "0%, 10%, 30%",
    "dropout": "0%, 20%, 50%",
    "label_smoothing": "0%, 5%, 10%",
    "normalization": "none, batch",
    "l1": "0, 0.00001, 0.0001",
    "l2": "0, 0.0001, 0.001",
    "clip_norm": "0, 1, 5",
    "elastic_sigma_px": "3, 4, 6, 8",
    "plain_epochs": "0, 1, 2",
    "schedule": "constant, cosine, one-cycle, step",
    "averaging": "none, ema, last",
    "keep_best": "none, loss, accuracy",
    "members": "1, 2, 3",
    "optimizer": "adam, momentum, sgd",
    "activation": "relu, tanh, sigmoid",
}
"""The settings that can differ, each with some values. Layers contain commas, so semicolons part them."""
COMMA = re.compile(r"(?<!\d),|,(?!\d)")
"""One that parts values: between two digits it belongs to a number, as in the settings."""


def configs_of(config: TrainingConfig, setting: str, text: str, seeds: int = 1) -> list[TrainingConfig]:
    """The config with each value of a list instead of its own, and then again with the next seeds, so many in all: all
    values can be compared before the last run. Raises ValueError with a sentence."""
    chosen, example = BY_FIELD[setting], EXAMPLES[setting]
    if not chosen.is_used({**vars(config), **vars(config.augmentation)}.__getitem__):
        raise ValueError(f"“{chosen.name}” makes no difference with the other settings as they are.")
    parts = text.split(";") if setting == "hidden" or ";" in text else COMMA.split(text)
    editor = chosen.make()
    texts = [each.strip() for part in parts for each in _parted(editor, part) if each.strip()]
    if not texts:
        raise ValueError(f"Write some values, such as {example}.")
    if len(texts) * seeds > MOST_RUNS:
        raise ValueError(f"At most {MOST_RUNS} runs, not {len(texts) * seeds:,}.")
    configs = [_with(config, setting, _read(editor, part, example)) for part in texts]
    return [replace(each, seed=each.seed + more) if more else each for more in range(seeds) for each in configs]


def _parted(editor: SettingEditor, text: str) -> list[str]:
    """The values in a text with commas between digits: "60,000" is one, and "0,1,2", which is no number, three."""
    if not isinstance(editor, NumberEditor) or "," not in text:
        return [text]
    editor.widget.lineEdit().setText(text.strip())
    return text.split(",") if editor.complaint() else [text]


def _read(editor: SettingEditor, text: str, example: str) -> Any:
    """The value that is written so, as the settings take it; a choice by its name in files. Raises ValueError."""
    if isinstance(editor, LayersEditor):
        return parse_hidden(text)
    if not isinstance(editor, NumberEditor):
        return text
    editor.widget.lineEdit().setText(text)
    if editor.complaint():
        raise ValueError(f"“{text}” does not fit. {editor.complaint()} Write values like {example}.")
    return editor.value()


def _with(config: TrainingConfig, setting: str, value: Any) -> TrainingConfig:
    """The config with this value of one of its settings, or of its augmentation's."""
    if setting in vars(config):
        return replace(config, **{setting: value})
    return replace(config, augmentation=replace(config.augmentation, **{setting: value}))


class SeveralDialog(QDialog):
    """`configs` are those of the runs to start, once the dialog has been accepted; `has_means`, whether some of them
    differ only in their seed."""

    def __init__(self, config: TrainingConfig, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("severalDialog")
        self.setWindowTitle("Several runs")
        resize_within(self, SIZE_PX)
        self._config = config
        self.configs: list[TrainingConfig] = []
        self._setting = named(QComboBox(), "severalSettingCombo", "What differs between the runs")
        self._setting.setAccessibleName("Setting")
        for setting in EXAMPLES:
            self._setting.addItem(BY_FIELD[setting].name, setting)
        self._values = named(QLineEdit(), "severalValuesEdit", "The values, with a comma and a blank between them")
        self._values.setAccessibleName("Values")
        tip = "Each value is tried with so many seeds, from that of the settings on"
        self._seeds = count_spin("severalSeedsSpin", 1, MOST_RUNS)
        explain(self._seeds, tip)
        self._seeds.setValue(1)
        self._seeds.setAccessibleName("Seeds per value")
        self._told = named(caption(), "severalLabel")
        self._told.setWordWrap(True)
        buttons = QDialogButtonBox()
        buttons.addButton("Cancel", QDialogButtonBox.ButtonRole.RejectRole)
        self._start = buttons.addButton("Start", QDialogButtonBox.ButtonRole.AcceptRole)
        named(self._start, "severalStartButton")
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        said = caption("One run after the other, with the current settings but for this one.")
        said.setWordWrap(True)
        fields = row(self._setting, self._values)
        label = QLabel("Seeds &per value")
        label.setBuddy(self._seeds)
        column(
            said,
            fields,
            row(label, self._seeds, 1),
            self._told,
            1,
            buttons,
            spacing=theme.SPACING_PX,
            margin=theme.SPACING_PX,
            parent=self,
        )
        self._setting.currentIndexChanged.connect(self._show_example)
        self._values.textChanged.connect(self._check)
        self._seeds.valueChanged.connect(self._check)
        self._seeds.lineEdit().textChanged.connect(self._check)
        self._show_example()

    def _seeds_per_value(self) -> int:
        """Raises ValueError with a sentence."""
        if not self._seeds.isEnabled():
            return 1
        if self._seeds.complaint():
            raise ValueError(self._seeds.complaint())
        return int(self._seeds.value())

    @property
    def has_means(self) -> bool:
        kinds = {replace(config, seed=0) for config in self.configs}
        return len(kinds) < len(self.configs)

    @Slot()
    def _show_example(self) -> None:
        self._seeds.setEnabled(self._setting.currentData() != "seed")
        self._values.setText(EXAMPLES[self._setting.currentData()])
        self._check()

    @Slot()
    def _check(self) -> None:
        try:
            self.configs = configs_of(
                self._config, self._setting.currentData(), self._values.text(), self._seeds_per_value()
            )
            self._told.setText(counted(len(self.configs), "run"))
        except ValueError as error:
            self.configs = []
            self._told.setText(str(error))
        self._start.setEnabled(bool(self.configs))
