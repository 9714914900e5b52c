"""A confusion matrix: what is right in blue, what is wrong in orange, recall on the right and precision below.

Figures and names are left out where there is no room for them. Beyond SCROLLS_BEYOND classes the cells keep a least
size, so that the matrix may be larger than the area it scrolls in; names and shares stay at the area's edges.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QMarginsF, QPointF, QRect, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QColor,
    QFocusEvent,
    QFont,
    QFontMetricsF,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from minigrad_gui import theme
from minigrad_gui.insight.readings import Readings
from minigrad_gui.widgets.accessibility import announce, verbatim_tip
from minigrad_gui.widgets.maps import Pixels, image_of, signed

PADDING_PX = 4
MOST_NAME_PX, MOST_NAME_SHARE = 72, 0.25
"""Of a name, and of the height for names that are written upwards, so that a low matrix has room for figures."""
LEAST_CELL_PX, CELL_PX, GRID_FROM_PX = 2, 18, 8
SCROLLS_BEYOND, LEAST_SCROLLED_PX = 20, 13
LEVEL_FROM_PX = 40
"""Above columns of this width names are cut if they are longer; above narrower ones they are written upwards."""
MOST_TEXT_PX, TEXT_PX, LEAST_TEXT_PX = 15, 11, 9
AIR = 2.5
"""A cell with figures larger than TEXT_PX is at least this many times as high as they are."""
WIDEST_SHARE, TWO_FIGURES = "99.9", "99"
READ_AS, PRECISION, RECALL = "read as", "precision %", "recall %"
LEAST_LIMIT = 0.02
"""A cell with this share of its label's samples is in full orange, unless there are fuller ones."""
DARK_TEXT, LIGHT_TEXT = "#1b1f27", "#ffffff"
LUMA = np.array([0.299, 0.587, 0.114])
"""The weights of red, green and blue in brightness (ITU-R BT.601)."""


class Cell(NamedTuple):
    """The samples with this label and this reading; None for any."""

    label: int | None = None
    reading: int | None = None


ALL = Cell()


def described(readings: Readings, names: Sequence[str], cell: Cell) -> str:
    """What a cell, a row, a column or the whole matrix says, in words."""
    counts, (label, reading) = readings.counts, cell
    if label is None and reading is None:
        right = int(counts.diagonal().sum())
        return f"{right:,} of {counts.sum():,} read correctly ({_share(right, counts.sum())})"
    if label is None:
        assert reading is not None
        right, read = counts[reading, reading], counts[:, reading].sum()
        return f"Read as {names[reading]}: {right:,} of {read:,} correctly (precision {_share(right, read)})"
    labelled = counts[label].sum()
    if reading is None:
        right = counts[label, label]
        return f"Labelled {names[label]}: {right:,} of {labelled:,} read correctly (recall {_share(right, labelled)})"
    count = counts[label, reading]
    return f"Labelled {names[label]}, read as {names[reading]}: {count:,} of {labelled:,} ({_share(count, labelled)})"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "none"


@dataclass(frozen=True)
class _Geometry:
    """Where the cells lie: left and top of the first one, and how large each is, in pixels."""

    left: float
    top: float
    width: float
    height: float
    classes: int

    @property
    def cells(self) -> QRectF:
        return QRectF(self.left, self.top, self.classes * self.width, self.classes * self.height)

    def rect(self, row: float, column: float, *, rows: int = 1, columns: int = 1) -> QRectF:
        left, top = self.left + column * self.width, self.top + row * self.height
        return QRectF(left, top, columns * self.width, rows * self.height)


