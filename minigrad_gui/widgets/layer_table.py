"""A row for each layer: how its weights, outputs and gradients were distributed over time, and how it learns."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QAccessible, QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from minigrad_gui import theme
from minigrad_gui.insight.layer_statistics import BINS, NOTHING, Histogram, LayerStatistics
from minigrad_gui.widgets.maps import amounts, image_of

ROW_PX, GAP_PX = 44, 8
LIMIT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop
KINDS = ("weights", "activations", "gradients")
DEAD, MOVED = "dead", "moved"
LONGEST_NAME, WIDEST_DEAD, WIDEST_MOVED = "Hidden 20", "100%", "1.2e-03"


@dataclass(frozen=True)
class Look:
    """The layers at one moment. moved: how far each one's weights moved per mini-batch, relative to their size."""

    layers: Sequence[LayerStatistics]
    moved: Sequence[float | None]


class LayerTable(QWidget):
    """In each distribution time goes to the right and values go up, from -limit to limit; frequent ones are bright."""

    ACCESSIBLE_ROLE = QAccessible.Role.Table

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Layers")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._now: Look | None = None
        self._images: list[list[QImage]] = []
        self._limits: list[list[float]] = []
        self._row_count = 0

    def show_series(self, series: Sequence[Look]) -> None:
        """Show looks at the same layers, the oldest first."""
        self._now = series[-1] if series else None
        self._images, self._limits = [], []
        for index in range(len(self._now.layers) if self._now else 0):
            histograms = [[getattr(look.layers[index], kind) for look in series] for kind in KINDS]
            self._limits.append([_limit(kind) if _limit(kind) > NOTHING else 0.0 for kind in histograms])
            self._images.append([image_of(amounts(over_time(kind))) for kind in histograms])
        self.setAccessibleDescription(" ".join(self.row_text(index) for index in range(len(self._images))))
        self.set_layer_count(len(self._images))
        self.update()

    def set_layer_count(self, count: int) -> None:
        """Have room for so many rows."""
        self._row_count = count
        self.setFixedHeight(self.sizeHint().height())

    def row_text(self, index: int) -> str:
        """A layer in words."""
        assert self._now is not None
        parts = [f"{kind} up to {_figure(limit)}" for kind, limit in zip(KINDS, self._limits[index], strict=True)]
        dead, moved = self._figures(index)
        parts += [f"{dead} {DEAD}"] * bool(dead) + [f"{MOVED} {moved} per mini-batch"] * bool(moved)
        return f"{self._name(index)}: {', '.join(parts)}."

    def _name(self, index: int) -> str:
        return f"Hidden {index + 1}" if index < len(self._images) - 1 else "Output"

    def _figures(self, index: int) -> tuple[str, str]:
        assert self._now is not None
        dead, moved = self._now.layers[index].dead, self._now.moved[index]
        return "" if dead is None else f"{dead:.0%}", "" if moved is None else f"{moved:.1e}" if moved else "0"

    def sizeHint(self) -> QSize:
        return QSize(400, self.fontMetrics().height() + GAP_PX + ROW_PX * self._row_count)

    def minimumSizeHint(self) -> QSize:
        return QSize(320, self.sizeHint().height())

    def _columns(self) -> list[tuple[int, int]]:
        """Left edge and width of each column: the name, the distributions, dead, moved."""
        measure = self.fontMetrics().horizontalAdvance
        name, dead, moved = measure(LONGEST_NAME), measure(WIDEST_DEAD), measure(WIDEST_MOVED)
        strip = max((self.width() - name - dead - moved - 5 * GAP_PX) // 3, 10)
        lefts, left = [], 0
        for width in (name, strip, strip, strip, dead, moved):
            lefts.append((left, width))
            left += width + GAP_PX
        return lefts

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        colors = theme.colors()
        painter = QPainter(self)
        columns, line = self._columns(), self.fontMetrics().height()
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.setPen(QColor(colors.muted))
        for (left, width), title in zip(
            columns, ("", *map(str.title, KINDS), DEAD.title(), MOVED.title()), strict=True
        ):
            align = right if title.lower() in (DEAD, MOVED) else Qt.AlignmentFlag.AlignLeft
            painter.drawText(QRect(left, 0, width, line), align, title)
        for index, images in enumerate(self._images):
            top = line + GAP_PX + index * ROW_PX
            height = ROW_PX - GAP_PX
            painter.setPen(QColor(colors.text))
            texts = dict(zip((0, 4, 5), (self._name(index), *self._figures(index)), strict=True))
            for column, text in texts.items():
                left, width = columns[column]
                align = right if column else Qt.AlignmentFlag.AlignVCenter
                painter.drawText(QRect(left, top, width, height), align, text)
            for (left, width), image, limit in zip(columns[1:4], images, self._limits[index], strict=True):
                place = QRect(QPoint(left, top), QSize(width, height))
                painter.drawImage(place, image)
                painter.setPen(Qt.GlobalColor.white)
                painter.drawText(place.adjusted(3, 1, -3, -1), LIMIT, f"±{_figure(limit)}" if limit else "all 0")
        painter.end()


def _figure(value: float) -> str:
    """With two figures that count: 0.0016, 12, 260,000."""
    return f"{float(f'{value:.2g}'):,g}"


def _limit(histograms: Sequence[Histogram]) -> float:
    """The largest absolute value that they have room for."""
    return float(max(np.abs(each.edges).max() for each in histograms))


def over_time(histograms: Sequence[Histogram]) -> NDArray[np.float64]:
    """Frequencies (BINS, n) from 0 to 1, one column for each histogram, on one scale from the highest value down.

    The scale is symmetrical, so that 0 is in the middle. Square roots, for the tails to be seen beside the peak.
    """
    limit = _limit(histograms)
    scale = np.linspace(-limit, limit, BINS + 1)
    columns = []
    for counts, edges in histograms:
        below = np.concatenate([[0], np.cumsum(counts)])
        columns.append(np.diff(np.interp(scale, edges, below)))
    shares = np.array(columns).T
    return np.asarray(np.sqrt(shares / np.maximum(shares.max(axis=0), 1e-12))[::-1])
