"""The taught drawings, each a picture with its digit, to view, correct and delete."""

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QPoint, QSize, Qt, Signal, Slot
from PySide6.QtGui import QAction, QImage, QKeySequence, QPixmap, QShortcut
from PySide6.QtWidgets import QAbstractItemView, QDialog, QListView, QMenu, QPushButton, QWidget

from minigrad_gui import theme
from minigrad_gui.data import DIGIT_NAMES
from minigrad_gui.digits import SIDE_PX, Picture
from minigrad_gui.handwriting import MAX_DRAWINGS, Drawing, label_of
from minigrad_gui.widgets.accessibility import verbatim, with_mnemonic
from minigrad_gui.widgets.building import caption, column, named, row
from minigrad_gui.widgets.screens import resize_within
from minigrad_gui.wording import with_article

PICTURE_PX = 2 * SIDE_PX
SIZE_PX = QSize(440, 380)


class _Drawings(QAbstractListModel):
    """Drawings, newest first. There may be thousands, so a picture is made only when it becomes visible."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.drawings: list[Drawing] = []
        self._pixel_ratio = parent.devicePixelRatioF

    def show(self, drawings: Sequence[Drawing]) -> None:
        """Show these, oldest first."""
        self.beginResetModel()
        self.drawings = list(reversed(drawings))
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.drawings)

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        drawing = self.drawings[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return str(drawing.label)
            case Qt.ItemDataRole.DecorationRole:
                return _pixmap(drawing.picture, self._pixel_ratio())
            case Qt.ItemDataRole.ToolTipRole:
                return verbatim(f"Taught as {with_article(drawing.label)}")
            case Qt.ItemDataRole.TextAlignmentRole:
                return Qt.AlignmentFlag.AlignHCenter
        return None


class HandwritingDialog(QDialog):
    """Shows drawings with their labels. Emits `corrected` with drawings and their right label, `deleted` with those to
    delete, and `forgotten` to delete all.
    """

    corrected = Signal(list, object)  # list[Drawing], Label
    deleted = Signal(list)  # list[Drawing]
    forgotten = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("My handwriting")
        resize_within(self, SIZE_PX)
        self._is_reading = False
        self._count = named(caption(), "handwritingCountLabel")
        self._count.setWordWrap(True)
        self._model = _Drawings(self)
        self._list = named(QListView(), "handwritingList")
        self._list.setModel(self._model)
        self._list.setAccessibleName("Taught drawings")
        self._list.setViewMode(QListView.ViewMode.IconMode)
        self._list.setResizeMode(QListView.ResizeMode.Adjust)
        self._list.setMovement(QListView.Movement.Static)
        self._list.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self._list.setUniformItemSizes(True)  # otherwise every picture is made to measure it
        self._list.setIconSize(QSize(PICTURE_PX, PICTURE_PX))
        self._list.setSpacing(6)
        self._delete = named(QPushButton("Delete"), "handwritingDeleteButton", "Delete the selected drawings (Del)")
        self._forget = named(QPushButton("Forget my handwriting"), "handwritingForgetButton", "Delete all drawings")
        self._digits = QMenu(self)
        self.set_classes(DIGIT_NAMES)
        tip = "Change what the selected drawings show (F2)"
        self._correct = named(QPushButton("Correct"), "handwritingCorrectButton", tip)
        self._correct.setMenu(self._digits)
        self._close = named(QPushButton("Close"), "handwritingCloseButton")
        for button in (self._correct, self._delete, self._forget, self._close):
            button.setAutoDefault(False)
        column(
            self._count,
            self._list,
            row(self._correct, self._delete, self._forget, 1, self._close),
            spacing=theme.SPACING_PX,
            margin=theme.SPACING_PX,
            parent=self,
        )
        self._list.selectionModel().selectionChanged.connect(self._show_enabled)
        self._model.modelReset.connect(self._show_enabled)
        QShortcut(QKeySequence(QKeySequence.StandardKey.Delete), self._list, self._on_delete)
        QShortcut(QKeySequence("F2"), self._list, self._on_correct_key)
        self._list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self._list.customContextMenuRequested.connect(self._on_context_menu)
        self._digits.triggered.connect(self._on_correct)
        self._delete.clicked.connect(self._on_delete)
        self._forget.clicked.connect(self.forgotten)
        self._close.clicked.connect(self.close)
        self.set_drawings([])

    def set_drawings(self, drawings: Sequence[Drawing], *, is_reading: bool = False) -> None:
        """Show these, oldest first; the selection stays. is_reading: whether more are still being read."""
        self._is_reading = is_reading
        if drawings != self._model.drawings[::-1]:
            names = {drawing.name for drawing in self._chosen()}
            self._model.show(drawings)
            self._choose(names)
        if is_reading:
            text = "Loading your drawings…"
        elif not drawings:
            text = "No drawings yet. Draw something, then click its bar or press its key to teach it."
        elif len(drawings) > MAX_DRAWINGS:
            text = f"The newest {MAX_DRAWINGS:,} of these {len(drawings):,} drawings are used to read your handwriting."
        else:
            text = "These drawings are used to read your handwriting."
        self._count.setText(text)
        self._show_enabled()

    def set_classes(self, class_names: Sequence[str]) -> None:
        """Offer these classes as labels."""
        self._digits.clear()
        for name in class_names:
            self._digits.addAction(f"It is {with_mnemonic(name)}").setData(label_of(name))

    def _chosen(self) -> list[Drawing]:
        return [self._model.drawings[index.row()] for index in self._list.selectedIndexes()]

    def _choose(self, names: set[str]) -> None:
        choice = self._list.selectionModel()
        for row_number, drawing in enumerate(self._model.drawings if names else ()):
            if drawing.name in names:
                index = self._model.index(row_number)
                choice.setCurrentIndex(index, choice.SelectionFlag.Select)

    @Slot()
    def _on_delete(self) -> None:
        if self._chosen():
            self.deleted.emit(self._chosen())

    @Slot(QAction)
    def _on_correct(self, chosen: QAction) -> None:
        if self._chosen():
            self.corrected.emit(self._chosen(), chosen.data())

    @Slot()
    def _on_correct_key(self) -> None:
        if self._chosen():
            self._correct.showMenu()

    @Slot(QPoint)
    def _on_context_menu(self, at: QPoint) -> None:
        if self._chosen():
            self._digits.popup(self._list.viewport().mapToGlobal(at))

    @Slot()
    def _show_enabled(self) -> None:
        for button in (self._correct, self._delete):
            button.setEnabled(self._list.selectionModel().hasSelection())
        self._forget.setEnabled(bool(self._model.drawings) and not self._is_reading)


def _pixmap(picture: Picture, ratio: float) -> QPixmap:
    pixels = (picture * 255).astype("uint8").tobytes()
    image = QImage(pixels, SIDE_PX, SIDE_PX, SIDE_PX, QImage.Format.Format_Grayscale8)
    pixmap = QPixmap.fromImage(image.scaled(QSize(PICTURE_PX, PICTURE_PX) * ratio))
    pixmap.setDevicePixelRatio(ratio)
    return pixmap
