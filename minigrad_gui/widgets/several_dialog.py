"""Asks for the list of values of one setting with which several runs are started, each value with one seed or more."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QSize, Slot
from PySide6.QtWidgets import QComboBox, QDialog, QDialogButtonBox, QLabel, QLineEdit, QWidget

from engine import ConfigError, TrainingConfig
from minigrad_gui import theme
from minigrad_gui.layer_sizes import parse_hidden
from minigrad_gui.widgets.accessibility import explain
from minigrad_gui.widgets.building import caption, column, named, row
from minigrad_gui.widgets.number_spin import count_spin
from minigrad_gui.widgets.screens import resize_within
from minigrad_gui.wording import counted

MOST_RUNS = 100
SIZE_PX = QSize(400, 230)


def _percentage(text: str) -> float:
    """A share, from what is written in per cent, with the sign or without it, as in the settings."""
    share = float(text.removesuffix("%")) / 100
    if not 0 <= share <= 1:
        raise ValueError("this is no share")
    return share


SETTINGS: dict[str, tuple[str, Callable[[str], Any], str]] = {
    "seed": ("Seed", int, "0, 1, 2, 3, 4"),
    "learning_rate": ("Learning rate", float, "0.0001, 0.0005, 0.002, 0.01"),
    "batch_size": ("Batch size", int, "32, 128, 512"),
    "hidden": ("Hidden layers", parse_hidden, "32; 128; 256, 128"),
    "weight_decay": ("Weight decay", float, "0, 0.001, 0.01"),
    "training_samples": ("Samples", int, "500, 2000, 10000, 0"),
    "label_noise": ("Label noise", _percentage, "0%, 10%, 30%"),
    "dropout": ("Dropout", _percentage, "0%, 20%, 50%"),
    "label_smoothing": ("Label smoothing", _percentage, "0%, 5%, 10%"),
    "l1": ("L1 penalty", float, "0, 0.00001, 0.0001"),
    "l2": ("L2 penalty", float, "0, 0.0001, 0.001"),
    "clip_norm": ("Clip norm", float, "0, 1, 5"),
    "schedule": ("Schedule", str, "constant, cosine, one-cycle, step"),
    "averaging": ("Averaging", str, "none, ema, last"),
    "optimizer": ("Optimizer", str, "adam, momentum, sgd"),
    "activation": ("Activation", str, "relu, tanh, sigmoid"),
}
"""Each setting's title, how its values are read, and an example. Layers contain commas, so semicolons part them."""


def configs_of(config: TrainingConfig, setting: str, text: str, seeds: int = 1) -> list[TrainingConfig]:
    """The config with each value of a list instead of its own, and then again with the next seeds, so many in all: all
    values can be compared before the last run. Raises ValueError with a sentence."""
    _, read, example = SETTINGS[setting]
    texts = [part.strip() for part in text.split(";" if setting == "hidden" or ";" in text else ",") if part.strip()]
    if not texts:
        raise ValueError(f"Write some values, such as {example}.")
    if len(texts) * seeds > MOST_RUNS:
        raise ValueError(f"At most {MOST_RUNS} runs, not {len(texts) * seeds:,}.")
    configs = []
    for part in texts:
        try:
            value = read(part)
        except ConfigError:
            raise
        except ValueError:
            raise ValueError(f"“{part}” is not a value of this setting; it is like {example}.") from None
        configs.append(replace(config, **{setting: value}))
    return [replace(each, seed=each.seed + more) if more else each for more in range(seeds) for each in configs]


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
        for name, (title, _, _) in SETTINGS.items():
            self._setting.addItem(title, name)
        self._values = named(QLineEdit(), "severalValuesEdit", "The values, one for each run")
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
        self._values.setText(SETTINGS[self._setting.currentData()][2])
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
