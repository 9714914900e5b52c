"""The graph of a Tensor, painted: boxes in columns, lit as far as the steps have come; zoomed and panned by hand.

The node at work is always in sight. While the person has not zoomed, the whole graph is shown if it is readable so.
"""

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QColor,
    QFont,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QTransform,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QSizePolicy, QWidget

from engine.graph import Graph, GraphStep, shape_text, summary
from engine.layout import Layout, Place, lay_out
from engine.ops import Array
from minigrad_gui import theme

NODE_WIDTH_PX, NODE_HEIGHT_PX, GAP_X_PX, GAP_Y_PX = 108, 54, 26, 10
MARGIN_PX = 8
SHORT_COUNT = 2
"""Arrays with more elements are shown by their shape."""
READABLE = 0.8
"""The smallest scale that is chosen unasked."""
LEGIBLE = 0.3
"""At a smaller scale text would be a blur."""
MOST_SCALE, MOST_FITTED_SCALE = 2.0, 1.4
ZOOM_BASE, WHEEL_STEP = 1.25, 120
NO_STEP = GraphStep(True, -1, -1)


class GraphPicture(QWidget):
    """Emits `chosen` with the node that was clicked, and `stepWanted` with the number of steps that a key leads on."""

    chosen = Signal(int)
    stepWanted = Signal(int)  # noqa: N815
    ACCESSIBLE_ROLE = QAccessible.Role.Graphic

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("The graph")
        self._graph: Graph | None = None
        self._form: list[tuple[str, tuple[int, ...]]] = []
        """The titles and inputs of its nodes."""
        self._layout = Layout((), {})
        self._boxes: list[QRectF] = []
        self._paths: dict[tuple[int, int], QPainterPath] = {}
        self._largest: dict[int, str] = {}
        self._count = 0
        self._is_out_of_date = False
        self._scale = 1.0
        self._corner = QPointF()
        """What is shown in the upper left corner, in unscaled pixels."""
        self._is_zoomed = False
        """Whether the person has zoomed."""
        self._pressed: QPointF | None = None
        self._last = QPointF()
        self._is_dragged = False

    # ------------------------------------------------------------ what is shown

    def show_graph(self, graph: Graph | None) -> bool:
        """Show this graph; the zoom stays if it has the same form as the last one. Returns whether it has."""
        self._graph = graph
        self._largest = {}
        self.update()
        form = [] if graph is None else [(node.title, node.inputs) for node in graph.nodes]
        if graph is None or form == self._form:
            return graph is not None
        self._form, self._is_zoomed, self._count = form, False, 0
        self._place()
        return False

    def show_step(self, count: int) -> None:
        """Show what the first `count` steps have computed; the last of them is at work."""
        self._count = count
        self._follow()
        self.update()

    def set_out_of_date(self, is_out_of_date: bool) -> None:
        """Pale, because it is not of what the person has typed."""
        if is_out_of_date != self._is_out_of_date:
            self._is_out_of_date = is_out_of_date
            self.update()

    def place_of(self, node: int) -> QRectF:
        """Where a node stands in the widget."""
        return self._transform().mapRect(self._boxes[node])

    @property
    def scale(self) -> float:
        return self._scale

    @property
    def _step(self) -> GraphStep:
        return self._graph.steps[self._count - 1] if self._graph is not None and self._count else NO_STEP

    # ------------------------------------------------------------ size and place

    def sizeHint(self) -> QSize:
        return QSize(420, 220)

    def minimumSizeHint(self) -> QSize:
        return QSize(240, 96)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _place(self) -> None:
        self._layout = lay_out([inputs for _, inputs in self._form])
        self._boxes = [QRectF(_corner(place), QSize(NODE_WIDTH_PX, NODE_HEIGHT_PX)) for place in self._layout.places]
        self._paths = {edge: _path(route) for edge, route in self._layout.routes.items()}
        self._fit()

    def _size(self) -> tuple[float, float]:
        """The unscaled size of the graph with its margins."""
        corner = _corner((self._layout.columns, self._layout.height + 1))
        return corner.x() - GAP_X_PX + MARGIN_PX, corner.y() - GAP_Y_PX + MARGIN_PX

    def _whole_scale(self) -> float:
        width, height = self._size()
        return min(self.width() / width, self.height() / height, MOST_FITTED_SCALE)

    def _fit(self) -> None:
        """Unless the person has zoomed: the whole graph, or as much as is readable of it."""
        if self._boxes:
            if not self._is_zoomed:
                self._scale = max(self._whole_scale(), READABLE)
            self._pan(QPointF())
            self._follow()

    def show_all(self) -> None:
        """The whole graph, however small."""
        if self._boxes:
            self._is_zoomed = True
            self._scale = self._whole_scale()
            self._pan(QPointF())

    def zoom(self, factor: float, at: QPointF | None = None) -> None:
        """Larger or smaller; what is at this place of the widget stays there."""
        if not self._boxes:
            return
        at = at or QPointF(self.rect().center())
        before = self._corner + at / self._scale
        self._is_zoomed = True
        self._scale = min(max(self._scale * factor, min(self._whole_scale(), READABLE)), MOST_SCALE)
        self._corner = before - at / self._scale
        self._pan(QPointF())

    def _pan(self, by: QPointF) -> None:
        """Move what is shown, in unscaled pixels, but not beyond the edges of the graph; a small graph is centred."""
        corner = self._corner + by
        spare = zip((corner.x(), corner.y()), self._size(), (self.width(), self.height()), strict=True)
        self._corner = QPointF(*(_within(start, whole - shown / self._scale) for start, whole, shown in spare))
        self.update()

    def _follow(self) -> None:
        """Bring what is at work into sight."""
        if self._step is NO_STEP or not self._boxes:
            return
        wanted = self._boxes[self._step.node].united(self._boxes[self._step.target])
        shown = QRectF(self._corner, self.size().toSizeF() / self._scale)
        if not shown.contains(wanted):
            self._pan(wanted.center() - shown.center())

    def _transform(self) -> QTransform:
        transform = QTransform.fromScale(self._scale, self._scale)
        return transform.translate(-self._corner.x(), -self._corner.y())

    # ------------------------------------------------------------ painting

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        colors = theme.colors()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._graph is not None:
            painter.setOpacity(0.35 if self._is_out_of_date else 1)
            painter.setTransform(self._transform())
            self._draw_edges(painter, colors)
            shown = QRectF(self._corner, self.size().toSizeF() / self._scale)
            for index, box in enumerate(self._boxes):
                if shown.intersects(box):
                    self._draw_node(painter, colors, self._graph, index)
            painter.resetTransform()
            painter.setOpacity(1)
        if self.hasFocus():
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(colors.accent), 1))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def _draw_edges(self, painter: QPainter, colors: theme.Colors) -> None:
        step = self._step
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(colors.border), 1.5))
        lit = []
        for (start, end), path in self._paths.items():
            if end == step.node and (step.is_forward or step.target == start):
                lit.append(path)
            else:
                painter.drawPath(path)
        painter.setPen(QPen(_pass_color(colors, step), 2.5))
        for path in lit:
            painter.drawPath(path)

    def _draw_node(self, painter: QPainter, colors: theme.Colors, graph: Graph, index: int) -> None:
        step, box, node = self._step, self._boxes[index], graph.nodes[index]
        value, gradient = graph.value(index, self._count), graph.gradient(index, self._count)
        at_work, color = index in (step.node, step.target), _pass_color(colors, step)
        fill = QColor(color if index == step.target else colors.card)
        if index == step.target:
            fill.setAlphaF(0.18)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colors.card))
            painter.drawRoundedRect(box, 6, 6)
        line = Qt.PenStyle.DashLine if value is None else Qt.PenStyle.SolidLine
        painter.setPen(QPen(color if at_work else QColor(colors.border), 2 if at_work else 1, line))
        painter.setBrush(fill)
        painter.drawRoundedRect(box, 6, 6)
        if gradient is not None:
            painter.setPen(QPen(QColor(colors.validation_curve), 3))
            painter.drawLine(QLineF(box.left() + 2, box.top() + 8, box.left() + 2, box.bottom() - 8))
        if self._scale < LEGIBLE:
            return
        title = QFont(self.font())
        title.setBold(True)
        painter.setPen(QColor(colors.muted if value is None else colors.text))
        _write(painter, title, box, 0, node.title)
        painter.setPen(QColor(colors.muted))
        _write(painter, self.font(), box, 1, (_short(value) if value is not None else "") or shape_text(node.tensor))
        if gradient is not None:
            painter.setPen(QColor(colors.validation_curve))
            _write(painter, self.font(), box, 2, _short(gradient) or self._largest_of(index, gradient))

    def _largest_of(self, index: int, gradient: Array) -> str:
        """How large the gradient is, for a node whose gradient is too large to be written."""
        if index not in self._largest:
            self._largest[index] = f"up to {np.abs(gradient).max():.2g}"
        return self._largest[index]

    # ------------------------------------------------------------ mouse and keyboard

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.zoom(ZOOM_BASE ** (event.angleDelta().y() / WHEEL_STEP), event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed = self._last = event.position()
            self._is_dragged = False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pressed is not None:
            at = event.position()
            self._is_dragged |= (at - self._pressed).manhattanLength() >= QApplication.startDragDistance()
            if self._is_dragged:
                self._pan((self._last - at) / self._scale)
                self._last = at

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._pressed is not None and not self._is_dragged:
            at = self._corner + event.position() / self._scale
            for index, box in enumerate(self._boxes):
                if box.contains(at):
                    self.chosen.emit(index)
        self._pressed = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: ARG002
        self._is_zoomed = False
        self._fit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key in STEPS:
            self.stepWanted.emit(STEPS[key])
        elif key in ZOOMS:
            self.zoom(ZOOMS[key])
        elif key == Qt.Key.Key_0:
            self.show_all()
        else:
            super().keyPressEvent(event)


FAR = 10**6
STEPS = {
    Qt.Key.Key_Left: -1,
    Qt.Key.Key_Up: -1,
    Qt.Key.Key_Right: 1,
    Qt.Key.Key_Down: 1,
    Qt.Key.Key_Home: -FAR,
    Qt.Key.Key_End: FAR,
}
ZOOMS = {Qt.Key.Key_Plus: ZOOM_BASE, Qt.Key.Key_Equal: ZOOM_BASE, Qt.Key.Key_Minus: 1 / ZOOM_BASE}


def _pass_color(colors: theme.Colors, step: GraphStep) -> QColor:
    """Forward blue, backward orange."""
    return QColor(colors.accent if step.is_forward else colors.validation_curve)


def _short(array: Array) -> str:
    """An array of a few numbers in full; "" for a larger one."""
    return summary(array) if array.size <= SHORT_COUNT else ""


def _write(painter: QPainter, font: QFont, box: QRectF, row: int, text: str) -> None:
    """One of three lines in a node."""
    painter.setFont(font)
    line = QRectF(box.left() + 6, box.top() + 3 + row * 16, box.width() - 12, 16)
    shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(line.width()))
    painter.drawText(line, Qt.AlignmentFlag.AlignCenter, shown)


def _within(start: float, spare: float) -> float:
    """Where to start so that nothing beyond the edges is shown; centred if there is room to spare."""
    return spare / 2 if spare <= 0 else min(max(start, 0.0), spare)


def _corner(place: Place) -> QPointF:
    column, row = place
    x, y = MARGIN_PX + column * (NODE_WIDTH_PX + GAP_X_PX), MARGIN_PX + row * (NODE_HEIGHT_PX + GAP_Y_PX)
    return QPointF(x, y)


def _path(route: tuple[Place, ...]) -> QPainterPath:
    """From the right side of a node to the left side of another, straight through the bends between them."""
    down = QPointF(0, NODE_HEIGHT_PX / 2)
    across = QPointF(NODE_WIDTH_PX, 0)
    corners = [_corner(place) + down for place in route]
    path = QPainterPath(corners[0] + across)
    for corner in corners[1:]:
        start, half = path.currentPosition(), QPointF(GAP_X_PX / 2, 0)
        path.cubicTo(start + half, corner - half, corner)
        if corner is not corners[-1]:
            path.lineTo(corner + across)
    return path
