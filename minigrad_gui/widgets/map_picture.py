"""An array as a small picture, with each of its cells as a rectangle."""

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QAccessible, QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from minigrad_gui import theme
from minigrad_gui.widgets.maps import Pixels, image_of


class MapPicture(QWidget):
    """Shows pixels (height, width, 3) as large as fits, in the upper left corner."""

    ACCESSIBLE_ROLE = QAccessible.Role.Graphic

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        """name: for screen readers."""
        super().__init__(parent)
        self.setAccessibleName(name)
        self.pixels: Pixels | None = None

    def show_pixels(self, pixels: Pixels | None) -> None:
        self.pixels = pixels
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        if self.pixels is None:
            return
        height, width, _ = self.pixels.shape
        size = QSize(width, height).scaled(self.size() - QSize(2, 2), Qt.AspectRatioMode.KeepAspectRatio)
        place = QRect(1, 1, max(size.width(), 4), max(size.height(), 4))
        painter = QPainter(self)
        painter.drawImage(place, image_of(self.pixels))
        painter.setPen(QPen(QColor(theme.colors().border), 1))
        painter.drawRect(place.adjusted(-1, -1, 0, 0))
        painter.end()
