"""Networks as PyTorch names their arrays in a `torch.nn.Sequential`: 0.weight, 0.bias, 2.weight, ... (1 is a ReLU)."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.archive import printable
from engine.nn import MAX_PARAMETERS
from minigrad_gui.exchange.portable import MAX_NAME_CHARS, ExchangeError, Layers, Portable
from minigrad_gui.frame import SIDE_PX

Arrays = dict[str, NDArray[Any]]
Layer = tuple[NDArray[Any], NDArray[Any]]
PARAMETRIZED = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}
"""Weight normalisation's new names, and its old ones."""
WEIGHTS = {"weight", "weight_v"}
IGNORED = {"num_batches_tracked"}
RUNNING = {"running_mean", "running_var"}
"""What batch normalisation has measured."""
EPSILON = 1e-5
"""PyTorch's for batch normalisation, which no state dict holds."""
NUMBERED = re.compile(r"(.*?)(\d{1,9})")
OPTIMIZER = re.compile("optim", re.IGNORECASE)


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
    norms = {name: parts for name, parts in groups.items() if parts.keys() >= RUNNING}
    named = {name: _layer(name, parts) for name, parts in groups.items() if name not in norms}
    _fold(norms, named)
    by_name = [named[layer] for layer in sorted(named, key=_key)]
    for layers in ([list(named.values())] if in_order else []) + [by_name]:
        if all(after[0].shape[1] == len(before[1]) for before, after in pairwise(layers)):
            return tuple(layers)
    return tuple(_fitted(by_name))


def _fold(norms: dict[str, Arrays], layers: dict[str, Layer]) -> None:
    """Make batch normalisations part of the linear layers beside them, as they compute once training has ended."""
    free = sorted(layers, key=_key)
    for name in sorted(norms, key=_key):
        parts = norms[name]
        mean, variance = parts["running_mean"], parts["running_var"]
        by = parts.get("weight", np.ones_like(mean)) / np.sqrt(variance + np.float32(EPSILON))
        term = parts.get("bias", np.zeros_like(mean)) - mean * by
        layer, is_after = _neighbour(name, layers, [each for each in free if layers[each][1].shape == mean.shape])
        W, b = layers[layer]
        layers[layer] = (W * by[:, np.newaxis], b * by + term) if is_after else (W * by, b + W @ term)
        if is_after:
            free.remove(layer)


def _neighbour(norm: str, layers: dict[str, Layer], fitting: list[str]) -> tuple[str, bool]:
    """The layer of which a normalisation becomes part, and whether it comes after it, without an activation between.

    Numbers in the same module tell: 1 follows the layer 0, 2 its activation. Otherwise it follows a layer of its size.
    """
    if own := NUMBERED.fullmatch(norm):
        numbers = {int(each[2]): each[0] for name in layers if (each := NUMBERED.fullmatch(name)) and each[1] == own[1]}
        number = int(own[2])
        if number - 1 in numbers:
            return numbers[number - 1], True
        if later := [each for each in numbers if each > number]:
            return numbers[min(later)], False
    if not fitting:
        raise ExchangeError(f"is no MLP: “{printable(norm[:MAX_NAME_CHARS])}” follows no linear layer.")
    return fitting[0], True


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
