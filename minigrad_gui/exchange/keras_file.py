"""Keras models, if `h5py` is installed: .keras files of Keras 3, and HDF5 files of any version. No code in them is run.

The config says which layers there are and in which order. Weights are found by the layer's name, which is that of a
group in old HDF5 files and an attribute in new ones; where there is none, by the order of the Dense layers. Keras
ignores the file in the zip that holds our metadata.
"""

import io
import json
import re
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.data import hdf5_child
from minigrad_gui.data.guarded import Held, read_guarded
from minigrad_gui.exchange.chain import Chain, Found
from minigrad_gui.exchange.portable import ABOUT_KEY, MAX_FILE_BYTES, ExchangeError, Portable, missing, own_metadata

ZIP = b"PK\3\4"
SIGNATURE = b"\x89HDF\r\n\x1a\n"
CONFIG, WEIGHTS, ABOUT_FILE = "config.json", "model.weights.h5", f"{ABOUT_KEY}.json"
KERAS_VERSION = "3.0.0"
"""The first with this format."""
MAX_CONFIG_BYTES = 1 << 22
PART_BYTES = 1 << 20
MAX_CPU_S = 10
HOLDER = re.compile(r"(layers|_layer_checkpoint_dependencies)/[^/]+/vars")
DENSE = re.compile(r"/dense(_\d+)?/vars$")
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


def write(network: Portable, file: IO[bytes]) -> None:
    """A sequential model that ends in logits. Raises ExchangeError if `h5py` is missing."""
    try:
        import h5py
    except ImportError as error:
        raise missing("h5py") from error
    weights = io.BytesIO()
    with h5py.File(weights, "w") as stored:
        for index, (W, b) in enumerate(network.in_float32()):
            holder = stored.create_group(f"layers/dense{f'_{index}' if index else ''}/vars")
            holder.attrs["name"] = f"dense_{index}"
            holder["0"], holder["1"] = np.ascontiguousarray(W.T), b
    about = network.metadata()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": KERAS_VERSION, "date_saved": ""}))
        archive.writestr(CONFIG, json.dumps(_config(network)))
        archive.writestr(WEIGHTS, weights.getvalue())
        archive.writestr(ABOUT_FILE, json.dumps(about, indent=1))


def _config(network: Portable) -> dict[str, Any]:
    activations = [network.activation] * (len(network.layers) - 1) + ["linear"]
    layers = [_layer("InputLayer", batch_shape=[None, network.sizes[0]], dtype="float32", name="picture")]
    for index, (activation, size) in enumerate(zip(activations, network.sizes[1:], strict=True)):
        layers.append(_layer("Dense", name=f"dense_{index}", units=size, activation=activation, use_bias=True))
    shape = {"input_shape": [None, network.sizes[0]]}
    model = _layer("Sequential", name="network", layers=layers, build_input_shape=shape["input_shape"])
    return {**model, "module": "keras", "build_config": shape}


def _layer(kind: str, **config: Any) -> dict[str, Any]:
    return {"module": "keras.layers", "class_name": kind, "config": config, "registered_name": None}


def recognises(path: Path, start: bytes) -> bool:
    if not start.startswith(ZIP):
        return start.startswith(SIGNATURE)
    with zipfile.ZipFile(path) as archive:
        return {CONFIG, WEIGHTS} <= set(archive.namelist())


def read(path: Path) -> Found:
    """The network in a .keras or .h5 file. Raises ExchangeError if `h5py` is missing or it is no MLP."""
    return _in_zip(path) if zipfile.is_zipfile(path) else _in_hdf5(path)


def _in_zip(path: Path) -> Found:
    with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory(prefix="minigrad-") as folder:
        config = _entry(archive, CONFIG, MAX_CONFIG_BYTES).decode("utf-8")
        weights = Path(folder) / WEIGHTS
        weights.write_bytes(_entry(archive, WEIGHTS, MAX_FILE_BYTES))
        found = _found(json.loads(config), _stored(weights))
        is_own = ABOUT_FILE in archive.namelist()
        about = own_metadata(_entry(archive, ABOUT_FILE, MAX_CONFIG_BYTES).decode("utf-8")) if is_own else None
        return replace(found, about=about)


def _in_hdf5(path: Path) -> Found:
    stored = _stored(path)
    config = stored.about[""].get("model_config")
    if config is None:
        raise ExchangeError("holds weights, but not the layers that they belong to: save the whole model.")
    return _found(json.loads(config), stored)


def _entry(archive: zipfile.ZipFile, name: str, most_bytes: int) -> bytes:
    content = bytearray()
    with archive.open(name) as file:
        while part := file.read(PART_BYTES):  # allocates what it is asked for, whatever there is
            content += part
            if len(content) > most_bytes:
                raise ExchangeError("is too large.")
    return bytes(content)


def _stored(path: Path) -> Held:
    """Attributes and arrays by path. Raises ExchangeError if `h5py` is missing, DataError if the file is damaged."""
    if find_spec("h5py") is None:
        raise missing("h5py")
    return read_guarded(hdf5_child.__file__, path, most_bytes=MAX_FILE_BYTES, most_cpu_s=MAX_CPU_S)


def _found(model: dict[str, Any], stored: Held) -> Found:
    layers = _in_order(model)
    dense = [layer["config"]["name"] for layer in layers if layer["class_name"] == "Dense"]
    chain = Chain()
    for layer in layers:
        name = str(layer["config"].get("name"))
        weights = _weights(stored, name, dense.index(name)) if layer["class_name"] == "Dense" else []
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
            if len(weights) < 2:
                raise ExchangeError("lacks the weights of a layer.")
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


def _weights(stored: Held, name: str, index: int) -> list[NDArray[Any]]:
    """Kernel (in, out) and bias (out,) of the Dense layer with this name and place among the Dense layers."""
    holders = [path for path in stored.about if HOLDER.fullmatch(path)]
    if holders:  # Keras 2.12 and newer
        named = [path for path in holders if stored.about[path].get("name") == name]
        by_class = sorted((path for path in holders if DENSE.search(path)), key=lambda path: (len(path), path))
        paths = [f"{(named or by_class)[0 if named else index]}/{at}" for at in range(2)]
    else:
        group = next((path for path in (f"model_weights/{name}", name) if path in stored.about), "")
        paths = [f"{group}/{weight}" for weight in stored.about[group].get("weight_names", [])]
    if not paths or paths[0] not in stored.arrays:
        raise ExchangeError("lacks the weights of a layer.")
    return [stored.arrays[path].whole() for path in paths if path in stored.arrays]
