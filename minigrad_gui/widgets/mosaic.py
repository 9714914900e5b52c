"""Many small pictures in rows, painted as one: a widget for each of some hundred would take long to build and paint."""

from collections.abc import Iterable, Sequence

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QColor,
    QFocusEvent,
    QHelpEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QScrollArea, QSizePolicy, QToolTip, QWidget

from minigrad_gui import theme
from minigrad_gui.widgets.accessibility import announce, verbatim_tip
from minigrad_gui.widgets.building import make_scrolling
from minigrad_gui.widgets.maps import Pixels, image_of
from minigrad_gui.wording import counted

GAP_PX = 4
LARGEST_SCALE = 24
CAPTION = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop


def _gap_at(scale: int) -> int:
    """The gap beside and below each picture, in pixels of the picture."""
    return max(GAP_PX // scale, 1)


class Mosaic(QWidget):
    """Pictures of one size, each with a caption below it and a description for its tool tip and screen readers.

    A caption may have several lines. It is as high as its pictures need at its width. Emits `hovered` with the picture
    under the mouse or the keyboard's cursor (-1: none), and `chosen` after a click, Return or Space. The arrow keys,
    Home and End move the cursor.
    """

    hovered = Signal(int)
    chosen = Signal(int)
    ACCESSIBLE_ROLE = QAccessible.Role.Graphic

    def __init__(self, name: str, scale: int = 2, parent: QWidget | None = None) -> None:
        """name: for screen readers; scale: screen pixels for each pixel of a picture."""
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self._scale = scale
        self._pixels: Pixels = np.empty((0, 28, 28, 3), np.uint8)
        self._rows: list[QImage] | None = None
        """The pictures of each row beside each other; None when they have changed."""
        self._captions: Sequence[str] = ()
        self._descriptions: Sequence[str] = ()
        self._gap = _gap_at(scale)
        self._cursor = -1
        self.current = -1
        """The picture that stands out, such as the one chosen last; -1 for none."""

    @property
    def count(self) -> int:
        return len(self._pixels)

    @property
    def scale(self) -> int:
        return self._scale

    def set_pictures(self, pixels: Pixels, captions: Sequence[str] = (), descriptions: Sequence[str] = ()) -> None:
        """pixels: (n, height, width, 3); captions and descriptions: n of them, or none."""
        self._pixels, self._rows = pixels, None
        self._captions, self._descriptions = captions, descriptions
        self._cursor = min(self._cursor, self.count - 1)
        self.current = min(self.current, self.count - 1)
        self.setMinimumHeight(self.heightForWidth(self.width()))
        self.updateGeometry()
        self._describe()
        self.update()

    def set_scale(self, scale: int) -> None:
        """scale: screen pixels for each pixel of a picture."""
        if scale != self._scale:
            self._scale, self._gap = scale, _gap_at(scale)
            self.set_pictures(self._pixels, self._captions, self._descriptions)

    def set_current(self, index: int) -> None:
        """Have this picture stand out; -1 for none."""
        if index != self.current:
            self.current = index
            self.update()

    def rect_of(self, index: int) -> QRect:
        """Where this picture is, without its caption."""
        row, column = divmod(index, self._columns(self.width()))
        tile, shown = self._tile(), self._shown()
        inset = (tile.width() - shown.width()) // 2
        return QRect(QPoint(column * tile.width() + inset, row * tile.height() + inset), shown)

    # ------------------------------------------------------------ size

    def _shown(self) -> QSize:
        _, height, width, _ = self._pixels.shape
        return QSize(width, height) * self._scale

    def tile_at(self, scale: int) -> QSize:
        """The room that a picture takes at this scale, with its caption and the gaps."""
        _, height, width, _ = self._pixels.shape
        lines = max((caption.count("\n") + 1 for caption in self._captions), default=0)
        caption = lines * self.fontMetrics().height()
        gap_px = _gap_at(scale) * scale
        return QSize(width, height) * scale + QSize(gap_px, gap_px + caption)

    def _tile(self) -> QSize:
        return self.tile_at(self._scale)

    def _columns(self, width: int) -> int:
        return max(width // self._tile().width(), 1)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        rows = -(-self.count // self._columns(width))
        return max(rows, 1) * self._tile().height()

    def sizeHint(self) -> QSize:
        width = 8 * self._tile().width()
        return QSize(width, self.heightForWidth(width))

    def minimumSizeHint(self) -> QSize:
        return self._tile()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._rows = None
        self.setMinimumHeight(self.heightForWidth(self.width()))

    # ------------------------------------------------------------ painting

    def _painted_rows(self) -> list[QImage]:
        if self._rows is None:
            count, height, width, _ = self._pixels.shape
            columns = self._columns(self.width())
            rows = -(-count // columns)
            color = QColor(theme.colors().card)
            tiles = np.empty((rows * columns, height, width + self._gap, 3), np.uint8)
            tiles[:] = color.red(), color.green(), color.blue()
            tiles[:count, :, :width] = self._pixels
            across = columns * (width + self._gap)
            joined = tiles.reshape(rows, columns, height, width + self._gap, 3).swapaxes(1, 2)
            joined = joined.reshape(rows, height, across, 3)
            self._rows = [image_of(row) for row in joined]
        return self._rows

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._rows = None

    def paintEvent(self, event: QPaintEvent) -> None:
        columns, rows = self._columns(self.width()), self._painted_rows()
        painter = QPainter(self)
        painter.fillRect(event.rect(), QColor(theme.colors().card))
        for row, image in enumerate(rows):
            place = QRect(self.rect_of(row * columns).topLeft(), image.size() * self._scale)
            if place.adjusted(0, 0, 0, self._tile().height() - place.height()).intersects(event.rect()):
                painter.drawImage(place, image)
                self._paint_captions(painter, range(row * columns, min((row + 1) * columns, self.count)))
        for index in {self.current, self._cursor if self.hasFocus() else -1} - {-1}:
            painter.setPen(QPen(QColor(theme.colors().accent), 2))
            painter.drawRect(self.rect_of(index))
        painter.end()

    def _paint_captions(self, painter: QPainter, indices: Iterable[int]) -> None:
        painter.setPen(QColor(theme.colors().muted))
        for index in indices if self._captions else ():
            place = self.rect_of(index)
            room = self._tile().width() - place.width()
            below = QRect(place.left() - room // 2, place.bottom() + 1, self._tile().width(), self._tile().height())
            room = below.width() - GAP_PX
            lines = self._captions[index].split("\n")
            cut = (painter.fontMetrics().elidedText(line, Qt.TextElideMode.ElideMiddle, room) for line in lines)
            painter.drawText(below, CAPTION, "\n".join(cut))

    # ------------------------------------------------------------ mouse and keyboard

    def index_at(self, position: QPoint) -> int:
        """The picture there; -1 for none."""
        tile = self._tile()
        column, row = position.x() // tile.width(), position.y() // tile.height()
        index = row * self._columns(self.width()) + column
        return index if 0 <= column < self._columns(self.width()) and 0 <= index < self.count else -1

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._point_at(self.index_at(event.position().toPoint()))

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._point_at(-1)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self.index_at(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and index >= 0:
            self._choose(index)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        row = self._columns(self.width())
        moves = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: -row, Qt.Key.Key_Down: row}
        key = Qt.Key(event.key())
        if key in moves and self.count:
            self._move_to(self._cursor + moves[key])
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End) and self.count:
            self._move_to(0 if key == Qt.Key.Key_Home else self.count - 1)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self._cursor >= 0:
            self._choose(self._cursor)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if self._cursor < 0 and self.count:
            self._point_at(max(self.current, 0))
        self._describe()
        self.update()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            index = self.index_at(event.pos())
            if index >= 0 and self._descriptions:
                tip = verbatim_tip(self._descriptions[index])
                QToolTip.showText(event.globalPos(), tip, self, self.rect_of(index))
            else:
                QToolTip.hideText()
            return True
        return super().event(event)

    def _move_to(self, index: int) -> None:
        if 0 <= index < self.count:
            self._point_at(index)
            self._scroll_to(index)
            self._describe()
            if self._descriptions:
                announce(self, self._descriptions[index])

    def _scroll_to(self, index: int) -> None:
        """Have the scroll area that this is in, if any, show this picture."""
        area = self.parentWidget()
        while area is not None and not isinstance(area, QScrollArea):
            area = area.parentWidget()
        content = None if area is None else area.widget()
        if area is not None and content is not None:
            tile = self._tile()
            centre = self.mapTo(content, self.rect_of(index).center())
            area.ensureVisible(centre.x(), centre.y(), tile.width() // 2, tile.height() // 2)

    def _point_at(self, index: int) -> None:
        if index != self._cursor:
            self._cursor = index
            self.hovered.emit(index)
            self.update()

    def _choose(self, index: int) -> None:
        self._point_at(index)
        self.set_current(index)
        self.chosen.emit(index)

    def _describe(self) -> None:
        told = self._descriptions[self._cursor] if self._descriptions and 0 <= self._cursor < self.count else ""
        self.setAccessibleDescription(told or counted(self.count, "picture"))


class MosaicArea(QScrollArea):
    """Scrolls a mosaic. Where there is room its pictures grow, as long as none has to be scrolled to.

    room_for: at least so many pictures, so that a few more or less do not change their size; is_steady: nor do many
    more, which are scrolled to.
    """

    def __init__(self, mosaic: Mosaic, name: str, room_for: int = 1, *, is_steady: bool = False) -> None:
        super().__init__()
        make_scrolling(self, mosaic, name)
        self._mosaic = mosaic
        self._least_scale = mosaic.scale
        self._room_for, self._is_steady = room_for, is_steady

    def set_pictures(self, pixels: Pixels, captions: Sequence[str] = (), descriptions: Sequence[str] = ()) -> None:
        """As `Mosaic.set_pictures`."""
        self._mosaic.set_pictures(pixels, captions, descriptions)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        scales = range(LARGEST_SCALE, self._least_scale, -1)
        self._mosaic.set_scale(next((scale for scale in scales if self._has_room(scale)), self._least_scale))

    def _has_room(self, scale: int) -> bool:
        room, tile = self.maximumViewportSize(), self._mosaic.tile_at(scale)
        fitting = (room.width() // tile.width()) * (room.height() // tile.height())
        return fitting >= (self._room_for if self._is_steady else max(self._mosaic.count, self._room_for))
