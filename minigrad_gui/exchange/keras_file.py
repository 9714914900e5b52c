"""Keras models, if `h5py` is installed: .keras files of Keras 3, and HDF5 files of any version. No code in them is run.

The config says which layers there are and in which order. Weights are found by the layer's name, which is that of a
group in old HDF5 files and an attribute in new ones; where there is none, by the order of the Dense layers.
"""

import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from engine.nn import MAX_PARAMETERS
from minigrad_gui.exchange.chain import Chain, Found
from minigrad_gui.exchange.portable import MAX_FILE_BYTES, ExchangeError, missing

SIGNATURE = b"\x89HDF\r\n\x1a\n"
CONFIG, WEIGHTS = "config.json", "model.weights.h5"
MAX_CONFIG_BYTES = 1 << 22
MAX_NAME_CHARS = 60
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
ACTIVATION_LAYERS = {"ReLU": "relu", "Softmax": "softmax"}


def recognises_hdf5(start: bytes) -> bool:
    return start.startswith(SIGNATURE)


def recognises_zip(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        return {CONFIG, WEIGHTS} <= set(archive.namelist())


def read_zip(path: Path) -> Found:
    """The network in a .keras file. Raises ExchangeError if `h5py` is missing or it is no MLP."""
    with zipfile.ZipFile(path) as archive:
        config, weights = (
            _entry(archive, name, most) for name, most in ((CONFIG, MAX_CONFIG_BYTES), (WEIGHTS, MAX_FILE_BYTES))
        )
    return _read(io.BytesIO(weights), config.decode("utf-8"))


def read_hdf5(path: Path) -> Found:
    """The network in an .h5 file. Raises ExchangeError as `read_zip` does."""
    with open(path, "rb") as file:
        return _read(file, None)


def _entry(archive: zipfile.ZipFile, name: str, most_bytes: int) -> bytes:
    with archive.open(name) as file:
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise ExchangeError("is too large.")
    return content


def _read(stream: IO[bytes], config: str | None) -> Found:
    try:
        import h5py
    except ImportError as error:
        raise missing("h5py") from error
    with h5py.File(stream, "r") as file:
        if config is None:
            config = file.attrs.get("model_config")
        if config is None:
            raise ExchangeError("holds weights, but not the layers that they belong to: save the whole model.")
        layers = _in_order(json.loads(config))
        dense = [layer["config"]["name"] for layer in layers if layer["class_name"] == "Dense"]
        chain = Chain()
        for layer in layers:
            name = str(layer["config"].get("name"))
            weights = _weights(file, name, dense.index(name)) if layer["class_name"] == "Dense" else []
            _add(chain, layer["class_name"], layer["config"], weights)
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
    if kind == "Dense":
        chain.product(weights[0].T)
        if config.get("use_bias", True):
            chain.term(weights[1])
        _activate(chain, config.get("activation", "linear"))
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


def _weights(file: Any, name: str, index: int) -> list[NDArray[Any]]:
    """Kernel (in, out) and bias (out,) of the Dense layer with this name and place among the Dense layers."""
    root = _node(file, "model_weights") if "model_weights" in file else file
    if "layers" in root or "_layer_checkpoint_dependencies" in root:  # Keras 3, 2.12 and newer
        groups = _node(root, "layers" if "layers" in root else "_layer_checkpoint_dependencies")
        holders = {key: _node(_node(groups, key), "vars") for key in groups if "vars" in _node(groups, key)}
        named = [each for each in holders.values() if each.attrs.get("name") == name and len(each)]
        dense = sorted((key for key in holders if re.fullmatch(r"dense(_\d+)?", key)), key=lambda key: (len(key), key))
        holder = named[0] if named else holders[dense[index]]
        return [_array(holder, str(at)) for at in range(len(holder))]
    group = _node(root, name)
    return [_array(group, _text(path)) for path in group.attrs["weight_names"]]


def _text(value: Any) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def _node(group: Any, path: str) -> Any:
    """What is in this file itself: a link to another would be followed with the rights of whoever opens this one."""
    import h5py

    for part in path.split("/"):
        if not isinstance(group.get(part, getlink=True), h5py.HardLink):
            raise ExchangeError("lacks the weights of a layer.")
        group = group[part]
    return group


def _array(group: Any, path: str) -> NDArray[Any]:
    node = _node(group, path)
    if node.external or node.is_virtual or node.size > MAX_PARAMETERS or node.dtype.kind != "f":
        raise ExchangeError("holds weights that are not read.")
    return np.asarray(node[()])
