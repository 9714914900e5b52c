"""Keras' description of a model's layers, which TensorFlow.js uses, too. No code in it is run."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.exchange.chain import Chain, Found
from minigrad_gui.exchange.portable import MAX_NAME_CHARS, ExchangeError

WITHOUT_EFFECT = {
    "InputLayer",
    "Flatten",
    "Reshape",
    "Dropout",
    "GaussianNoise",
    "GaussianDropout",
    "ActivityRegularization",
}
"""These change no number of a picture, nor the order of the numbers."""
WEIGHTED = {
    "Dense": ("kernel", "use_bias"),
    "BatchNormalization": ("scale", "center", "moving_mean", "moving_variance"),
}
"""The arrays of a layer, in Keras' order; those that are options of its config may be missing."""
ACTIVATION_LAYERS = {"ReLU": "relu", "Softmax": "softmax"}


def found_in(model: dict[str, Any], weights_of: Callable[[str, str, int], list[NDArray[Any]]]) -> Found:
    """The network that a config describes.

    weights_of: the arrays of a layer of this class and name, which is the n-th of its class. Raises ExchangeError if
    it is no MLP, and whatever a damaged config raises.
    """
    chain = Chain()
    counts: dict[str, int] = {}
    for layer in _in_order(model):
        kind, config = layer["class_name"], layer["config"]
        number = counts[kind] = counts.get(kind, -1) + 1
        weights = weights_of(kind, str(config.get("name")), number) if kind in WEIGHTED else []
        _add(chain, kind, config, weights)
    return chain.found()


def _in_order(model: dict[str, Any]) -> list[dict[str, Any]]:
    """The layers' configs, from the input to the output."""
    config = model["config"]
    layers: list[dict[str, Any]] = config["layers"] if isinstance(config, dict) else config  # a list in Keras 2.2
    if model["class_name"] == "Sequential":
        return layers
    if model["class_name"] not in ("Functional", "Model"):
        raise ExchangeError(f"is no MLP, but {str(model['class_name'])[:MAX_NAME_CHARS]}.")
    by_name = {layer["name"]: layer for layer in layers}
    name = next(_sources(config["output_layers"]))
    ordered: list[dict[str, Any]] = []
    while len(ordered) <= len(layers):
        ordered.append(by_name[name])
        sources = list(_sources(by_name[name]["inbound_nodes"]))
        if not sources:
            return ordered[::-1]
        if len(sources) > 1:
            raise ExchangeError("is no MLP: a layer has several inputs.")
        name = sources[0]
    raise ExchangeError("has layers that go round in a circle.")


def _sources(nodes: Any) -> Iterator[str]:
    """The names in ["dense", 0, 0, ...], which every version of Keras uses for the output of a layer."""
    if isinstance(nodes, dict):
        nodes = list(nodes.values())
    if isinstance(nodes, list):
        if len(nodes) >= 3 and isinstance(nodes[0], str) and nodes[1:3] == [0, 0]:
            yield nodes[0]
        else:
            for node in nodes:
                yield from _sources(node)


def _add(chain: Chain, kind: str, config: dict[str, Any], weights: list[NDArray[Any]]) -> None:
    if len(weights) < sum(config.get(option, True) for option in WEIGHTED.get(kind, ())):
        raise ExchangeError("lacks the weights of a layer.")
    if kind == "Dense":
        chain.product(weights[0].T)
        if config.get("use_bias", True):
            chain.term(weights[1])
        _activate(chain, config.get("activation", "linear"))
    elif kind == "BatchNormalization":
        rest = iter(weights)
        gain = next(rest) if config.get("scale", True) else np.float32(1)
        shift = next(rest) if config.get("center", True) else np.float32(0)
        mean, variance = rest
        chain.normalisation(mean, variance, gain, shift, float(config.get("epsilon", 1e-3)))
    elif kind == "Rescaling":
        chain.factor(np.array(config["scale"], np.float64))
        chain.term(np.array(config["offset"], np.float64))
    elif kind == "Activation":
        _activate(chain, config["activation"])
    elif kind in ACTIVATION_LAYERS and not any(
        config.get(name) for name in ("negative_slope", "threshold", "max_value")
    ):
        _activate(chain, ACTIVATION_LAYERS[kind])
    elif kind not in WITHOUT_EFFECT:
        raise ExchangeError(f"holds the layer {str(kind)[:MAX_NAME_CHARS]}, which no MLP here has.")


def _activate(chain: Chain, name: Any) -> None:
    if name not in ("linear", None):
        chain.activation(str(name)[:MAX_NAME_CHARS])
