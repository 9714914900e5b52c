"""The loss on a plane as a map with contour lines, and the path of a run across it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QLineF, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QColor,
    QHelpEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from minigrad_gui import theme
from minigrad_gui.insight.landscape import Plane, Surface
from minigrad_gui.widgets.axes import round_number
from minigrad_gui.widgets.contours import contours
from minigrad_gui.widgets.maps import amounts, image_of

SIDE, LINE_SIDE = 129, 65
"""Places of the map in each direction before it is scaled to the widget, and of what contour lines go through."""
RESOLUTION = 2
"""The map is painted so much larger than on the screen, once: for screens of any scale, and for export."""
CONTOURS = 12
GAP_PX, BAR_PX, TICK_PX, DOT_PX, MOMENT_PX = 6, 12, 4, 4, 11
ACROSS_PX, ALONG_PX = 64, 36
"""Smallest distances between the ticks of the two axes."""
PATH, OUTLINE = QColor("#ffffff"), QColor(0, 0, 0, 150)
"""On a map that is the same in light and dark, so is the path."""
LINES = QColor(255, 255, 255, 70)
LEAST_PX = QSize(220, 140)
STEPS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Down: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: 1}


@dataclass(frozen=True)
class _Map:
    """A surface as it is painted. lines: the ends of the contour lines in shares of width and height, (n, 2, 2)."""

    image: QImage
    lines: NDArray[np.float64]
    low: float
    high: float

    def painted(self, size: QSize) -> QPixmap:
        pixmap = QPixmap(size)
        painter = QPainter(pixmap)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(QRectF(pixmap.rect()), self.image)
        ends = np.array([0, size.height()]) + self.lines * [size.width(), -size.height()]
        painter.setPen(QPen(LINES, RESOLUTION, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
        painter.drawLines([QLineF(*start, *end) for start, end in ends.tolist()])
        painter.end()
        return pixmap


class LandscapePicture(QWidget):
    """Emits `pointed` with the index of the moment that is clicked or dragged to, `stepped` with -1 or 1 for a key."""

    pointed = Signal(int)
    stepped = Signal(int)
    ACCESSIBLE_ROLE = QAccessible.Role.Chart

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Landscape of the loss")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._plane: Plane | None = None
        self.surface: Surface | None = None
        self._map: _Map | None = None
        self._painted: QPixmap | None = None
        self._titles: Sequence[str] = ("", "")
        self.moment: int | None = None

    def sizeHint(self) -> QSize:
        return LEAST_PX * 2

    def minimumSizeHint(self) -> QSize:
        return LEAST_PX

    def show_surface(self, plane: Plane, surface: Surface, titles: tuple[str, str]) -> None:
        """titles: of the two directions."""
        self._plane, self.surface, self._titles = plane, surface, titles
        self._map, self._painted = _map_of(surface), None
        self.update()

    def show_nothing(self) -> None:
        """There is no surface yet."""
        self._plane = self.surface = self._map = self.moment = None
        self.setAccessibleDescription("")
        self.update()

    def show_moment(self, index: int, told: str) -> None:
        """Mark a moment of the path. told: for screen readers."""
        self.moment = index
        self.setAccessibleDescription(told)
        self.update()

    # ------------------------------------------------------------ places

    @property
    def _area(self) -> QRectF:
        """Of the map, in pixels."""
        metrics = self.fontMetrics()
        left, right = metrics.horizontalAdvance("-88.8") + TICK_PX + GAP_PX + metrics.height(), self._bar_width
        below = 2 * metrics.height() + TICK_PX + GAP_PX
        return QRectF(self.rect()).adjusted(left, GAP_PX, -right, -below)

    @property
    def _bar_width(self) -> float:
        return 2 * GAP_PX + BAR_PX + TICK_PX + self.fontMetrics().horizontalAdvance("0.0000")

    def place_of(self, x: float, y: float) -> QPointF:
        """Where a place of the plane is, in pixels."""
        assert self.surface is not None
        area, shares = self._area, (_share(self.surface.x, x), _share(self.surface.y, y))
        return QPointF(area.left() + shares[0] * area.width(), area.bottom() - shares[1] * area.height())

    def _places(self) -> list[QPointF]:
        return [] if self._plane is None else [self.place_of(x, y) for x, y in self._plane.path.tolist()]

    # ------------------------------------------------------------ mouse and keys

    def mousePressEvent(self, event: QMouseEvent) -> None:
        places = self._places()
        if places and event.buttons() & Qt.MouseButton.LeftButton:
            lengths = [QLineF(event.position(), place).length() for place in places]
            self.pointed.emit(lengths.index(min(lengths)))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self.mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = STEPS.get(Qt.Key(event.key()))
        if steps is None:
            super().keyPressEvent(event)
        else:
            self.stepped.emit(steps)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip and self.surface is not None:
            area, at = self._area, QPointF(event.pos())
            x, y = (at.x() - area.left()) / area.width(), (area.bottom() - at.y()) / area.height()
            told = f"Loss {self.surface.at(*self._on_plane(x, y)):.4g}" if area.contains(at) else ""
            QToolTip.showText(event.globalPos(), told, self)
            return True
        return super().event(event)

    def _on_plane(self, *shares: float) -> tuple[float, float]:
        assert self.surface is not None
        axes = (self.surface.x, self.surface.y)
        x, y = (float(axis[0] + share * (axis[-1] - axis[0])) for axis, share in zip(axes, shares, strict=True))
        return x, y

    # ------------------------------------------------------------ painting

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        painter = QPainter(self)
        if self._map is not None:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            self._paint_map(painter, self._map)
            self._paint_axes(painter)
            self._paint_bar(painter, self._map)
            painter.setClipRect(self._area)
            self._paint_path(painter)
            painter.setClipping(False)
        if self.hasFocus():
            painter.setPen(QPen(QColor(theme.colors().accent), 1))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        painter.end()

    def _paint_map(self, painter: QPainter, shown: _Map) -> None:
        area = self._area
        size = (area.size() * RESOLUTION).toSize()
        if self._painted is None or self._painted.size() != size:
            self._painted = shown.painted(size)
        painter.drawPixmap(area, self._painted, QRectF(self._painted.rect()))
        painter.setPen(QPen(QColor(theme.colors().border), 1))
        painter.drawRect(area)

    def _paint_axes(self, painter: QPainter) -> None:
        assert self.surface is not None
        area, height, colors = self._area, self.fontMetrics().height(), theme.colors()
        painter.setPen(QPen(QColor(colors.muted), 1))
        for x in _ticks(self.surface.x, area.width(), ACROSS_PX):
            at = self.place_of(x, 0).x()
            painter.drawLine(QLineF(at, area.bottom(), at, area.bottom() + TICK_PX))
            box = QRectF(at - ACROSS_PX / 2, area.bottom() + TICK_PX, ACROSS_PX, height)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, f"{x:.3g}")
        for y in _ticks(self.surface.y, area.height(), ALONG_PX):
            at = self.place_of(0, y).y()
            painter.drawLine(QLineF(area.left() - TICK_PX, at, area.left(), at))
            box = QRectF(0, at - height / 2, area.left() - TICK_PX - 2, height)
            painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"{y:.3g}")
        across, along = self._titles
        below = QRectF(area.left(), self.height() - height, area.width(), height)
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, _fitting(painter, across, area.width()))
        painter.save()
        painter.translate(0, area.bottom())
        painter.rotate(-90)
        beside = QRectF(0, 0, area.height(), height)
        painter.drawText(beside, Qt.AlignmentFlag.AlignCenter, _fitting(painter, along, area.height()))
        painter.restore()

    def _paint_bar(self, painter: QPainter, shown: _Map) -> None:
        """The colours of the losses, with round numbers beside them."""
        area, height = self._area, self.fontMetrics().height()
        bar = QRectF(area.right() + 2 * GAP_PX, area.top(), BAR_PX, area.height())
        painter.drawImage(bar, image_of(amounts(np.linspace(1, 0, SIDE)[:, np.newaxis], 1.0)))
        painter.setPen(QPen(QColor(theme.colors().muted), 1))
        lowest_px = math.inf
        for loss in _losses_between(shown.low, shown.high):
            at = bar.bottom() - _share(np.log([shown.low, shown.high]), math.log(loss)) * bar.height()
            if lowest_px - at < height and lowest_px < math.inf:
                continue
            lowest_px = at
            painter.drawLine(QLineF(bar.right(), at, bar.right() + TICK_PX, at))
            top = min(max(at - height / 2, 0.0), self.height() - height)
            box = QRectF(bar.right() + TICK_PX + 2, top, self.width(), height)
            painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, written(loss))

    def _paint_path(self, painter: QPainter) -> None:
        places = self._places()
        for color, more in ((OUTLINE, 2), (PATH, 0)):
            painter.setPen(QPen(color, 1.5 + more, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawPolyline(places)
            painter.setPen(QPen(color, DOT_PX + more, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawPoints(places)
        if self.moment is not None:
            painter.setPen(QPen(PATH, 1.5))
            painter.setBrush(QColor(theme.LIGHT.error))
            painter.drawEllipse(places[self.moment], MOMENT_PX / 2, MOMENT_PX / 2)
            painter.setBrush(Qt.BrushStyle.NoBrush)


def _map_of(surface: Surface) -> _Map:
    heights = surface.resampled(SIDE)
    low, high = float(heights.min()), float(heights.max())
    shares = (heights - low) / (high - low) if high > low else np.zeros_like(heights)
    levels = (np.arange(CONTOURS) + 0.5) / CONTOURS
    stride = (SIDE - 1) // (LINE_SIDE - 1)
    lines = contours(shares[::stride, ::stride], levels) / (LINE_SIDE - 1)
    return _Map(image_of(amounts(shares[::-1], 1.0)), lines, math.exp(low), math.exp(high))


def _share(axis: NDArray[np.float64], place: float) -> float:
    """How far along an axis a place is, from 0 to 1."""
    return float((place - axis[0]) / (axis[-1] - axis[0])) if axis[-1] > axis[0] else 0.5


def _ticks(axis: NDArray[np.float64], length_px: float, least_px: float) -> list[float]:
    """Round numbers along an axis, no more than fit."""
    step = round_number((axis[-1] - axis[0]) * least_px / max(length_px, least_px))
    return [number * step for number in range(math.ceil(axis[0] / step), math.floor(axis[-1] / step) + 1)]


def _losses_between(low: float, high: float) -> list[float]:
    """Round numbers on a logarithmic scale, or the two ends if there are hardly any between them."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    rounds = [digit * 10.0**decade for decade in decades for digit in (1, 2, 5)]
    between = [number for number in rounds if low <= number <= high]
    return between if len(between) > 1 else [low, high]


def written(loss: float) -> str:
    """A loss beside the colours, in a few characters."""
    return f"{loss:.0f}" if 10 <= loss < 1e5 else f"{loss:.2g}"


def _fitting(painter: QPainter, text: str, width_px: float) -> str:
    return painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, round(width_px))
