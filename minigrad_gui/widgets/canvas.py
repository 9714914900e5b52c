"""A sheet of paper: keeps what the pen did as strokes, and paints them.

Strokes are (n, 2) arrays in units of the paper's side, x right and y down, so neither resizing nor the display's scale
changes a drawing. Every change makes a new tuple of strokes; undo and redo only choose among those tuples.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QEventPoint,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPointingDevice,
    QResizeEvent,
    QTabletEvent,
    QTouchEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from minigrad_gui import theme

PEN_WIDTH = 0.07
ERASER_RADIUS = 0.06
POINT_SPACING = 0.01
"""Both in units of the paper's side; the eraser takes away points no further apart than POINT_SPACING."""
CORNER_PX = 8
MIN_SIDE_PX = 160

Stroke = NDArray[np.float64]
Strokes = tuple[Stroke, ...]


class Canvas(QWidget):
    """Draws with mouse, pen or touch. `strokesChanged` at every change, while the pen is still down, too."""

    strokesChanged = Signal()  # noqa: N815
    undoChanged = Signal(bool, bool)  # noqa: N815  (can undo, can redo)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.erasing = False
        self._strokes: Strokes = ()
        self._undo: list[Strokes] = []
        self._redo: list[Strokes] = []
        self._pen: list[tuple[float, float]] = []
        self._before: Strokes | None = None  # the drawing when the pen came down; None while it is up
        self._pen_erases = False
        self._finger = -1
        self._eraser_at: QPointF | None = None
        self._paths: dict[int, QPainterPath] = {}
        self.setAttribute(Qt.WidgetAttribute.WA_AcceptTouchEvents)
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(MIN_SIDE_PX, MIN_SIDE_PX)

    # ------------------------------------------------------------ the drawing

    @property
    def strokes(self) -> Strokes:
        """Every stroke, with the one that is being drawn."""
        return (*self._strokes, np.array(self._pen)) if self._pen else self._strokes

    def clear(self) -> None:
        """An empty sheet; `undo` brings the drawing back."""
        self._lift_pen()
        if self._strokes:
            self._commit(self._strokes, ())

    def undo(self) -> None:
        self._lift_pen()
        if self._undo:
            self._redo.append(self._strokes)
            self._show(self._undo.pop())

    def redo(self) -> None:
        self._lift_pen()
        if self._redo:
            self._undo.append(self._strokes)
            self._show(self._redo.pop())

    def _commit(self, before: Strokes, after: Strokes) -> None:
        self._undo.append(before)
        self._redo.clear()
        self._show(after)

    def _show(self, strokes: Strokes) -> None:
        self._take(strokes)
        self.undoChanged.emit(bool(self._undo), bool(self._redo))
        self._changed()

    def _take(self, strokes: Strokes) -> None:
        self._strokes = strokes
        self._paths = {id(stroke): self._paths.get(id(stroke)) or _smooth_path(stroke) for stroke in strokes}

    def _changed(self) -> None:
        self.strokesChanged.emit()
        self.update()

    # ------------------------------------------------------------ what the pen does

    def _put_pen_down(self, position: QPointF, *, erases: bool) -> None:
        self._lift_pen()
        self._before = self._strokes
        self._pen_erases = erases
        self._move_pen(position)

    def _move_pen(self, position: QPointF) -> None:
        if self._before is None:
            return
        point = self._to_paper(position)
        if self._pen_erases:
            erased = _without(self._strokes, np.array(point))
            if erased is not self._strokes:
                self._take(erased)
                self._changed()
        elif not self._pen or self._pen[-1] != point:
            self._pen.append(point)
            self._changed()

    def _lift_pen(self) -> None:
        if self._before is None:
            return
        before, self._before = self._before, None
        after = self.strokes
        self._pen = []
        if after is not before:
            self._commit(before, after)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._put_pen_down(event.position(), erases=self.erasing)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(event.position())
        self._move_pen(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._lift_pen()

    def tabletEvent(self, event: QTabletEvent) -> None:
        erases = self.erasing or event.pointerType() == QPointingDevice.PointerType.Eraser
        if event.type() == QEvent.Type.TabletPress:
            self._put_pen_down(event.position(), erases=erases)
        elif event.type() == QEvent.Type.TabletMove:
            self._hover(event.position())
            self._move_pen(event.position())
        elif event.type() == QEvent.Type.TabletRelease:
            self._lift_pen()
        event.accept()  # else it comes again as a mouse event

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QTouchEvent):
            self._touch(event)
            event.accept()  # else it comes again as a mouse event
            return True
        if event.type() in (QEvent.Type.WindowDeactivate, QEvent.Type.WindowBlocked):
            self._lift_pen()  # the release will go to another window
        return super().event(event)

    def _touch(self, event: QTouchEvent) -> None:
        """The first finger draws; others rest."""
        if event.type() == QEvent.Type.TouchBegin:
            self._finger = event.points()[0].id()
            self._put_pen_down(event.points()[0].position(), erases=self.erasing)
            return
        for point in event.points():
            if point.id() == self._finger:
                self._move_pen(point.position())
                if point.state() == QEventPoint.State.Released:
                    self._lift_pen()
        if event.type() in (QEvent.Type.TouchEnd, QEvent.Type.TouchCancel):
            self._lift_pen()

    def leaveEvent(self, event: QEvent) -> None:
        self._eraser_at = None
        self.update()
        super().leaveEvent(event)

    def _hover(self, position: QPointF) -> None:
        if self.erasing or self._eraser_at is not None:
            self._eraser_at = position if self.erasing else None
            self.update()

    # ------------------------------------------------------------ painting

    def sizeHint(self) -> QSize:
        return QSize(300, 300)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """No higher than wide: the paper is a square."""
        super().resizeEvent(event)
        self.setMaximumHeight(max(self.width(), MIN_SIDE_PX))

    def _paper(self) -> QRectF:
        side = min(self.width(), self.height())
        return QRectF((self.width() - side) / 2, (self.height() - side) / 2, side, side)

    def _to_paper(self, position: QPointF) -> tuple[float, float]:
        """Where on the paper; beyond its edge, the nearest point on it."""
        paper = self._paper()
        x, y = (position.x() - paper.left()) / paper.width(), (position.y() - paper.top()) / paper.height()
        return min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        colors, paper = theme.colors(), self._paper()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        sheet = QPainterPath()
        sheet.addRoundedRect(paper.adjusted(0.5, 0.5, -0.5, -0.5), CORNER_PX, CORNER_PX)
        painter.setPen(QPen(QColor(colors.border), 1))
        painter.setBrush(QColor(colors.paper))
        painter.drawPath(sheet)
        if not self.strokes:
            painter.setPen(QColor(colors.muted))
            painter.drawText(paper, Qt.AlignmentFlag.AlignCenter, "Draw a digit here")
        painter.save()
        painter.setClipPath(sheet)
        painter.translate(paper.topLeft())
        painter.scale(paper.width(), paper.height())
        painter.setBrush(Qt.BrushStyle.NoBrush)
        round_cap, round_join = Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin
        painter.setPen(QPen(QColor(colors.ink), PEN_WIDTH, Qt.PenStyle.SolidLine, round_cap, round_join))
        for stroke in self._strokes:
            painter.drawPath(self._paths[id(stroke)])
        if self._pen:
            painter.drawPath(_smooth_path(np.array(self._pen)))
        painter.restore()
        if self._eraser_at is not None:
            radius = ERASER_RADIUS * paper.width()
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(colors.muted), 1))
            painter.drawEllipse(self._eraser_at, radius, radius)
        painter.end()


