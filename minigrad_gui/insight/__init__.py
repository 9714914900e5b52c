"""What a network does inside, as arrays: where it fails, what its neurons look for, and why it answers as it does.

Layers are counted from 0, the first hidden layer; the last one gives the logits. A picture is (28, 28) from 0 (paper)
to 1 (ink). Nothing here changes a network. No Qt here.

Each function is imported when it is first used: the window needs none to open.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from minigrad_gui.insight.neighbours import nearest
    from minigrad_gui.insight.prototypes import prototype
    from minigrad_gui.insight.readings import confusion
    from minigrad_gui.insight.trace import activations
    from minigrad_gui.insight.why import saliency, toward

__all__ = ["activations", "confusion", "nearest", "prototype", "saliency", "toward"]

_MODULES = {
    "activations": "trace",
    "confusion": "readings",
    "nearest": "neighbours",
    "prototype": "prototypes",
    "saliency": "why",
    "toward": "why",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
