"""The learning curves: the loss by mini-batch, and below it the accuracy by epoch.

Progress only marks the plots as out of date; a timer redraws them at most 10 times a second, at any training speed.
"""

import math
from pathlib import Path
from time import monotonic

from PySide6.QtCore import QEvent, QSettings, QSize, Slot
from PySide6.QtGui import QAccessible, QAction, QResizeEvent
from PySide6.QtWidgets import QCheckBox, QLabel, QMenu, QPushButton, QWidget

from minigrad_gui import theme
from minigrad_gui.curve_report import APART, batch_text, described, epoch_text, settings_of, table_of
from minigrad_gui.session import Session
from minigrad_gui.views.view import HEADER_MARGIN_PX, Docked, DockedView, export_as
from minigrad_gui.widgets.accessibility import announce
from minigrad_gui.widgets.building import action, caption, column, named, row
from minigrad_gui.widgets.export import write_csv, write_png
from minigrad_gui.widgets.refresh_timer import LONGEST_INTERVAL_MS
from minigrad_gui.widgets.title import Title

DESCRIBING_S = 5.0
HINT = "Press Train and watch the loss fall."
FROM_FILE = "How this network was trained, by epoch, from its file. Press Train for a run of your own."
LONGEST_READOUT = APART.join(
    ["Mini-batch 123,456", "epoch 123", "loss 0.1234", "smoothed 0.1234", "validated after epoch 123: 12.34%"]
)


