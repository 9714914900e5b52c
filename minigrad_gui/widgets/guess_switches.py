"""Switches for what was guessed about a file: each shows the guess, and offers what else may be true."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil

from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QComboBox, QGridLayout, QLabel, QWidget

from minigrad_gui.data.choices import FILES, LABELS, ORIENTATIONS, POLARITIES, SIZINGS, Choices
from minigrad_gui.widgets.building import named
from minigrad_gui.widgets.wheel import ChoiceBox

SPACING_PX, LINES_APART_PX = 8, 6
ICON_GAP_PX = 4
"""Qt adds this to the width of an icon, for which a box asks even if it has none."""


@dataclass(frozen=True)
class _Switch:
    """field: of Choices; values: what it may be; is_rare: it is hidden if nothing was guessed or chosen."""

    field: str
    title: str
    values: Sequence[str]
    tip: str
    is_rare: bool = False


FILES_TIP = """Which files beside it are read with it: none; its other splits and shards; also those called labels, or
images; or those with other numbers in their names, too"""
SWITCHES = (
    _Switch("orientation", "Turn", tuple(ORIENTATIONS), "How the pictures lie in the file; they are set upright"),
    _Switch("polarity", "Ink", POLARITIES, "Whether the ink is lighter or darker than the paper"),
    _Switch("labels", "Labels", LABELS, "What labels from 1 to 10 mean"),
    _Switch("sizing", "Size", SIZINGS, "How pictures of other sizes become 28 x 28"),
    _Switch("files", "Files", FILES, FILES_TIP, is_rare=True),
)


class GuessSwitches(QWidget):
    """Emits `chosen` with the Choices that the person wants."""

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._wanted = Choices()
        self._combos: dict[str, QComboBox] = {}
        self._labels: dict[str, QLabel] = {}
        self._placed: tuple[list[str], int] = [], 0
        """The fields in the grid, and how many are in a row."""
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(SPACING_PX)
        self._grid.setVerticalSpacing(LINES_APART_PX)
        for switch in SWITCHES:
            combo = named(ChoiceBox(self), f"{switch.field}Combo", switch.tip)
            combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            combo.setMinimumContentsLength(1)
            combo.setAccessibleName(switch.title)
            combo.addItem("guess")
            for value in switch.values:
                combo.addItem(value, value)
            combo.currentIndexChanged.connect(self._on_changed)
            label = QLabel(switch.title, self)
            label.setBuddy(combo)
            self._combos[switch.field] = combo
            self._labels[switch.field] = label
            self._show(switch.field, not switch.is_rare)
        self._arrange()

    def show_choices(self, wanted: Choices, guessed: Mapping[str, str | None], useless: Mapping[str, str]) -> None:
        """wanted: None for what is to be guessed; guessed: what the guess of a field was, if that is known; useless:
        fields that change nothing, and why."""
        self._wanted = wanted
        for switch in SWITCHES:
            combo, value = self._combos[switch.field], getattr(wanted, switch.field)
            with QSignalBlocker(combo):
                guess = guessed.get(switch.field) if value is None else None
                combo.setItemText(0, "guess" if guess is None else _guessed(guess))
                combo.setCurrentIndex(max(0, combo.findData(value)) if value is not None else 0)
            reason = useless.get(switch.field)
            combo.setEnabled(reason is None)
            named(combo, combo.objectName(), reason or switch.tip)
            if switch.is_rare and (value is not None or switch.field in guessed):
                self._show(switch.field, bool(value or guessed[switch.field]))
        self._arrange()

    def _show(self, field: str, is_visible: bool) -> None:
        self._labels[field].setVisible(is_visible)
        self._combos[field].setVisible(is_visible)

    @Slot()
    def _on_changed(self) -> None:
        chosen = {field: combo.currentData(Qt.ItemDataRole.UserRole) for field, combo in self._combos.items()}
        self.chosen.emit(replace(self._wanted, **chosen))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _least_width(self, across: int) -> int:
        """In pixels, with so many in a row."""
        advance = self.fontMetrics().horizontalAdvance
        texts = [_guessed(value) for switch in SWITCHES for value in switch.values]
        label_px = max(label.sizeHint().width() for label in self._labels.values())
        combo = next(iter(self._combos.values()))
        frame_px = combo.sizeHint().width() - advance("X") - combo.iconSize().width() - ICON_GAP_PX
        cell_px = label_px + SPACING_PX + frame_px + max(map(advance, texts))
        return across * cell_px + (across - 1) * SPACING_PX

    def _arrange(self) -> None:
        """In as few rows as have room for any of their texts, and these alike."""
        fields = [field for field, combo in self._combos.items() if not combo.isHidden()]
        most = next((each for each in range(len(fields), 1, -1) if self._least_width(each) <= self.width()), 1)
        across = ceil(len(fields) / ceil(len(fields) / most))
        if (fields, across) == self._placed:
            return
        self._placed = fields, across
        for at, field in enumerate(fields):
            line, column = divmod(at, across)
            self._grid.addWidget(self._labels[field], line, 2 * column)
            self._grid.addWidget(self._combos[field], line, 2 * column + 1)
        for column in range(2 * len(self._combos)):
            self._grid.setColumnStretch(column, column % 2 if column < 2 * across else 0)


def _guessed(value: str) -> str:
    return f"guessed: {value}"
