"""Paints a sheet of paper with strokes, a picture, boxes around digits, or an eraser on it.

`paper` is always the square on the screen; strokes and boxes are in units of its side.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPen

from minigrad_gui import theme
from minigrad_gui.widgets.eraser import ERASER_RADIUS, Stroke

CORNER_PX = 8
BOX_MARGIN = 0.015
BOX_RADIUS_PX = 5


def smooth_path(stroke: Stroke) -> QPainterPath:
    """A curve of quadratic splines through the midpoints of the segments, from the first to the last point."""
    points = [QPointF(x, y) for x, y in stroke]
    path = QPainterPath(points[0])
    for point, following in pairwise(points[1:]):
        path.quadTo(point, (point + following) / 2)
    path.lineTo(points[-1] if len(points) > 1 else points[0] + QPointF(1e-4, 0))
    return path


def with_margins(boxes: list[QRectF], pen_width: float) -> tuple[QRectF, ...]:
    """Boxes with room for the pen; where neighbours would overlap they meet halfway."""
    margin = pen_width / 2 + BOX_MARGIN
    around = [box.adjusted(-margin, -margin, margin, margin) for box in boxes]
    for left, right in pairwise(around):
        if left.right() > right.left():
            middle = (left.right() + right.left()) / 2
            left.setRight(middle)
            right.setLeft(middle)
    return tuple(around)


def paint_sheet(painter: QPainter, paper: QRectF, *, has_focus: bool) -> None:
    colors = theme.colors()
    painter.setPen(QPen(QColor(colors.accent if has_focus else colors.border), 1))
    painter.setBrush(QColor(colors.paper))
    painter.drawPath(_outline(paper))


def paint_hint(painter: QPainter, paper: QRectF, hint: str) -> None:
    painter.setPen(QColor(theme.colors().muted))
    painter.drawText(paper, Qt.AlignmentFlag.AlignCenter, hint)


def paint_strokes(painter: QPainter, paper: QRectF, paths: Iterable[QPainterPath], pen_width: float) -> None:
    painter.save()
    painter.setClipPath(_outline(paper))
    painter.translate(paper.topLeft())
    painter.scale(paper.width(), paper.height())
    painter.setBrush(Qt.BrushStyle.NoBrush)
    round_cap, round_join = Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin
    painter.setPen(QPen(QColor(theme.colors().ink), pen_width, Qt.PenStyle.SolidLine, round_cap, round_join))
    for path in paths:
        painter.drawPath(path)
    painter.restore()


def paint_picture(painter: QPainter, paper: QRectF, picture: QImage) -> None:
    """Its pixels as squares of ink, darker or lighter."""
    ink = QColor(theme.colors().ink)
    picture.setColorTable([QColor(ink.red(), ink.green(), ink.blue(), alpha).rgba() for alpha in range(256)])
    painter.drawImage(paper, picture)


def paint_boxes(painter: QPainter, paper: QRectF, boxes: Sequence[QRectF], pointed: int) -> None:
    """The outlines of boxes, inside the sheet; the one that is pointed at stands out."""
    colors, side = theme.colors(), paper.width()
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for index, box in enumerate(boxes):
        inset = 1.5  # the outline stays on the paper
        within = QRectF(0, 0, side, side).adjusted(inset, inset, -inset, -inset)
        scaled = QRectF(box.topLeft() * side, box.bottomRight() * side) & within
        is_pointed = index == pointed
        painter.setPen(QPen(QColor(colors.accent if is_pointed else colors.border), 2 if is_pointed else 1))
        painter.drawRoundedRect(scaled.translated(paper.topLeft()), BOX_RADIUS_PX, BOX_RADIUS_PX)


def paint_eraser(painter: QPainter, paper: QRectF, position: QPointF) -> None:
    radius = ERASER_RADIUS * paper.width()
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(theme.colors().muted), 1))
    painter.drawEllipse(position, radius, radius)


def _outline(paper: QRectF) -> QPainterPath:
    outline = QPainterPath()
    outline.addRoundedRect(paper.adjusted(0.5, 0.5, -0.5, -0.5), CORNER_PX, CORNER_PX)
    return outline
