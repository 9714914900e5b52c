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
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.data import hdf5_child, zips
from minigrad_gui.data.guarded import Held, read_guarded
from minigrad_gui.exchange.chain import Found
from minigrad_gui.exchange.keras_config import WEIGHTED, found_in
from minigrad_gui.exchange.portable import (
    ABOUT_KEY,
    MAX_FILE_BYTES,
    ExchangeError,
    Portable,
    missing,
    own_metadata,
    read_entry,
)

CONFIG, WEIGHTS, ABOUT_FILE = "config.json", "model.weights.h5", f"{ABOUT_KEY}.json"
MAX_ARRAYS = 4
"""Of a layer; those with more are no Dense layers anyway."""
KERAS_VERSION = "3.0.0"
"""The first with this format."""
MAX_CONFIG_BYTES = 1 << 22
MAX_CPU_S = 10
HOLDER = re.compile(r"(layers|_layer_checkpoint_dependencies)/[^/]+/vars")
FOLDERS = {"Dense": "dense", "BatchNormalization": "batch_normalization"}


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
    if not start.startswith(zips.SIGNATURE):
        return start.startswith(hdf5_child.SIGNATURE)
    with zipfile.ZipFile(path) as archive:
        return {CONFIG, WEIGHTS} <= set(archive.namelist())


def read(path: Path) -> Found:
    """The network in a .keras or .h5 file. Raises ExchangeError if `h5py` is missing or it is no MLP."""
    return _in_zip(path) if zipfile.is_zipfile(path) else _in_hdf5(path)


def _in_zip(path: Path) -> Found:
    with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory(prefix="minigrad-") as folder:
        config = read_entry(archive, CONFIG, MAX_CONFIG_BYTES).decode("utf-8")

        @cache
        def stored() -> Held:
            weights = Path(folder) / WEIGHTS
            weights.write_bytes(read_entry(archive, WEIGHTS, MAX_FILE_BYTES))
            return _stored(weights)

        found = _found(json.loads(config), stored)
        is_own = ABOUT_FILE in archive.namelist()
        about = own_metadata(read_entry(archive, ABOUT_FILE, MAX_CONFIG_BYTES).decode("utf-8")) if is_own else None
        return replace(found, about=about)


def _in_hdf5(path: Path) -> Found:
    stored = _stored(path)
    config = stored.about[""].get("model_config")
    return _weights_only(stored) if config is None else _found(json.loads(config), lambda: stored)


def _weights_only(stored: Held) -> Found:
    """The network of a file of `save_weights`, in which nothing says what the layers compute: they must be Dense."""
    names = stored.about[""].get("layer_names")
    if names is None:
        holders = sorted(filter(HOLDER.fullmatch, stored.about), key=_in_length)
        groups = [[f"{holder}/{at}" for at in range(MAX_ARRAYS)] for holder in holders]
    else:
        groups = [[f"{name}/{weight}" for weight in stored.about[name].get("weight_names", [])] for name in names]
    layers = []
    for arrays in filter(None, (_existing(stored, paths) for paths in groups)):
        if arrays[0].ndim != 2 or len(arrays) > 2:
            raise ExchangeError("holds weights, but not the layers that they belong to: save the whole model.")
        W, b = arrays[0].T, arrays[1] if len(arrays) > 1 else np.zeros(arrays[0].shape[1], arrays[0].dtype)
        layers.append((W, b))
    if not layers:
        raise ExchangeError("holds no network of Keras.")
    return Found(tuple(layers))


def _stored(path: Path) -> Held:
    """Attributes and arrays by path. Raises ExchangeError if `h5py` is missing, DataError if the file is damaged."""
    if find_spec("h5py") is None:
        raise missing("h5py")
    return read_guarded(hdf5_child.__file__, path, most_bytes=MAX_FILE_BYTES, most_cpu_s=MAX_CPU_S)


def _found(model: dict[str, Any], stored: Callable[[], Held]) -> Found:
    """stored: what holds the weights; it is asked for once there is a layer that has some."""
    return found_in(model, lambda *layer: _weights(stored(), *layer))


def _weights(stored: Held, kind: str, name: str, number: int) -> list[NDArray[Any]]:
    """The arrays of a layer: kernel (in, out) and bias (out,) of one that is Dense."""
    holders = [path for path in stored.about if HOLDER.fullmatch(path)]
    if holders:  # Keras 2.12 and newer
        named = [path for path in holders if stored.about[path].get("name") == name]
        own = re.compile(rf"/{FOLDERS[kind]}(_\d+)?/vars$")
        of_class = sorted(filter(own.search, holders), key=_in_length)
        holder = (named or of_class[number:] or [""])[0]
        paths = [f"{holder}/{at}" for at in range(len(WEIGHTED[kind]))]
    else:
        group = next((path for path in (f"model_weights/{name}", name) if path in stored.about), "")
        paths = [f"{group}/{weight}" for weight in stored.about[group].get("weight_names", [])]
    return _existing(stored, paths)


def _existing(stored: Held, paths: list[str]) -> list[NDArray[Any]]:
    return [stored.arrays[path].whole() for path in paths if path in stored.arrays]


def _in_length(path: str) -> tuple[int, str]:
    """Sorts dense_10 after dense_9."""
    return len(path), path
