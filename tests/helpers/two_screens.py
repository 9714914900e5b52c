"""Moves the window between two screens, the second with twice the pixels: in a process that has such a platform."""

import numpy as np
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QWidget

from minigrad_gui.main_window import MainWindow

SEVEN = np.array([[0.25, 0.2], [0.75, 0.2], [0.45, 0.85]])
PATIENCE_MS = 30_000


def look_at_both_screens(window: MainWindow) -> None:
    """Draw, move to the screen with more pixels, and back."""
    canvas = window.findChild(QWidget, "drawingCanvas")
    canvas._commit((), (SEVEN,))
    strokes, seen = canvas.strokes, []
    for left, scale in ((50, 1), (2000, 2), (50, 1)):
        window.move(left, 50)
        QApplication.processEvents()
        QApplication.sendEvent(window, QEvent(QEvent.Type.DevicePixelRatioChange))
        QApplication.processEvents()
        picture = canvas.grab().toImage()
        assert window.devicePixelRatioF() == picture.devicePixelRatio() == scale
        assert picture.size() == canvas.size() * scale
        assert canvas.strokes is strokes
        seen.append(picture)
    assert seen[0] == seen[2]
    half = seen[1].scaled(seen[0].size(), mode=Qt.TransformationMode.SmoothTransformation)
    assert differing(half, seen[0]) < 0.02, "it is the same picture"
    doubled = seen[0].scaled(seen[1].size(), mode=Qt.TransformationMode.SmoothTransformation)
    assert differing(doubled, seen[1]) > 0.001, "it is repainted and not enlarged"


def differing(first: QImage, second: QImage) -> float:
    """The share of pixels that are clearly darker or lighter in one image than in the other."""
    pictures = [picture.convertToFormat(QImage.Format.Format_Grayscale8) for picture in (first, second)]
    pixels = [np.array(each.constBits()).reshape(each.height(), -1)[:, : each.width()] for each in pictures]
    return (np.abs(np.subtract(*pixels, dtype=int)) > 60).mean()


if __name__ == "__main__":
    app = QApplication([])
    window = MainWindow()
    window.show()
    try:
        look_at_both_screens(window)
    finally:
        window.leave()
        assert window.session.wait(PATIENCE_MS)
