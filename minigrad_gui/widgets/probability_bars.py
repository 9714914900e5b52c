"""Ten bars, one for each digit: how likely the network thinks it is. A click says which digit it really is."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from minigrad_gui import theme

WIDEST_VALUE = "100.0%"
SPACING_PX = 8
BAR_HEIGHT_PX = 10
ROW_PADDING_PX = 4
MOST_ROW_HEIGHT_PX = 32


class ProbabilityBars(QWidget):
    """Shows probabilities (n,) from 0 to 1, or empty bars for None; the largest stands out.

    `chosen` tells which row was clicked, if `choosable`.
    """

    chosen = Signal(int)

    def __init__(self, class_names: tuple[str, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._class_names = class_names
        self.probabilities: NDArray[np.floating] | None = None
        self._choosable = False
        self._under_mouse = -1
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        most = max(MOST_ROW_HEIGHT_PX, self.fontMetrics().height() + 2 * ROW_PADDING_PX)
        self.setMaximumHeight(most * len(class_names))

    def track(self) -> QRectF:
        """Where the bar of the first row would lie if it were certain."""
        bold = QFont(self.font())
        bold.setBold(True)
        widths = QFontMetricsF(bold).horizontalAdvance
        left = max(widths(name) for name in self._class_names) + SPACING_PX
        right = widths(WIDEST_VALUE) + SPACING_PX
        row_height = self.height() / len(self._class_names)
        return QRectF(left, (row_height - BAR_HEIGHT_PX) / 2, self.width() - left - right, BAR_HEIGHT_PX)

    def set_probabilities(self, probabilities: NDArray[np.floating] | None) -> None:
        self.probabilities = probabilities
        described = (
            "no digit drawn"
            if probabilities is None
            else ", ".join(f"{name}: {value:.1%}" for name, value in zip(self._class_names, probabilities, strict=True))
        )
        self.setAccessibleDescription(described)
        self.update()

    def set_choosable(self, choosable: bool) -> None:
        if choosable != self._choosable:
            self._choosable = choosable
            self.setCursor(Qt.CursorShape.PointingHandCursor if choosable else Qt.CursorShape.ArrowCursor)
            self.update()

    def _row_at(self, position: QPointF) -> int:
        """The row there; -1 for none."""
        row = int(position.y() * len(self._class_names) // max(self.height(), 1))
        return row if 0 <= row < len(self._class_names) and self.rect().contains(position.toPoint()) else -1

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(self._row_at(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        self._hover(-1)
        super().leaveEvent(event)

    def _hover(self, row: int) -> None:
        if row != self._under_mouse:
            self._under_mouse = row
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        row = self._row_at(event.position())
        if self._choosable and row >= 0 and event.button() == Qt.MouseButton.LeftButton:
            self.chosen.emit(row)

    def sizeHint(self) -> QSize:
        return QSize(220, (self.fontMetrics().height() + ROW_PADDING_PX) * len(self._class_names))

    def minimumSizeHint(self) -> QSize:
        return QSize(140, self.fontMetrics().height() * len(self._class_names))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        colors = theme.colors()
        values = np.zeros(len(self._class_names)) if self.probabilities is None else self.probabilities
        best = -1 if self.probabilities is None else int(values.argmax())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        row_height, first = self.height() / len(values), self.track()
        for index, value in enumerate(values):
            top = index * row_height
            if self._choosable and index == self._under_mouse:
                self._bar(painter, QRectF(-4, top, self.width() + 8, row_height), colors.grid)
            track = first.translated(0, top)
            self._bar(painter, track, colors.bar_track)
            if value > 0:
                filled = QRectF(track)
                filled.setWidth(float(value) * track.width())
                self._bar(painter, filled, colors.accent if index == best else colors.muted)
            font = painter.font()
            font.setBold(index == best)
            painter.setFont(font)
            painter.setPen(QColor(colors.text if index == best else colors.muted))
            left = QRectF(0, top, track.left(), row_height)
            painter.drawText(left, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self._class_names[index])
            if self.probabilities is not None:
                right = QRectF(track.right(), top, self.width() - track.right(), row_height)
                painter.drawText(right, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, f"{value:.1%}")
        painter.end()

    @staticmethod
    def _bar(painter: QPainter, bar: QRectF, color: str) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(color))
        radius = min(bar.height(), bar.width()) / 2
        painter.drawRoundedRect(bar, radius, radius)
