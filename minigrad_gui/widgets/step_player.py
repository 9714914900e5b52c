"""Buttons and a slider that lead through numbered steps."""

from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtWidgets import QPushButton, QSlider, QWidget

from minigrad_gui import theme
from minigrad_gui.widgets.building import caption, named, row

BUTTON_PX = 36


class StepPlayer(QWidget):
    """Emits `moved` with the number of steps done, from 0 to `count`, when the person changes it."""

    moved = Signal(int)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        """name: with which the names of its widgets begin."""
        super().__init__(parent)
        self._back = self._button(f"{name}BackButton", "One step back")
        self._forward = self._button(f"{name}ForwardButton", "One step forward")
        self._slider = named(QSlider(Qt.Orientation.Horizontal), f"{name}Slider", "How many steps are done")
        self._slider.setAccessibleName("Steps done")
        self._label = named(caption(align=Qt.AlignmentFlag.AlignRight), f"{name}Label")
        self._back.setAutoRepeat(True)
        self._forward.setAutoRepeat(True)
        self._back.clicked.connect(self.back)
        self._forward.clicked.connect(self.forward)
        self._slider.valueChanged.connect(self._on_value)
        row(self._back, self._slider, self._forward, self._label, parent=self)
        self.set_count(0)

    def _button(self, name: str, tip: str) -> QPushButton:
        button = named(QPushButton(), name, tip)
        button.setAccessibleName(tip)
        button.setProperty("iconOnly", True)
        button.setFixedWidth(BUTTON_PX)
        return button

    @property
    def done(self) -> int:
        return self._slider.value()

    def set_count(self, count: int, done: int | None = None) -> None:
        """There are now so many steps. done: how many of them are; None for as many as before, if there are so many."""
        with QSignalBlocker(self._slider):
            self._slider.setRange(0, count)
            if done is not None:
                self._slider.setValue(done)
        self._label.setMinimumWidth(self._label.fontMetrics().horizontalAdvance(f"{count} / {count} "))
        self._show()

    @Slot(int)
    def go(self, steps: int) -> None:
        """On by so many steps, or back, as far as there are any."""
        self._slider.setValue(self._slider.value() + steps)

    @Slot()
    def back(self) -> None:
        self.go(-1)

    @Slot()
    def forward(self) -> None:
        self.go(1)

    def restyle(self) -> None:
        """The theme's colours have changed."""
        colors = theme.colors()
        self._back.setIcon(theme.icon("back", colors.text, colors.muted))
        self._forward.setIcon(theme.icon("step", colors.text, colors.muted))

    @Slot(int)
    def _on_value(self, value: int) -> None:
        self._show()
        self.moved.emit(value)

    def _show(self) -> None:
        value, count = self._slider.value(), self._slider.maximum()
        self._label.setText(f"{value} / {count}")
        self._back.setEnabled(value > 0)
        self._forward.setEnabled(value < count)
        self._slider.setEnabled(count > 0)
