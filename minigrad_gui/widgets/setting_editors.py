"""A common interface for showing, reading and watching a setting, whatever widget edits it."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QComboBox, QLayout, QLineEdit, QSizePolicy, QWidget

from engine import ConfigError
from minigrad_gui.layer_sizes import parse_hidden
from minigrad_gui.widgets.amount_slider import AmountSlider
from minigrad_gui.widgets.building import named, row
from minigrad_gui.widgets.number_spin import CountSpin, DecimalSpin
from minigrad_gui.widgets.wheel import ChoiceBox


class SettingEditor(ABC):
    """A widget that edits a setting. `show` does not count as an edit."""

    def __init__(self, widget: QWidget) -> None:
        self.widget = widget

    @property
    def shown(self) -> QWidget | QLayout:
        """The widget, or a layout with it and its readout."""
        return self.widget

    def complaint(self) -> str:
        """Why the entered text is invalid, as a sentence; "" if it is valid."""
        return ""

    @abstractmethod
    def value(self) -> Any:
        """The setting that is shown. Raises ConfigError if it is invalid."""

    @abstractmethod
    def show(self, value: Any) -> None:
        """Show a setting; a widget that already shows it does not change, as the user may be typing there."""

    @abstractmethod
    def on_edited(self, slot: Callable[..., None]) -> None:
        """Call `slot` on every edit."""


class LayersEditor(SettingEditor):
    widget: QLineEdit

    def __init__(self, name: str) -> None:
        super().__init__(named(QLineEdit(placeholderText="none: softmax regression"), name))

    def value(self) -> tuple[int, ...]:
        return parse_hidden(self.widget.text())

    def show(self, value: tuple[int, ...]) -> None:
        try:
            is_shown = self.value() == value
        except ConfigError:
            is_shown = False
        if not is_shown:
            with QSignalBlocker(self.widget):
                self.widget.setText(", ".join(map(str, value)))

    def on_edited(self, slot: Callable[..., None]) -> None:
        self.widget.textChanged.connect(slot)


class ChoiceEditor(SettingEditor):
    widget: QComboBox

    def __init__(self, name: str, titles: dict[str, str], tips: dict[str, str] | None = None) -> None:
        """titles and tips: by value of the setting."""
        combo = named(ChoiceBox(), name)
        # As wide as the form lets it; setSizeAdjustPolicy would make the list that pops up, which takes long.
        combo.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        for index, (key, title) in enumerate(titles.items()):
            combo.addItem(title, key)
            combo.setItemData(index, (tips or {}).get(key), Qt.ItemDataRole.ToolTipRole)
        super().__init__(combo)

    def value(self) -> Any:
        return self.widget.currentData()

    def show(self, value: str) -> None:
        with QSignalBlocker(self.widget):
            self.widget.setCurrentIndex(self.widget.findData(value))

    def on_edited(self, slot: Callable[..., None]) -> None:
        self.widget.currentIndexChanged.connect(slot)


class NumberEditor(SettingEditor):
    """A number, which stays exact while the spin box shows it rounded."""

    widget: CountSpin | DecimalSpin

    def __init__(self, spin: CountSpin | DecimalSpin, factor: int = 1) -> None:
        """factor: the number shown for a setting of 1."""
        super().__init__(spin)
        self._factor = factor
        self._filled: tuple[float, Any] | None = None  # the number shown, and its setting

    def complaint(self) -> str:
        return self.widget.complaint()

    def value(self) -> Any:
        number = self.widget.value()
        if self._filled is not None and self._filled[0] == number:
            return self._filled[1]
        return number / self._factor if self._factor != 1 else number

    def show(self, value: Any) -> None:
        number: Any = value
        if self._factor != 1:
            number = round(value * self._factor, self.widget.decimals() if isinstance(self.widget, DecimalSpin) else 0)
        with QSignalBlocker(self.widget):
            if self.widget.value() != number or self.complaint():
                self.widget.setValue(number)
        self._filled = self.widget.value(), value

    def on_edited(self, slot: Callable[..., None]) -> None:
        self.widget.valueChanged.connect(slot)
        self.widget.editingFinished.connect(slot)
        self.widget.lineEdit().textEdited.connect(slot)


class AmountEditor(SettingEditor):
    widget: AmountSlider

    def __init__(self, name: str, most: float, step: float, unit: str = "", factor: int = 1) -> None:
        super().__init__(named(AmountSlider(most, step, unit, factor), name))

    @property
    def shown(self) -> QLayout:
        return row(self.widget, self.widget.readout)

    def value(self) -> float:
        return self.widget.amount

    def show(self, value: float) -> None:
        self.widget.set_amount(value)

    def on_edited(self, slot: Callable[..., None]) -> None:
        self.widget.amountChanged.connect(slot)
