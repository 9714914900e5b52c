"""The views, one file each, and the list of them. A view knows the session and the theme, never another view."""

from minigrad_gui.views.config_panel import ConfigPanel
from minigrad_gui.views.draw_panel import DrawPanel
from minigrad_gui.views.loss_plot import LossPlot
from minigrad_gui.views.training_panel import TrainingPanel
from minigrad_gui.views.view import View

VIEWS: tuple[type[View], ...] = (ConfigPanel, TrainingPanel, LossPlot, DrawPanel)
"""In the order in which they stand, from left to right and, within a column, from top to bottom."""
