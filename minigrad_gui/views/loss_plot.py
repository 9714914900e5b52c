"""The loss, mini-batch by mini-batch, as it falls; below it the accuracy, epoch by epoch.

Progress only marks the plots as out of date; a timer redraws them at most 10 times a second, however fast it trains.
"""

import csv
import io
import math
from pathlib import Path
from time import monotonic

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QByteArray, QEvent, QPoint, QPointF, QSaveFile, QSettings, QSize, Qt, Slot
from PySide6.QtGui import QAccessible, QAction, QColor, QImage, QImageWriter, QPainter
from PySide6.QtWidgets import QCheckBox, QMenu, QMessageBox, QPushButton, QSizePolicy, QWidget

from engine.training import EpochSummary
from minigrad_gui import theme
from minigrad_gui.history import History
from minigrad_gui.session import Session
from minigrad_gui.views.view import View
from minigrad_gui.widgets.accessibility import announce
from minigrad_gui.widgets.building import action, caption, column, named, row
from minigrad_gui.widgets.files import ask_where_to_save
from minigrad_gui.widgets.plot import Plot
from minigrad_gui.widgets.refresh_timer import RefreshTimer

AXIS_WIDTH_PX = 56
LOWEST_LOSS = 1e-12
"""A loss of 0 has no place on a logarithmic scale."""
EXPORT_SCALE = 2
MOST_DECADES = 6
MIN_RANGE = 10
"""Mini-batches that are shown at the least."""
MARGIN = 1.02
"""A little room to the right of the last dot."""
LOOKAHEAD = 20
LEAST_GROWTH, MOST_GROWTH = 1.25, 8
"""While a run goes on, the plot has room to the right for what 20 more redrawings will bring: new axes cost more than
new curves. It grows by these factors, at the least and at the most."""
EPOCH_COLUMNS = {
    "training_accuracy": "accuracy",
    "validation_loss": "validation_loss",
    "validation_accuracy": "validation_accuracy",
}
DESCRIBING_S = 5.0
HINT = "Press Train and watch the loss fall."


class _LossAxis(pg.AxisItem):  # type: ignore[misc]
    """On a logarithmic scale, labels at the powers of ten and, where there is room, at 2 and 5 times them."""

    def logTickValues(self, minVal: float, maxVal: float, *_: object) -> list[tuple[None, list[float]]]:
        stride = max(1, math.ceil((maxVal - minVal) / MOST_DECADES))
        decades = range(math.floor(minVal / stride) * stride, math.ceil(maxVal), stride)
        digits = (1, 2, 5) if maxVal - minVal < MOST_DECADES / 2 else (1,)
        values = [decade + math.log10(digit) for decade in decades for digit in digits]
        return [(None, [value for value in values if minVal <= value <= maxVal])]


