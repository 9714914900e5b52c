"""A network at work, painted: its neurons lit by a picture, and the connections that carry most of it."""

from itertools import groupby

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QLineF, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QColor,
    QFont,
    QFontMetricsF,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from minigrad_gui import theme
from minigrad_gui.digits import blank
from minigrad_gui.insight.glance import Glance
from minigrad_gui.insight.neurons import Edges
from minigrad_gui.widgets.accessibility import announce
from minigrad_gui.widgets.maps import image_of, ink, signed
from minigrad_gui.widgets.network_layout import Block, Layout, lay_out

Neuron = tuple[int, int]
"""Layer and unit; the last layer gives the logits."""

MARGIN_PX = 3
DIGITS_PX, MOST_NAME_PX = 16, 84
LEAST_DIGIT_SHARE = 0.7
"""Digits closer to each other than this share of a line would overlap: then only the answer is named."""
LEAST_CIRCLE_PX, LEAST_GRID_PX = 8, 4
STRENGTHS = 5
"""Connections are painted in so many widths, those of one width at once."""
THINNEST_PX, THICKEST_PX = 0.7, 2.0
FAINTEST, STRONGEST = 50, 230
"""Opacity, of 255."""
LEAST_RING_PX = 9


class NetworkPicture(QWidget):
    """Emits `pointed` when another neuron is pointed at, by mouse or keyboard, and `silenceAsked` for a double click,
    S or Delete. A click selects the neuron that is pointed at again when the mouse leaves.
    """

    pointed = Signal()
    silenceAsked = Signal(int, int)  # noqa: N815
    ACCESSIBLE_ROLE = QAccessible.Role.Graphic

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("The network")
        self._sizes: tuple[int, ...] = ()
        self._class_names: tuple[str, ...] = ()
        self._layout = Layout(QRectF(), ())
        self._glance: Glance | None = None
        self._silenced: frozenset[Neuron] = frozenset()
        self._message = ""
        self._images: list[QImage] = []
        self._frames: QPixmap | None = None
        self._selected: Neuron | None = None
        self._hovered: Neuron | None = None

    @property
    def neuron(self) -> Neuron | None:
        """The neuron that is pointed at, or else the selected one."""
        return self._hovered or self._selected

    def show_network(self, sizes: tuple[int, ...], class_names: tuple[str, ...]) -> None:
        """Make room for layers of these sizes, the input first; () for no network. The selection fits or goes."""
        if (sizes, class_names) != (self._sizes, self._class_names):
            self._sizes, self._class_names = sizes, class_names
            self._glance = self._selected = self._hovered = None
            self._place()

    def show_glance(self, glance: Glance | None, silenced: frozenset[Neuron], message: str = "") -> None:
        """Show what a picture does in this network; silenced neurons are crossed out. message: over all of it."""
        self._glance, self._silenced, self._message = glance, silenced, message
        self._paint_cells()
        self.update()

    def restyle(self) -> None:
        """The theme's colours have changed."""
        self._frames = None
        self._paint_cells()
        self.update()

    def place_of(self, neuron: Neuron) -> QPointF:
        """Where a neuron stands."""
        return self._layout.layers[neuron[0]].centre(neuron[1])

    # ------------------------------------------------------------ size

    def sizeHint(self) -> QSize:
        return QSize(420, 220)

    def minimumSizeHint(self) -> QSize:
        return QSize(300, 96)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def _place(self) -> None:
        captions = self.fontMetrics().height()
        area = QRectF(self.rect()).adjusted(MARGIN_PX, MARGIN_PX, -MARGIN_PX, -MARGIN_PX - captions)
        self._layout = lay_out(self._sizes[1:], area, self._names_px()) if self._sizes else Layout(QRectF(), ())
        self._frames = None
        self._paint_cells()
        self.update()

    def _names_px(self) -> int:
        """The room for the names of the classes."""
        bold = QFont(self.font())
        bold.setBold(True)
        widest = max(map(QFontMetricsF(bold).horizontalAdvance, self._class_names), default=0.0)
        return min(max(round(widest) + 4, DIGITS_PX), MOST_NAME_PX)

    # ------------------------------------------------------------ painting

    def _paint_cells(self) -> None:
        glance = self._glance
        self._images = []
        if glance is not None:
            blocks = zip(self._layout.layers, glance.outputs, strict=True)
            self._images = [_cells(block, outputs) for block, outputs in blocks]

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        colors = theme.colors()
        painter = QPainter(self)
        if self._sizes:
            self._draw_picture(painter)
            for block, image in zip(self._layout.layers, self._images, strict=False):
                painter.drawImage(block.rect, image)
            if self._frames is None or self._frames.devicePixelRatio() != self.devicePixelRatioF():
                self._frames = self._make_frames()
            painter.drawPixmap(0, 0, self._frames)
            if self._glance is not None:
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                for number, edges in enumerate(self._glance.edges):
                    self._draw_edges(painter, number, edges)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._draw_marks(painter)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            self._draw_captions(painter)
        if self._message:
            self._draw_message(painter)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(colors.accent), 1))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def _draw_picture(self, painter: QPainter) -> None:
        picture = blank() if self._glance is None else self._glance.picture
        painter.drawImage(self._layout.picture, image_of(ink(picture)))

    def _make_frames(self) -> QPixmap:
        """What lies over the cells and does not change with them: the lines between them, or all but the circles."""
        frames = QPixmap(self.size() * self.devicePixelRatioF())
        frames.setDevicePixelRatio(self.devicePixelRatioF())
        frames.fill(Qt.GlobalColor.transparent)
        painter = QPainter(frames)
        for block in self._layout.layers:
            if block.cell >= LEAST_CIRCLE_PX:
                _frame_circles(painter, block)
            else:
                _frame_cells(painter, block)
        painter.end()
        return frames

    def _draw_edges(self, painter: QPainter, number: int, edges: Edges) -> None:
        values = np.nan_to_num(edges.values)  # of a network that has exploded, some are infinite or NaN
        drawn = np.flatnonzero(values)
        if len(drawn) == 0:
            return
        start = self._layout.pixel if number == 0 else self._layout.layers[number - 1].centre
        end = self._layout.layers[number].centre
        shares = np.abs(values) / np.abs(values).max()
        strengths = np.minimum((shares * STRENGTHS).astype(int), STRENGTHS - 1)
        order = drawn[np.argsort(strengths[drawn], kind="stable")]
        for (strength, negative), group in groupby(order, key=lambda i: (int(strengths[i]), bool(values[i] < 0))):
            painter.setPen(_edge_pen(strength / (STRENGTHS - 1), negative=negative))
            painter.drawLines([QLineF(start(int(edges.sources[i])), end(int(edges.targets[i]))) for i in group])

    def _draw_marks(self, painter: QPainter) -> None:
        """The silenced neurons, and the one that is pointed at."""
        colors = theme.colors()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(colors.error), 1.5))
        for layer, unit in self._silenced:
            block = self._layout.layers[layer]
            at, reach = block.centre(unit), max(block.cell / 2 - 1, 2.5)
            corner = QPointF(reach, reach)
            painter.drawLine(at - corner, at + corner)
            painter.drawLine(at + QPointF(-reach, reach), at + QPointF(reach, -reach))
        if self.neuron is not None:
            painter.setPen(QPen(QColor(colors.accent), 2))
            radius = max(self._layout.layers[self.neuron[0]].cell, LEAST_RING_PX) / 2
            painter.drawEllipse(self.place_of(self.neuron), radius, radius)

    def _draw_captions(self, painter: QPainter) -> None:
        """The size of each layer below it, and the classes beside the last."""
        colors = theme.colors()
        places = [self._layout.picture, *(block.rect for block in self._layout.layers)]
        painter.setPen(QColor(colors.muted))
        line = self.fontMetrics().height()
        bottom = self.height() - MARGIN_PX - line
        free_from = 0.0
        for place, size in zip(places[:-1], self._sizes, strict=False):
            text = "28 x 28" if place is places[0] else f"{size:,}"
            width = self.fontMetrics().horizontalAdvance(text)
            left = place.center().x() - width / 2
            if left >= free_from:
                painter.drawText(QPointF(left, bottom + self.fontMetrics().ascent()), text)
                free_from = left + width + MARGIN_PX
        classes, width = self._layout.layers[-1], self._names_px()
        has_words = any(len(name) > 1 for name in self._class_names)
        beside = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        for digit in range(classes.count):
            answers = self._glance is not None and self._glance.answer == digit
            if not answers and classes.cell < LEAST_DIGIT_SHARE * line:
                continue
            font = QFont(self.font())
            font.setBold(answers)
            painter.setFont(font)
            painter.setPen(QColor(colors.text if answers else colors.muted))
            at = classes.centre(digit)
            box = QRectF(classes.rect.right() + 2, at.y() - line / 2, width - 2, line)
            name = self._class_names[digit]
            if len(name) > 1:
                name = painter.fontMetrics().elidedText(name, Qt.TextElideMode.ElideRight, width - 2)
            painter.drawText(box, beside if has_words else Qt.AlignmentFlag.AlignCenter, name)
        painter.setFont(self.font())

    def _draw_message(self, painter: QPainter) -> None:
        colors = theme.colors()
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        text = painter.boundingRect(QRectF(self.rect()).adjusted(40, 0, -40, 0), flags, self._message)
        box = text.adjusted(-theme.SPACING_PX, -6, theme.SPACING_PX, 6)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(colors.border), 1))
        painter.setBrush(QColor(colors.card))
        painter.drawRoundedRect(box, 6, 6)
        painter.setPen(QColor(colors.text))
        painter.drawText(text, flags, self._message)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    # ------------------------------------------------------------ mouse and keyboard

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(self._layout.neuron_at(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._hover(None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.select(self._layout.neuron_at(event.position()))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        neuron = self._layout.neuron_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and neuron is not None:
            self.silenceAsked.emit(*neuron)

    def event(self, event: QEvent) -> bool:
        # Delete would clear the drawing.
        is_key = isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Delete
        if is_key and event.type() == QEvent.Type.ShortcutOverride and self.neuron is not None:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        moved = self._moved(key)
        if moved is not None:
            self._hovered = None
            self.select(moved)
        elif key in (Qt.Key.Key_S, Qt.Key.Key_Delete) and self.neuron is not None:
            self.silenceAsked.emit(*self.neuron)
        else:
            super().keyPressEvent(event)

    def select(self, neuron: Neuron | None) -> None:
        """Have this neuron pointed at while the mouse points at none."""
        if neuron != self._selected:
            self._selected = neuron
            self.pointed.emit()
            self.update()

    def describe(self, text: str) -> None:
        """What there is to hear of the neuron that is pointed at; it is announced while the keyboard moves."""
        if text != self.accessibleDescription():
            self.setAccessibleDescription(text)
            if self.hasFocus() and self._hovered is None:
                announce(self, text)

    def _hover(self, neuron: Neuron | None) -> None:
        if neuron != self._hovered:
            before, self._hovered = self.neuron, neuron
            if before != self.neuron:
                self.pointed.emit()
                self.update()

    def _moved(self, key: Qt.Key) -> Neuron | None:
        """Where a key leads from the neuron that is pointed at; None if it leads nowhere."""
        layers = self._layout.layers
        if not layers or key not in MOVES:
            return None
        if self.neuron is None:
            return len(layers) - 1, 0
        layer, unit = self.neuron
        right, down = MOVES[key]
        if right:
            return self._layout.beside(self.neuron, right)
        return layer, min(max(unit + down, 0), layers[layer].count - 1)


MOVES = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
    Qt.Key.Key_Home: (0, -(10**9)),
    Qt.Key.Key_End: (0, 10**9),
}
"""Columns to the right and neurons down for each key."""


def _cells(block: Block, outputs: NDArray[np.floating]) -> QImage:
    """One pixel for each neuron of a block, coloured by its output; the largest of the layer in full colour."""
    padded = np.zeros(block.columns * block.rows)
    padded[: block.count] = outputs
    return image_of(signed(padded.reshape(block.columns, block.rows).T))


def _frame_cells(painter: QPainter, block: Block) -> None:
    """Lines between cells that are not too small for them."""
    rect, colors = block.rect, theme.colors()
    painter.setPen(QPen(QColor(colors.grid), 1))
    painter.drawRect(rect)
    if block.cell >= LEAST_GRID_PX:
        xs = (rect.left() + column * block.cell for column in range(block.columns + 1))
        ys = (rect.top() + row * block.cell for row in range(block.rows + 1))
        painter.drawLines([QLineF(x, rect.top(), x, rect.bottom()) for x in xs])
        painter.drawLines([QLineF(rect.left(), y, rect.right(), y) for y in ys])


def _frame_circles(painter: QPainter, block: Block) -> None:
    """A card with a hole for each neuron."""
    colors, radius = theme.colors(), block.cell / 2 - 1
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.fillRect(block.rect, QColor(colors.card))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colors.card))
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_DestinationOut)
    for unit in range(block.count):
        painter.drawEllipse(block.centre(unit), radius, radius)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceOver)
    painter.setPen(QPen(QColor(colors.border), 1))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for unit in range(block.count):
        painter.drawEllipse(block.centre(unit), radius, radius)
    painter.restore()


def _edge_pen(strength: float, *, negative: bool) -> QPen:
    """strength: from 0 to 1."""
    colors = theme.colors()
    color = QColor(colors.negative if negative else colors.positive)
    color.setAlpha(round(FAINTEST + strength * (STRONGEST - FAINTEST)))
    return QPen(color, THINNEST_PX + strength * (THICKEST_PX - THINNEST_PX))
