"""Pictures with random variations, as a network sees them in training."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QAccessible, QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from engine import Augmentation
from minigrad_gui import theme
from minigrad_gui.digits import SIDE_PX

ROWS, COLUMNS = 2, 4
TILE_PX = 2 * SIDE_PX
"""Screen pixels per picture pixel: a whole number, so that the picture stays sharp."""
DELAY_MS = 15


class VariationPreview(QWidget):
    """White on black in every theme, as the network sees them. Black until there are pictures.

    The random numbers stay the same until `shuffle`, so a picture changes smoothly with the augmentation. Changes
    within a few milliseconds are combined. `needed` says that it is seen, but has no pictures yet.
    """

    needed = Signal()
    ACCESSIBLE_ROLE = QAccessible.Role.Graphic

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Varied pictures")
        self.pictures: NDArray[np.float32] | None = None
        self._samples: NDArray[np.uint8] | None = None
        self._augmentation = Augmentation()
        self._seed = 0
        self._timer = QTimer(self, singleShot=True, interval=DELAY_MS)
        self._timer.timeout.connect(self._vary)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumSize(self.sizeHint())

    def set_samples(self, samples: NDArray[np.uint8]) -> None:
        """The pictures to vary, (n, 28, 28), of which it shows eight."""
        self._samples = samples
        self._vary()

    def forget_samples(self) -> None:
        """Show nothing, until there are other pictures."""
        self._samples = self.pictures = None
        self.update()

    def set_augmentation(self, augmentation: Augmentation) -> None:
        if augmentation != self._augmentation:
            self._augmentation = augmentation
            if not self._timer.isActive():
                self._timer.start()

    @Slot()
    def shuffle(self) -> None:
        """Vary the same pictures with other random numbers."""
        self._seed += 1
        self._vary()

    @Slot()
    def _vary(self) -> None:
        if self._samples is not None:
            self.pictures = self._augmentation(self._samples, np.random.default_rng(self._seed))
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(COLUMNS * TILE_PX + 2, ROWS * TILE_PX + 2)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        """Paint the pictures across the full width, with the spare width shared among the columns."""
        if self._samples is None:
            self.needed.emit()
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.colors().border))
        painter.fillRect(self.rect().adjusted(1, 1, -1, -1), Qt.GlobalColor.black)
        spare = self.width() - self.sizeHint().width()
        for index, picture in enumerate(() if self.pictures is None else self.pictures):
            row, column = divmod(index, COLUMNS)
            left = 1 + column * TILE_PX + round((column + 0.5) * spare / COLUMNS)
            pixels = np.rint(picture * 255).astype(np.uint8)
            image = QImage(pixels.data, SIDE_PX, SIDE_PX, SIDE_PX, QImage.Format.Format_Grayscale8)
            painter.drawImage(QRect(left, 1 + row * TILE_PX, TILE_PX, TILE_PX), image)
        painter.end()
