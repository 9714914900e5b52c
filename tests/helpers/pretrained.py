"""The pretrained network, read once per process: to copy it takes a tenth of the time, and each window opens it."""

import functools
from pathlib import Path

from engine.nn import MLP
from engine.record import TrainingRecord
from minigrad_gui.reader import load_network
from minigrad_gui.resources import asset_path

PRETRAINED = asset_path("pretrained.npz")
_read_once = functools.cache(load_network)


def copy_or_load(path: Path) -> tuple[MLP, TrainingRecord]:
    """What `load_network` gives: a copy, for the pretrained network."""
    if path != PRETRAINED:
        return load_network(path)
    model, record = _read_once(path)
    return model.copy(), record
