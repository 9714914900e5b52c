"""A table of runs, which is sorted by any column; names and notes are edited in their cells.

The list is filtered and sorted as a whole: Qt's proxy model would call Python for every comparison.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QByteArray,
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QSize,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QColor, QFont, QIcon, QKeyEvent, QKeySequence, QPixmap
from PySide6.QtWidgets import QAbstractItemDelegate, QAbstractItemView, QHeaderView, QTableView, QWidget

from minigrad_gui import theme
from minigrad_gui.runs import Run, arrange
from minigrad_gui.runs_report import COLUMNS, shown
from minigrad_gui.widgets.accessibility import name_scroll_area, verbatim_tip

ORDER = (
    *("name", "began", "validation", "test", "epochs", "layers", "optimizer", "lr", "batch", "seed", "data"),
    *("activation", "loss", "accuracy", "seconds", "ending", "note"),
)
TITLES = {"lr": "Rate", "seconds": "Time (s)", "validation": "Validation"}
TIPS = {
    "name": "Double-click a cell, or press F2, to name a run",
    "validation": "Validation accuracy of the best epoch",
    "test": "Accuracy on the test pictures, once the run has ended",
    "epochs": "Epochs done, and planned",
    "loss": "Training loss of the last epoch",
    "accuracy": "Training accuracy of the last epoch",
    "seconds": "Seconds of training, without pauses",
    "note": "Double-click a cell, or press F2, to write a note",
}
EDITED = ("name", "note")
WORDS = ("name", "began", "layers", "optimizer", "data", "activation", "ending", "note")
"""Columns of words; the others hold numbers, which are aligned to the right."""
SHARES, WIDEST_SHARE = ("validation", "test", "accuracy"), "100.00%"
SWATCH_PX, NAME_PX, NOTE_PX, MOST_COLUMN_PX, SAMPLE_ROWS, CELL_MARGINS_PX = 10, 150, 200, 160, 100, 16
READ = Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled
WRITTEN = READ | Qt.ItemFlag.ItemIsEditable
Index = QModelIndex | QPersistentModelIndex
NOWHERE = QModelIndex()


def _italics(_: Run) -> QFont:
    font = QFont()
    font.setItalic(True)
    return font


NAMELESS: Mapping[int, Callable[[Run], Any]] = {
    Qt.ItemDataRole.DisplayRole: lambda run: run.description,
    Qt.ItemDataRole.ForegroundRole: lambda _: QColor(theme.colors().muted),
    Qt.ItemDataRole.FontRole: _italics,
}
"""In place of a name, something that can be told from one."""


class RunsModel(QAbstractTableModel):
    """`renamed` and `annotated` tell what the person wrote: the run's identifier and the text."""

    renamed = Signal(str, str)
    annotated = Signal(str, str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._all: Sequence[Run] = ()
        self._words, self._column, self._descending = "", "began", True
        self._colors: Mapping[str, str] = {}
        self.shown: list[Run] = []

    def set_runs(self, runs: Sequence[Run]) -> None:
        self._all = runs
        self._arrange()

    def set_words(self, words: str) -> None:
        """Show only runs with all of these words."""
        self._words = words
        self._arrange()

    def set_colors(self, colors: Mapping[str, str]) -> None:
        """Colours of the runs that are drawn, by identifier."""
        self._colors = colors
        if self.shown:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self.shown) - 1, 0))

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        if 0 <= column < len(ORDER):
            self._column, self._descending = ORDER[column], order == Qt.SortOrder.DescendingOrder
            self._arrange()

    def _arrange(self) -> None:
        found = arrange(self._all, self._words, COLUMNS[self._column], descending=self._descending)
        if [run.id for run in found] == [run.id for run in self.shown]:
            changed = found != self.shown
            self.shown = found
            if changed:
                self.dataChanged.emit(self.index(0, 0), self.index(len(found) - 1, len(ORDER) - 1))
            return
        self.beginResetModel()
        self.shown = found
        self.endResetModel()

    def rowCount(self, parent: Index = NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.shown)

    def columnCount(self, parent: Index = NOWHERE) -> int:
        return 0 if parent.isValid() else len(ORDER)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal and 0 <= section < len(ORDER):
            name = ORDER[section]
            if role == Qt.ItemDataRole.TextAlignmentRole:
                return _alignment(name)
            if role == Qt.ItemDataRole.DisplayRole:
                return TITLES.get(name, name.capitalize())
            if role == Qt.ItemDataRole.ToolTipRole:
                return TIPS.get(name)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        run, name = self.shown[index.row()], ORDER[index.column()]
        if name == "name" and not run.name and role in NAMELESS:
            return NAMELESS[role](run)
        if role == Qt.ItemDataRole.DisplayRole:
            return shown(run, name)
        if role == Qt.ItemDataRole.EditRole:
            return getattr(run, COLUMNS[name])
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(name)
        if role == Qt.ItemDataRole.DecorationRole and name == "name":
            return swatch(self._colors.get(run.id))
        if role == Qt.ItemDataRole.ToolTipRole:
            text = run.message if name == "ending" else str(getattr(run, COLUMNS[name]) if name in WORDS[2:] else "")
            return verbatim_tip(text) if text else None
        return None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        run, name = self.shown[index.row()], ORDER[index.column()]
        if role != Qt.ItemDataRole.EditRole or name not in EDITED or str(value) == getattr(run, name):
            return False
        (self.renamed if name == "name" else self.annotated).emit(run.id, str(value))
        return True

    def flags(self, index: Index) -> Qt.ItemFlag:
        return WRITTEN if ORDER[index.column()] in EDITED else READ


