"""Bars with the probability of each class; of more than ten classes, the likeliest. A click tells the right one.

Over each bar lies a button, transparent to the mouse, for the keyboard and assistive technology.
"""

import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, Signal, Slot
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
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QSizePolicy, QToolTip, QWidget

from minigrad_gui import theme
from minigrad_gui.data import DIGIT_NAMES
from minigrad_gui.widgets.accessibility import verbatim_tip
from minigrad_gui.wording import percentage

WIDEST_VALUE = ">99.9%"
SPACING_PX = 8
BAR_HEIGHT_PX = 10
ROW_PADDING_PX = 4
MOST_ROW_HEIGHT_PX = 32
FOCUS_RADIUS_PX = 4
MOST_ROWS, LIKELIEST = 10, 7
"""More classes than MOST_ROWS are not all shown, but the LIKELIEST."""
EASY_ROWS = 5
"""Fewer bars are higher, so that all together have the least height of so many."""
NAME_SHARE = 0.4
"""Of the width, at most, for the names; longer ones are cut."""
LEAST_BAR_PX = 64
HALF_PX = 0.5
"""What a width may lose by rounding."""


class ProbabilityBars(QWidget):
    """Shows probabilities (n,) from 0 to 1, or empty bars for None; the largest stands out. Up to ten classes have
    their places; of more, the likeliest are shown in the order of their probabilities.

    Emits `chosen` with the class that was clicked, if `choosable`. Tab moves to the bars, the arrow keys move between
    them, a class's first letter moves to its bar, and Space or Enter chooses it.
    """

    chosen = Signal(int)
    ACCESSIBLE_ROLE = QAccessible.Role.Grouping

    def __init__(self, class_names: tuple[str, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._class_names: tuple[str, ...] = ()
        self._classes: list[int] = []
        """The class of each row."""
        self.probabilities: NDArray[np.floating] | None = None
        self._choosable = False
        self._under_mouse = -1
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._buttons = QButtonGroup(self, exclusive=False)
        self._buttons.idClicked.connect(self._choose)
        self.set_classes(class_names)

    def set_classes(self, class_names: tuple[str, ...]) -> None:
        """Show other classes, at first without probabilities."""
        if class_names == self._class_names:
            return
        self._class_names, self._under_mouse = class_names, -1
        self._classes = list(range(len(class_names) if len(class_names) <= MOST_ROWS else LIKELIEST))
        for bar in self._buttons.buttons():
            self._buttons.removeButton(bar)
            bar.deleteLater()
        for row in self._classes:
            bar = _Bar(self)
            self._buttons.addButton(bar, row)
            bar.setVisible(True)
        most = max(MOST_ROW_HEIGHT_PX, self.fontMetrics().height() + 2 * ROW_PADDING_PX)
        self.setMaximumHeight(most * len(self._classes))
        self.set_current(0)
        self.set_probabilities(None)
        self._place_bars()
        self.updateGeometry()

    def track(self) -> QRectF:
        """The rectangle of the first row's bar at a probability of 1."""
        left = min(self._width_of(*self._class_names), NAME_SHARE * self.width()) + SPACING_PX
        right = self._width_of(WIDEST_VALUE) + SPACING_PX
        row_height = self.height() / len(self._classes)
        return QRectF(left, (row_height - BAR_HEIGHT_PX) / 2, self.width() - left - right, BAR_HEIGHT_PX)

    def _width_of(self, *texts: str) -> float:
        """Of the widest of them in bold, in pixels."""
        bold = QFont(self.font())
        bold.setBold(True)
        return max(map(QFontMetricsF(bold).horizontalAdvance, texts))

    def set_probabilities(self, probabilities: NDArray[np.floating] | None) -> None:
        if probabilities is not None and len(probabilities) != len(self._class_names):
            probabilities = None  # of a network that is being replaced
        self.probabilities = probabilities
        if probabilities is not None and len(self._class_names) > MOST_ROWS:
            self._classes = np.argsort(-probabilities, kind="stable")[:LIKELIEST].tolist()
        for bar, index in zip(self._buttons.buttons(), self._classes, strict=True):
            name = self._class_names[index]
            if bar.text() != name:
                bar.setText(name)
                bar.setAccessibleName(f"digit {name}" if name in DIGIT_NAMES else name)
            bar.setAccessibleDescription("" if probabilities is None else percentage(probabilities[index]))
        if probabilities is None:
            self.setAccessibleDescription("nothing drawn")
        else:
            best = int(probabilities.argmax())
            value = percentage(probabilities[best])
            self.setAccessibleDescription(f"most likely {self._class_names[best]}, {value}")
        self.update()

    def set_current(self, row: int) -> None:
        """Make this the bar that Tab moves to."""
        for index, bar in enumerate(self._buttons.buttons()):
            bar.setFocusPolicy(Qt.FocusPolicy.TabFocus if index == row else Qt.FocusPolicy.ClickFocus)

    def go_to(self, row: int) -> None:
        """Focus this bar, or the first or last if the row is out of range."""
        bars = self._buttons.buttons()
        bars[min(max(row, 0), len(bars) - 1)].setFocus(Qt.FocusReason.OtherFocusReason)

    @Slot(int)
    def _choose(self, row: int) -> None:
        if self._choosable:
            self.chosen.emit(self._classes[row])

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_bars()

    def _place_bars(self) -> None:
        bars = self._buttons.buttons()
        for index, bar in enumerate(bars):
            top, bottom = (round(edge * self.height() / len(bars)) for edge in (index, index + 1))
            bar.setGeometry(QRect(0, top, self.width(), bottom - top))

    def set_choosable(self, choosable: bool) -> None:
        if choosable != self._choosable:
            self._choosable = choosable
            self.setCursor(Qt.CursorShape.PointingHandCursor if choosable else Qt.CursorShape.ArrowCursor)
            self.update()

    def _row_at(self, position: QPointF) -> int:
        """The row at this position; -1 for none."""
        row = int(position.y() * len(self._classes) // max(self.height(), 1))
        return row if 0 <= row < len(self._classes) and self.rect().contains(position.toPoint()) else -1

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(self._row_at(event.position()))

    def event(self, event: QEvent) -> bool:
        """The tool tip begins with a name that is cut."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            row = self._row_at(QPointF(event.pos()))
            name = self._class_names[self._classes[row]] if row >= 0 else ""
            bold = QFont(self.font())
            bold.setBold(True)  # as the likeliest is written
            if name and self._cut(name, bold, self.track().left()) != name:
                bar = self._buttons.button(row).geometry()
                tip = verbatim_tip(". ".join(filter(None, (name, self.toolTip()))))
                QToolTip.showText(event.globalPos(), tip, self, bar)
                return True
        return super().event(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._hover(-1)
        super().leaveEvent(event)

    def _hover(self, row: int) -> None:
        if row != self._under_mouse:
            self._under_mouse = row
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        row = self._row_at(event.position())
        if row >= 0 and event.button() == Qt.MouseButton.LeftButton:
            self._choose(row)

    def sizeHint(self) -> QSize:
        return QSize(220, (self.fontMetrics().height() + ROW_PADDING_PX) * len(self._classes))

    def minimumSizeHint(self) -> QSize:
        least = self.fontMetrics().height() * max(len(self._classes), EASY_ROWS)
        rest = LEAST_BAR_PX + self._width_of(WIDEST_VALUE) + 2 * SPACING_PX
        width = min(self._width_of(*self._class_names) + rest, rest / (1 - NAME_SHARE))
        return QSize(math.ceil(width), min(least, self.maximumHeight()))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        colors = theme.colors()
        values = np.zeros(len(self._classes)) if self.probabilities is None else self.probabilities[self._classes]
        best = -1 if self.probabilities is None else int(values.argmax())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        row_height, first = self.height() / len(values), self.track()
        for index, value in enumerate(values):
            top = index * row_height
            if self._choosable and index == self._under_mouse:
                self._bar(painter, QRectF(-4, top, self.width() + 8, row_height), colors.grid)
            track = first.translated(0, top)
            self._bar(painter, track, colors.bar_track)
            if value > 0:
                filled = QRectF(track)
                filled.setWidth(float(value) * track.width())
                self._bar(painter, filled, colors.accent if index == best else colors.muted)
            font = painter.font()
            font.setBold(index == best)
            painter.setFont(font)
            painter.setPen(QColor(colors.text if index == best else colors.muted))
            left = QRectF(0, top, track.left(), row_height)
            name = self._cut(self._class_names[self._classes[index]], font, track.left())
            painter.drawText(left, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, name)
            if self.probabilities is not None:
                right = QRectF(track.right(), top, self.width() - track.right(), row_height)
                painter.drawText(right, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, percentage(value))
        painter.end()

    @staticmethod
    def _cut(name: str, font: QFont, left: float) -> str:
        """The name as it is shown to the left of a bar that begins there."""
        if len(name) == 1:
            return name
        return QFontMetricsF(font).elidedText(name, Qt.TextElideMode.ElideRight, left - SPACING_PX + HALF_PX)

    @staticmethod
    def _bar(painter: QPainter, bar: QRectF, color: str) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(color))
        radius = min(bar.height(), bar.width()) / 2
        painter.drawRoundedRect(bar, radius, radius)


class _Bar(QAbstractButton):
    """A bar without its picture: it has a name, takes the focus and can be pressed."""

    def __init__(self, bars: ProbabilityBars) -> None:
        super().__init__(bars)
        self._bars = bars
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def event(self, event: QEvent) -> bool:
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and self._is_name(event.text())
        ):
            event.accept()  # it moves to a bar, even if it is also a shortcut
            return True
        return super().event(event)

    def _is_name(self, text: str) -> bool:
        return text in [bar.text() for bar in self.group().buttons()]

    def keyPressEvent(self, event: QKeyEvent) -> None:
        group = self.group()
        row, names = group.id(self), [bar.text() for bar in group.buttons()]
        match event.key():
            case Qt.Key.Key_Up | Qt.Key.Key_Left:
                self._bars.go_to(row - 1)
            case Qt.Key.Key_Down | Qt.Key.Key_Right:
                self._bars.go_to(row + 1)
            case Qt.Key.Key_Home:
                self._bars.go_to(0)
            case Qt.Key.Key_End:
                self._bars.go_to(len(names) - 1)
            case Qt.Key.Key_Return | Qt.Key.Key_Enter:
                self.click()
            case _ if event.text() in names:
                self._bars.go_to(names.index(event.text()))
            case _:
                super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._bars.set_current(self.group().id(self))
        super().focusInEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        if self.hasFocus():
            painter = QPainter(self)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(QColor(theme.colors().accent), 1))
            painter.drawRoundedRect(
                QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), FOCUS_RADIUS_PX, FOCUS_RADIUS_PX
            )
            painter.end()
