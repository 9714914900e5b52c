"""The views, one file each, listed in VIEWS. A view knows the session and the theme, never another view."""

from minigrad_gui.views.config_panel import ConfigPanel
from minigrad_gui.views.draw_panel import DrawPanel
from minigrad_gui.views.training_panel import TrainingPanel
from minigrad_gui.views.view import Docked, View

VIEWS: tuple[type[View] | Docked, ...] = (
    ConfigPanel,
    TrainingPanel,
    Docked("curvesView", "Learning curves", "loss_plot", "LossPlot", tab="Curves"),
    Docked("confusionView", "Confusion", "confusion", "ConfusionView"),
    Docked("networkView", "Network", "network", "NetworkView"),
    Docked("weightsView", "Weights", "weights", "WeightsView"),
    Docked("whyView", "Why?", "why", "WhyView"),
    Docked("nearestView", "Nearest", "nearest", "NearestView"),
    Docked("runsView", "Runs", "runs", "RunsView"),
    Docked("timeView", "Time", "time", "TimeView"),
    Docked("graphView", "Graph", "graph", "GraphView"),
    Docked("datasetView", "Data", "dataset", "DatasetView"),
    DrawPanel,
)
"""Ordered by column from left to right, and from top to bottom within a column."""
