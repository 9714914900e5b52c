"""The views, one file each, listed in VIEWS. A view knows the session and the theme, never another view."""

from minigrad_gui.views.config_panel import ConfigPanel
from minigrad_gui.views.confusion import ConfusionView
from minigrad_gui.views.dataset import DatasetView
from minigrad_gui.views.draw_panel import DrawPanel
from minigrad_gui.views.graph import GraphView
from minigrad_gui.views.loss_plot import LossPlot
from minigrad_gui.views.nearest import NearestView
from minigrad_gui.views.network import NetworkView
from minigrad_gui.views.runs import RunsView
from minigrad_gui.views.time import TimeView
from minigrad_gui.views.training_panel import TrainingPanel
from minigrad_gui.views.view import View
from minigrad_gui.views.weights import WeightsView
from minigrad_gui.views.why import WhyView

VIEWS: tuple[type[View], ...] = (
    ConfigPanel,
    TrainingPanel,
    LossPlot,
    ConfusionView,
    NetworkView,
    WeightsView,
    WhyView,
    NearestView,
    RunsView,
    TimeView,
    GraphView,
    DatasetView,
    DrawPanel,
)
"""Ordered by column from left to right, and from top to bottom within a column."""
