"""A run's loss over its mini-batches, with the moments that can be gone to and the one that is shown."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QSize, Qt, Signal
from PySide6.QtGui import QAccessible, QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from minigrad_gui import theme

HEIGHT_PX, MARGIN_PX, TICK_PX = 72, 6, 5
LEAST_LOSS = 1e-6
MOST_POINTS = 400


class Timeline(QWidget):
    """Emits `pointed` with the mini-batch that is clicked or dragged to. The loss is on a logarithmic scale."""

    pointed = Signal(float)
    ACCESSIBLE_ROLE = QAccessible.Role.Graphic

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Loss in the course of the run")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._losses = np.zeros(0)
        self._moments: Sequence[int] = ()
        self._current: int | None = None

    def sizeHint(self) -> QSize:
        return QSize(300, HEIGHT_PX)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, HEIGHT_PX)

    def show_run(self, losses: NDArray[np.float64], moments: Sequence[int]) -> None:
        """losses: (n,), of each mini-batch; moments: the mini-batches, counted from 1, that can be gone to."""
        self._losses, self._moments = losses, moments
        self.update()

    def show_moment(self, batch: int | None) -> None:
        """The mini-batch that is shown."""
        self._current = batch
        self.update()

    def x_of(self, batch: float) -> float:
        """Where a mini-batch is, in pixels."""
        return MARGIN_PX + (self.width() - 2 * MARGIN_PX) * (batch / max(len(self._losses), 1))

    # ------------------------------------------------------------ mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            share = (event.position().x() - MARGIN_PX) / max(self.width() - 2 * MARGIN_PX, 1)
            self.pointed.emit(share * len(self._losses))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self.mousePressEvent(event)

    # ------------------------------------------------------------ painting

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        colors = theme.colors()
        painter = QPainter(self)
        painter.setPen(QPen(QColor(colors.border), 1))
        bottom = self.height() - MARGIN_PX
        painter.drawLine(QLineF(MARGIN_PX, bottom, self.width() - MARGIN_PX, bottom))
        painter.drawLines([QLineF(x, bottom, x, bottom - TICK_PX) for x in map(self.x_of, self._moments)])
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(colors.loss_curve), 1.5))
        painter.drawPolyline(self._curve())
        if self._current is not None:
            painter.setPen(QPen(QColor(colors.text), 1.5))
            x = self.x_of(self._current)
            painter.drawLine(QLineF(x, MARGIN_PX, x, bottom))
        painter.end()

    def _curve(self) -> QPolygonF:
        batches = np.unique(np.linspace(0, max(len(self._losses) - 1, 0), MOST_POINTS).astype(int))
        chosen = [batch for batch in batches[: len(self._losses)] if np.isfinite(self._losses[batch])]
        if not chosen:
            return QPolygonF()
        heights = np.log(np.maximum(self._losses[chosen], LEAST_LOSS))
        least, span = heights.min(), max(float(np.ptp(heights)), 1e-3)
        room = self.height() - 2 * MARGIN_PX - TICK_PX
        shares = (heights - least) / span
        points = zip(chosen, shares, strict=True)
        return QPolygonF([QPointF(self.x_of(batch + 1), MARGIN_PX + room * (1 - share)) for batch, share in points])
