"""A slider for an amount of at least 0, with a readout beside it."""

from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtWidgets import QSlider, QWidget

from minigrad_gui.widgets.accessibility import plain
from minigrad_gui.widgets.building import caption
from minigrad_gui.widgets.wheel import WheelWithFocus

WIDEST_READOUT = "0.00 px"
PAGE_SHARE = 0.1
"""A click beside the handle moves it by this share of its range."""


class AmountSlider(WheelWithFocus, QSlider):
    """An amount set by the program stays exact, even between two steps, until the user moves the slider."""

    amountChanged = Signal()  # noqa: N815

    def __init__(
        self, most: float, step: float, unit: str = "", factor: int = 1, parent: QWidget | None = None
    ) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.amount = 0.0
        self.readout = caption(align=Qt.AlignmentFlag.AlignRight)
        """A label that shows the amount times the factor, with its unit."""
        self._step, self._unit, self._factor = step, unit, factor
        self.setMaximum(round(most / step))
        self.setPageStep(max(round(PAGE_SHARE * self.maximum()), 1))
        self.readout.setMinimumWidth(self.readout.fontMetrics().horizontalAdvance(WIDEST_READOUT))
        self.valueChanged.connect(self._on_moved)
        self._show_amount()

    def set_amount(self, amount: float) -> None:
        """Show this amount, without `amountChanged`, which tells of the user's changes."""
        if amount != self.amount:
            with QSignalBlocker(self):
                self.setValue(round(amount / self._step))
            self.amount = amount
            self._show_amount()

    @Slot(int)
    def _on_moved(self, position: int) -> None:
        self.amount = round(position * self._step, 6)
        self._show_amount()
        self.amountChanged.emit()

    def _show_amount(self) -> None:
        self.readout.setText(f"{self.amount * self._factor:g}{self._unit}")
        self._describe()

    def setToolTip(self, tip: str) -> None:
        super().setToolTip(tip)
        self._describe()

    def _describe(self) -> None:
        """Describe the amount: the value that Qt announces is a number of steps."""
        self.setAccessibleDescription(f"{self.readout.text()}. {plain(self.toolTip())}")
