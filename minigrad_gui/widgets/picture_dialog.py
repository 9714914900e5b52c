"""Reading a picture: it is shown with a box around each digit, and a box can be drawn or moved to read elsewhere."""

from collections.abc import Callable, Sequence
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QAccessible, QColor, QFocusEvent, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QDialog, QPushButton, QSizePolicy, QWidget

from minigrad_gui import theme
from minigrad_gui.analysis import Answer
from minigrad_gui.reader import Box, ReadDigit, written_number
from minigrad_gui.widgets.building import caption, column, named, row
from minigrad_gui.widgets.digit_picture import DigitPicture
from minigrad_gui.widgets.screens import resize_within
from minigrad_gui.wording import percentage

SIZE_PX = QSize(720, 620)
MOST_SHOWN = 8
"""So many digits are shown as the network sees them."""
LEAST_BOX_PX = 6
"""A smaller box is a click."""
KEY_STEP = 0.05
"""How far a key moves the box, as a share of the picture's longer side."""
CLOCKWISE, COUNTERCLOCKWISE = -1, 1
"""Quarter turns as `np.rot90` counts them."""
ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}

Pixels = NDArray[np.uint8]
Ask = Callable[[str, Pixels], None]


def pixels_of(image: QImage) -> Pixels:
    """The pixels of an image, (height, width, 4) RGBA."""
    image = image.convertToFormat(QImage.Format.Format_RGBA8888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 4 * image.width()].reshape(image.height(), image.width(), 4).copy()


def image_of(pixels: Pixels) -> QImage:
    """An image of pixels, (height, width), (height, width, 3) RGB or (height, width, 4) RGBA."""
    formats = {2: QImage.Format.Format_Grayscale8, 3: QImage.Format.Format_RGB888, 4: QImage.Format.Format_RGBA8888}
    pixels = np.ascontiguousarray(pixels)
    height, width = pixels.shape[:2]
    kind = formats[2 if pixels.ndim == 2 else pixels.shape[2]]
    return QImage(pixels.data, width, height, pixels.strides[0], kind).copy()