class LossPlot(View):
    place = "centre"
    stretch = 1

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self.setAccessibleName("Learning curves")
        self._loss = named(Plot("Loss", axisItems={"left": _LossAxis("left")}), "lossPlot")
        self._accuracy = named(Plot("Accuracy"), "accuracyPlot")
        for plot, title in ((self._loss, "Loss"), (self._accuracy, "Accuracy, %")):
            plot.setMenuEnabled(False)
            plot.hideButtons()
            plot.setLabel("left", title)
            plot.getAxis("left").setWidth(AXIS_WIDTH_PX)
            plot.setClipToView(True)
            plot.setDownsampling(auto=True, mode="peak")
            plot.showGrid(x=True, y=True, alpha=1)
            for side in ("left", "bottom"):  # an opaque grid is painted five times as fast as a transparent one
                plot.getAxis(side).setStyle(tickAlpha=255, maxTickLevel=1)
                plot.getAxis(side).setZValue(-1)
                plot.getAxis(side).enableAutoSIPrefix(False)
            plot.setLimits(xMin=0, minXRange=MIN_RANGE)
        # One legend serves both plots, where a falling loss leaves room: blue is training, orange validation.
        self._legend = self._loss.addLegend(offset=(-8, 8), labelTextSize="9pt")
        self._accuracy.setLabel("bottom", "Mini-batch")
        self._accuracy.setXLink(self._loss)
        self._zero = self._loss.plot([0], [0])  # so that the axis begins there, and stays as it is while the loss falls
        self._raw_curve = self._loss.plot(name="mini-batch")
        self._smoothed_curve = self._loss.plot(name="training, smoothed")
        dots = {"antialias": True, "symbol": "o", "symbolSize": 6}
        self._validation_curve = self._loss.plot(name="validation", **dots)
        self._training_accuracy = self._accuracy.plot(name="training", **dots)
        self._validation_accuracy = self._accuracy.plot(name="validation", **dots)
        self._cursors = [pg.InfiniteLine(angle=90, movable=False) for _ in range(2)]
        for plot, cursor in zip((self._loss, self._accuracy), self._cursors, strict=True):
            plot.addItem(cursor, ignoreBounds=True)
            cursor.hide()
            plot.scene().sigMouseMoved.connect(self._on_hover_loss if plot is self._loss else self._on_hover_accuracy)

        self._readout = named(caption(), "plotReadout")
        self._readout.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        tip = "Show each tenfold change of the loss with the same height (Ctrl+L)"
        self._log_check = named(QCheckBox("Log scale"), "logScaleCheck", tip)
        tip = "Undo all zooming and moving (Ctrl+0). Zoom with the wheel, move by dragging."
        self._reset_button = named(QPushButton("Show all"), "resetZoomButton", tip)
        self._log_action = action(self, "&Logarithmic loss", "logAction", None, "Ctrl+L", checkable=True)
        self._reset_action = action(self, "Show &all of the plot", "resetZoomAction", self._show_all, "Ctrl+0")
        self._png_action = action(self, "Export the plot as &PNG…", "exportPngAction", self._on_export_png)
        self._csv_action = action(self, "Export the figures as &CSV…", "exportCsvAction", self._on_export_csv)
        export = named(QPushButton("Export"), "exportButton", "Keep the plot as a picture or as figures")
        menu = QMenu(export)
        menu.addActions([self._png_action, self._csv_action])
        export.setMenu(menu)
        self._log_check.toggled.connect(self._log_action.setChecked)
        self._log_action.toggled.connect(self._log_check.setChecked)
        self._log_action.toggled.connect(self._on_log)
        self._reset_button.clicked.connect(self._show_all)

        header = row(caption("Learning curves", role="title"), 1, self._log_check, self._reset_button, export)
        self._plots = QWidget()
        plots = column(self._loss, self._accuracy, spacing=4, parent=self._plots)
        plots.setStretch(0, 3)
        plots.setStretch(1, 2)
        column(header, self._plots, self._readout, margin=theme.SPACING_PX, parent=self).setStretch(1, 1)

        self._extent = 0.0
        self._drawn = 0
        self._shown_epochs: tuple[History | None, int] = None, 0
        self._follows = True
        for plot in (self._loss, self._accuracy):
            plot.plotItem.vb.sigRangeChangedManually.connect(self._on_moved_by_hand)
        for plot in (self._loss, self._accuracy):
            plot.stepped.connect(self._on_stepped)
        self._described_s = 0.0
        self._refresh_timer = RefreshTimer(self)
        self._refresh_timer.timeout.connect(self._refresh)
        session.progressed.connect(self._mark)
        session.historyCleared.connect(self._on_cleared)
        session.stateChanged.connect(self._mark)
        self.restyle()
        self._refresh()
        self._show_all()

    def menu_actions(self) -> dict[str, list[QAction]]:
        return {
            "&File": [self._png_action, self._csv_action],
            "&View": [self._log_action, self._reset_action],
        }

    def restyle(self) -> None:
        colors = theme.colors()
        for plot in (self._loss, self._accuracy):
            plot.setBackground(colors.card)
            for side in ("left", "bottom"):
                axis = plot.getAxis(side)
                axis.setPen(pg.mkPen(colors.border))
                axis.setTextPen(pg.mkPen(colors.muted))
                axis.setTickPen(pg.mkPen(colors.grid))
        self._raw_curve.setPen(pg.mkPen(colors.faint_curve, width=1))
        self._smoothed_curve.setPen(pg.mkPen(colors.loss_curve, width=2))
        for curve, color in (
            (self._validation_curve, colors.validation_curve),
            (self._validation_accuracy, colors.validation_curve),
            (self._training_accuracy, colors.loss_curve),
        ):
            curve.setPen(pg.mkPen(color, width=1.5))
            curve.setSymbolPen(pg.mkPen(color))
            curve.setSymbolBrush(pg.mkBrush(color))
            curve.scatter.setPen(pg.mkPen(color))  # the legend asks the scatter plot, which knows only once it has data
            curve.scatter.setBrush(pg.mkBrush(color))
        for cursor in self._cursors:
            cursor.setPen(pg.mkPen(colors.muted, style=Qt.PenStyle.DashLine))
        for _, label in self._legend.items:
            label.setText(label.text, color=colors.text)
        backdrop = QColor(colors.card)
        backdrop.setAlpha(210)
        self._legend.setBrush(pg.mkBrush(backdrop))

    # ------------------------------------------------------------ session -> person

    @Slot()
    def _mark(self) -> None:
        self._refresh_timer.request()

    @Slot()
    def _on_cleared(self) -> None:
        self._show_all()
        self._mark()

    @Slot()
    def _refresh(self) -> None:
        history = self.session.history
        count = len(history)
        if not self._cursors[0].isVisible():
            self._readout.setText("" if count else HINT)
        for plot, points in ((self._loss, count), (self._accuracy, len(history.epochs))):
            for side, known in (("left", points > 0), ("bottom", count > 0)):
                axis = plot.getAxis(side)
                if axis.style["showValues"] != known and (known or self.session.state == "idle"):
                    axis.setStyle(showValues=known)  # a run that follows another does not take the figures away first
        self._describe()
        self._grow(count)
        self._legend.setVisible(count > 0)
        self._raw_curve.setSymbol("o" if count == 1 else None)
        for export in (self._png_action, self._csv_action):
            export.setEnabled(count > 0)
        batches = np.arange(1, count + 1)
        self._raw_curve.setData(batches, np.maximum(history.losses, LOWEST_LOSS))
        self._smoothed_curve.setData(batches, np.maximum(history.smoothed, LOWEST_LOSS))
        if self._shown_epochs != (history, len(history.epochs)):
            self._shown_epochs = history, len(history.epochs)
            self._show_epochs(history)
        self._loss.plotItem.vb.updateAutoRange()  # else it is found out while painting, and all is painted twice

    def _show_epochs(self, history: History) -> None:
        ends = (np.arange(len(history.epochs)) + 1) * history.steps_per_epoch
        self._training_accuracy.setData(ends, np.array([100 * epoch.accuracy for epoch in history.epochs]))
        validated = [epoch for epoch in history.epochs if epoch.validation_loss is not None]
        validated_ends = ends[: len(validated)]
        self._validation_curve.setData(validated_ends, _column(validated, "validation_loss"))
        self._validation_accuracy.setData(validated_ends, 100 * _column(validated, "validation_accuracy"))

    def _grow(self, count: int) -> None:
        """Make room for `count` mini-batches, and while there are more to come for some of these."""
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

    def _describe(self) -> None:
        """Put in words what the curves show; while it trains now and then only, as each change may be read out."""
        now_s = monotonic()
        if self.session.state == "training" and (
            now_s < self._described_s + DESCRIBING_S or not QAccessible.isActive()
        ):
            return
        self._described_s = now_s
        history = self.session.history
        loss, accuracy = [], []
        if len(history):
            count = len(history)
            loss.append(f"Loss {history.losses[-1]:.4f} at mini-batch {count:,}, smoothed {history.smoothed[-1]:.4f}.")
        if history.epochs:
            last = history.epochs[-1]
            after = f"after epoch {last.epoch + 1}"
            accuracy.append(f"Training accuracy {last.accuracy:.2%} {after}.")
            if last.validation_loss is not None and last.validation_accuracy is not None:
                loss.append(f"Validation loss {last.validation_loss:.4f} {after}.")
                accuracy.append(f"Validation accuracy {last.validation_accuracy:.2%}.")
        self._loss.setAccessibleDescription(" ".join(loss) or HINT)
        self._accuracy.setAccessibleDescription(" ".join(accuracy) or HINT)

    # ------------------------------------------------------------ looking closer

    @Slot()
    def _on_moved_by_hand(self) -> None:
        self._follows = False

    @Slot(bool)
    def _on_log(self, logarithmic: bool) -> None:
        self._zero.setVisible(not logarithmic)
        self._loss.setLogMode(x=False, y=logarithmic)
        self._show_all()

    @Slot()
    def _show_all(self) -> None:
        self._follows = True
        self._show_all_batches()
        for plot in (self._loss, self._accuracy):  # the accuracy's x axis follows the loss
            plot.enableAutoRange(axis="y")

    @Slot(QPointF)
    def _on_hover_loss(self, position: QPointF) -> None:
        self._hover(self._loss, position)

    @Slot(QPointF)
    def _on_hover_accuracy(self, position: QPointF) -> None:
        self._hover(self._accuracy, position)

    def _hover(self, plot: pg.PlotWidget, position: QPointF) -> None:
        inside = plot.plotItem.vb.sceneBoundingRect().contains(position)
        self._read_at(round(plot.plotItem.vb.mapSceneToView(position).x()) if inside else 0)

    @Slot(int)
    def _on_stepped(self, steps: int) -> None:
        """Read on from the mini-batch that is being read, or else from the last."""
        last = len(self.session.history)
        if last:
            before = round(self._cursors[0].value()) if self._cursors[0].isVisible() else last + (steps < 0)
            self._read_at(min(max(before + steps, 1), last))
            announce(self._readout, self._readout.text())

    def _read_at(self, batch: int) -> None:
        """Tell the figures of this mini-batch, if there is one."""
        history = self.session.history
        known = 1 <= batch <= len(history)
        for cursor in self._cursors:
            cursor.setVisible(known)
            cursor.setValue(batch)
        if not known:
            self._readout.setText("" if len(history) else HINT)
            return
        epoch = (batch - 1) // history.steps_per_epoch
        text = f"Mini-batch {batch:,}  ·  epoch {epoch + 1}  ·  loss {history.losses[batch - 1]:.4f}"
        text += f"  ·  smoothed {history.smoothed[batch - 1]:.4f}"
        ended = history.epochs_ended_by(batch)
        if ended and ended[-1].validation_accuracy is not None:
            text += f"  ·  validated after epoch {len(ended)}: {ended[-1].validation_accuracy:.2%}"
        elif any(later.validation_accuracy is not None for later in history.epochs):
            text += "  ·  not validated yet"
        self._readout.setText(text)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        for cursor in self._cursors:
            cursor.hide()
        self._refresh()

    # ------------------------------------------------------------ export

    @Slot()
    def _on_export_png(self) -> None:
        path = ask_where_to_save(self, "Export the plot", "training.png", "PNG picture", ".png")
        if path is not None and not self.export_png(path):
            QMessageBox.warning(self, "Export", f"{path.name} could not be written there.")

    @Slot()
    def _on_export_csv(self) -> None:
        path = ask_where_to_save(self, "Export the figures", "training.csv", "CSV table", ".csv")
        if path is None:
            return
        if not self.export_csv(path):
            QMessageBox.warning(self, "Export", f"{path.name} could not be written there.")

    def export_png(self, path: Path) -> bool:
        """Paint both plots, at twice their size on the screen. False if the file could not be written."""
        self._refresh()
        image = QImage(self._plots.size() * EXPORT_SCALE, QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(EXPORT_SCALE)
        image.fill(QColor(theme.colors().card))
        painter = QPainter(image)
        self._plots.render(painter, QPoint())
        painter.end()
        file = QSaveFile(str(path))
        return (
            file.open(QSaveFile.OpenModeFlag.WriteOnly)
            and QImageWriter(file, QByteArray(b"png")).write(image)
            and file.commit()
        )

    def export_csv(self, path: Path) -> bool:
        """One row for each mini-batch, an epoch's own figures in its last. False if the file could not be written."""
        history = self.session.history
        with io.StringIO(newline="") as text:
            rows = csv.writer(text)
            rows.writerow(["mini_batch", "epoch", "loss", "smoothed_loss", *EPOCH_COLUMNS])
            for index, (loss, smoothed) in enumerate(zip(history.losses, history.smoothed, strict=True)):
                epoch, place = divmod(index, history.steps_per_epoch)
                ended = place == history.steps_per_epoch - 1 and epoch < len(history.epochs)
                summary = [getattr(history.epochs[epoch], name) if ended else None for name in EPOCH_COLUMNS.values()]
                rows.writerow([index + 1, epoch + 1, loss, smoothed, *summary])
            content = text.getvalue().encode()
        file = QSaveFile(str(path))
        return file.open(QSaveFile.OpenModeFlag.WriteOnly) and file.write(content) == len(content) and file.commit()

    # ------------------------------------------------------------ settings

    def save_settings(self, settings: QSettings) -> None:
        settings.setValue("plot/log", self._log_action.isChecked())

    def restore_settings(self, settings: QSettings) -> None:
        self._log_action.setChecked(bool(settings.value("plot/log", False, bool)))

    def sizeHint(self) -> QSize:
        return QSize(560, 480)


def _column(epochs: list[EpochSummary], name: str) -> np.ndarray:
    return np.array([getattr(epoch, name) for epoch in epochs], np.float64)
