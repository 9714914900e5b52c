"""Messages at the foot of the window, with buttons to act on them. They block nothing, and as their space is
reserved, nothing moves when they appear.
"""

from collections.abc import Callable, Mapping

from PySide6.QtCore import QEvent, Qt, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QPushButton, QSizePolicy, QStatusBar, QWidget

from minigrad_gui.widgets.accessibility import announce, verbatim
from minigrad_gui.widgets.building import named, row

LINES = 2
MESSAGE_MS = 5000
MARGIN_PX = 4
STATUS_BAR_SPACING_PX = 5
"""Above and below the contents of a QStatusBar."""


class Banner(QWidget):
    """A sentence with buttons. Emits `spoken` when it appears or disappears."""

    spoken = Signal()

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.has_something_to_say = False
        self._text = named(_FewLines(), f"{name}Label")
        self._buttons: list[QPushButton] = []
        self._row = row(self._text, parent=self)
        self._row.setStretchFactor(self._text, 1)
        self.hide()

    def say(self, text: str, choices: Mapping[str, Callable[[], None]]) -> None:
        """Show this sentence instead of any other, with a button for each choice, the first being the primary one."""
        self._clear()
        self._text.set_sentence(text)
        for label, chosen in choices.items():
            button = named(QPushButton(label, self), f"{self.objectName()}{label.title().replace(' ', '')}Button")
            button.setProperty("primary", len(choices) > 1 and not self._buttons)
            button.clicked.connect(chosen)
            self._row.addWidget(button)
            self._buttons.append(button)
        self.has_something_to_say = True
        self.spoken.emit()
        announce(self, text)

    @Slot()
    def dismiss(self) -> None:
        self._clear()
        self.has_something_to_say = False
        self.spoken.emit()

    def _clear(self) -> None:
        for button in self._buttons:
            self._row.removeWidget(button)
            button.hide()
            button.deleteLater()
        self._buttons = []


class Foot(QStatusBar):
    """The status bar: shows the first banner that has a sentence, or else a temporary message."""

    def __init__(self, *banners: Banner, margin_px: int, parent: QWidget | None = None) -> None:
        super().__init__(parent, sizeGripEnabled=False)
        self._banners = banners
        self.setAccessibleName("Messages")
        self.setContentsMargins(margin_px, 0, margin_px, MARGIN_PX)
        for banner in banners:
            self.addWidget(banner, 1)
            banner.hide()
            banner.spoken.connect(self._show)
        self._reserve()

    def tell(self, message: str, duration_ms: int = MESSAGE_MS) -> None:
        """Show a message for this long (0: until the next one), unless a banner is shown."""
        if not any(banner.has_something_to_say for banner in self._banners):
            self.showMessage(message, duration_ms)
            announce(self, message)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._reserve()

    def _reserve(self) -> None:
        button = QPushButton("Close", self)
        button.ensurePolished()
        height = max(button.sizeHint().height(), LINES * self.fontMetrics().lineSpacing())
        button.setParent(None)
        button.deleteLater()
        self.setMinimumHeight(height + STATUS_BAR_SPACING_PX + MARGIN_PX)

    @Slot()
    def _show(self) -> None:
        speaking = next((banner for banner in self._banners if banner.has_something_to_say), None)
        if speaking is not None:
            self.clearMessage()
        for banner in self._banners:
            banner.setVisible(banner is speaking)


class _FewLines(QLabel):
    """A sentence on two lines; a longer one is cut short, with the whole in the tool tip."""

    def __init__(self) -> None:
        super().__init__(wordWrap=True, alignment=Qt.AlignmentFlag.AlignVCenter, textFormat=Qt.TextFormat.PlainText)
        self._sentence = ""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def set_sentence(self, sentence: str) -> None:
        self._sentence = sentence
        self.setAccessibleName(sentence)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        room = LINES * self.fontMetrics().lineSpacing()
        text, words = self._sentence, self._sentence.split()
        self.setText(text)
        while len(words) > 1 and self.width() > 0 and self.heightForWidth(self.width()) > room + 2:
            words.pop()
            text = f"{' '.join(words)} …"
            self.setText(text)
        self.setToolTip("" if text == self._sentence else verbatim(self._sentence))
