"""The learning curves: the loss by mini-batch, and below it the accuracy by epoch.

Progress only marks the plots as out of date; a timer redraws them at most 10 times a second, at any training speed.
"""

import math
from pathlib import Path
from time import monotonic

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, QSettings, QSize, Qt, Slot
from PySide6.QtGui import QAccessible, QAction, QResizeEvent
from PySide6.QtWidgets import QCheckBox, QLabel, QMenu, QMessageBox, QPushButton, QWidget

from engine.training import EpochSummary
from minigrad_gui import theme
from minigrad_gui.curve_report import APART, batch_text, described, epoch_text, figure, settings_of, table_of
from minigrad_gui.history import History, outlier_limit
from minigrad_gui.session import Session
from minigrad_gui.views.view import HEADER_MARGIN_PX, DockedView
from minigrad_gui.widgets.accessibility import announce
from minigrad_gui.widgets.axes import EpochAxis, HeightAxis, LossAxis
from minigrad_gui.widgets.building import action, caption, column, named, row
from minigrad_gui.widgets.export import EXPORT_SCALE, picture_of, write_csv, write_png
from minigrad_gui.widgets.files import ask_where_to_save
from minigrad_gui.widgets.legend import Entry, Legend
from minigrad_gui.widgets.plot import Plot
from minigrad_gui.widgets.refresh_timer import LONGEST_INTERVAL_MS

AXIS_WIDTH_PX, BORDER_PX, DOT_PX = 52, 2, 6
LOWEST_LOSS = 1e-12
"""Smaller losses, such as 0, are drawn here on a logarithmic scale."""
MIN_RANGE = 10
"""Smallest number of mini-batches shown."""
MARGIN = 1.02
"""Room to the right of the last dot, as a factor of the x range."""
LOOKAHEAD = 20
LEAST_GROWTH, MOST_GROWTH = 1.25, 8
"""During a run the plot has room on the right for the next 20 redraws: redrawing axes costs more than redrawing
curves. When it is full, its x range grows by a factor within these limits."""
MARGIN_SHARE = 0.05
"""Margin above the highest and below the lowest value, as a share of the height."""
LOWEST_SHARE = 1e-4
"""Losses below this share of the typical loss are cut off a logarithmic scale, which would be too long otherwise."""
LEAST_ACCURACY_SPAN = 4.0
MOST_MARKS = 200
MOST_RATES, MOST_RATE_LABELS = 12, 4
DESCRIBING_S = 5.0
HINT = "Press Train and watch the loss fall."
FROM_FILE = "How this network was trained, by epoch, from its file. Press Train for a run of your own."


LONGEST_READOUT = APART.join(
    ["Mini-batch 123,456", "epoch 123", "loss 0.1234", "smoothed 0.1234", "validated after epoch 123: 12.34%"]
)


