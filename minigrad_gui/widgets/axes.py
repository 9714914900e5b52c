"""Axes of the learning curves: of the loss, with few labels on a logarithmic scale, and of mini-batches and epochs."""

import math
from collections.abc import Iterable, Sequence

from PySide6.QtGui import QFont, QFontMetrics

from minigrad_gui.widgets.graphs import pg

MOST_DECADES = 6
PLAIN_DECADES = range(-4, 6)
"""Powers of ten that are written without an exponent."""
LABEL_SPACING_PX = 18
EPOCH_SPACING_PX = 56
"""Smallest distance between the marks of epochs."""


class HeightAxis(pg.AxisItem):  # type: ignore[misc]
    """A vertical axis with no more labels than fit."""

    def tickSpacing(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, float]]:
        levels: list[tuple[float, float]] = super().tickSpacing(minVal, maxVal, size)
        per_unit_px = size / (maxVal - minVal) if maxVal > minVal else 0
        fitting = [level for level in levels if level[0] * per_unit_px >= LABEL_SPACING_PX]
        if fitting or not levels or not per_unit_px:
            return fitting
        return [(round_number(LABEL_SPACING_PX / per_unit_px), 0.0)]


class LossAxis(HeightAxis):
    """On a logarithmic scale, labels at powers of ten and, if there is room, at 2 and 5 times those."""

    def logTickValues(self, minVal: float, maxVal: float, size: float, *_: object) -> list[tuple[None, list[float]]]:
        decade_px = max(size, 1) / max(maxVal - minVal, 1e-9)
        stride = max(1, math.ceil((maxVal - minVal) / MOST_DECADES), math.ceil(LABEL_SPACING_PX / decade_px))
        decades = range(math.floor(minVal / stride) * stride, math.ceil(maxVal) + 1, stride)
        has_room = maxVal - minVal < MOST_DECADES / 2 and math.log10(2) * decade_px >= LABEL_SPACING_PX
        values = [decade + math.log10(digit) for decade in decades for digit in ((1, 2, 5) if has_room else (1,))]
        return [(None, [value for value in values if minVal <= value <= maxVal])]

    def logTickStrings(self, values: Sequence[float], *_: object) -> list[str]:
        """All in plain notation, or all as a digit and a power of ten."""
        if all(math.floor(value) in PLAIN_DECADES for value in values):
            return [f"{float(f'{10**value:.1e}'):.{max(0, -math.floor(value + 1e-9))}f}" for value in values]
        return [f"{10 ** (value % 1):.0f}e{math.floor(value)}" for value in values]


class CountAxis(pg.AxisItem):  # type: ignore[misc]
    """Mini-batches or epochs, written as everywhere else: 20,000."""

    def resizeEvent(self, event: object = None) -> None:
        super().resizeEvent(event)
        if self.label is not None:  # as after closing
            # pyqtgraph has it stand out below, where the plot ends: descenders would be cut.
            self.label.setY(self.size().height() - self.label.boundingRect().height())

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        if spacing < 1:
            parts: list[str] = super().tickStrings(values, scale, spacing)
            return parts
        return [f"{value * scale:,.0f}" for value in values]


class EpochAxis(pg.AxisItem):  # type: ignore[misc]
    """Marks the ends of epochs on a scale of mini-batches: every one, or every 2nd, 5th, 10th, … if there are many."""

    def __init__(self, orientation: str) -> None:
        super().__init__(orientation)
        # pyqtgraph would reserve four fifths of a line, and only from the first painting on.
        self.setStyle(autoExpandTextSpace=False, tickTextHeight=QFontMetrics(QFont()).height())
        self._steps_per_epoch = 0

    def set_steps_per_epoch(self, steps: int) -> None:
        """steps: mini-batches per epoch; 0 if unknown: then nothing is marked."""
        if steps != self._steps_per_epoch:
            self._steps_per_epoch = steps
            self.picture = None
            self.update()

    def tickValues(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, list[float]]]:
        if size <= 0 or maxVal <= minVal or not self._steps_per_epoch:
            return []
        per_epoch_px = self._steps_per_epoch * size / (maxVal - minVal)
        spacing = round(round_number(max(1, EPOCH_SPACING_PX / per_epoch_px))) * self._steps_per_epoch
        first = max(1, math.ceil(minVal / spacing))
        return [(spacing, [float(number * spacing) for number in range(first, math.floor(maxVal / spacing) + 1)])]

    def tickStrings(self, values: Iterable[float], *_: object) -> list[str]:
        numbers = [round(value / self._steps_per_epoch) for value in values]
        return [f"epoch {number}" if index == 0 else str(number) for index, number in enumerate(numbers)]


def round_number(least: float) -> float:
    """The smallest of …, 0.5, 1, 2, 5, 10, 20, … that is at least `least`."""
    decade = 10.0 ** math.floor(math.log10(least))
    return next(digit * decade for digit in (1, 2, 5, 10, 20) if digit * decade >= least)
