"""Ten bars, one for each digit: how likely the network thinks it is."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from minigrad_gui import theme

LABEL_WIDTH_PX = 20
VALUE_WIDTH_PX = 58
BAR_HEIGHT_PX = 10
ROW_HEIGHT_PX = 20


class ProbabilityBars(QWidget):
    """Shows probabilities (n,) from 0 to 1, or empty bars for None; the largest stands out."""

    def __init__(self, class_names: tuple[str, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._class_names = class_names
        self.probabilities: NDArray[np.floating] | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)

    def set_probabilities(self, probabilities: NDArray[np.floating] | None) -> None:
        self.probabilities = probabilities
        described = (
            "no digit drawn"
            if probabilities is None
            else ", ".join(f"{name}: {value:.1%}" for name, value in zip(self._class_names, probabilities, strict=True))
        )
        self.setAccessibleDescription(described)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(220, ROW_HEIGHT_PX * len(self._class_names))

    def minimumSizeHint(self) -> QSize:
        return QSize(140, (ROW_HEIGHT_PX - 4) * len(self._class_names))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        colors = theme.colors()
        values = np.zeros(len(self._class_names)) if self.probabilities is None else self.probabilities
        best = -1 if self.probabilities is None else int(values.argmax())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        row_height = self.height() / len(values)
        for index, value in enumerate(values):
            top = index * row_height
            track = QRectF(
                LABEL_WIDTH_PX,
                top + (row_height - BAR_HEIGHT_PX) / 2,
                self.width() - LABEL_WIDTH_PX - VALUE_WIDTH_PX,
                BAR_HEIGHT_PX,
            )
            self._bar(painter, track, colors.bar_track)
            if value > 0:
                filled = QRectF(track)
                filled.setWidth(max(float(value) * track.width(), BAR_HEIGHT_PX if value >= 0.005 else 0.0))
                self._bar(painter, filled, colors.accent if index == best else colors.muted)
            font = painter.font()
            font.setBold(index == best)
            painter.setFont(font)
            painter.setPen(QColor(colors.text if index == best else colors.muted))
            left = QRectF(0, top, LABEL_WIDTH_PX, row_height)
            painter.drawText(left, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self._class_names[index])
            if self.probabilities is not None:
                right = QRectF(track.right(), top, VALUE_WIDTH_PX, row_height)
                painter.drawText(right, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, f"{value:.1%}")
        painter.end()

    @staticmethod
    def _bar(painter: QPainter, bar: QRectF, color: str) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(color))
        radius = min(bar.height(), bar.width()) / 2
        painter.drawRoundedRect(bar, radius, radius)
