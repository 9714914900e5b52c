"""A 28 x 28 picture, with its pixels as squares."""

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QAccessible, QColor, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from minigrad_gui import theme
from minigrad_gui.digits import SIDE_PX, Picture, blank


class DigitPicture(QWidget):
    """White on black in every theme, as the network sees it."""

    ACCESSIBLE_ROLE = QAccessible.Role.Graphic

    def __init__(self, parent: QWidget | None = None, pixel_px: int = 4) -> None:
        super().__init__(parent)
        self.picture = blank()
        self.set_pixel_px(pixel_px)

    def set_pixel_px(self, pixel_px: int) -> None:
        """pixel_px: the size of each pixel of the picture on the screen."""
        self._pixel_px = pixel_px
        self.setFixedSize(self.sizeHint())

    def set_picture(self, picture: Picture) -> None:
        if picture is not self.picture:
            self.picture = picture
            self.update()

    def sizeHint(self) -> QSize:
        side = self._pixel_px * SIDE_PX + 2
        return QSize(side, side)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        pixels = np.ascontiguousarray(self.picture * 255, np.uint8)
        image = QImage(pixels.data, SIDE_PX, SIDE_PX, SIDE_PX, QImage.Format.Format_Grayscale8)
        painter = QPainter(self)
        painter.drawImage(QRectF(self.rect()), image)
        painter.setPen(QPen(QColor(theme.colors().border), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))
        painter.end()
