"""The learning rate over a run, as a small curve."""

import numpy as np
from PySide6.QtCore import QPointF, QSize
from PySide6.QtGui import QAccessible, QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from engine.schedules import SCHEDULES
from minigrad_gui import theme

SIZE_PX = QSize(120, 40)
MARGIN_PX = 5
POINTS = 201


class SchedulePreview(QWidget):
    """From the first step, on the left, to the last; the upper edge is the learning rate that is set. Each network of a
    committee has the whole schedule.
    """

    ACCESSIBLE_ROLE = QAccessible.Role.Graphic

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Learning rate over the run")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.schedule, self.members = "constant", 1

    def set_schedule(self, schedule: str, members: int = 1) -> None:
        if (schedule, members) != (self.schedule, self.members):
            self.schedule, self.members = schedule, members
            self.update()

    def sizeHint(self) -> QSize:
        return SIZE_PX

    def curve(self) -> list[QPointF]:
        """The points of the curve, in the widget's pixels."""
        inside = self.rect().toRectF().adjusted(MARGIN_PX, MARGIN_PX, -MARGIN_PX, -MARGIN_PX)
        factor = SCHEDULES[self.schedule]
        return [
            QPointF(
                inside.left() + (member + done) / self.members * inside.width(),
                inside.bottom() - factor(done) * inside.height(),
            )
            for member in range(self.members)
            for done in np.linspace(0, 1, POINTS).tolist()
        ]

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colors = theme.colors()
        painter.setPen(QPen(QColor(colors.border), 1))
        painter.drawRoundedRect(self.rect().toRectF().adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)
        painter.setPen(QPen(QColor(colors.accent), 2))
        painter.drawPolyline(QPolygonF(self.curve()))
        painter.end()
