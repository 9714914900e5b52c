"""Some digits under each of several headings, as large as the room allows."""

from collections.abc import Callable, Iterable

import numpy as np
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from minigrad_gui import theme
from minigrad_gui.digits import SIDE_PX
from minigrad_gui.widgets.building import caption, column, named, row, styled
from minigrad_gui.widgets.maps import Pixels, ink
from minigrad_gui.widgets.mosaic import LARGEST_SCALE, Mosaic
from minigrad_gui.widgets.paragraph import Paragraph

HEADING_PX = 4
"""Between a heading and its digits."""


class DigitRow(QWidget):
    """A heading, what is to be said of the digits, and the digits. Emits `chosen` with the index of a digit."""

    chosen = Signal(int)

    def __init__(self, name: str, title: str) -> None:
        """name: the beginning of the names of its parts."""
        super().__init__()
        self.title = caption(title, role="title")
        self._summary = named(_line("body"), f"{name}Summary")
        self._note = named(_line("muted", Qt.AlignmentFlag.AlignRight), f"{name}Note")
        self.mosaic = named(Mosaic(title), f"{name}Digits")
        self.mosaic.chosen.connect(self.chosen)
        self._heading = row(self.title, self._summary, self._note)
        self._heading.setStretch(1, 3)
        self._heading.setStretch(2, 2)
        column(self._heading, self.mosaic, 1, spacing=HEADING_PX, parent=self)
        self.show_none("")
        self.set_note("")

    def show_none(self, summary: str) -> None:
        """There are no digits; summary: why."""
        self.show_digits(ink(np.empty((0, SIDE_PX, SIDE_PX))), [""], [], summary)

    def show_digits(self, pixels: Pixels, captions: list[str], descriptions: list[str], summary: str) -> None:
        """pixels: (n, height, width, 3)"""
        self.mosaic.set_pictures(pixels, captions, descriptions)
        self._summary.setText(summary)

    def set_note(self, note: str) -> None:
        """What is to be said besides."""
        self._note.setText(note)
        self._note.setVisible(bool(note))  # else the summary has its room

    def fit(self, scale: int, columns: int, rows: int) -> None:
        """Show the digits in so many columns and rows, at this scale."""
        self.mosaic.set_scale(scale)
        tile = self.mosaic.tile_at(scale)
        self.mosaic.setFixedWidth(columns * tile.width())
        self.setFixedHeight(self.heading_height() + rows * tile.height())

    def heading_height(self) -> int:
        return self._heading.sizeHint().height() + HEADING_PX


class DigitRows(QWidget):
    """Rows of `count` digits each, one below the other."""

    def __init__(self, rows: Iterable[DigitRow], count: int) -> None:
        super().__init__()
        self._digit_rows, self._count = list(rows), count
        widest_px = max(each.title.sizeHint().width() for each in self._digit_rows)
        for each in self._digit_rows:
            each.title.setMinimumWidth(widest_px)
        column(*self._digit_rows, 1, spacing=theme.SPACING_PX, parent=self)

    def minimumSizeHint(self) -> QSize:
        return QSize(0, 0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        first = self._digit_rows[0]
        each_px = (self.height() + theme.SPACING_PX) // len(self._digit_rows) - theme.SPACING_PX
        room = QSize(self.width(), each_px - first.heading_height())
        scale, columns = largest_fit(room, self._count, first.mosaic.tile_at)
        for each in self._digit_rows:
            each.fit(scale, columns, self._count // columns)


def largest_fit(room: QSize, count: int, tile_at: Callable[[int], QSize]) -> tuple[int, int]:
    """The largest scale at which `count` tiles fit in equal rows, and how many then are in a row."""
    for scale in range(LARGEST_SCALE, 0, -1):
        tile = tile_at(scale)
        for columns in (number for number in range(count, 0, -1) if count % number == 0):
            if columns * tile.width() <= room.width() and count // columns * tile.height() <= room.height():
                return scale, columns
    return 1, count


def _line(role: str, align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft) -> Paragraph:
    """One line of text that never asks for more width."""
    line = styled(Paragraph(1, align), role)
    line.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    return line
