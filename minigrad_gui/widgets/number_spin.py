"""Number fields that accept any text and never change it, but for a suffix that is there twice; the view marks what is
invalid.

Qt's own fields refuse a key that leads out of the range, so that 80 becomes 8 where 50 is the maximum, and replace text
that is not a number by the last number.
"""

import re
from typing import TYPE_CHECKING, Any

from PySide6.QtGui import QValidator
from PySide6.QtWidgets import QAbstractSpinBox, QDoubleSpinBox, QSpinBox

from minigrad_gui.widgets.building import named
from minigrad_gui.widgets.wheel import WheelWithFocus
from minigrad_gui.wording import counted

TEXT_MARGINS_PX = (6, 0, 0, 0)
WHOLE = re.compile(r"[-+]?\d+|[-+]?\d{1,3}([, ]\d{3})+")
DECIMAL = re.compile(r"[-+]?(\d+[.,]?\d*|[.,]\d+)([eE][-+]?\d+)?")

if TYPE_CHECKING:

    class _Base(QAbstractSpinBox):
        def minimum(self) -> Any: ...
        def maximum(self) -> Any: ...
        def value(self) -> Any: ...
        def setValue(self, value: Any) -> None: ...
        def suffix(self) -> str: ...
        def setSuffix(self, suffix: str) -> None: ...

        valueChanged: Any  # noqa: N815
else:
    _Base = object


class _AsTyped(_Base):
    """Shared by both kinds."""

    _is_set = False
    """True while the program or the arrows set the number; False while it is typed."""
    _unit = _at_zero = ""

    def number(self, text: str) -> float | None:
        """The number in the text, in range or not; None if it is not a number."""
        raise NotImplementedError

    def written(self, value: float) -> str:
        """The text for a number in range."""
        raise NotImplementedError

    def complaint(self) -> str:
        """Why the text is invalid, as a sentence; "" if it is valid."""
        return self._complaint(self._typed())

    def _typed(self) -> str:
        return self._bare(self.lineEdit().text())

    def _bare(self, text: str) -> str:
        """The text without the suffix, be it the field's or a person's, in full or in part."""
        return text.rstrip(f"{self.suffix()} ").lstrip()

    def _complaint(self, text: str) -> str:
        number = self.number(text)
        if number is not None and self.minimum() <= number <= self.maximum():
            return ""
        return f"Enter a number from {self.written(self.minimum())} to {self.maximum():,.10g}."

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        bare = self._bare(text)
        if bare != text.removesuffix(self.suffix()).strip():  # a person has written the suffix, too
            text, position = bare + self.suffix(), min(position, len(bare))
        unfit = self._complaint(bare)
        return QValidator.State.Intermediate if unfit else QValidator.State.Acceptable, text, position

    def textFromValue(self, value: float) -> str:
        """The number as text, or the invalid text that was typed instead."""
        is_invalid = not self._is_set and value == self.value() and self.complaint()
        return self._typed() if is_invalid else self.written(value)

    def explain_zero(self, meaning: str) -> None:
        """Show what 0 means behind it, which no other number needs."""
        self._unit, self._at_zero = self.suffix(), f"{self.suffix()} ({meaning})"
        self.valueChanged.connect(self._set_suffix)
        self._set_suffix(self.value())

    def _set_suffix(self, value: float) -> None:
        suffix = self._unit if value else self._at_zero
        if suffix != self.suffix():
            was_set, self._is_set = self._is_set, True  # the text has the other suffix, and is not invalid
            self.setSuffix(suffix)
            self._is_set = was_set

    def setValue(self, value: float) -> None:
        self._is_set = True
        super().setValue(value)
        if self._at_zero:  # its signals may be blocked
            self._set_suffix(self.value())
        self._is_set = False

    def stepEnabled(self) -> QAbstractSpinBox.StepEnabledFlag:
        """Both arrows correct an invalid text, even if the last valid number is at an end of the range."""
        arrows = QAbstractSpinBox.StepEnabledFlag
        return arrows.StepUpEnabled | arrows.StepDownEnabled if self.complaint() else super().stepEnabled()

    def stepBy(self, steps: int) -> None:
        """A number out of range becomes the nearest in range; invalid text becomes the last valid number."""
        if not self.complaint():
            super().stepBy(steps)
            return
        number = self.number(self._typed())
        self.setValue(self.value() if number is None else min(max(number, self.minimum()), self.maximum()))
        self.editingFinished.emit()  # the text has changed, if not the number


class CountSpin(_AsTyped, WheelWithFocus, QSpinBox):
    """A whole number."""

    def number(self, text: str) -> int | None:
        return int(re.sub("[, ]", "", text)) if WHOLE.fullmatch(text) else None

    def written(self, value: float) -> str:
        return str(value)

    def _complaint(self, text: str) -> str:
        unfit = super()._complaint(text)
        is_whole = not text or self.number(text) is not None
        return unfit if is_whole else unfit.replace("a number", "a whole number")

    def valueFromText(self, text: str) -> int:
        number = self.number(self._bare(text))
        return int(self.value() if number is None else number)


class DecimalSpin(_AsTyped, WheelWithFocus, QDoubleSpinBox):
    """Shows 0.001 as 0.001 and not as 0.001000; accepts a point, a comma and 1e-3 in every language."""

    def number(self, text: str) -> float | None:
        return float(text.replace(",", ".")) if DECIMAL.fullmatch(text) else None

    def written(self, value: float) -> str:
        return f"{value:.{self.decimals()}f}".rstrip("0").rstrip(".") or "0"

    def _complaint(self, text: str) -> str:
        unfit, number = super()._complaint(text), self.number(text)
        if unfit or number is None or float(f"{number:.{self.decimals()}f}") == number:
            return unfit
        return f"Enter at most {counted(self.decimals(), 'decimal')}."

    def valueFromText(self, text: str) -> float:
        number = self.number(self._bare(text))
        return self.value() if number is None else number


def decimal_spin(
    name: str, low: float, high: float, *, decimals: int, step: float | None = None, suffix: str = "", zero: str = ""
) -> DecimalSpin:
    """step: what an arrow adds; None is a tenth of the number's order of magnitude. zero: what 0 means, if not 0."""
    spin = named(DecimalSpin(decimals=decimals, minimum=low, maximum=high, suffix=suffix), name)
    spin.lineEdit().setTextMargins(*TEXT_MARGINS_PX)
    if step is None:
        spin.setStepType(QAbstractSpinBox.StepType.AdaptiveDecimalStepType)
    else:
        spin.setSingleStep(step)
    if zero:
        spin.explain_zero(zero)
    return spin


def count_spin(name: str, low: int, high: int, *, suffix: str = "", zero: str = "") -> CountSpin:
    """zero: what 0 means, if not 0."""
    spin = named(CountSpin(minimum=low, maximum=high, suffix=suffix), name)
    spin.lineEdit().setTextMargins(*TEXT_MARGINS_PX)
    if zero:
        spin.explain_zero(zero)
    return spin
