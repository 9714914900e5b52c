"""A confusion matrix that scrolls if it has so many classes that their cells would be too small to name them."""

from PySide6.QtCore import QRectF, QSize, Qt, Slot
from PySide6.QtWidgets import QFrame, QScrollArea, QSizePolicy

from minigrad_gui.widgets.accessibility import name_scroll_area
from minigrad_gui.widgets.confusion_matrix import ConfusionMatrix

LEAST_SIZE = QSize(200, 160)


class MatrixArea(QScrollArea):
    """Shows a matrix; its names and shares stay at the edges, and the keyboard's cursor in view."""

    def __init__(self, matrix: ConfusionMatrix) -> None:
        super().__init__()
        self._matrix = matrix
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setWidget(matrix)
        matrix.setAutoFillBackground(False)  # as `setWidget` would have it
        name_scroll_area(self, "Matrix")
        matrix.cursorMoved.connect(self._show)

    def height_at(self, width: int) -> int:
        """The height in pixels that square cells need at this width."""
        return self._matrix.height_at(width)

    def sizeHint(self) -> QSize:
        return self._matrix.sizeHint()

    def minimumSizeHint(self) -> QSize:
        return LEAST_SIZE

    def scrollContentsBy(self, x: int, y: int) -> None:
        super().scrollContentsBy(x, y)
        self._matrix.update()  # what stays at the edges is painted elsewhere

    @Slot(QRectF)
    def _show(self, place: QRectF) -> None:
        around, centre = self._matrix.margins(), place.center().toPoint()
        across = max(around.left(), around.right()) + place.width() / 2
        down = max(around.top(), around.bottom()) + place.height() / 2
        self.ensureVisible(centre.x(), centre.y(), round(across), round(down))
