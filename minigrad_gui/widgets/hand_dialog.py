"""The drawings that were taught: a picture and its digit for each, to look through and to throw away."""

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QImage, QKeySequence, QPixmap, QShortcut
from PySide6.QtWidgets import QDialog, QListView, QListWidget, QListWidgetItem, QPushButton, QWidget

from minigrad_gui import theme
from minigrad_gui.digits import SIDE_PX, Picture
from minigrad_gui.widgets.building import caption, column, named, row

PICTURE_PX = 2 * SIDE_PX
SIZE_PX = QSize(440, 380)


class HandDialog(QDialog):
    """Shows pictures with their labels. `deleted` tells the rows to delete, `forgotten` that all should go."""

    deleted = Signal(list)
    forgotten = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("My hand")
        self.resize(SIZE_PX)
        self._count = named(caption(), "handCountLabel")
        self._count.setWordWrap(True)
        self._list = named(QListWidget(), "handList")
        self._list.setAccessibleName("Taught drawings")
        self._list.setViewMode(QListView.ViewMode.IconMode)
        self._list.setResizeMode(QListView.ResizeMode.Adjust)
        self._list.setMovement(QListView.Movement.Static)
        self._list.setSelectionMode(QListWidget.SelectionMode.ExtendedSelection)
        self._list.setIconSize(QSize(PICTURE_PX, PICTURE_PX))
        self._list.setSpacing(6)
        self._delete = named(QPushButton("Delete"), "handDeleteButton", "Throw the chosen drawings away (Del)")
        self._forget = named(QPushButton("Forget my hand"), "handForgetButton", "Throw all of them away")
        self._close = named(QPushButton("Close"), "handCloseButton")
        for button in (self._delete, self._forget, self._close):
            button.setAutoDefault(False)
        column(
            self._count,
            self._list,
            row(self._delete, self._forget, 1, self._close),
            spacing=theme.SPACING_PX,
            margin=theme.SPACING_PX,
            parent=self,
        )
        self._list.itemSelectionChanged.connect(self._show_enabled)
        QShortcut(QKeySequence(QKeySequence.StandardKey.Delete), self._list, self._on_delete)
        self._delete.clicked.connect(self._on_delete)
        self._forget.clicked.connect(self.forgotten)
        self._close.clicked.connect(self.close)
        self.set_drawings([])

    def set_drawings(self, drawings: Sequence[tuple[Picture, int]]) -> None:
        """Show these, the newest first."""
        self._list.clear()
        for picture, label in reversed(drawings):
            item = QListWidgetItem(_pixmap(picture, self.devicePixelRatioF()), str(label))
            item.setToolTip(f"Taught as {label}")
            item.setTextAlignment(Qt.AlignmentFlag.AlignHCenter)
            self._list.addItem(item)
        self._count.setText(
            "These drawings were taught. Every network that you open or train learns them, too."
            if drawings
            else "No drawing has been taught yet: draw a digit, then click the right one or press its key."
        )
        self._show_enabled()

    @Slot()
    def _on_delete(self) -> None:
        last = self._list.count() - 1
        chosen = sorted(last - self._list.row(item) for item in self._list.selectedItems())
        if chosen:
            self.deleted.emit(chosen)

    @Slot()
    def _show_enabled(self) -> None:
        self._delete.setEnabled(bool(self._list.selectedItems()))
        self._forget.setEnabled(self._list.count() > 0)


def _pixmap(picture: Picture, ratio: float) -> QPixmap:
    pixels = (picture * 255).astype("uint8").tobytes()
    image = QImage(pixels, SIDE_PX, SIDE_PX, SIDE_PX, QImage.Format.Format_Grayscale8)
    pixmap = QPixmap.fromImage(image.scaled(QSize(PICTURE_PX, PICTURE_PX) * ratio))
    pixmap.setDevicePixelRatio(ratio)
    return pixmap
