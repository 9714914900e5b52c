"""How a neuron comes to its output, in numbers: its strongest terms, the rest, the bias and the sum."""

from typing import NamedTuple

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QAccessible, QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from minigrad_gui import theme
from minigrad_gui.digits import SIDE_PX
from minigrad_gui.insight.neurons import Arithmetic

ROWS_BESIDES = 4
"""For the other terms, the bias, the sum and the output."""
LEAST_ROWS = 6
VALUES_SHARE = 0.22
"""Of the width, for what stands right of the factors."""
ROOMY_PX = 205
"""In a narrower table, numbers stand without saying what they count."""
LARGE = 1000


class Line(NamedTuple):
    """One line of the sum: what it is about, its factors, if it has any, and its value."""

    name: str
    factors: str
    value: float


class SumTable(QWidget):
    """As many terms as there is room for."""

    ACCESSIBLE_ROLE = QAccessible.Role.StaticText

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Sum")
        self.setToolTip("Weight x input, the strongest first; their sum and the bias")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._arithmetic: Arithmetic | None = None
        self._layer = 0
        self._activation = ""

    def show_sum(self, arithmetic: Arithmetic | None, layer: int = 0, activation: str = "") -> None:
        """Show this, of a neuron in a layer. activation: its name; "" for a logit."""
        self._arithmetic, self._layer, self._activation = arithmetic, layer, activation
        self.update()

    def lines(self) -> list[Line]:
        """What is shown, from top to bottom."""
        sum_up = self._arithmetic
        if sum_up is None:
            return []
        shown = min(max(self.height() // self._line_px() - ROWS_BESIDES, 0), int(np.count_nonzero(sum_up.products)))
        lines = [
            Line(self._source(int(source)), f"{figure(float(weight))} x {figure(float(x))}", float(product))
            for source, weight, x, product in zip(*(each[:shown] for each in self._terms(sum_up)), strict=True)
        ]
        others = sum_up.products[shown:]
        lines.append(Line(f"{np.count_nonzero(others):,} more", "", float(others.sum(dtype=np.float64))))
        lines.append(Line("bias", "", sum_up.bias))
        lines.append(Line("sum", "", sum_up.pre_activation))
        if self._activation:
            lines.append(Line(f"{self._activation} of it", "", sum_up.output))
        return lines

    @staticmethod
    def _terms(sum_up: Arithmetic) -> tuple[np.ndarray, ...]:
        return sum_up.sources, sum_up.weights, sum_up.inputs, sum_up.products

    def _source(self, index: int) -> str:
        row, column = divmod(index, SIDE_PX)
        kind, number = ("neuron", f"{index + 1}") if self._layer else ("pixel", f"{column + 1}, {row + 1}")
        return f"{kind} {number}" if self.width() >= ROOMY_PX else number

    def _line_px(self) -> int:
        return self.fontMetrics().height()

    def sizeHint(self) -> QSize:
        return QSize(200, 7 * self._line_px())

    def minimumSizeHint(self) -> QSize:
        return QSize(170, LEAST_ROWS * self._line_px())

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        colors = theme.colors()
        painter = QPainter(self)
        height = self._line_px()
        values = VALUES_SHARE * self.width()
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for number, line in enumerate(self.lines()):
            box = QRectF(0, number * height, self.width(), height)
            if line.name == "sum":
                painter.setPen(QPen(QColor(colors.border), 1))
                painter.drawLine(box.topLeft(), box.topRight())
            painter.setPen(QColor(colors.muted))
            painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, line.name)
            painter.setPen(QColor(colors.text))
            painter.drawText(box.adjusted(0, 0, -values, 0), right, line.factors)
            painter.setPen(QColor(colors.negative if line.value < 0 else colors.positive))
            painter.drawText(box, right, figure(line.value))
        painter.end()


def figure(value: float) -> str:
    """A number with two decimals; a large one with its power of ten."""
    return f"{value:.1e}" if abs(value) >= LARGE else f"{value:z.2f}"