class ConfusionMatrix(QWidget):
    """Emits `hovered` with the Cell under the mouse or the keyboard's cursor (None: none), and `chosen` after a click,
    Return or Space. The names and shares at the edges stand for rows and columns, the corners for everything.
    """

    hovered = Signal(object)
    chosen = Signal(object)
    cursorMoved = Signal(QRectF)  # noqa: N815  where the keyboard's cursor is
    ACCESSIBLE_ROLE = QAccessible.Role.Graphic

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Confusion matrix")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.readings: Readings | None = None
        self._names: Sequence[str] = ()
        self._shows_shares = False
        self._cursor = ALL
        self._hovered: Cell | None = None
        self._current: Cell | None = None
        self._pixels: Pixels | None = None

    def set_readings(self, readings: Readings, names: Sequence[str]) -> None:
        """names: of the classes."""
        self.readings, self._names, self._pixels = readings, names, None
        if max(self._cursor.label or 0, self._cursor.reading or 0) >= readings.classes:
            self._cursor = ALL
        self._describe()
        self.updateGeometry()
        self.update()

    def set_shares(self, shares: bool) -> None:
        """Show each cell's share of its row, instead of how many samples it has."""
        self._shows_shares = shares
        self.update()

    def set_current(self, cell: Cell | None) -> None:
        """Have this cell stand out; None for none."""
        self._current = cell
        self.update()

    # ------------------------------------------------------------ size

    def _metrics(self) -> QFontMetricsF:
        return QFontMetricsF(self._sized(TEXT_PX))

    def _sized(self, text_px: int) -> QFont:
        font = QFont(self.font())
        font.setPixelSize(text_px)
        return font

    def _font_for(self, texts: Iterable[str], width: float, height: float) -> QFont | None:
        """The largest font in which all texts fit into a cell of this size; None if there is none."""
        distinct = set(texts)
        for text_px in range(MOST_TEXT_PX, LEAST_TEXT_PX - 1, -1):
            metrics = QFontMetricsF(font := self._sized(text_px))
            needed = metrics.capHeight() * AIR if text_px > TEXT_PX else metrics.capHeight() + 2
            widest = max(map(metrics.horizontalAdvance, distinct), default=0.0)
            if widest + 1 < width and needed < height:
                return font
        return None

    @property
    def _classes(self) -> int:
        return max(len(self._names), 1)

    def margins(self) -> QMarginsF:
        """The room on the left and above for names, on the right for recall and below for precision."""
        left, right = self._beside()
        around = self._margins((self.width() - left - right) / self._classes)
        around.setTop(min(around.top(), max(self.height() * MOST_NAME_SHARE, around.bottom())))
        return around

    def _beside(self) -> tuple[float, float]:
        width = self._metrics().horizontalAdvance
        return max(self._longest(), width(PRECISION), width(READ_AS)) + 2 * PADDING_PX, width(RECALL) + 2 * PADDING_PX

    def _longest(self) -> float:
        """The width in pixels of the longest name as it is shown."""
        return min(max(map(self._metrics().horizontalAdvance, self._names), default=0.0), MOST_NAME_PX)

    def _are_level(self, cell_px: float) -> bool:
        """Whether the names above columns of this width are written from left to right, not upwards."""
        return cell_px >= min(self._longest() + 2, LEVEL_FROM_PX)

    def _margins(self, cell_px: float) -> QMarginsF:
        """With cells of this width."""
        (left, right), edge = self._beside(), self._metrics().height() + PADDING_PX
        return QMarginsF(left, edge if self._are_level(cell_px) else self._longest() + 2 * PADDING_PX, right, edge)

    def _geometry(self) -> _Geometry:
        around, classes = self.margins(), self._classes
        width = max((self.width() - around.left() - around.right()) / classes, LEAST_CELL_PX)
        height = max((self.height() - around.top() - around.bottom()) / classes, LEAST_CELL_PX)
        return _Geometry(around.left(), around.top(), width, min(height, width), classes)

    def height_at(self, width: int) -> int:
        """The height in pixels that square cells need at this width."""
        left, right = self._beside()
        return self._size_with(max(width - left - right, 0) / self._classes).height()

    def _size_with(self, cell_px: float) -> QSize:
        """The size with square cells of this size."""
        side = self._classes * cell_px
        return QSizeF(side, side).grownBy(self._margins(cell_px)).toSize()

    def sizeHint(self) -> QSize:
        return self._size_with(max(min(CELL_PX, 300 // self._classes), LEAST_CELL_PX))

    def minimumSizeHint(self) -> QSize:
        return QSize(0, 0) if self._classes <= SCROLLS_BEYOND else self._size_with(LEAST_SCROLLED_PX)

    def _seen(self) -> QRectF:
        """The part that can be seen: all of it, unless it scrolls."""
        parent = self.parentWidget()
        return QRectF(self.rect() if parent is None else self.rect() & QRect(-self.pos(), parent.size()))

    # ------------------------------------------------------------ painting

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._pixels = None

    def _colors(self, readings: Readings) -> Pixels:
        """Recall in blue on the diagonal, mistakes in orange: by the roots, so that few can be seen, too."""
        if self._pixels is None:
            shares = np.nan_to_num(readings.shares)
            wrong = np.sqrt(shares)
            np.fill_diagonal(wrong, 0)
            wrong /= max(wrong.max(initial=0), LEAST_LIMIT**0.5)
            np.fill_diagonal(wrong, -(shares.diagonal() ** 2))
            self._pixels = signed(-wrong, 1)
        return self._pixels

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        if self.readings is None:
            return
        colors, at = theme.colors(), self._geometry()
        pixels = self._colors(self.readings)
        painter = QPainter(self)
        painter.drawImage(at.cells, image_of(pixels))
        if min(at.width, at.height) >= GRID_FROM_PX:
            painter.setPen(QPen(QColor(colors.border), 1))
            for line in range(at.classes + 1):
                x, y = at.left + line * at.width, at.top + line * at.height
                painter.drawLine(QPointF(x, at.top), QPointF(x, at.cells.bottom()))
                painter.drawLine(QPointF(at.left, y), QPointF(at.cells.right(), y))
        self._paint_figures(painter, at, pixels)
        marked = [(self._current, 2), (self._hovered, 1), (self._cursor if self.hasFocus() else None, 1)]
        for cell, width in marked:
            if cell is not None:
                painter.setPen(QPen(QColor(colors.text if width == 1 else colors.accent), width))
                painter.drawRect(self.rect_of(cell))
        self._paint_edges(painter, at)
        painter.end()

    def _paint_figures(self, painter: QPainter, at: _Geometry, pixels: Pixels) -> None:
        assert self.readings is not None
        counts = self.readings.counts
        texts = {
            (label, reading): self._figure(counts[label, reading], counts[label].sum())
            for label, reading in np.argwhere(counts).tolist()
        }
        font = self._font_for(texts.values(), at.width, at.height)
        if font is None:
            return
        painter.setFont(font)
        is_bright = pixels @ LUMA > 140
        for (label, reading), text in texts.items():
            painter.setPen(QColor(DARK_TEXT if is_bright[label, reading] else LIGHT_TEXT))
            painter.drawText(at.rect(label, reading), Qt.AlignmentFlag.AlignCenter, text)

    def _figure(self, count: int, labelled: int) -> str:
        if not self._shows_shares:
            return f"{count}"
        return _percent(count / labelled, 1)

    def _paint_edges(self, painter: QPainter, at: _Geometry) -> None:
        """Names and shares of rows and columns, each at its own; of many classes, as many as there is room for."""
        assert self.readings is not None
        muted, text = QColor(theme.colors().muted), QColor(theme.colors().text)
        metrics, around = self._metrics(), self.margins()
        left, top, right, edge = around.left(), around.top(), around.right(), around.bottom()
        seen, card = self._seen(), QColor(theme.colors().card)
        is_scrolled = seen != QRectF(self.rect())
        before, above = seen.left(), seen.top()
        below, behind = min(at.cells.bottom(), seen.bottom() - edge), min(at.cells.right(), seen.right() - right)

        def clear(x: float, y: float, width: float, height: float) -> None:
            """What was scrolled below an edge must not shine through."""
            if is_scrolled:
                painter.fillRect(QRectF(x, y, width, height), card)

        centre, middle = Qt.AlignmentFlag.AlignCenter, Qt.AlignmentFlag.AlignVCenter
        at_right = middle | Qt.AlignmentFlag.AlignRight
        painter.setFont(self._sized(TEXT_PX))
        clear(before, above, left, seen.height())
        clear(behind, above, right, seen.height())

        def name(place: int, width: float) -> str:
            return metrics.elidedText(self._names[place], Qt.TextElideMode.ElideRight, width)

        every = _every(metrics.capHeight() + 2, at.height)
        for row in range(0, at.classes, every):
            beside = at.rect(row - (every - 1) / 2, 0, rows=every)
            painter.setPen(text)
            place = QRectF(before, beside.top(), left - PADDING_PX, beside.height())
            painter.drawText(place, at_right, name(row, left - 2 * PADDING_PX))
            painter.setPen(muted)
            share = _percent(self.readings.recall[row], 1)
            painter.drawText(QRectF(behind, beside.top(), right - PADDING_PX, beside.height()), at_right, share)
        clear(before, above, seen.width(), top)
        clear(before, below, seen.width(), edge)
        painter.setPen(text)
        if self._are_level(at.width):
            for column in range(at.classes):
                place = QRectF(at.rect(0, column).left(), above, at.width, top)
                painter.drawText(place, centre, name(column, at.width - 2))
        else:
            every = _every(metrics.capHeight() + 2, at.width)
            for column in range(0, at.classes, every):
                painter.save()
                painter.translate(at.rect(0, column).center().x(), above + top - PADDING_PX)
                painter.rotate(-90)
                room = top - 2 * PADDING_PX
                painter.drawText(QRectF(0, -edge / 2, room, edge), middle, name(column, room))
                painter.restore()
        decimals = 1 if metrics.horizontalAdvance(WIDEST_SHARE) + 2 <= at.width else 0
        every = _every(metrics.horizontalAdvance(TWO_FIGURES) + PADDING_PX, at.width)
        painter.setPen(muted)
        for column in range(0, at.classes, every):
            beside = at.rect(0, column - (every - 1) / 2, columns=every)
            share = _percent(self.readings.precision[column], decimals)
            painter.drawText(QRectF(beside.left(), below, beside.width(), edge), centre, share)
        for x, width in ((before, left), (behind, right)):
            clear(x, above, width, top)
            clear(x, below, width, edge)
        painter.drawText(QRectF(before, above + top - edge, left - PADDING_PX, edge), at_right, READ_AS)
        painter.drawText(QRectF(before, below, left - PADDING_PX, edge), at_right, PRECISION)
        painter.drawText(QRectF(behind, above + top - edge, right - PADDING_PX, edge), at_right, RECALL)
        overall = _percent(self.readings.accuracy, 1)
        painter.setPen(text)
        painter.drawText(QRectF(behind, below, right - PADDING_PX, edge), at_right, overall)

    def rect_of(self, cell: Cell) -> QRectF:
        """Where a cell, row or column is; for everything, all cells."""
        at, (label, reading) = self._geometry(), cell
        rows, columns = (at.classes if place is None else 1 for place in cell)
        return at.rect(label or 0, reading or 0, rows=rows, columns=columns)

    # ------------------------------------------------------------ mouse and keyboard

    def cell_at(self, position: QPointF) -> Cell | None:
        """The cell there; beside the cells a row, above or below them a column; None outside."""
        at, seen, around = self._geometry(), self._seen(), self.margins()
        if not seen.contains(position) or position.y() > at.cells.bottom() + around.bottom():
            return None
        inner = at.cells & seen.marginsRemoved(around)

        def place(position: float, first: float, last: float, offset: float) -> int | None:
            return min(int(offset), at.classes - 1) if first <= position < last else None

        return Cell(
            place(position.y(), inner.top(), inner.bottom(), (position.y() - at.top) / at.height),
            place(position.x(), inner.left(), inner.right(), (position.x() - at.left) / at.width),
        )

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(self.cell_at(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._hover(None)

    def _hover(self, cell: Cell | None) -> None:
        if cell != self._hovered:
            self._hovered = cell
            self.hovered.emit(cell)
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        cell = self.cell_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and cell is not None and self.readings is not None:
            self._cursor = cell
            self.chosen.emit(cell)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        moves = {Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0), Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1)}
        key = Qt.Key(event.key())
        if key in moves and self.readings is not None:
            self._move_to(Cell(*(self._moved(at, by) for at, by in zip(self._cursor, moves[key], strict=True))))
        elif key == Qt.Key.Key_Home:
            self._move_to(ALL)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self.readings is not None:
            self.chosen.emit(self._cursor)
        else:
            super().keyPressEvent(event)

    def _moved(self, at: int | None, by: int) -> int | None:
        """None, for a whole row or column, lies before the first class."""
        moved = min(max((-1 if at is None else at) + by, -1), len(self._names) - 1)
        return None if moved < 0 else moved

    def _move_to(self, cell: Cell) -> None:
        self._cursor = cell
        self.cursorMoved.emit(self.rect_of(cell))
        self.hovered.emit(cell)
        self._describe()
        announce(self, self._told(cell))
        self.update()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._describe()
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.hovered.emit(None)
        self.update()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            cell = self.cell_at(QPointF(event.pos()))
            if cell is not None and self.readings is not None:
                QToolTip.showText(event.globalPos(), verbatim_tip(self._told(cell)), self, self.rect_of(cell).toRect())
            return True
        return super().event(event)

    def _told(self, cell: Cell) -> str:
        return "" if self.readings is None else described(self.readings, self._names, cell)

    def _describe(self) -> None:
        self.setAccessibleDescription(self._told(self._cursor))


def _every(needed: float, given: float) -> int:
    """Of things that need so much room and are given so much, each how-manieth fits."""
    return max(int(np.ceil(needed / given)), 1)


def _percent(share: float | NDArray[np.float64], decimals: int) -> str:
    """Without the sign; "100" only for all."""
    if np.isnan(share):
        return ""
    return "100" if share == 1 else f"{min(100 * share, 100 - 10.0**-decimals):.{decimals}f}"