class PictureView(QWidget):
    """A picture as large as there is room, with boxes on it; dragging draws a box, or moves one that was drawn.

    So do the arrow keys; with Shift they change its size, and Escape removes it.
    """

    ACCESSIBLE_ROLE = QAccessible.Role.Graphic
    boxChanged = Signal(QRect)  # noqa: N815  (in pixels of the picture; empty for all of it)

    def __init__(self, pixels: Pixels, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._image = image_of(pixels)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._shrunk = QImage()
        self._digits: Sequence[ReadDigit] = ()
        self._box = QRect()
        self._pressed: QPointF | None = None
        self._moved = QRect()
        """The box as it was when the mouse took hold of it; empty while a new one is drawn."""
        self.setMinimumSize(200, 160)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setCursor(Qt.CursorShape.CrossCursor)

    def show_pixels(self, pixels: Pixels) -> None:
        """Show another picture, without boxes."""
        self._image, self._shrunk, self._digits, self._box = image_of(pixels), QImage(), (), QRect()
        self.update()

    def show_digits(self, digits: Sequence[ReadDigit]) -> None:
        self._digits = digits
        self.update()

    @property
    def box(self) -> QRect:
        """The part that is read, in pixels of the picture; empty for all of it."""
        return self._box

    @property
    def scale(self) -> float:
        """Screen pixels to a pixel of the picture."""
        return min(self.width() / self._image.width(), self.height() / self._image.height())

    def _corner(self) -> QPointF:
        return QPointF(
            (self.width() - self.scale * self._image.width()) / 2,
            (self.height() - self.scale * self._image.height()) / 2,
        )

    def _to_picture(self, position: QPointF) -> QPoint:
        return ((position - self._corner()) / self.scale).toPoint()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed = event.position()
            inside = self._box.contains(self._to_picture(event.position()))
            self._moved = QRect(self._box) if inside else QRect()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pressed is None:
            return
        start, now = self._to_picture(self._pressed), self._to_picture(event.position())
        box = self._moved.translated(now - start) if not self._moved.isEmpty() else QRect(start, now).normalized()
        self._box = box.intersected(self._image.rect())
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._pressed is None:
            return
        is_click = (event.position() - self._pressed).manhattanLength() < LEAST_BOX_PX
        self._pressed = None
        if is_click or min(self._box.width(), self._box.height()) * self.scale < LEAST_BOX_PX:
            self._box = QRect()
        self.update()
        self.boxChanged.emit(self._box)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_Escape and not self._box.isEmpty():
            self._box = QRect()
        elif key in ARROWS:
            self._box = self._after_arrow(*ARROWS[key], bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
        else:
            super().keyPressEvent(event)
            return
        self.update()
        self.boxChanged.emit(self._box)

    def _after_arrow(self, x: int, y: int, resizes: bool) -> QRect:
        """The box after an arrow key, which at first puts a box in the middle."""
        whole = self._image.rect()
        if self._box.isEmpty():
            quarter = QPoint(whole.width() // 4, whole.height() // 4)
            return QRect(quarter, whole.bottomRight() - quarter)
        step = max(1, round(KEY_STEP * max(whole.width(), whole.height())))
        by = QPoint(step * x, step * y)
        if resizes:
            box = self._box.adjusted(0, 0, by.x(), by.y()).intersected(whole)
            return (
                box if min(box.width(), box.height()) >= min(step, self._box.width(), self._box.height()) else self._box
            )
        room = QPoint(whole.width() - self._box.width(), whole.height() - self._box.height())
        corner = self._box.topLeft() + by
        return QRect(QPoint(min(max(corner.x(), 0), room.x()), min(max(corner.y(), 0), room.y())), self._box.size())

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        scale, corner = self.scale, self._corner()
        size = (QSize(self._image.size()) * scale).expandedTo(QSize(1, 1))
        if self._shrunk.size() != size:  # QImage.scaled averages; QPainter would sample
            kinds = Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
            self._shrunk = self._image.scaled(size, *kinds)
        painter = QPainter(self)
        painter.drawImage(corner, self._shrunk)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for digit in self._digits:
            left, top, right, bottom = digit.box
            recognised = digit.prediction is not None and digit.prediction.recognised
            painter.setPen(QPen(QColor(theme.colors().accent if recognised else theme.colors().muted), 2))
            box = QRectF(left * scale, top * scale, (right - left) * scale, (bottom - top) * scale)
            painter.drawRect(box.translated(corner).adjusted(-2, -2, 2, 2))
        if not self._box.isEmpty():
            box = QRectF(QPointF(self._box.topLeft()) * scale + corner, self._box.size().toSizeF() * scale)
            for shade, style in (
                (Qt.GlobalColor.white, Qt.PenStyle.SolidLine),
                (Qt.GlobalColor.black, Qt.PenStyle.DashLine),
            ):
                painter.setPen(QPen(shade, 1, style))  # both, to be seen on any picture in any theme
                painter.drawRect(box)
        if self.hasFocus():
            painter.setPen(QPen(QColor(theme.colors().accent), 1))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()


class PictureDialog(QDialog):
    """Shows a picture and what is read in it.

    ask: asks for the digits of a picture, in reading order, under a key; `take_reading` takes them. withdraw: says that
    those of a key are not wanted any more.
    """

    def __init__(
        self, pixels: Pixels, name: str, ask: Ask, withdraw: Callable[[str], None], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"{name} – read as a picture")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._pixels, self._ask, self._withdraw = pixels, ask, withdraw
        self._key, self._corner = "", (0, 0)
        self._turned_keys: dict[str, int] = {}
        """The keys under which the picture is being read turned, and by how many quarters."""
        self._quarters, self._most_sure = CLOCKWISE, 0
        """How the button turns the picture, and how many digits are recognised then, or now."""
        resize_within(self, SIZE_PX)
        tip = "Drag, or press an arrow key, to read only a part; click to read all of it again"
        self.view = named(PictureView(pixels), "pictureView", tip)
        self._number = named(caption("", "figure"), "pictureNumber")
        self._number.setWordWrap(True)
        self._note = named(caption(), "pictureNote")
        self._seen = [DigitPicture(pixel_px=2) for _ in range(MOST_SHOWN)]
        for shown in self._seen:  # so that the picture does not move when digits are found
            policy = shown.sizePolicy()
            policy.setRetainSizeWhenHidden(True)
            shown.setSizePolicy(policy)
        turn = named(
            QPushButton("Turn"),
            "pictureTurnButton",
            "Turn the picture, clockwise unless offered otherwise, and read it again",
        )
        close = named(QPushButton("Close"), "pictureCloseButton")
        turn.setAutoDefault(False)
        column(
            self.view,
            row(*self._seen, 1),
            self._number,
            row(self._note, 1, turn, close),
            spacing=theme.SPACING_PX,
            margin=theme.SPACING_PX,
            parent=self,
        )
        turn.clicked.connect(self._turn)
        close.clicked.connect(self.close)
        self.view.boxChanged.connect(self.read_in)
        self._show([])
        self.read_in(QRect())

    @Slot(QRect)
    def read_in(self, box: QRect) -> None:
        """Read a part of the picture, in its pixels; all of it if the box is empty."""
        part = box if not box.isEmpty() else QRect(0, 0, self._pixels.shape[1], self._pixels.shape[0])
        top, left = part.top(), part.left()
        self._withdraw_all()
        self._key, self._corner = f"picture/{uuid4().hex}", (left, top)
        self._quarters = CLOCKWISE
        self._note.setText("Reading…")
        self._ask(self._key, self._pixels[top : top + part.height(), left : left + part.width()])

    @Slot(object)
    def take_reading(self, answer: Answer) -> None:
        """Show the digits that were read, unless somebody else asked for them or the box has moved since."""
        if answer.key in self._turned_keys and answer.error is None:
            self._offer_turn(self._turned_keys[answer.key], answer.result)
        if answer.key != self._key:
            return
        if answer.error is not None:
            self._note.setText(f"The picture could not be read: {answer.error}")
            return
        digits = [
            ReadDigit(_moved(digit.box, *self._corner), digit.picture, digit.prediction) for digit in answer.result
        ]
        self._show(digits)
        self._number.setText(written_number(digits) or "Nothing")
        self._note.setText(_told(digits))
        self._most_sure = _sure_of(digits)
        if self.view.box.isEmpty() and 2 * self._most_sure < max(1, len(digits)):
            self._read_turned()

    def _read_turned(self) -> None:
        """Find out whether the picture lies on its side."""
        for quarters in (CLOCKWISE, COUNTERCLOCKWISE):
            key = f"{self._key}/{quarters}"
            self._turned_keys[key] = quarters
            self._ask(key, np.ascontiguousarray(np.rot90(self._pixels, quarters)))

    def _offer_turn(self, quarters: int, digits: Sequence[ReadDigit]) -> None:
        """Offer to turn the picture if more digits are recognised then, and most of those that are found."""
        sure = _sure_of(digits)
        if sure <= self._most_sure or 2 * sure <= len(digits):
            return
        self._quarters, self._most_sure = quarters, sure
        way = "clockwise" if quarters == CLOCKWISE else "counterclockwise"
        self._note.setText(f"Turned {way}, it reads {written_number(digits)}.")

    def done(self, result: int) -> None:
        """Close, whatever is still being read."""
        self._withdraw_all()
        super().done(result)

    def _withdraw_all(self) -> None:
        for key in (self._key, *self._turned_keys):
            self._withdraw(key)
        self._turned_keys.clear()

    @Slot()
    def _turn(self) -> None:
        self._pixels = np.ascontiguousarray(np.rot90(self._pixels, self._quarters))
        self.view.show_pixels(self._pixels)
        self.read_in(QRect())

    def _show(self, digits: Sequence[ReadDigit]) -> None:
        self.view.show_digits(digits)
        for shown, digit in zip(self._seen, [*digits, *[None] * MOST_SHOWN], strict=False):
            shown.setVisible(digit is not None)
            if digit is not None:
                shown.set_picture(digit.picture)


def _moved(box: Box, left: int, top: int) -> Box:
    return box[0] + left, box[1] + top, box[2] + left, box[3] + top


def _sure_of(digits: Sequence[ReadDigit]) -> int:
    """How many digits are recognised."""
    return sum(digit.prediction is not None and digit.prediction.recognised for digit in digits)


def _told(digits: Sequence[ReadDigit]) -> str:
    """How sure the reading is, in a sentence."""
    sure = _sure_of(digits)
    if not digits:
        return "Nothing here can be read. Drag a box around what should be."
    if len(digits) == 1 and sure and digits[0].prediction is not None:
        return f"{percentage(digits[0].prediction.probabilities.max())} sure"
    if sure == len(digits):
        return f"All {len(digits)} recognised"
    return f"{len(digits) - sure} of {len(digits)} not recognised"
