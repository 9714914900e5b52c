"""The legend of a plot: a row of samples and names, beside the plot and not over its data."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from minigrad_gui import theme

SAMPLE_PX, GAP_PX, DOT_PX = 20, 6, 6
APART_PX = 14


@dataclass(frozen=True)
class Entry:
    """A curve's name, colour, line width in pixels, and whether it has dots. short_name: used if there is no room."""

    name: str
    color: str
    width_px: float
    dots: bool = False
    short_name: str = ""


class Legend(QWidget):
    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._entries: tuple[Entry, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    @property
    def entries(self) -> tuple[Entry, ...]:
        return self._entries

    def set_entries(self, *entries: Entry) -> None:
        if entries != self._entries:
            self._entries = entries
            self.setAccessibleName("Curves: " + ", ".join(entry.name for entry in entries) if entries else "")
            self.updateGeometry()
            self.update()

    def _size(self, names: Sequence[str]) -> QSize:
        metrics = self.fontMetrics()
        widths = [SAMPLE_PX + GAP_PX + metrics.horizontalAdvance(name) for name in names]
        return QSize(sum(widths) + APART_PX * max(0, len(widths) - 1), metrics.height())

    def _names(self, *, short: bool) -> list[str]:
        return [entry.short_name if short and entry.short_name else entry.name for entry in self._entries]

    def sizeHint(self) -> QSize:
        return self._size(self._names(short=False))

    def minimumSizeHint(self) -> QSize:
        return self._size(self._names(short=True))

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        metrics, middle = self.fontMetrics(), self.height() / 2
        names = self._names(short=self.width() < self.sizeHint().width())
        left = float(self.width() - self._size(names).width())
        for entry, name in zip(self._entries, names, strict=True):
            color = QColor(entry.color)
            painter.setPen(QPen(color, entry.width_px))
            painter.drawLine(QPointF(left, middle), QPointF(left + SAMPLE_PX, middle))
            if entry.dots:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(color)
                painter.drawEllipse(QPointF(left + SAMPLE_PX / 2, middle), DOT_PX / 2, DOT_PX / 2)
            left += SAMPLE_PX + GAP_PX
            painter.setPen(QColor(theme.colors().muted))
            painter.drawText(QPointF(left, middle + (metrics.ascent() - metrics.descent()) / 2), name)
            left += metrics.horizontalAdvance(name) + APART_PX
        painter.end()
