"""Weights and gradients: what the neurons of the first layer look for, and how each layer is doing over time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Slot
from PySide6.QtWidgets import QComboBox, QWidget

from engine.nn import MLP
from engine.samples import as_rows
from minigrad_gui import theme
from minigrad_gui.analysis import Answer, Desk, TrainedOn
from minigrad_gui.data import DataError
from minigrad_gui.digits import SIDE_PX
from minigrad_gui.insight import layer_statistics as statistics
from minigrad_gui.insight.connections import connections
from minigrad_gui.insight.trace import trace
from minigrad_gui.views.view import NO_NETWORK, TRAIN, DockedView
from minigrad_gui.widgets.accessibility import announce
from minigrad_gui.widgets.building import caption, column, named, styled
from minigrad_gui.widgets.layer_table import LayerTable, Look
from minigrad_gui.widgets.maps import Pixels, signed_weights
from minigrad_gui.widgets.mosaic import Mosaic, MosaicArea
from minigrad_gui.widgets.paragraph import Paragraph

SAMPLES = 500
"""Digits on which activations and gradients are measured."""
MOST_LOOKS = 160
LIMIT_PERCENTILE = 99.8
ORDERS: dict[str, statistics.Order] = {
    "Largest first": "norm",
    "Most active first": "activity",
    "Similar side by side": "similarity",
}


@dataclass(frozen=True)
class Weights:
    """What the analysis gives: neurons of the first layer in order, their pictures, norms and mean outputs.

    moment: the number of the run, and of mini-batches in it; seen: how many pixels each neuron sees, None if all see
    all; activity, look: None without pictures to measure them on, and missing says why.
    """

    model: MLP
    moment: tuple[int, int]
    order: NDArray[np.intp]
    pixels: Pixels
    norms: NDArray[np.floating[Any]]
    seen: NDArray[np.intp] | None
    activity: NDArray[np.floating[Any]] | None
    look: Look | None
    missing: str = ""


class WeightsView(DockedView):
    sentence = (
        "What each neuron of the first layer looks for, ink blue and paper orange, and how the numbers in each layer "
        "have developed."
    )

    def build(self) -> None:
        self._series: list[Look] = []
        self._run = 0
        """Counts the runs whose looks are in the series."""
        self._shown: Weights | None = None
        self._order = named(QComboBox(), "weightsOrderCombo", "In which order the neurons are shown")
        self._order.setAccessibleName("Order")
        self._order.addItems(list(ORDERS))
        self._order.currentIndexChanged.connect(self.mark_soon)
        self._mosaic = named(Mosaic("Neurons of the first layer", scale=1), "weightsMosaic")
        self._mosaic.hovered.connect(self._on_hovered)
        self._readout = named(caption(), "weightsReadout")
        self._warning = named(styled(Paragraph(3), "error"), "weightsWarning")
        self._table = named(LayerTable(), "layerTable")
        contents = QWidget()
        self._neurons = MosaicArea(self._mosaic, "Neurons")
        column(self._neurons, self._readout, self._table, self._warning, parent=contents).setStretch(0, 1)
        self.fill(contents, self._order)
        self.session.modelChanged.connect(self.mark)
        self.session.historyCleared.connect(self._on_cleared)
        self._on_hovered(-1)

    def refresh(self) -> None:
        session = self.session
        if session.model is None:
            self.show_instead(NO_NETWORK, TRAIN)
        else:
            self.show_contents()
            self._table.set_layer_count(len(session.model.layers))
            before = self._shown if self._series else None
            order = ORDERS[self._order.currentText()]
            batches = len(session.history)
            moment = self._run, batches
            work = partial(_weights, session.model, moment, before, order, session.trained_on, theme.colors())
            session.analyse(f"{self.name}/weights", work)

    def take(self, answer: Answer) -> None:
        if answer.error is not None:
            self._warning.setText(answer.error)
            return
        weights: Weights = answer.result
        is_new = self._shown is None or weights.model is not self._shown.model or not self._series
        self._shown, look = weights, weights.look
        if look is not None and is_new and weights.moment[0] == self._run:
            self._series = thinned([*self._series, look])
        descriptions = [self._text(index) for index in range(len(weights.order))]
        self._neurons.set_pictures(weights.pixels, descriptions=descriptions)
        self._table.show_series(self._series)
        self._table.setVisible(look is not None)
        warning = weights.missing if look is None else statistics.warning_sentence(look.layers) or ""
        if warning != self._warning.text():
            self._warning.setText(warning)
            announce(self._warning, warning)

    def picture_parts(self) -> Sequence[QWidget]:
        return [self._mosaic, self._table]

    def table(self) -> Iterable[Sequence[Any]]:
        pixels = [f"w{index}" for index in range(SIDE_PX * SIDE_PX)]
        yield ["neuron", "norm", "mean_output", *pixels]
        if self._shown is not None:
            W, activity = self._shown.model.layers[0].W.data, self._shown.activity
            for unit in self._shown.order:
                yield [unit + 1, self._shown.norms[unit], None if activity is None else activity[unit], *W[unit]]

    def restyle(self) -> None:
        self.mark_soon()

    @Slot()
    def _on_cleared(self) -> None:
        self._series = []
        self._run += 1

    @Slot(int)
    def _on_hovered(self, index: int) -> None:
        hint = "Point at a neuron, or move with the arrow keys."
        self._readout.setText(self._text(index) if index >= 0 and self._shown is not None else hint)

    def _text(self, index: int) -> str:
        assert self._shown is not None
        unit = self._shown.order[index]
        norm, activity = self._shown.norms[unit], self._shown.activity
        told = f"Neuron {unit + 1:,}: weights' norm {norm:.3g}"
        if activity is not None:
            told += f", mean output {activity[unit]:.3g}"
        if self._shown.seen is not None:
            told += f", sees {self._shown.seen[unit]} of {SIDE_PX**2} pixels"
        return told


def thinned(series: list[Look]) -> list[Look]:
    """Every second look, once there are too many of them; always the first and the last."""
    return series if len(series) <= MOST_LOOKS else [*series[:-1:2], series[-1]]


def _weights(
    model: MLP,
    moment: tuple[int, int],
    before: Weights | None,
    order: statistics.Order,
    trained_on: TrainedOn,
    colors: theme.Colors,
    desk: Desk,
) -> Weights:
    W = model.layers[0].W.data
    some = np.abs(W[:, ::3])
    limit = float(np.percentile(some, LIMIT_PERCENTILE)) if np.isfinite(some).all() else 1.0

    def pixels(units: NDArray[np.intp]) -> Pixels:
        return signed_weights(W[units].reshape(len(units), SIDE_PX, SIDE_PX), limit, colors)

    norms, there = np.linalg.norm(W, axis=1), connections(W)
    seen = None if there is None else np.count_nonzero(there, axis=1)
    try:
        digits = desk.digits(trained_on, "test")
    except DataError as error:
        units = statistics.order_of_units(model, "norm" if order == "activity" else order)
        missing = f"Only the weights are shown. {error}"
        return Weights(model, moment, units, pixels(units), norms, seen, None, None, missing)
    chosen = digits.indices[:: max(len(digits.indices) // SAMPLES, 1)][:SAMPLES]
    images, labels = digits.images[chosen], digits.labels[chosen]
    units = statistics.order_of_units(model, order, images)
    layers = statistics.layer_statistics(model, images, labels)
    moved: list[float | None] = [None] * len(layers)
    is_of_run = before is not None and before.moment[0] == moment[0] and before.model.sizes == model.sizes
    if before is not None and is_of_run and moment[1] > before.moment[1]:
        steps = moment[1] - before.moment[1]
        moved = [ratio / steps for ratio in statistics.update_ratios(before.model, model)]
    activity = trace(model, as_rows(images, model.dtype)).outputs[0].data.mean(axis=0)
    return Weights(model, moment, units, pixels(units), norms, seen, activity, Look(layers, moved))
