"""A digit key as an answer: pressed alone, with no other key for a moment before and after it.

So 0.05 or 128, typed in the wrong place, is no answer.
"""

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QWidget

QUIET_MS = 800
"""Most people take less time between two keys of a number."""
ENTER_KEYS = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
CANCEL_KEYS = (Qt.Key.Key_Escape, Qt.Key.Key_Backspace)
COMMANDS = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier


class DigitKeys(QObject):
    """Watches the keys that a widget receives while it has the focus.

    `pressed`: a digit was pressed, and is `pending` for a moment; `answered`: it is the answer; `dropped`: another key
    or Escape followed. `focusChanged`: the widget gained or lost the focus.
    """

    pressed = Signal(int)
    answered = Signal(int)
    dropped = Signal()
    focusChanged = Signal()  # noqa: N815

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.listens = False
        """Whether an answer is expected."""
        self.answers = frozenset("0123456789")
        """The digits that can be the answer."""
        self.pending: int | None = None
        self._typed = ""
        self._quiet = QTimer(self, singleShot=True, interval=QUIET_MS)
        self._quiet.timeout.connect(self.settle)
        widget.installEventFilter(self)

    @Slot()
    def settle(self) -> None:
        """Accept the pending digit, if any, as the answer now, whatever is typed next."""
        self._typed = ""
        digit, self.pending = self.pending, None
        if digit is not None:
            self.answered.emit(digit)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: ARG002
        kind = event.type()
        if isinstance(event, QKeyEvent):
            if kind == QEvent.Type.ShortcutOverride and self._typed and _is_typed(event):
                event.accept()  # the e of 1e-4 is not a shortcut
                return True
            return kind == QEvent.Type.KeyPress and not event.isAutoRepeat() and self._hear(event)
        if kind == QEvent.Type.FocusOut:
            following = QApplication.focusWidget()
            if following is not None and following.testAttribute(Qt.WidgetAttribute.WA_InputMethodEnabled):
                self.pending = None  # the key was meant for that field
        if kind in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            self.focusChanged.emit()
        return False

    def _hear(self, event: QKeyEvent) -> bool:
        """Whether the key was used here."""
        if self.pending is not None and event.key() in ENTER_KEYS:
            self.settle()
            return True
        if self.pending is not None and event.key() in CANCEL_KEYS:
            self._drop()
            return True
        if not _is_typed(event):
            return False
        self._typed += event.text()
        self._quiet.start()
        if len(self._typed) > 1:
            self._drop()
        elif self.listens and self._typed in self.answers:
            self.pending = int(self._typed)
            self.pressed.emit(self.pending)
        return False

    def _drop(self) -> None:
        self.pending = None
        if self.listens:
            self.dropped.emit()


def _is_typed(event: QKeyEvent) -> bool:
    """Whether the key types a character."""
    return event.text().isprintable() and event.text() != "" and not event.modifiers() & COMMANDS