class RunsTable(QTableView):
    """`selected` tells that other runs are selected, `deletion` that Del was pressed, `written` that a person has ended
    writing a name or a note, which other runs to show would take away."""

    selected = Signal()
    deletion = Signal()
    written = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.runs = RunsModel(self)
        self._chosen: list[str] = []
        self._has_widths = False
        self.setModel(self.runs)
        name_scroll_area(self, "Runs")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setFrameShape(QTableView.Shape.NoFrame)
        self.setIconSize(QSize(SWATCH_PX, SWATCH_PX))
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setCornerButtonEnabled(False)
        rows, header = self.verticalHeader(), self.horizontalHeader()
        rows.hide()
        rows.setDefaultSectionSize(self.fontMetrics().height() + 6)
        header.setAccessibleName("Columns of runs")
        header.setHighlightSections(False)
        header.setSectionsMovable(True)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setResizeContentsPrecision(SAMPLE_ROWS)
        header.setSortIndicator(ORDER.index("began"), Qt.SortOrder.DescendingOrder)
        self.setSortingEnabled(True)
        self.selectionModel().selectionChanged.connect(self._on_selection)
        self.runs.modelReset.connect(self._select_again)

    def event(self, event: QEvent) -> bool:
        overrides = event.type() == QEvent.Type.ShortcutOverride
        if overrides and isinstance(event, QKeyEvent) and event.matches(QKeySequence.StandardKey.Delete):
            event.accept()  # or the window would take the key
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Delete):
            self.deletion.emit()
        else:
            super().keyPressEvent(event)

    def closeEditor(self, editor: QWidget, hint: QAbstractItemDelegate.EndEditHint) -> None:
        super().closeEditor(editor, hint)
        self.written.emit()

    @property
    def is_written_in(self) -> bool:
        return self.state() == QAbstractItemView.State.EditingState

    @property
    def chosen(self) -> list[Run]:
        """The selected runs, from top to bottom."""
        chosen = set(self._chosen)
        return [run for run in self.runs.shown if run.id in chosen]

    def show_runs(self, runs: Sequence[Run]) -> None:
        """Show these; selected ones stay selected."""
        self.runs.set_runs(runs)
        if runs and not self._has_widths:
            self._has_widths = True
            self._fit_columns()

    def choose(self, run_ids: Sequence[str]) -> None:
        """Select these runs."""
        self._chosen = list(run_ids)
        self._select_again()

    @property
    def columns(self) -> QByteArray:
        """Order, widths and sorting of the columns, for `restore_columns`."""
        return self.horizontalHeader().saveState() if self._has_widths else QByteArray()

    def restore_columns(self, columns: QByteArray) -> None:
        """Restore these; ignore what is invalid."""
        if not columns.isEmpty() and self.horizontalHeader().restoreState(columns):
            self._has_widths = True

    def _fit_columns(self) -> None:
        share = self.fontMetrics().horizontalAdvance(WIDEST_SHARE) + CELL_MARGINS_PX
        for column, name in enumerate(ORDER):
            fixed = {"name": NAME_PX, "note": NOTE_PX}.get(name)
            least = max(self.horizontalHeader().sectionSizeHint(column), share if name in SHARES else 0)
            self.setColumnWidth(column, fixed or min(max(self.sizeHintForColumn(column), least), MOST_COLUMN_PX))

    @Slot(QItemSelection, QItemSelection)
    def _on_selection(self, *_: QItemSelection) -> None:
        # `selectedRows` would ask for the flags of every cell.
        stretches = [range(part.top(), part.bottom() + 1) for part in self.selectionModel().selection().toList()]
        self._chosen = [self.runs.shown[row].id for row in sorted(set().union(*stretches))]
        self.selected.emit()

    @Slot()
    def _select_again(self) -> None:
        """After a reset: the same runs are selected, wherever they are now."""
        wanted, selection = set(self._chosen), QItemSelection()
        rows = [row for row, run in enumerate(self.runs.shown) if run.id in wanted]
        for first, last in _stretches(rows):  # thousands of single rows would take seconds
            selection.select(self.runs.index(first, 0), self.runs.index(last, len(ORDER) - 1))
        flag = QItemSelectionModel.SelectionFlag
        if rows:
            self.selectionModel().setCurrentIndex(self.runs.index(rows[0], 0), flag.NoUpdate)
        self.selectionModel().select(selection, flag.ClearAndSelect)
        if not rows:
            self._on_selection()

    def edit_cell(self, name: str, row: int) -> None:
        """Let the person write a name or a note."""
        self.edit(self.runs.index(row, ORDER.index(name)))


def _stretches(rows: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The first and the last of each stretch of successive numbers."""
    starts = [place for place, row in enumerate(rows) if place == 0 or rows[place - 1] != row - 1]
    for start, end in pairwise([*starts, len(rows)]):
        yield rows[start], rows[end - 1]


def _alignment(name: str) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignLeft if name in WORDS else Qt.AlignmentFlag.AlignRight
    return side | Qt.AlignmentFlag.AlignVCenter


def swatch(color: str | None) -> QIcon:
    """A square of this colour, selected or not; transparent for None."""
    pixmap = QPixmap(SWATCH_PX, SWATCH_PX)
    pixmap.fill(QColor(color) if color else Qt.GlobalColor.transparent)
    icon = QIcon(pixmap)
    icon.addPixmap(pixmap, QIcon.Mode.Selected)
    return icon