class LossPlot(DockedView):
    name = "curvesView"
    title, tab = "Learning curves", "Curves"
    longest_refresh_ms = LONGEST_INTERVAL_MS

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        axes = {"left": LossAxis("left"), "top": EpochAxis("top")}
        self._loss = named(Plot("Loss", axisItems=axes), "lossPlot")
        axes = {"left": HeightAxis("left"), "top": EpochAxis("top")}
        self._accuracy = named(Plot("Accuracy", axisItems=axes), "accuracyPlot")
        for plot in (self._loss, self._accuracy):
            plot.hideButtons()
            plot.getAxis("left").setWidth(AXIS_WIDTH_PX)
            plot.setClipToView(True)
            plot.setDownsampling(auto=True, mode="peak")
            plot.showAxis("top")
            for side in ("top", "bottom"):
                plot.getAxis(side).setStyle(showValues=False)
            for side in ("left", "top", "bottom"):
                axis = plot.getAxis(side)
                if side != "bottom":
                    axis.setGrid(255)  # an opaque grid is painted five times as fast as a transparent one
                axis.setStyle(tickAlpha=255, maxTickLevel=1)
                axis.setZValue(-1)
                axis.enableAutoSIPrefix(False)
            plot.setLimits(xMin=0, minXRange=MIN_RANGE)
            plot.disableAutoRange()
        self._loss.getAxis("bottom").setStyle(tickLength=0)
        self._loss.getAxis("bottom").setHeight(BORDER_PX)
        self._accuracy.setXLink(self._loss)
        self._raw_curve = self._loss.plot(name="mini-batch")
        self._smoothed_curve = self._loss.plot(name="training, smoothed")
        dots = {"antialias": True, "symbol": "o", "symbolSize": DOT_PX}
        self._epoch_curve = self._loss.plot(name="training", **dots)
        self._validation_curve = self._loss.plot(name="validation", **dots)
        self._training_accuracy = self._accuracy.plot(name="training", **dots)
        self._validation_accuracy = self._accuracy.plot(name="validation", **dots)
        self._outliers = self._loss.plot(name="higher losses", pen=None, symbol="t1", symbolSize=7, symbolPen=None)
        self._rates: list[pg.InfiniteLine] = []
        self._cursors = [pg.InfiniteLine(angle=90, movable=False) for _ in range(2)]
        for plot, cursor in zip((self._loss, self._accuracy), self._cursors, strict=True):
            plot.addItem(cursor, ignoreBounds=True)
            cursor.hide()
            plot.scene().sigMouseMoved.connect(self._on_hover_loss if plot is self._loss else self._on_hover_accuracy)

        self._readout = named(caption(), "plotReadout")
        self._readout.setWordWrap(True)
        tip = "Logarithmic scale: every tenfold change of the loss has the same height (Ctrl+L)"
        self._log_check = named(QCheckBox("Log scale"), "logScaleCheck", tip)
        tip = "Show the whole plot (Ctrl+0). Zoom with the wheel, pan by dragging."
        self._reset_button = named(QPushButton("Show all"), "resetZoomButton", tip)
        self._log_action = action(self, "&Logarithmic loss", "logAction", None, "Ctrl+L", checkable=True)
        self._reset_action = action(self, "Show the &whole plot", "resetZoomAction", self._show_all, "Ctrl+0")
        self._png_action = action(self, "Export the plot as &PNG…", "exportPngAction", self._on_export_png)
        self._csv_action = action(self, "Export the data as &CSV…", "exportCsvAction", self._on_export_csv)
        export = named(QPushButton("Export"), "exportButton", "Save the plot as a picture or its data as a table")
        menu = QMenu(export)
        menu.addActions([self._png_action, self._csv_action])
        export.setMenu(menu)
        self._log_check.toggled.connect(self._log_action.setChecked)
        self._log_action.toggled.connect(self._log_check.setChecked)
        self._log_action.toggled.connect(self._on_log)
        self._reset_button.clicked.connect(self._show_all)

        self._title = caption(self.title, role="title")
        row(self._title, 1, self._log_check, self._reset_button, export, margin=HEADER_MARGIN_PX, parent=self.header)
        self._loss_legend, self._accuracy_legend = Legend(), Legend()
        loss_row = row(caption("Loss"), 1, self._loss_legend)
        accuracy_row = row(caption("Accuracy (%)"), 1, self._accuracy_legend)
        self._plots = QWidget()
        plots = column(loss_row, self._loss, accuracy_row, self._accuracy, spacing=4, parent=self._plots)
        plots.setStretch(1, 3)
        plots.setStretch(3, 2)
        column(self._plots, self._readout, margin=theme.SPACING_PX, parent=self).setStretch(0, 1)

        self._extent = 0.0
        self._drawn = 0
        self._shown_epochs: tuple[History | None, int] = None, 0
        self._shown_rates: tuple[History | None, int] = None, 0
        self._outlier_note = ""
        self._pointer: tuple[pg.PlotWidget, QPointF] | int | None = None
        """The mouse position and its plot, or the mini-batch selected with the arrow keys."""
        self._described_s = 0.0
        self._follows = True
        for plot in (self._loss, self._accuracy):
            plot.plotItem.vb.sigRangeChangedManually.connect(self._on_moved_by_hand)
            plot.stepped.connect(self._on_stepped)
        session.progressed.connect(self.mark)
        session.historyCleared.connect(self._on_cleared)
        session.stateChanged.connect(self.mark)
        self.restyle()
        self.refresh()
        self._show_all()

    def menu_actions(self) -> dict[str, list[QAction]]:
        return {
            "&File": [self._png_action, self._csv_action],
            "&View": [self._log_action, self._reset_action],
        }

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self.restyle()
        return super().event(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        # Reserve the lines that the longest text takes, so that the plots never change their height.
        metrics = self._readout.fontMetrics()
        room = max(self.width() - 2 * theme.SPACING_PX, 1)
        lines = math.ceil(1.1 * metrics.horizontalAdvance(LONGEST_READOUT) / room)
        self._readout.setFixedHeight(lines * metrics.lineSpacing())

    def restyle(self) -> None:
        colors = theme.colors()
        for plot in (self._loss, self._accuracy):
            plot.setBackground(colors.card)
            for side in ("left", "top", "bottom"):
                axis = plot.getAxis(side)
                axis.setPen(pg.mkPen(colors.border if side != "top" else colors.card))
                axis.setTextPen(pg.mkPen(colors.muted))
                axis.setTickPen(pg.mkPen(colors.grid))
        for curve, color in (
            (self._validation_curve, colors.validation_curve),
            (self._validation_accuracy, colors.validation_curve),
            (self._training_accuracy, colors.loss_curve),
            (self._epoch_curve, colors.loss_curve),
        ):
            curve.setSymbolPen(pg.mkPen(color))
            curve.setSymbolBrush(pg.mkBrush(color))
        self._outliers.setSymbolBrush(pg.mkBrush(colors.faint_curve))
        for cursor in self._cursors:
            cursor.setPen(pg.mkPen(colors.muted, style=Qt.PenStyle.DashLine))
        self._show_rates(self.session.history)
        self._draw_for(self.devicePixelRatioF())
        self._show_legends()

    def _draw_for(self, ratio: float) -> None:
        """Scale the line widths for a screen with this device pixel ratio."""
        colors = theme.colors()
        for curve, color, width in (
            (self._raw_curve, colors.faint_curve, 1.0),
            (self._smoothed_curve, colors.loss_curve, 2.0),
            (self._epoch_curve, colors.loss_curve, 1.5),
            (self._validation_curve, colors.validation_curve, 1.5),
            (self._training_accuracy, colors.loss_curve, 1.5),
            (self._validation_accuracy, colors.validation_curve, 1.5),
        ):
            curve.setPen(pg.mkPen(color, width=width * ratio))  # in device pixels

    def _show_legends(self) -> None:
        colors, history = theme.colors(), self.session.history
        training = Entry("training", colors.loss_curve, 1.5, dots=True)
        loss = [
            Entry("mini-batch", colors.faint_curve, 1),
            Entry("training, smoothed", colors.loss_curve, 2, short_name="smoothed"),
        ]
        if not len(history):
            loss = [training] if history.epochs else []
        is_validated = any(epoch.validation_loss is not None for epoch in history.epochs)
        validation = [Entry("validation", colors.validation_curve, 1.5, dots=True)] if is_validated else []
        self._loss_legend.set_entries(*loss, *validation)
        self._accuracy_legend.set_entries(*([training] if history.epochs else []), *validation)

    # ------------------------------------------------------------ session -> user

    @Slot()
    def _on_cleared(self) -> None:
        self._show_all()
        self.mark()

    def refresh(self) -> None:
        history = self.session.history
        count = len(history)
        known = count > 0 or bool(history.epochs)
        for plot, has_points in ((self._loss, known), (self._accuracy, bool(history.epochs))):
            # The axis above the upper plot and the one below the lower plot serve both plots.
            across = "top" if plot is self._loss else "bottom"
            for side, is_known in (("left", has_points), (across, known)):
                axis = plot.getAxis(side)
                if axis.style["showValues"] != is_known and (is_known or self.session.state == "idle"):
                    axis.setStyle(showValues=is_known)  # the labels stay until the next run has some
        self._title.setText("Failed run" if self.session.shows_failed_run else self.title)
        self._grow(count or (history.end_of(history.epochs[-1]) if known else 0))
        self._raw_curve.setSymbol("o" if count == 1 else None)
        for export in (self._png_action, self._csv_action):
            export.setEnabled(known)
        batches = np.arange(1, count + 1)
        self._raw_curve.setData(batches, np.maximum(history.losses, LOWEST_LOSS))
        self._smoothed_curve.setData(batches, np.maximum(history.smoothed, LOWEST_LOSS))
        if self._shown_epochs != (history, len(history.epochs)):
            self._shown_epochs = history, len(history.epochs)
            self._show_epochs(history)
        if self._shown_rates != (history, len(history.rate_changes)):
            self._shown_rates = history, len(history.rate_changes)
            self._show_rates(history)
        self._show_legends()
        self._show_heights()
        self._show_pointed_at()
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
        self._loss.setAccessibleDescription(loss or HINT)
        self._accuracy.setAccessibleDescription(accuracy or HINT)

    def _show_epochs(self, history: History) -> None:
        is_known = self.session.preparation is not None or bool(history.epochs)
        in_epochs = bool(history.epochs) and not len(history) and history.steps_per_epoch == 1
        self._accuracy.setLabel("bottom", "Epoch" if in_epochs else "Mini-batch")
        for plot in (self._loss, self._accuracy):
            plot.getAxis("top").set_steps_per_epoch(history.steps_per_epoch if is_known else 0)
        ends = np.array([history.end_of(epoch) for epoch in history.epochs])
        trained = np.empty(0) if len(history) else _column(history.epochs, "loss")
        self._epoch_curve.setData(ends[: len(trained)], np.maximum(trained, LOWEST_LOSS))
        self._training_accuracy.setData(ends, 100 * _column(history.epochs, "accuracy"))
        validated = [epoch for epoch in history.epochs if epoch.validation_loss is not None]
        validated_ends = np.array([history.end_of(epoch) for epoch in validated])
        self._validation_curve.setData(validated_ends, np.maximum(_column(validated, "validation_loss"), LOWEST_LOSS))
        self._validation_accuracy.setData(validated_ends, 100 * _column(validated, "validation_accuracy"))

    def _show_rates(self, history: History) -> None:
        """Mark where the learning rate was changed; only the last changes if there are many."""
        for line in self._rates:
            line.getViewWidget().removeItem(line)
        colors, changes = theme.colors(), history.rate_changes[-MOST_RATES:]
        pen = pg.mkPen(colors.muted, style=Qt.PenStyle.DotLine)
        self._rates = []
        for number, (done, rate) in enumerate(changes):
            for plot in (self._loss, self._accuracy):
                is_told = plot is self._loss and len(changes) - number <= MOST_RATE_LABELS
                options = {
                    "position": 0.94,
                    "color": colors.muted,
                    "fill": colors.card,
                    "anchors": [(0, 0.5), (0, 0.5)],
                }
                text = f"rate {rate:g}" if is_told else None
                line = pg.InfiniteLine(done + 0.5, angle=90, pen=pen, label=text, labelOpts=options)
                plot.addItem(line, ignoreBounds=True)
                self._rates.append(line)

    # ------------------------------------------------------------ how high the plots are

    def _show_heights(self) -> None:
        """Scale the y axes to the values that matter, and say which ones are cut off."""
        history = self.session.history
        losses = history.losses if len(history) else _column(history.epochs, "loss")
        others = [epoch.validation_loss for epoch in history.epochs if epoch.validation_loss is not None]
        lowest, highest, limit = 0.0, 1.0, math.inf
        if len(losses):
            highest = max(float(losses.max()), *others, LOWEST_LOSS)
            limit = outlier_limit(losses)
        if self._log_action.isChecked():
            if len(losses):
                least = min([float(losses.min()), *others])
                lowest = max(least, LOWEST_LOSS, min(LOWEST_SHARE * limit, highest))
            lowest, highest, limit = math.log10(lowest or 0.1), math.log10(highest), math.inf
            lowest = math.floor(4 * lowest) / 4  # in coarse steps: redrawing axes is expensive
        outliers = np.flatnonzero(losses > limit) if highest > limit else np.empty(0, np.intp)
        if highest > limit:
            highest = max(float(losses[losses <= limit].max(initial=0)), *(loss for loss in others if loss <= limit), 0)
        self._show_outliers(history, losses, outliers, highest)
        if not self._follows:
            return
        self._set_height(self._loss, lowest, highest)
        accuracies = [epoch.accuracy for epoch in history.epochs]
        accuracies += [epoch.validation_accuracy for epoch in history.epochs if epoch.validation_accuracy is not None]
        least, most = (100 * min(accuracies), 100 * max(accuracies)) if accuracies else (0.0, 100.0)
        self._set_height(self._accuracy, max(0.0, min(least, most - LEAST_ACCURACY_SPAN)), most)

    @staticmethod
    def _set_height(plot: pg.PlotWidget, lowest: float, highest: float) -> None:
        share = max(MARGIN_SHARE, DOT_PX / max(plot.plotItem.vb.height(), DOT_PX))
        margin = share * (highest - lowest) or 1.0
        shown = [lowest - margin, highest + margin]
        if plot.plotItem.vb.viewRange()[1] != shown:
            plot.setYRange(*shown, padding=0)

    def _show_outliers(self, history: History, losses: np.ndarray, outliers: np.ndarray, highest: float) -> None:
        if not len(outliers):
            self._outlier_note = ""
            self._outliers.setData([], [])
            return
        what = "loss is" if len(outliers) == 1 else "losses are"
        self._outlier_note = f"▲ {len(outliers):,} {what} higher than the plot, up to {figure(float(losses.max()))}"
        places = outliers[:: len(outliers) // MOST_MARKS + 1] + 1
        if not len(history):
            places = np.array([history.end_of(history.epochs[place - 1]) for place in places])
        self._outliers.setData(places, np.full(len(places), highest * (1 + MARGIN_SHARE / 2)))

    # ------------------------------------------------------------ how wide they are

    def _grow(self, count: int) -> None:
        """Make room for `count` mini-batches, and during a run for some more."""
        config = self.session.run_config
        new, self._drawn = count - self._drawn, count
        extent = float(max(count, MIN_RANGE))
        if config is not None and count and self.session.state != "idle":
            least = LEAST_GROWTH * extent
            most = MOST_GROWTH * extent if self.session.state == "training" else least
            if count <= self._extent <= most:
                return
            ahead = max(least, min(extent + LOOKAHEAD * new, most))
            extent = max(extent, min(ahead, config.epochs * self.session.history.steps_per_epoch))
        if extent != self._extent:
            self._extent = extent
            for plot in (self._loss, self._accuracy):
                plot.setLimits(xMax=1.1 * extent)
            if self._follows:
                self._show_all_batches()

    def _show_all_batches(self) -> None:
        self._loss.setXRange(0, MARGIN * self._extent, padding=0)

    # ------------------------------------------------------------ looking closer

    @Slot()
    def _on_moved_by_hand(self) -> None:
        self._follows = False

    @Slot(bool)
    def _on_log(self, logarithmic: bool) -> None:
        self._loss.setLogMode(x=False, y=logarithmic)
        self._show_all()

    @Slot()
    def _show_all(self) -> None:
        self._follows = True
        self._show_all_batches()
        self._show_heights()  # the accuracy's x axis follows the loss
        self._show_pointed_at()

    @Slot(QPointF)
    def _on_hover_loss(self, position: QPointF) -> None:
        self._pointer = self._loss, position
        self._show_pointed_at()

    @Slot(QPointF)
    def _on_hover_accuracy(self, position: QPointF) -> None:
        self._pointer = self._accuracy, position
        self._show_pointed_at()

    @Slot(int)
    def _on_stepped(self, steps: int) -> None:
        """Move the readout, at first from the last value: by mini-batches, or by epochs of a file."""
        history = self.session.history
        one, last = 1, len(history)
        if not last and history.epochs:
            one, last = history.steps_per_epoch, history.end_of(history.epochs[-1])
        if last:
            before = round(self._cursors[0].value()) if self._cursors[0].isVisible() else last + one * (steps < 0)
            self._pointer = min(max(before + one * steps, one), last)
            self._show_pointed_at()
            announce(self._readout, self._readout.text())

    def _show_pointed_at(self) -> None:
        """Show the values at the pointer or at the position of the arrow keys."""
        history, batch = self.session.history, 0
        if isinstance(self._pointer, int):
            batch = self._pointer
        elif self._pointer is not None:
            plot, position = self._pointer
            box = plot.plotItem.vb
            batch = round(box.mapSceneToView(position).x()) if box.sceneBoundingRect().contains(position) else 0
        text = ""
        if 1 <= batch <= len(history):
            text = batch_text(history, batch)
        elif not len(history) and history.epochs and batch >= 1:
            nearest = min(history.epochs, key=lambda epoch: abs(history.end_of(epoch) - batch))
            batch, text = history.end_of(nearest), epoch_text(nearest)
        for cursor in self._cursors:
            cursor.setVisible(bool(text))
            cursor.setValue(batch)
        hint = HINT if self.session.state == "idle" else ""
        silent = self._outlier_note if len(history) else FROM_FILE if history.epochs else hint
        self._readout.setText(text or silent)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._pointer = None
        self._show_pointed_at()

    # ------------------------------------------------------------ export

    @Slot()
    def _on_export_png(self) -> None:
        path = ask_where_to_save(self, "Export the plot", "training.png", "PNG picture", ".png")
        if path is not None and not self.export_png(path):
            QMessageBox.warning(self, "Export", f"Could not write {path.name}.")

    @Slot()
    def _on_export_csv(self) -> None:
        path = ask_where_to_save(self, "Export the data", "training.csv", "CSV table", ".csv")
        if path is None:
            return
        if not self.export_csv(path):
            QMessageBox.warning(self, "Export", f"Could not write {path.name}.")

    def export_png(self, path: Path) -> bool:
        """Paint both plots below a title and the run's settings, at twice their size on the screen.

        False if the file could not be written.
        """
        self._pointer = None
        self.refresh()
        colors = theme.colors()
        title, settings = QLabel(self._export_title()), QLabel(self._export_settings(), wordWrap=True)
        title.setStyleSheet(f"color: {colors.text}; font-size: 15px; font-weight: 600")
        settings.setStyleSheet(f"color: {colors.muted}")
        head = QWidget()
        column(title, settings, spacing=4, parent=head)
        width = self._plots.width()
        head.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
        head.resize(width, head.heightForWidth(width))
        self._draw_for(EXPORT_SCALE)
        dotted = [item.scatter for plot in (self._loss, self._accuracy) for item in plot.listDataItems()]
        for dots in dotted:
            dots.opts["useCache"] = False  # the cache has only screen resolution
        image = picture_of(head, self._plots)
        for dots in dotted:
            dots.opts["useCache"] = True
        self._draw_for(self.devicePixelRatioF())
        return write_png(path, image)

    def _export_title(self) -> str:
        return "A run that failed" if self.session.shows_failed_run else self.session.name

    def _export_settings(self) -> str:
        session = self.session
        config = session.curves_config
        parts = settings_of(config) if config is not None else []
        tested = session.record.test_accuracy
        if session.state == "idle" and not session.shows_failed_run and tested is not None:
            parts.append(f"test accuracy {tested:.2%}")
        return APART.join([*parts, self._outlier_note] if self._outlier_note else parts)

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


def _column(epochs: list[EpochSummary], name: str) -> np.ndarray:
    return np.array([getattr(epoch, name) for epoch in epochs], np.float64)
