"""Networks as PyTorch names their arrays in a `torch.nn.Sequential`: 0.weight, 0.bias, 2.weight, ... (1 is a ReLU)."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.archive import printable
from engine.nn import MAX_PARAMETERS
from minigrad_gui.exchange.portable import ExchangeError, Layers, Portable
from minigrad_gui.frame import SIDE_PX

Arrays = dict[str, NDArray[Any]]
Layer = tuple[NDArray[Any], NDArray[Any]]
PARAMETRIZED = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}
"""Weight normalisation's new names, and its old ones."""
WEIGHTS = {"weight", "weight_v"}
IGNORED = {"num_batches_tracked"}
OPTIMIZER = re.compile("optim", re.IGNORECASE)
MAX_NAME_CHARS = 60


def arrays_of(network: Portable) -> Arrays:
    """Each layer's weight (out, in) and bias (out,)."""
    return {
        f"{2 * index}.{name}": array
        for index, layer in enumerate(network.layers)
        for name, array in zip(("weight", "bias"), layer, strict=True)
    }


def layers_of(arrays: Arrays, *, in_order: bool = False) -> Layers:
    """The linear layers in a state dict, in an order in which they fit one another.

    in_order: whether the arrays come in the network's order, as `torch.save` writes them; safetensors has no order.
    Otherwise names decide, with numbers as numbers (layers.10 comes after layers.2), unless only another order fits.
    Raises ExchangeError for other kinds of layers and for layers that do not fit.
    """
    groups: dict[str, Arrays] = {}
    for name, array in _of_the_network(arrays).items():
        layer, kind = _split(name)
        if kind not in IGNORED:
            groups.setdefault(layer, {})[kind] = array
    named = {layer: _layer(layer, parts) for layer, parts in groups.items()}
    by_name = [named[layer] for layer in sorted(named, key=_key)]
    for layers in ([list(named.values())] if in_order else []) + [by_name]:
        if all(after[0].shape[1] == len(before[1]) for before, after in pairwise(layers)):
            return tuple(layers)
    return tuple(_fitted(by_name))


def _fitted(waiting: list[Layer]) -> Iterator[Layer]:
    """One after the other that takes what the one before gives, those that lead to their own size first."""
    size = SIDE_PX**2
    while waiting:
        fitting = [index for index, (W, _) in enumerate(waiting) if W.shape[1] == size]
        if not fitting:
            raise ExchangeError(f"holds layers that do not fit one another: none of the others takes {size} numbers.")
        layer = waiting.pop(next((index for index in fitting if len(waiting[index][1]) == size), fitting[0]))
        yield layer
        size = len(layer[1])


def _of_the_network(arrays: Arrays) -> Arrays:
    """Of a checkpoint, the part that is the network; its names then begin with a key and a space."""
    parts: dict[str, Arrays] = {}
    for name, array in arrays.items():
        part, _, own = name.rpartition(" ")
        if not OPTIMIZER.search(part):
            parts.setdefault(part, {})[own] = array
    for network in parts.values():
        if any(_split(name)[1] in WEIGHTS for name in network):
            return network
    raise ExchangeError("holds no layers.")


def _split(name: str) -> tuple[str, str]:
    """A layer's name, and that of its array."""
    for kind in PARAMETRIZED:
        if name.endswith(f".{kind}"):
            return name.removesuffix(f".{kind}"), PARAMETRIZED[kind]
    layer, _, kind = name.rpartition(".")
    return layer, kind


def _layer(name: str, parts: Arrays) -> Layer:
    if parts.keys() >= {"weight_g", "weight_v"}:
        direction = parts["weight_v"]
        parts = {**parts, "weight": parts["weight_g"] * direction / np.linalg.norm(direction, axis=1, keepdims=True)}
    weight = parts.get("weight")
    extra = parts.keys() - {"weight", "bias", "weight_g", "weight_v"}
    if weight is None or weight.ndim != 2 or extra or weight.size > MAX_PARAMETERS:
        raise ExchangeError(f"is no MLP: “{printable(name[:MAX_NAME_CHARS])}” is not a linear layer.")
    return weight, parts.get("bias", np.zeros(len(weight), weight.dtype))


def _key(name: str) -> list[tuple[int, str]]:
    """Sorts numbers in names as numbers."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d{1,9})", name)]
