"""Writing what a view shows: its picture as PNG, its figures as CSV."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, QPoint, QSaveFile
from PySide6.QtGui import QColor, QImage, QImageWriter, QPainter, QRegion
from PySide6.QtWidgets import QWidget

from minigrad_gui import theme

EXPORT_SCALE = 2


def picture_of(*widgets: QWidget) -> QImage:
    """The widgets below each other on a card, at twice their size on the screen."""
    margin = theme.SPACING_PX
    width = max(widget.width() for widget in widgets) + 2 * margin
    height = sum(widget.height() + margin for widget in widgets) + margin
    image = QImage(width * EXPORT_SCALE, height * EXPORT_SCALE, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(EXPORT_SCALE)
    image.fill(QColor(theme.colors().card))
    painter = QPainter(image)
    top = margin
    for widget in widgets:  # without the grey window background
        widget.render(painter, QPoint(margin, top), QRegion(), QWidget.RenderFlag.DrawChildren)
        top += widget.height() + margin
    painter.end()
    return image


def write_png(path: Path, image: QImage) -> bool:
    """Write a picture; False if the file could not be written, and an older one is then as it was."""
    file = QSaveFile(str(path))
    return (
        file.open(QSaveFile.OpenModeFlag.WriteOnly)
        and QImageWriter(file, QByteArray(b"png")).write(image)
        and file.commit()
    )


def write_csv(path: Path, rows: Iterable[Sequence[Any]]) -> bool:
    """Write a table; False if the file could not be written, and an older one is then as it was."""
    with io.StringIO(newline="") as text:
        csv.writer(text).writerows(rows)
        return write_text(path, text.getvalue())


def write_text(path: Path, text: str) -> bool:
    """Write a text; False if the file could not be written, and an older one is then as it was."""
    content = text.encode()
    file = QSaveFile(str(path))
    return file.open(QSaveFile.OpenModeFlag.WriteOnly) and file.write(content) == len(content) and file.commit()
