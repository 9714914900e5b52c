"""TensorFlow.js layers models: model.json, which says what the layers are, and a file with their numbers.

We write both into one zip, to be unpacked where `tf.loadLayersModel("model.json")` finds them. The metadata is the
model's user-defined metadata. Format: https://github.com/tensorflow/tfjs/blob/master/tfjs-core/src/io/types.ts.
"""

import json
import math
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from engine.nn import MAX_PARAMETERS
from minigrad_gui.data import zips
from minigrad_gui.exchange.chain import Found
from minigrad_gui.exchange.keras_config import found_in
from minigrad_gui.exchange.portable import (
    ABOUT_KEY,
    MAX_FILE_BYTES,
    ExchangeError,
    Portable,
    file_beside,
    own_metadata,
    read_entry,
    read_whole,
)

MODEL, WEIGHTS = "model.json", "weights.bin"
SIGNS = (b'"modelTopology"', b'"weightsManifest"')
SEARCHED_BYTES = 1 << 16
MAX_MODEL_BYTES = 1 << 22
MAX_FILES = 1000
DTYPES = {"float32": "<f4", "float16": "<f2", "uint8": "u1", "uint16": "<u2"}


def write(network: Portable, file: IO[bytes]) -> None:
    """A sequential model that ends in logits."""
    weights: list[dict[str, Any]] = []
    layers: list[dict[str, Any]] = []
    activations = [network.activation] * (len(network.layers) - 1) + ["linear"]
    for index, ((W, b), activation) in enumerate(zip(network.layers, activations, strict=True)):
        name = f"dense_{index}"
        config = {"name": name, "trainable": True, "units": len(b), "activation": activation, "use_bias": True}
        first = {} if index else {"batch_input_shape": [None, W.shape[1]], "dtype": "float32"}
        layers.append({"class_name": "Dense", "config": {**config, **first}})
        for kind, shape in (("kernel", W.shape[::-1]), ("bias", b.shape)):
            weights.append({"name": f"{name}/{kind}", "shape": shape, "dtype": "float32"})
    config = {"class_name": "Sequential", "config": {"name": "network", "layers": layers}}
    model = {
        "format": "layers-model",
        "generatedBy": "minigrad",
        "convertedBy": None,
        "modelTopology": {"keras_version": "2.15.0", "backend": "tensorflow", "model_config": config},
        "weightsManifest": [{"paths": [WEIGHTS], "weights": weights}],
        "userDefinedMetadata": {ABOUT_KEY: network.metadata()},
    }
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(MODEL, json.dumps(model))
        numbers = (array.tobytes() for W, b in network.in_float32() for array in (W.T, b))
        archive.writestr(WEIGHTS, b"".join(numbers))


def recognises(path: Path, start: bytes) -> bool:
    if start.startswith(zips.SIGNATURE):
        with zipfile.ZipFile(path) as archive:
            return MODEL in archive.namelist()
    if not start.lstrip().startswith(b"{"):
        return False
    with open(path, "rb") as file:
        beginning = file.read(SEARCHED_BYTES)
    return any(sign in beginning for sign in SIGNS)


def read(path: Path) -> Found:
    """The network of a model.json and the files beside it, or of a zip. Raises ExchangeError for any other model."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            model = json.loads(read_entry(archive, MODEL, MAX_MODEL_BYTES))
            contents = [read_entry(archive, name, MAX_FILE_BYTES) for name in _files(model)]
    else:
        model = json.loads(read_whole(path, MAX_MODEL_BYTES))
        contents = [read_whole(file_beside(path.parent, name)) for name in _files(model)]
    if model.get("format") == "graph-model":
        raise ExchangeError("is a graph model of TensorFlow.js, whose layers are not told; save it as a layers model.")
    arrays = _arrays(model, b"".join(contents))
    topology = model["modelTopology"]

    def weights_of(_: str, name: str, __: int) -> list[NDArray[Any]]:
        return [array for path, array in arrays.items() if name in path.split("/")[:-1]]

    about = own_metadata(json.dumps((model.get("userDefinedMetadata") or {}).get(ABOUT_KEY)))
    return replace(found_in(topology.get("model_config", topology), weights_of), about=about)


def _files(model: dict[str, Any]) -> list[str]:
    """The names of the files with the numbers, in their order."""
    names = [str(name) for group in model["weightsManifest"] for name in group["paths"]]
    if len(names) > MAX_FILES:
        raise ExchangeError("is too large.")
    return names


def _arrays(model: dict[str, Any], content: bytes) -> dict[str, NDArray[Any]]:
    """The arrays by name, which lie one after the other; those of fewer bits as float32."""
    arrays: dict[str, NDArray[Any]] = {}
    start = 0
    for spec in (spec for group in model["weightsManifest"] for spec in group["weights"]):
        quantised = spec.get("quantization") or {}
        dtype, count = np.dtype(DTYPES[quantised.get("dtype", spec["dtype"])]), math.prod(spec["shape"])
        if not 0 <= count <= MAX_PARAMETERS:
            raise ExchangeError("is too large.")
        numbers = np.frombuffer(content, dtype, count, start).reshape(spec["shape"]).astype(np.float32)
        start += count * dtype.itemsize
        if "scale" in quantised:
            numbers = numbers * np.float32(quantised["scale"]) + np.float32(quantised["min"])
        arrays[str(spec["name"])] = numbers
    return arrays
