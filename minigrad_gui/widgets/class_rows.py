"""A row for each class: its name, how many pictures there are of it, and as many of them as the width allows.

The rows of few classes fill the height; of many, ten do, and the others are scrolled to.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QRect, QSize, Qt, Signal, Slot
from PySide6.QtGui import QAccessible, QColor, QHelpEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QScrollArea, QSizePolicy, QToolTip, QWidget

from minigrad_gui import theme
from minigrad_gui.widgets.accessibility import verbatim_tip
from minigrad_gui.widgets.building import make_scrolling, row
from minigrad_gui.widgets.maps import ink
from minigrad_gui.widgets.mosaic import Mosaic
from minigrad_gui.wording import counted

ROWS_IN_SIGHT = 10
LARGEST_SCALE = 6
FEWEST_COLUMNS = 6
WIDEST_NAME_SHARE = 0.3
"""Of the width; a longer name is cut, and whole in its tool tip."""
GAP_PX, BAR_PX = 8, 3
NONE = "There is no other picture of this class here"


@dataclass(frozen=True)
class ClassRow:
    """A class: its name, the number of its pictures, some of them, uint8 (n, 28, 28), and what to call each."""

    name: str
    count: int
    pictures: NDArray[np.uint8]
    picture_names: Sequence[str]


class ClassRows(QScrollArea):
    """Emits `chosen` with the class and the number of the picture that was clicked in its row."""

    chosen = Signal(int, int)

    def __init__(self, name: str) -> None:
        """name: for screen readers."""
        super().__init__()
        self._rows: Sequence[ClassRow] = ()
        self._places: list[tuple[int, int]] = []
        """The class and number of each picture in the mosaic; number -1 where the class has no more."""
        self._current = (-1, -1)
        self._heads = _Heads()
        self.mosaic = Mosaic(name, scale=1)
        self.mosaic.chosen.connect(self._on_chosen)
        self.content = QWidget()
        layout = row(self._heads, self.mosaic, 1, spacing=GAP_PX, parent=self.content)
        for part in (self._heads, self.mosaic):
            layout.setAlignment(part, Qt.AlignmentFlag.AlignTop)
        make_scrolling(self, self.content, name)
        self.content.setAutoFillBackground(False)  # as `setWidget` would have it

    def set_rows(self, rows: Sequence[ClassRow]) -> None:
        self._rows = rows
        self._fill()

    def set_current(self, index: int, number: int) -> None:
        """Have this picture of this class stand out; -1 for none."""
        self._current = index, number
        self.mosaic.set_current(self._places.index(self._current) if self._current in self._places else -1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fill()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and self._rows:
            self._fill()

    # ------------------------------------------------------------ layout

    def _fill(self) -> None:
        """Lay out the rows anew: how large the pictures are, how many there are beside and below each other."""
        rows, mosaic = self._rows, self.mosaic
        if not rows:
            return
        room = self.size() - QSize(self.verticalScrollBar().sizeHint().width(), 0)
        lines = max(1, min(ROWS_IN_SIGHT, room.height() // mosaic.tile_at(1).height()) // len(rows))
        in_sight = min(len(rows), ROWS_IN_SIGHT) * lines
        names_px = self._heads.show_rows(rows, round(room.width() * WIDEST_NAME_SHARE))
        across_px = room.width() - names_px - GAP_PX
        most = -(-max(len(each.pictures) for each in rows) // lines)

        def fits(scale: int) -> bool:
            tile = mosaic.tile_at(scale)
            return tile.height() * in_sight <= room.height() and tile.width() * FEWEST_COLUMNS <= across_px

        scale = next((scale for scale in range(LARGEST_SCALE, 1, -1) if fits(scale)), 1)
        tile = mosaic.tile_at(scale)
        columns = max(1, min(across_px // tile.width(), most))
        self._heads.set_row_height(lines * tile.height())
        mosaic.set_scale(scale)
        mosaic.setFixedWidth(columns * tile.width())
        self._show_pictures(lines * columns)
        self.content.setMinimumHeight(len(rows) * lines * tile.height())

    def _show_pictures(self, count: int) -> None:
        """So many of each class, with paper of the card's colour where a class has fewer."""
        card = QColor(theme.colors().card)
        pixels = np.empty((len(self._rows), count, 28, 28, 3), np.uint8)
        pixels[:] = card.red(), card.green(), card.blue()
        self._places, descriptions = [], []
        for index, each in enumerate(self._rows):
            shown = min(count, len(each.pictures))
            pixels[index, :shown] = ink(each.pictures[:shown])
            self._places += [(index, number if number < shown else -1) for number in range(count)]
            descriptions += [*each.picture_names[:shown], *[NONE] * (count - shown)]
        self.mosaic.set_pictures(pixels.reshape(-1, 28, 28, 3), descriptions=descriptions)
        self.set_current(*self._current)

    @Slot(int)
    def _on_chosen(self, place: int) -> None:
        index, number = self._places[place]
        if number >= 0:
            self._current = index, number
            self.chosen.emit(index, number)
        else:
            self.set_current(*self._current)


class _Heads(QWidget):
    """The beginning of each row: the name of its class, the number of its pictures, and a bar as long as that."""

    ACCESSIBLE_ROLE = QAccessible.Role.Graphic

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Classes")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._rows: Sequence[ClassRow] = ()
        self._count_px = self._row_px = 0

    def show_rows(self, rows: Sequence[ClassRow], widest_name_px: int) -> int:
        """Returns the width that they take."""
        self._rows = rows
        measure = self.fontMetrics().horizontalAdvance
        self._count_px = max(measure(f"{each.count:,}") for each in rows)
        names_px = min(max(measure(each.name) for each in rows) + 1, widest_name_px)  # advances are rounded down
        self.setFixedWidth(names_px + GAP_PX + self._count_px)
        self.setAccessibleDescription("; ".join(_said(each) for each in rows))
        self.update()
        return self.width()

    def set_row_height(self, height_px: int) -> None:
        self._row_px = height_px
        self.setFixedHeight(len(self._rows) * height_px)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        colors, metrics = theme.colors(), self.fontMetrics()
        largest = max((each.count for each in self._rows), default=0)
        text_px = metrics.height()
        for index, each in enumerate(self._rows):
            top = index * self._row_px + (self._row_px - text_px - BAR_PX) // 2
            place = QRect(0, top, self.width(), text_px)
            if not place.adjusted(0, 0, 0, BAR_PX).intersects(event.rect()):
                continue
            painter.setPen(QColor(colors.text))
            name = metrics.elidedText(each.name, Qt.TextElideMode.ElideMiddle, self.width() - GAP_PX - self._count_px)
            painter.drawText(place, Qt.AlignmentFlag.AlignLeft, name)
            painter.setPen(QColor(colors.muted))
            painter.drawText(place, Qt.AlignmentFlag.AlignRight, f"{each.count:,}")
            track = QRect(0, place.bottom() + 1, self.width(), BAR_PX)
            painter.fillRect(track, QColor(colors.bar_track))
            track.setWidth(round(self.width() * each.count / max(largest, 1)))
            painter.fillRect(track, QColor(colors.accent))
        painter.end()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip and self._row_px:
            index = min(event.pos().y() // self._row_px, len(self._rows) - 1)
            QToolTip.showText(event.globalPos(), verbatim_tip(_said(self._rows[index])), self)
            return True
        return super().event(event)


def _said(each: ClassRow) -> str:
    return f"{each.name}: {counted(each.count, 'picture')}"