def _smooth_path(stroke: Stroke) -> QPainterPath:
    """A curve through the middles of the segments, bent towards the points between them; ends where the pen was."""
    points = [QPointF(x, y) for x, y in stroke]
    path = QPainterPath(points[0])
    for point, following in pairwise(points[1:]):
        path.quadTo(point, (point + following) / 2)
    path.lineTo(points[-1] if len(points) > 1 else points[0] + QPointF(1e-4, 0))
    return path


def _without(strokes: Strokes, point: NDArray[np.float64]) -> Strokes:
    """The strokes with a disc rubbed out around the point; the same tuple if it touches none."""
    result: list[Stroke] = []
    touched = False
    for stroke in strokes:
        dense = _dense(stroke)
        kept = np.hypot(*(dense - point).T) > ERASER_RADIUS
        if kept.all():
            result.append(stroke)
            continue
        touched = True
        pieces = np.split(np.arange(len(dense)), np.flatnonzero(np.diff(kept)) + 1)
        result.extend(dense[piece] for piece in pieces if kept[piece[0]])
    return tuple(result) if touched else strokes


def _dense(stroke: Stroke) -> Stroke:
    """The stroke with points added, so that neighbours lie at most POINT_SPACING apart."""
    lengths = np.hypot(*np.diff(stroke, axis=0).T)
    walked = np.concatenate([[0.0], lengths.cumsum()])
    added = np.arange(0.0, walked[-1], POINT_SPACING)
    at = np.unique(np.concatenate([walked, added]))
    return np.column_stack([np.interp(at, walked, stroke[:, axis]) for axis in (0, 1)])
