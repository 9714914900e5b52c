"""Text from outside in a few lines: names of files and classes may be of any length, and look like HTML."""

import math

from PySide6.QtCore import QEvent, QRect, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QHelpEvent, QPainter, QPaintEvent, QResizeEvent, QTextLayout, QTextOption
from PySide6.QtWidgets import QLabel, QToolTip, QWidget

from minigrad_gui.widgets.accessibility import verbatim_tip

UNBOUNDED_PX = 400


class Paragraph(QLabel):
    """Plain text in at most so many lines; what is cut is in its tool tip. Long words are broken, so that it never asks
    for more width."""

    def __init__(
        self, most_lines: int, align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)  # its height depends on its width
        self._most_lines = most_lines
        self._align = align

    def lines(self, width_px: int) -> list[str]:
        """The text as it is broken into lines of this width, the last one cut if there are too many."""
        lines = self._all_lines(width_px)
        if len(lines) > self._most_lines:
            rest = "".join(lines[self._most_lines - 1 :])
            cut = self.fontMetrics().elidedText(rest, Qt.TextElideMode.ElideRight, width_px)
            lines[self._most_lines - 1 :] = [cut]
        return [line.rstrip() for line in lines]

    def _all_lines(self, width_px: int) -> list[str]:
        layout = QTextLayout(self.text(), self.font())
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        layout.setTextOption(option)
        starts = []
        layout.beginLayout()
        while (line := layout.createLine()).isValid():
            line.setLineWidth(max(width_px, 1))
            starts.append(line.textStart())
        layout.endLayout()
        ends = [*starts[1:], len(self.text())]
        return [self.text()[start:end] for start, end in zip(starts, ends, strict=True)]

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return max(1, len(self.lines(width))) * self.fontMetrics().lineSpacing()

    def sizeHint(self) -> QSize:
        width = min(math.ceil(QFontMetricsF(self.font()).horizontalAdvance(self.text())), UNBOUNDED_PX)
        return QSize(width, self.heightForWidth(width))

    def minimumSizeHint(self) -> QSize:
        """All of its lines: else a layout with too little room would take it from others."""
        return QSize(0, self.heightForWidth(self.width()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.updateGeometry()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        height, lines = self.fontMetrics().lineSpacing(), self.lines(self.width())
        top = (self.height() - len(lines) * height) // 2
        for number, line in enumerate(lines):
            painter.drawText(QRect(0, top + number * height, self.width(), height), self._align, line)
        painter.end()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            is_cut = len(self._all_lines(self.width())) > self._most_lines
            QToolTip.showText(event.globalPos(), verbatim_tip(self.text()) if is_cut else "", self)
            return True
        return super().event(event)
