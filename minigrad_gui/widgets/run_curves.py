"""Curves of several runs over each other, one colour each; a band around a mean shows its spread."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtWidgets import QWidget

from minigrad_gui import theme
from minigrad_gui.run_comparison import Line
from minigrad_gui.widgets.axes import EpochAxis, HeightAxis
from minigrad_gui.widgets.graphs import pg
from minigrad_gui.widgets.plot import Plot
from minigrad_gui.wording import counted

PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56a0d3", "#8560c4", "#8c6d50")
"""Told apart on light and dark cards, and by the colour-blind (after Okabe and Ito)."""
AXIS_WIDTH_PX, DOT_PX, DOTTED_UP_TO, BAND_ALPHA = 52, 6, 30, 60
MARGIN_SHARE = 0.05


@dataclass(frozen=True)
class Drawn:
    """A line with its name and colour."""

    name: str
    color: str
    line: Line


class RunCurves(Plot):
    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(
            "Curves of the selected runs",
            parent=parent,
            axisItems={"left": HeightAxis("left"), "bottom": EpochAxis("bottom")},
        )
        self.hideButtons()
        self.drawn: tuple[Drawn, ...] = ()
        self.getAxis("left").setWidth(AXIS_WIDTH_PX)
        for side in ("left", "bottom"):
            axis = self.getAxis(side)
            axis.setGrid(255)
            axis.setStyle(tickAlpha=255, maxTickLevel=1)
            axis.setZValue(-1)
            axis.enableAutoSIPrefix(False)
        self.getAxis("bottom").set_steps_per_epoch(1)
        self.disableAutoRange()

    def draw(self, drawn: Sequence[Drawn]) -> None:
        """Draw these lines instead of the others, all of each in sight."""
        self.drawn = tuple(each for each in drawn if len(each.line.x))
        self.plotItem.clear()
        for each in self.drawn:
            self._draw_line(each)
        ends = [
            f"{each.name}: {each.line.y[-1]:.4g} after {counted(each.line.x[-1], 'epoch', '.3g')}"
            for each in self.drawn
        ]
        self.setAccessibleDescription("; ".join(ends))
        if self.drawn:
            self._show_all()

    def _draw_line(self, each: Drawn) -> None:
        line, pen = each.line, pg.mkPen(each.color, width=1.5 * self.devicePixelRatioF())
        if line.spread is not None:
            low, high = (pg.PlotDataItem(line.x, line.y + sign * line.spread) for sign in (-1, 1))
            color = pg.mkColor(each.color)
            color.setAlpha(BAND_ALPHA)
            self.addItem(pg.FillBetweenItem(low, high, brush=pg.mkBrush(color)))
        is_dotted = len(line.x) <= DOTTED_UP_TO
        dots = {"symbol": "o", "symbolSize": DOT_PX, "symbolBrush": each.color, "symbolPen": None} if is_dotted else {}
        self.plot(line.x, line.y, pen=pen, antialias=True, **dots)

    def _show_all(self) -> None:
        lines = [each.line for each in self.drawn]
        spreads = [0.0 if line.spread is None else line.spread for line in lines]
        low = min(float((line.y - spread).min()) for line, spread in zip(lines, spreads, strict=True))
        high = max(float((line.y + spread).max()) for line, spread in zip(lines, spreads, strict=True))
        margin = MARGIN_SHARE * (high - low) or max(abs(high), 1e-6) * MARGIN_SHARE
        self.setYRange(low - margin, high + margin, padding=0)
        self.setXRange(0, 1.02 * max(float(line.x[-1]) for line in lines), padding=0)

    def restyle(self) -> None:
        colors = theme.colors()
        self.setBackground(colors.card)
        for side in ("left", "bottom"):
            axis = self.getAxis(side)
            axis.setPen(pg.mkPen(colors.border))
            axis.setTextPen(pg.mkPen(colors.muted))
            axis.setTickPen(pg.mkPen(colors.grid))
        self.draw(self.drawn)
