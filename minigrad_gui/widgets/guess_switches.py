"""Switches for what was guessed about a file: each shows the guess, and offers what else may be true."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QComboBox, QGridLayout, QLabel, QWidget

from minigrad_gui.data.choices import LABELS, ORIENTATIONS, POLARITIES, SIZINGS, Choices
from minigrad_gui.widgets.building import named
from minigrad_gui.widgets.wheel import ChoiceBox

ACROSS = (4, 2, 1)
"""So many are in a row: as many as have room for any of their texts."""
SPACING_PX, LINES_APART_PX = 8, 6
ICON_GAP_PX = 4
"""Qt adds this to the width of an icon, for which a box asks even if it has none."""


@dataclass(frozen=True)
class _Switch:
    """field: of Choices; values: what it may be."""

    field: str
    title: str
    values: Sequence[str]
    tip: str


SWITCHES = (
    _Switch("orientation", "Turn", tuple(ORIENTATIONS), "How the pictures lie in the file; they are set upright"),
    _Switch("polarity", "Ink", POLARITIES, "Whether the ink is lighter or darker than the paper"),
    _Switch("labels", "Labels", LABELS, "What labels from 1 to 10 mean"),
    _Switch("sizing", "Size", SIZINGS, "How pictures of other sizes become 28 x 28"),
)


class GuessSwitches(QWidget):
    """Emits `chosen` with the Choices that the person wants."""

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._wanted = Choices()
        self._combos: dict[str, QComboBox] = {}
        self._cells: list[tuple[QLabel, QComboBox]] = []
        self._across = 0
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(SPACING_PX)
        self._grid.setVerticalSpacing(LINES_APART_PX)
        for switch in SWITCHES:
            combo = named(ChoiceBox(), f"{switch.field}Combo", switch.tip)
            combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            combo.setMinimumContentsLength(1)
            combo.setAccessibleName(switch.title)
            combo.addItem("guess")
            for value in switch.values:
                combo.addItem(value, value)
            combo.currentIndexChanged.connect(self._on_changed)
            label = QLabel(switch.title)
            label.setBuddy(combo)
            self._combos[switch.field] = combo
            self._cells.append((label, combo))
        self._arrange()

    def show_choices(self, wanted: Choices, guessed: Mapping[str, str], useless: Mapping[str, str]) -> None:
        """wanted: None for what is to be guessed; guessed: what the guess of a field was, if that is known; useless:
        fields that change nothing, and why."""
        self._wanted = wanted
        for switch in SWITCHES:
            combo, value = self._combos[switch.field], getattr(wanted, switch.field)
            with QSignalBlocker(combo):
                is_guess = value is None and switch.field in guessed
                combo.setItemText(0, _guessed(guessed[switch.field]) if is_guess else "guess")
                combo.setCurrentIndex(max(0, combo.findData(value)) if value is not None else 0)
            reason = useless.get(switch.field)
            combo.setEnabled(reason is None)
            named(combo, combo.objectName(), reason or switch.tip)

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
        label_px = max(label.sizeHint().width() for label, _ in self._cells)
        combo = self._cells[0][1]
        frame_px = combo.sizeHint().width() - advance("X") - combo.iconSize().width() - ICON_GAP_PX
        cell_px = label_px + SPACING_PX + frame_px + max(map(advance, texts))
        return across * cell_px + (across - 1) * SPACING_PX

    def _arrange(self) -> None:
        across = next((each for each in ACROSS if self._least_width(each) <= self.width()), ACROSS[-1])
        if across == self._across:
            return
        self._across = across
        for at, (label, combo) in enumerate(self._cells):
            line, column = divmod(at, across)
            self._grid.addWidget(label, line, 2 * column)
            self._grid.addWidget(combo, line, 2 * column + 1)
        for column in range(2 * len(self._cells)):
            self._grid.setColumnStretch(column, column % 2 if column < 2 * across else 0)


def _guessed(value: str) -> str:
    return f"guessed: {value}"