class LossPlot(DockedView):
    longest_refresh_ms = LONGEST_INTERVAL_MS

    def __init__(self, session: Session, entry: Docked, parent: QWidget | None = None) -> None:
        super().__init__(session, entry, parent)
        self._log_action = action(self, "&Logarithmic loss", "logScaleAction", None, "Ctrl+L", checkable=True)
        self._log_action.toggled.connect(self._on_log)
        self._reset_action = action(self, "Show the &whole plot", "resetZoomAction", self._show_all, "Ctrl+0")
        self._png_action = action(self, "Export the plot as &PNG…", "exportPngAction", self._on_export_png)
        self._csv_action = action(self, "Export the data as &CSV…", "exportCsvAction", self._on_export_csv)
        self._described_s = 0.0
        session.progressed.connect(self._show_enabled)
        session.historyCleared.connect(self._show_enabled)
        self._show_enabled()

    def build(self) -> None:
        # pyqtgraph takes a third of the time that the window needs to open.
        from minigrad_gui.widgets.curves import Curves

        self._curves = Curves()
        self._readout = named(caption(), "plotReadout")
        self._readout.setWordWrap(True)
        tip = "Logarithmic scale: every tenfold change of the loss has the same height (Ctrl+L)"
        log_check = named(QCheckBox("Log scale"), "logScaleCheck", tip)
        tip = "Show the whole plot (Ctrl+0). Zoom with the wheel, pan by dragging."
        reset_button = named(QPushButton("Show all"), "resetZoomButton", tip)
        export = named(QPushButton("Export"), "exportButton", "Save the plot as a picture or its data as a table")
        menu = QMenu(export)
        menu.addActions([self._png_action, self._csv_action])
        export.setMenu(menu)
        log_check.setChecked(self._log_action.isChecked())
        log_check.toggled.connect(self._log_action.setChecked)
        self._log_action.toggled.connect(log_check.setChecked)
        reset_button.clicked.connect(self._show_all)
        self._title = Title(self.title)
        row(self._title, 1, log_check, reset_button, export, margin=HEADER_MARGIN_PX, parent=self.header)
        column(self._curves, self._readout, margin=theme.SPACING_PX, parent=self).setStretch(0, 1)
        self._reserve_lines()
        self._curves.pointed.connect(self._show_pointed_at)
        self._curves.stepped.connect(self._on_stepped)
        self._curves.set_logarithmic(self._log_action.isChecked())
        session = self.session
        session.progressed.connect(self.mark)
        session.historyCleared.connect(self._on_cleared)
        session.stateChanged.connect(self.mark)

    def menu_actions(self) -> dict[str, list[QAction]]:
        return {
            "&File": [self._png_action, self._csv_action],
            "&View": [self._log_action, self._reset_action],
        }

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._is_built:
            self._reserve_lines()

    def _reserve_lines(self) -> None:
        """Give the readout the lines that its longest text takes, so that the plots never change their height."""
        metrics = self._readout.fontMetrics()
        room = max(self.width() - 2 * theme.SPACING_PX, 1)
        lines = math.ceil(1.1 * metrics.horizontalAdvance(LONGEST_READOUT) / room)
        self._readout.setFixedHeight(lines * metrics.lineSpacing())

    def restyle(self) -> None:
        self._curves.restyle()

    # ------------------------------------------------------------ session -> user

    @Slot()
    def _show_enabled(self) -> None:
        history = self.session.history
        for export in (self._png_action, self._csv_action):
            export.setEnabled(len(history) > 0 or bool(history.epochs))

    @Slot()
    def _on_cleared(self) -> None:
        self._curves.show_all()
        self.mark()

    def refresh(self) -> None:
        session = self.session
        history, config = session.history, session.run_config
        longest = config.epochs * history.steps_per_epoch if config is not None else 0
        has_epochs = session.preparation is not None or bool(history.epochs)
        self._title.setText("Failed run" if session.shows_failed_run else self.title)
        self._curves.show_history(history, session.state, longest, has_epochs=has_epochs)
        self._describe()

    def _describe(self) -> None:
        """Describe the curves in words; only now and then during training, as each change may be announced."""
        now_s = monotonic()
        if self.session.state == "training" and (
            now_s < self._described_s + DESCRIBING_S or not QAccessible.isActive()
        ):
            return
        self._described_s = now_s
        loss, accuracy = described(self.session.history)
        self._curves.describe(loss or HINT, accuracy or HINT)

    # ------------------------------------------------------------ looking closer

    @Slot(bool)
    def _on_log(self, logarithmic: bool) -> None:
        if self._is_built:
            self._curves.set_logarithmic(logarithmic)

    @Slot()
    def _show_all(self) -> None:
        if self._is_built:
            self._curves.show_all()

    @Slot()
    def _on_stepped(self) -> None:
        announce(self._readout, self._readout.text())

    @Slot()
    def _show_pointed_at(self) -> None:
        """Show the values at the pointer or at the position of the arrow keys."""
        history, batch, note = self._curves.history, self._curves.batch, self._curves.outlier_note
        if len(history):
            text = batch_text(history, batch, self.session.curves_config) if batch else note
        elif batch:
            text = epoch_text(next(epoch for epoch in history.epochs if history.end_of(epoch) == batch))
        elif history.epochs:
            text = FROM_FILE
        else:
            text = HINT if self.session.state == "idle" else ""
        self._readout.setText(text)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        if self._is_built:
            self._curves.point_nowhere()

    # ------------------------------------------------------------ export

    @Slot()
    def _on_export_png(self) -> None:
        export_as(self, "Export the plot", "training", "PNG picture", ".png", self.export_png)

    @Slot()
    def _on_export_csv(self) -> None:
        export_as(self, "Export the data", "training", "CSV table", ".csv", self.export_csv)

    def export_png(self, path: Path) -> bool:
        """Paint both plots below a title and the run's settings, at twice their size on the screen.

        False if the file could not be written.
        """
        self.ensure_built()
        if not self._is_seen:  # it may never have had a place in the window
            self.resize(self.size().expandedTo(self.sizeHint()))
        self._curves.point_nowhere()
        self.refresh()
        colors = theme.colors()
        title, settings = caption(self._export_title()), QLabel(self._export_settings(), wordWrap=True)
        title.setStyleSheet(f"color: {colors.text}; font-size: 15px; font-weight: 600")
        settings.setStyleSheet(f"color: {colors.muted}")
        head = QWidget()
        column(title, settings, spacing=4, parent=head)
        return write_png(path, self._curves.picture(head))

    def _export_title(self) -> str:
        return "A run that failed" if self.session.shows_failed_run else self.session.name

    def _export_settings(self) -> str:
        session = self.session
        config = session.curves_config
        parts = settings_of(config) if config is not None else []
        tested = session.record.test_accuracy
        if session.state == "idle" and not session.shows_failed_run and tested is not None:
            parts.append(f"test accuracy {tested:.2%}")
        return APART.join([*parts, note] if (note := self._curves.outlier_note) else parts)

    def export_csv(self, path: Path) -> bool:
        """The figures as a table; False if the file could not be written."""
        return write_csv(path, table_of(self.session.history))

    # ------------------------------------------------------------ settings

    def save_settings(self, settings: QSettings) -> None:
        settings.setValue("plot/log", self._log_action.isChecked())

    def restore_settings(self, settings: QSettings) -> None:
        self._log_action.setChecked(bool(settings.value("plot/log", False, bool)))

    def sizeHint(self) -> QSize:
        return QSize(560, 480)
