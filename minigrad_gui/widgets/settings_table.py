"""The settings of several runs side by side."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QTableWidget, QTableWidgetItem, QWidget

from minigrad_gui.widgets.accessibility import name_scroll_area
from minigrad_gui.widgets.runs_table import swatch


class SettingsTable(QTableWidget):
    """A row for each setting, a column for each run."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        name_scroll_area(self, "Settings of the selected runs")
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setFrameShape(QTableWidget.Shape.NoFrame)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setCornerButtonEnabled(False)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 8)
        for header, name in ((self.verticalHeader(), "Settings"), (self.horizontalHeader(), "Runs compared")):
            header.setAccessibleName(name)
            header.setHighlightSections(False)

    def show_settings(self, titles: Sequence[str], colors: Sequence[str], rows: Mapping[str, Sequence[str]]) -> None:
        """titles, colors: of the runs; rows: their values of each setting."""
        self.setRowCount(len(rows))
        self.setColumnCount(len(titles))
        self.setVerticalHeaderLabels([name.capitalize() for name in rows])
        for number, (title, color) in enumerate(zip(titles, colors, strict=True)):
            item = QTableWidgetItem(title)
            item.setIcon(swatch(color))
            item.setTextAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
            self.setHorizontalHeaderItem(number, item)
        for place, values in enumerate(rows.values()):
            for number, value in enumerate(values):
                self.setItem(place, number, QTableWidgetItem(value))
        self.resizeColumnsToContents()
