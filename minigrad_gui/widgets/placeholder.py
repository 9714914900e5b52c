"""What a view shows while it has nothing to show: why, and a button for what would fill it."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QPushButton, QWidget

from minigrad_gui.widgets.building import column, named, row, styled
from minigrad_gui.widgets.paragraph import Paragraph

MOST_LINES = 8


class Placeholder(QWidget):
    """Emits `accepted` when the button is pressed."""

    accepted = Signal()

    def __init__(self, button_name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._text = styled(Paragraph(MOST_LINES, Qt.AlignmentFlag.AlignHCenter), "muted")
        self._button = named(QPushButton(), button_name)
        self._button.clicked.connect(self.accepted)
        column(1, self._text, row(1, self._button, 1), 1, parent=self)
        self.say("")

    def say(self, text: str, offer: str = "") -> None:
        """offer: what the button does; empty for no button."""
        self._text.setText(text)
        self._button.setText(offer)
        self._button.setVisible(bool(offer))
