"""A sentence above the views with what can be done about it. Nothing waits for the answer."""

from collections.abc import Callable, Mapping

from PySide6.QtWidgets import QFrame, QPushButton, QWidget

from minigrad_gui.widgets.building import caption, named, row

PADDING_PX = 10


class Banner(QWidget):
    """Hidden until there is something to say."""

    def __init__(self, name: str, margin_px: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        card = QFrame()
        card.setProperty("card", True)
        row(card, parent=self).setContentsMargins(margin_px, margin_px, margin_px, 0)
        self._text = named(caption(role=""), f"{name}Label")
        self._text.setWordWrap(True)
        self._buttons: list[QPushButton] = []
        self._row = row(self._text, margin=PADDING_PX, parent=card)
        self._row.setStretchFactor(self._text, 1)
        self.hide()

    def say(self, text: str, choices: Mapping[str, Callable[[], None]]) -> None:
        """Show this sentence in place of any before, and a button for each choice, the first being the main one."""
        self._clear()
        self._text.setText(text)
        for label, chosen in choices.items():
            button = named(QPushButton(label, self), f"{self.objectName()}{label.title().replace(' ', '')}Button")
            button.setProperty("primary", len(choices) > 1 and not self._buttons)
            button.clicked.connect(chosen)
            self._row.addWidget(button)
            self._buttons.append(button)
        self.show()

    def dismiss(self) -> None:
        self.hide()
        self._clear()

    def _clear(self) -> None:
        for button in self._buttons:
            self._row.removeWidget(button)
            button.hide()
            button.deleteLater()
        self._buttons = []
