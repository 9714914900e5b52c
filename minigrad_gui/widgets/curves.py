"""The learning curves of a run: the loss by mini-batch, and below it the accuracy by epoch."""

import math

import numpy as np
from PySide6.QtCore import QEvent, QPointF, Qt, Signal, Slot
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from engine.training import EpochSummary
from minigrad_gui import theme
from minigrad_gui.curve_report import figure
from minigrad_gui.history import History, outlier_limit
from minigrad_gui.widgets.axes import CountAxis, EpochAxis, HeightAxis, LossAxis
from minigrad_gui.widgets.building import caption, column, named, row
from minigrad_gui.widgets.export import EXPORT_SCALE, picture_of
from minigrad_gui.widgets.graphs import pg
from minigrad_gui.widgets.legend import Entry, Legend
from minigrad_gui.widgets.plot import Plot

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
FEWEST_GROUPS = 100
"""Of points that pyqtgraph draws as one, a long curve has more than this, also where it has most room to grow."""


class Curves(QWidget):
    """Two plots over one axis of mini-batches.

    `batch` is the mini-batch at the mouse pointer or chosen with the arrow keys, counted from 1; 0 if there is none.
    `pointed` says that it may have changed, `stepped` that a key chose it, so that its values can be read out.
    `history` is the run that is drawn; `outlier_note` says how many of its losses lie above the plot, if any.
    """

    pointed = Signal()
    stepped = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.batch = 0
        self.outlier_note = ""
        self.history = History()
        self._is_logarithmic = False
        self._extent = 0.0
        self._drawn = 0
        self._shown_epochs: tuple[History | None, int] = None, 0
        self._shown_rates: tuple[History | None, int] = None, 0
        self._pointer: tuple[pg.PlotWidget, QPointF] | int | None = None
        """The mouse position and its plot, or the mini-batch selected with the arrow keys."""
        self._follows = True
        self._rates: list[pg.InfiniteLine] = []
        axes = {"left": LossAxis("left"), "top": EpochAxis("top")}
        self._loss = named(Plot("Loss", axisItems=axes), "lossPlot")
        axes = {"left": HeightAxis("left"), "top": EpochAxis("top"), "bottom": CountAxis("bottom")}
        self._accuracy = named(Plot("Accuracy", axisItems=axes), "accuracyPlot")
        self._plots = self._loss, self._accuracy
        for plot in self._plots:
            _prepare(plot)
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
        self._cursors = [pg.InfiniteLine(angle=90, movable=False) for _ in self._plots]
        for plot, cursor in zip(self._plots, self._cursors, strict=True):
            plot.addItem(cursor, ignoreBounds=True)
            cursor.hide()
            plot.scene().sigMouseMoved.connect(self._on_hover_loss if plot is self._loss else self._on_hover_accuracy)
            plot.plotItem.vb.sigRangeChangedManually.connect(self._on_moved_by_hand)
            plot.stepped.connect(self._on_stepped)
        self._loss_legend, self._accuracy_legend = Legend(), Legend()
        loss_row = row(caption("Loss"), 1, self._loss_legend)
        accuracy_row = row(caption("Accuracy (%)"), 1, self._accuracy_legend)
        layout = column(loss_row, self._loss, accuracy_row, self._accuracy, spacing=4, parent=self)
        layout.setStretch(1, 3)
        layout.setStretch(3, 2)

    def restyle(self) -> None:
        """Apply the theme's colours."""
        colors = theme.colors()
        for plot in self._plots:
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
        self._show_rates()
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

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self.restyle()
        return super().event(event)

    def picture(self, head: QWidget) -> QImage:
        """Both plots below a heading, at twice their size on the screen."""
        head.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
        head.resize(self.width(), head.heightForWidth(self.width()))
        self._draw_for(EXPORT_SCALE)
        dotted = [item.scatter for plot in self._plots for item in plot.listDataItems()]
        for dots in dotted:
            dots.opts["useCache"] = False  # the cache has only screen resolution
        picture = picture_of(head, self)
        for dots in dotted:
            dots.opts["useCache"] = True
        self._draw_for(self.devicePixelRatioF())
        return picture

    def describe(self, loss: str, accuracy: str) -> None:
        """Say in words what the curves show."""
        self._loss.setAccessibleDescription(loss)
        self._accuracy.setAccessibleDescription(accuracy)

    # ------------------------------------------------------------ the history

    def show_history(self, history: History, state: str, longest: int, *, has_epochs: bool) -> None:
        """Draw a run as it is now.

        state: "idle", "training" or "paused"; longest: the run's number of mini-batches, 0 if there is no run;
        has_epochs: whether it is known how many of them make an epoch.
        """
        self.history = history
        count = len(history)
        known = count > 0 or bool(history.epochs)
        for plot, has_points in ((self._loss, known), (self._accuracy, bool(history.epochs))):
            # The axis above the upper plot and the one below the lower plot serve both plots.
            across = "top" if plot is self._loss else "bottom"
            for side, is_known in (("left", has_points), (across, known)):
                axis = plot.getAxis(side)
                if axis.style["showValues"] != is_known and (is_known or state == "idle"):
                    axis.setStyle(showValues=is_known)  # the labels stay until the next run has some
        self._grow(count or (history.end_of(history.epochs[-1]) if known else 0), state, longest)
        self._show_heights()  # before the curves: each change of the range would prepare them again
        self._raw_curve.setSymbol("o" if count == 1 else None)
        batches = np.arange(1, count + 1)
        _draw(self._raw_curve, batches, np.maximum(history.losses, LOWEST_LOSS))
        _draw(self._smoothed_curve, batches, np.maximum(history.smoothed, LOWEST_LOSS))
        if self._shown_epochs != (history, len(history.epochs)):
            self._shown_epochs = history, len(history.epochs)
            self._show_epochs(has_epochs)
        if self._shown_rates != (history, len(history.rate_changes)):
            self._shown_rates = history, len(history.rate_changes)
            self._show_rates()
        self._show_legends()
        self._point()

    def _show_legends(self) -> None:
        colors, history = theme.colors(), self.history
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

    def _show_epochs(self, has_epochs: bool) -> None:
        history = self.history
        in_epochs = bool(history.epochs) and not len(history) and history.steps_per_epoch == 1
        self._accuracy.setLabel("bottom", "Epoch" if in_epochs else "Mini-batch")
        for plot in self._plots:
            plot.getAxis("top").set_steps_per_epoch(history.steps_per_epoch if has_epochs else 0)
        ends = np.array([history.end_of(epoch) for epoch in history.epochs])
        trained = np.empty(0) if len(history) else _column(history.epochs, "loss")
        _draw(self._epoch_curve, ends[: len(trained)], np.maximum(trained, LOWEST_LOSS))
        _draw(self._training_accuracy, ends, 100 * _column(history.epochs, "accuracy"))
        validated = [epoch for epoch in history.epochs if epoch.validation_loss is not None]
        validated_ends = np.array([history.end_of(epoch) for epoch in validated])
        _draw(self._validation_curve, validated_ends, np.maximum(_column(validated, "validation_loss"), LOWEST_LOSS))
        _draw(self._validation_accuracy, validated_ends, 100 * _column(validated, "validation_accuracy"))

    def _show_rates(self) -> None:
        """Mark where the learning rate was changed; only the last changes if there are many."""
        for line in self._rates:
            line.getViewWidget().removeItem(line)
        colors, changes = theme.colors(), self.history.rate_changes[-MOST_RATES:]
        pen = pg.mkPen(colors.muted, style=Qt.PenStyle.DotLine)
        self._rates = []
        for number, (done, rate) in enumerate(changes):
            for plot in self._plots:
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
        history = self.history
        losses = history.losses if len(history) else _column(history.epochs, "loss")
        others = [epoch.validation_loss for epoch in history.epochs if epoch.validation_loss is not None]
        lowest, highest, limit = 0.0, 1.0, math.inf
        if len(losses):
            highest = max(float(losses.max()), *others, LOWEST_LOSS)
            limit = outlier_limit(losses)
        if self._is_logarithmic:
            if len(losses):
                least = min([float(losses.min()), *others])
                lowest = max(least, LOWEST_LOSS, min(LOWEST_SHARE * limit, highest))
            lowest, highest, limit = math.log10(lowest or 0.1), math.log10(highest), math.inf
            lowest = math.floor(4 * lowest) / 4  # in coarse steps: redrawing axes is expensive
        outliers = np.flatnonzero(losses > limit) if highest > limit else np.empty(0, np.intp)
        if highest > limit:
            highest = max(float(losses[losses <= limit].max(initial=0)), *(loss for loss in others if loss <= limit), 0)
        self._show_outliers(losses, outliers, highest)
        if not self._follows:
            return
        _set_height(self._loss, lowest, highest)
        accuracies = [epoch.accuracy for epoch in history.epochs]
        accuracies += [epoch.validation_accuracy for epoch in history.epochs if epoch.validation_accuracy is not None]
        least, most = (100 * min(accuracies), 100 * max(accuracies)) if accuracies else (0.0, 100.0)
        _set_height(self._accuracy, max(0.0, min(least, most - LEAST_ACCURACY_SPAN)), most)

    def _show_outliers(self, losses: np.ndarray, outliers: np.ndarray, highest: float) -> None:
        if not len(outliers):
            self.outlier_note = ""
            self._outliers.setData([], [])
            return
        what = "loss is" if len(outliers) == 1 else "losses are"
        self.outlier_note = f"▲ {len(outliers):,} {what} higher than the plot, up to {figure(float(losses.max()))}"
        history = self.history
        places = outliers[:: len(outliers) // MOST_MARKS + 1] + 1
        if not len(history):
            places = np.array([history.end_of(history.epochs[place - 1]) for place in places])
        self._outliers.setData(places, np.full(len(places), highest * (1 + MARGIN_SHARE / 2)))

    # ------------------------------------------------------------ how wide they are

    def _grow(self, count: int, state: str, longest: int) -> None:
        """Make room for `count` mini-batches, and during a run for some more."""
        new, self._drawn = count - self._drawn, count
        extent = float(max(count, MIN_RANGE))
        if longest and count and state != "idle":
            least = LEAST_GROWTH * extent
            most = MOST_GROWTH * extent if state == "training" else least
            if count <= self._extent <= most:
                return
            ahead = max(least, min(extent + LOOKAHEAD * new, most))
            extent = max(extent, min(ahead, longest))
        if extent != self._extent:
            self._extent = extent
            for plot in self._plots:
                plot.setLimits(xMax=1.1 * extent)
            if self._follows:
                self._show_all_batches()

    def _show_all_batches(self) -> None:
        self._loss.setXRange(0, MARGIN * self._extent, padding=0)

    # ------------------------------------------------------------ looking closer

    @Slot()
    def _on_moved_by_hand(self) -> None:
        self._follows = False

    def set_logarithmic(self, logarithmic: bool) -> None:
        """Whether every tenfold change of the loss has the same height."""
        self._is_logarithmic = logarithmic
        self._loss.setLogMode(x=False, y=logarithmic)
        self.show_all()

    def show_all(self) -> None:
        """Show the whole run, and follow it from now on."""
        self._follows = True
        self._show_all_batches()
        self._show_heights()  # the accuracy's x axis follows the loss
        self._point()

    @Slot(QPointF)
    def _on_hover_loss(self, position: QPointF) -> None:
        self._pointer = self._loss, position
        self._point()

    @Slot(QPointF)
    def _on_hover_accuracy(self, position: QPointF) -> None:
        self._pointer = self._accuracy, position
        self._point()

    @Slot(int)
    def _on_stepped(self, steps: int) -> None:
        """Move on, at first from the last value: by mini-batches, or by epochs of a file."""
        history = self.history
        one, last = 1, len(history)
        if not last and history.epochs:
            one, last = history.steps_per_epoch, history.end_of(history.epochs[-1])
        if last:
            before = self.batch or last + one * (steps < 0)
            self._pointer = min(max(before + one * steps, one), last)
            self._point()
            self.stepped.emit()

    def _point(self) -> None:
        """Find the mini-batch at the pointer or at the position of the arrow keys, and mark it."""
        history, batch = self.history, 0
        if isinstance(self._pointer, int):
            batch = self._pointer
        elif self._pointer is not None:
            plot, position = self._pointer
            box = plot.plotItem.vb
            batch = round(box.mapSceneToView(position).x()) if box.sceneBoundingRect().contains(position) else 0
        if not len(history) and history.epochs and batch >= 1:
            batch = min((history.end_of(epoch) for epoch in history.epochs), key=lambda end: abs(end - batch))
        elif not 1 <= batch <= len(history):
            batch = 0
        self.batch = batch
        for cursor in self._cursors:
            cursor.setVisible(batch > 0)
            cursor.setValue(batch)
        self.pointed.emit()

    def point_nowhere(self) -> None:
        """The pointer is elsewhere now."""
        self._pointer = None
        self._point()


def _prepare(plot: Plot) -> None:
    """What both plots have in common."""
    for side in ("left", "right", "top", "bottom"):
        plot.getAxis(side).enableAutoSIPrefix(False)  # first: each change of the range would set the label's text
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
    plot.setLimits(xMin=0, minXRange=MIN_RANGE)
    plot.disableAutoRange()


def _draw(curve: pg.PlotDataItem, x: np.ndarray, y: np.ndarray) -> None:
    """Set a curve's points, with the last one several times: pyqtgraph draws points in groups, and only full ones."""
    repeated = (0, len(x) // FEWEST_GROUPS)
    curve.setData(np.pad(x, repeated, "edge"), np.pad(y, repeated, "edge"))


def _set_height(plot: Plot, lowest: float, highest: float) -> None:
    share = max(MARGIN_SHARE, DOT_PX / max(plot.plotItem.vb.height(), DOT_PX))
    margin = share * (highest - lowest) or 1.0
    shown = [lowest - margin, highest + margin]
    if plot.plotItem.vb.viewRange()[1] != shown:
        plot.setYRange(*shown, padding=0)


def _column(epochs: list[EpochSummary], name: str) -> np.ndarray:
    return np.array([getattr(epoch, name) for epoch in epochs], np.float64)
