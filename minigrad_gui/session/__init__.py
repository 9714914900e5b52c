"""The state of the laboratory: `Session`, a facade over one small object for each concern."""

from minigrad_gui.session.datasets import datasets_from_json, datasets_to_json
from minigrad_gui.session.drawing import ShownPicture
from minigrad_gui.session.facade import Session
from minigrad_gui.session.importing import Imported
from minigrad_gui.session.settings import config_from_json, config_to_json

__all__ = [
    "Imported",
    "Session",
    "ShownPicture",
    "config_from_json",
    "config_to_json",
    "datasets_from_json",
    "datasets_to_json",
]
