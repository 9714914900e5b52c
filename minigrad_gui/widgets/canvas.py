"""A sheet of paper to draw on, stored as strokes.

Strokes are (n, 2) arrays in units of the paper's side, x right and y down, so neither resizing nor the display's scale
changes a drawing. Every change makes a new tuple of strokes; undo and redo only choose among those tuples.

One pointer draws at a time: the mouse, a pen or a finger. A pen that the system also reports as a mouse draws once.
"""

from collections.abc import Sequence
from time import monotonic

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QCoreApplication, QEvent, QPointF, QRectF, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import (
    QAccessible,
    QCursor,
    QEventPoint,
    QHideEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPointingDevice,
    QResizeEvent,
    QSinglePointEvent,
    QTabletEvent,
    QTouchEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from minigrad_gui.widgets.eraser import Strokes, erase
from minigrad_gui.widgets.paper import (
    paint_boxes,
    paint_eraser,
    paint_hint,
    paint_picture,
    paint_sheet,
    paint_strokes,
    smooth_path,
    with_margins,
)
from minigrad_gui.widgets.pointers import MOUSE, Pointer, Press, is_in_the_way

PEN_WIDTH = 0.07
"""In units of the paper's side."""
MIN_SIDE_PX = 160
PEN_OF_HEIGHT = 0.14
"""Several digits are small: their pen is no wider than this part of their height."""
MOST_TAP = 0.02
"""A press that moves less than MOST_TAP on a digit's box is a tap: it points at the digit, and draws nothing."""
POINTING_MS = 150
"""So long the mouse rests in a box before its digit is pointed at: on its way elsewhere it points at none."""

DIGIT_HINT = "Draw a digit here"


class Canvas(QWidget):
    """Draws with mouse, pen or touch. Emits `strokesChanged` at every change, also while the pen is down.

    A picture can lie on the sheet in place of strokes, until the next change. Undo restores the strokes.
    Several digits have boxes, one of which is `pointed` at: by the mouse, a tap or the arrow keys.
    While `erasing`, every pointer erases; an empty sheet switches back to drawing, as nothing is left to erase.
    """

    strokesChanged = Signal()  # noqa: N815
    undoChanged = Signal(bool, bool)  # noqa: N815  (can undo, can redo)
    erasingChanged = Signal(bool)  # noqa: N815
    pointed = Signal(int)
    """The person points at this box."""
    ACCESSIBLE_ROLE = QAccessible.Role.Canvas

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        # On X11 Qt merges pending moves while the window is busy, which turns a circle into a polygon. Creating the
        # application object resets this attribute, so it must be set later.
        QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_CompressHighFrequencyEvents, False)
        self._erasing = False
        self._hint = DIGIT_HINT
        self._strokes: Strokes = ()
        self._undo: list[Strokes] = []
        self._redo: list[Strokes] = []
        self._pen: list[tuple[float, float]] = []
        self._before: Strokes | None = None  # the drawing when the pen came down; None while it is up
        self._pen_erases = False
        self._eraser_was = 0.0, 0.0
        self._press: Press | None = None  # the latest; its pointer draws while the pen is down
        self._press_changed = False  # whether the latest press is the latest undo step
        self._kinds_heard: set[str] = set()
        self._eraser_at: QPointF | None = None
        self._paths: dict[int, QPainterPath] = {}
        self._boxes: tuple[QRectF, ...] = ()
        self._pen_width = PEN_WIDTH
        self._picture: QImage | None = None
        self._pointed = -1
        self._under_mouse = -1
        self._pointing = QTimer(self, singleShot=True, interval=POINTING_MS)
        self._pointing.timeout.connect(self._point_under_mouse)
        self.setAttribute(Qt.WidgetAttribute.WA_AcceptTouchEvents)
        self.setMouseTracking(True)
        self.setTabletTracking(True)  # a hovering pen shows the eraser, and that its release was lost
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Drawing canvas")
        self._describe()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(MIN_SIDE_PX, MIN_SIDE_PX)

    def set_hint(self, hint: str) -> None:
        """What the blank sheet says."""
        self._hint = hint
        self.update()

    # ------------------------------------------------------------ the drawing

    @property
    def strokes(self) -> Strokes:
        """All strokes, including the one being drawn."""
        return (*self._strokes, np.array(self._pen)) if self._pen else self._strokes

    @property
    def erasing(self) -> bool:
        return self._erasing

    def set_erasing(self, erasing: bool) -> None:
        if erasing != self._erasing:
            self._erasing = erasing
            self._hover(QPointF(self.mapFromGlobal(QCursor.pos())), erases=erasing and self.underMouse())
            self.erasingChanged.emit(erasing)

    @property
    def is_drawing(self) -> bool:
        """Whether the pen is down."""
        return self._before is not None

    def set_boxes(self, boxes: Sequence[tuple[float, float, float, float]], pointed: int) -> None:
        """Show these boxes (left, top, right, bottom), in units of the paper's side; `pointed` stands out."""
        height = max((bottom - top for _, top, _, bottom in boxes), default=1.0)
        pen_width = min(PEN_WIDTH, PEN_OF_HEIGHT * height)
        around = with_margins([QRectF(QPointF(*box[:2]), QPointF(*box[2:])) for box in boxes], pen_width)
        if (around, pointed) != (self._boxes, self._pointed):
            self._boxes, self._pointed, self._pen_width = around, pointed, pen_width
            self._describe()
            self.update()

    @property
    def boxes(self) -> tuple[QRectF, ...]:
        return self._boxes

    def lay_picture(self, picture: NDArray[np.float32]) -> None:
        """Put this picture, (28, 28) from 0 to 1, on the sheet in place of all strokes; emits no `strokesChanged`."""
        self._lift_pen()
        if self._strokes:
            self._commit(self._strokes, (), tell=False)
        pixels = np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)
        height, width = pixels.shape
        self._picture = QImage(pixels.data, width, height, width, QImage.Format.Format_Indexed8).copy()
        self._describe()
        self.update()

    def clear(self) -> None:
        """Remove all strokes, which `undo` restores, or the picture."""
        self._lift_pen()
        if self._strokes:
            self._commit(self._strokes, ())
        elif self._picture is not None:
            self._changed()
            self._describe()

    def undo(self) -> None:
        self._lift_pen()
        if self._undo:
            self._redo.append(self._strokes)
            self._press_changed = False
            self._show(self._undo.pop())

    def redo(self) -> None:
        self._lift_pen()
        if self._redo:
            self._undo.append(self._strokes)
            self._press_changed = False
            self._show(self._redo.pop())

    def _commit(self, before: Strokes, after: Strokes, *, tell: bool = True) -> None:
        self._undo.append(before)
        self._redo.clear()
        self._press_changed = False
        self._show(after, tell=tell)

    def _show(self, strokes: Strokes, *, tell: bool = True) -> None:
        self._take(strokes)
        if not strokes:
            self.set_erasing(False)
        self.undoChanged.emit(bool(self._undo), bool(self._redo))
        if tell:
            self._changed()
        self._describe()

    def _take(self, strokes: Strokes) -> None:
        self._strokes = strokes
        self._paths = {id(stroke): self._paths.get(id(stroke)) or smooth_path(stroke) for stroke in strokes}

    def _describe(self) -> None:
        count = len(self._strokes)
        nothing_drawn = "Blank" if self._picture is None else "A picture"
        drawn = nothing_drawn if not count else "One stroke" if count == 1 else f"{count} strokes"
        digits = f" {len(self._boxes)} digits: the arrow keys choose one." if self._boxes else ""
        self.setAccessibleDescription(f"{drawn}.{digits} Draw with the mouse, a pen or a finger.")

    def _changed(self) -> None:
        self._picture = None
        self.strokesChanged.emit()
        self.update()

    # ------------------------------------------------------------ what the pen does

    def _put_pen_down(self, pointer: Pointer, position: QPointF, *, erases: bool) -> None:
        press = Press(pointer, self._to_paper(position), monotonic())
        self._kinds_heard.add(pointer.kind)
        if self._press is not None and is_in_the_way(self._press, press, is_drawing=self.is_drawing):
            if pointer.kind != "pen" or self._press.pointer.kind == "pen":
                return
            self._take_back()  # a pen is more precise than its mouse events, or a palm
        self._lift_pen()
        self._press, self._press_changed = press, False
        self._before = self._strokes
        self._pen_erases = erases
        self._eraser_was = press.point
        self._move_pen(pointer, position)

    def _move_pen(self, pointer: Pointer, position: QPointF) -> None:
        if not self._draws(pointer) or self._press is None:
            return
        self._press = self._press._replace(heard_s=monotonic())
        point = self._to_paper(position)
        if self._pen_erases:
            erased = erase(self._strokes, self._eraser_was, point)
            self._eraser_was = point
            if erased is not self._strokes:
                self._take(erased)
                self._changed()
        elif not self._pen or self._pen[-1] != point:
            self._pen.append(point)
            self._changed()

    def _draws(self, pointer: Pointer) -> bool:
        return self._before is not None and self._press is not None and self._press.pointer == pointer

    def _lift(self, pointer: Pointer) -> None:
        if self._draws(pointer) and self._press is not None:
            self._press = self._press._replace(heard_s=monotonic())
            self._lift_pen()

    def _lift_pen(self) -> None:
        if self._before is None:
            return
        tapped = self._tapped_box()
        if tapped >= 0:
            self._take_back()
            self.pointed.emit(tapped)
            return
        before, self._before = self._before, None
        after = self.strokes
        self._pen = []
        if after is not before:
            self._commit(before, after)
            self._press_changed = True

    def _tapped_box(self) -> int:
        """The box that the pen has tapped; -1 for none."""
        pen = np.array(self._pen)
        if self._press is None or not len(pen) or np.ptp(pen, axis=0).max() > MOST_TAP:
            return -1
        return self._box_at(self._press.point)

    def _box_at(self, point: tuple[float, float]) -> int:
        """The box there, in units of the paper's side; -1 for none."""
        return next((index for index, box in enumerate(self._boxes) if box.contains(QPointF(*point))), -1)

    @Slot()
    def _point_under_mouse(self) -> None:
        if self._under_mouse >= 0 and not self.is_drawing:
            self.pointed.emit(self._under_mouse)

    def _take_back(self) -> None:
        """Undo the latest press without a trace in the undo history."""
        if self._before is not None:
            before, self._before, self._pen = self._before, None, []
            self._show(before)
        elif self._press_changed:
            self._show(self._undo.pop())

    # ------------------------------------------------------------ events

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and not self._is_told_otherwise(event):
            self._put_pen_down(MOUSE, event.position(), erases=self.erasing)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(event.position(), erases=self.erasing)
        self._move_or_lift(MOUSE, event)
        under_mouse = -1 if self.is_drawing or self.erasing else self._box_at(self._to_paper(event.position()))
        if under_mouse != self._under_mouse:
            self._under_mouse = under_mouse
            self._pointing.start()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._lift(MOUSE)

    def _is_told_otherwise(self, event: QMouseEvent) -> bool:
        """Whether Qt made this from a pen or touch event that the canvas receives as well."""
        made = event.source() != Qt.MouseEventSource.MouseEventNotSynthesized
        return made and bool(self._kinds_heard - {"mouse"})

    def tabletEvent(self, event: QTabletEvent) -> None:
        """The tip is the left button; the others are on the pen's barrel."""
        device = event.pointingDevice()
        pen = Pointer("pen", (device.systemId(), event.pointerType()))
        erases = self.erasing or event.pointerType() == QPointingDevice.PointerType.Eraser
        if event.type() == QEvent.Type.TabletMove:
            self._hover(event.position(), erases=erases)
            self._move_or_lift(pen, event)
        elif event.button() == Qt.MouseButton.LeftButton:
            if event.type() == QEvent.Type.TabletPress:
                self._put_pen_down(pen, event.position(), erases=erases)
            else:
                self._lift(pen)
        event.accept()  # otherwise Qt sends it again as a mouse event

    def _move_or_lift(self, pointer: Pointer, event: QSinglePointEvent) -> None:
        """Draw; a pointer that moves without its button was released elsewhere."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._move_pen(pointer, event.position())
        else:
            self._lift(pointer)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QTouchEvent):
            self._touch(event)
            event.accept()  # otherwise Qt sends it again as a mouse event
            return True
        if event.type() in (QEvent.Type.WindowDeactivate, QEvent.Type.WindowBlocked):
            self._lift_pen()  # another window will get the release
        return super().event(event)

    def _touch(self, event: QTouchEvent) -> None:
        """Only the first finger draws."""
        if event.type() == QEvent.Type.TouchCancel:
            if self._press is not None and self._press.pointer.kind == "finger" and self._before is not None:
                self._take_back()  # it was a palm or a system gesture
            return
        for index, point in enumerate(event.points()):
            finger = Pointer("finger", (event.device().systemId(), point.id()))
            if event.type() == QEvent.Type.TouchBegin and index == 0:
                self._put_pen_down(finger, point.position(), erases=self.erasing)
            else:
                self._move_pen(finger, point.position())
            if point.state() == QEventPoint.State.Released:
                self._lift(finger)

    def hideEvent(self, event: QHideEvent) -> None:
        self._lift_pen()
        super().hideEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """The arrow keys go from digit to digit."""
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()), 0)
        if step and self._boxes:
            self.pointed.emit(min(max(self._pointed + step, 0), len(self._boxes) - 1))
        else:
            super().keyPressEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._under_mouse = -1
        self._hover(QPointF(), erases=False)
        super().leaveEvent(event)

    def _hover(self, position: QPointF, *, erases: bool) -> None:
        """Show the eraser at this position."""
        eraser_at = position if erases else None
        if eraser_at != self._eraser_at:
            self._eraser_at = eraser_at
            self.update()

    # ------------------------------------------------------------ painting

    def sizeHint(self) -> QSize:
        return QSize(300, 300)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The paper is a square, so the canvas is no higher than wide."""
        super().resizeEvent(event)
        self.setMaximumHeight(max(self.width(), MIN_SIDE_PX))

    def _paper(self) -> QRectF:
        side = min(self.width(), self.height())
        return QRectF((self.width() - side) / 2, (self.height() - side) / 2, side, side)

    def _to_paper(self, position: QPointF) -> tuple[float, float]:
        """The point in units of the paper's side; beyond an edge, the nearest point on the paper."""
        paper = self._paper()
        x, y = (position.x() - paper.left()) / paper.width(), (position.y() - paper.top()) / paper.height()
        return min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        paper = self._paper()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_sheet(painter, paper, has_focus=self.hasFocus())
        if self._picture is not None:
            paint_picture(painter, paper, self._picture)
        elif not self.strokes:
            paint_hint(painter, paper, self._hint)
        paths = [self._paths[id(stroke)] for stroke in self._strokes]
        if self._pen:
            paths.append(smooth_path(np.array(self._pen)))
        paint_strokes(painter, paper, paths, self._pen_width)
        if self.strokes:  # else it was cleared, but not read yet
            paint_boxes(painter, paper, self._boxes, self._pointed)
        if self._eraser_at is not None:
            paint_eraser(painter, paper, self._eraser_at)
        painter.end()
