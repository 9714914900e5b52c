"""A scikit-learn MLPClassifier in a skops file. Writing takes both packages; reading takes neither, and runs no code.

Its probabilities are softmax(logits): scikit-learn has no temperature. The metadata is its attribute `minigrad_`. The
file is a zip of schema.json, in which each object is {"__class__", "__loader__", "content", ...}, and arrays.
"""

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.data import npz, zips
from minigrad_gui.exchange.chain import Chain, Found
from minigrad_gui.exchange.portable import (
    MAX_FILE_BYTES,
    MAX_NAME_CHARS,
    ExchangeError,
    Portable,
    missing,
    own_metadata,
    read_entry,
)

ACTIVATIONS = {"relu": "relu", "tanh": "tanh", "sigmoid": "logistic"}
ACTIVATION_NAMES = {own: name for name, own in ACTIVATIONS.items()} | {"identity": "linear"}
NETWORKS = {"MLPClassifier", "MLPRegressor"}
SCHEMA = "schema.json"
MAX_SCHEMA_BYTES = 1 << 22
MAX_VALUES = 100_000


def write(network: Portable, file: IO[bytes]) -> None:
    """Raises ExchangeError if a package is missing, or for classes that scikit-learn cannot tell apart in this way."""
    try:
        from sklearn.neural_network import MLPClassifier
        from sklearn.preprocessing import LabelBinarizer
        from skops.io import dumps
    except ImportError as error:
        raise missing("skops") from error
    classes = np.array(network.classes)
    if len(set(network.classes)) != len(classes) or len(classes) < 3:
        raise ExchangeError("For scikit-learn, a network needs at least three classes, each with a name of its own.")
    order = np.argsort(classes)  # in which scikit-learn has its outputs
    *hidden, (W, b) = network.layers
    layers = [*hidden, (W[order], b[order])]
    model = MLPClassifier(network.sizes[1:-1], activation=ACTIVATIONS[network.activation])
    model.coefs_ = [np.ascontiguousarray(W.T) for W, _ in layers]
    model.intercepts_ = [b for _, b in layers]
    model.n_layers_, model.n_outputs_, model.n_features_in_ = len(layers) + 1, len(classes), network.sizes[0]
    model.out_activation_ = "softmax"
    model.classes_ = classes[order]
    model._label_binarizer = LabelBinarizer().fit(classes)
    model.minigrad_ = network.metadata()
    file.write(dumps(model))


def recognises(path: Path, start: bytes) -> bool:
    if not start.startswith(zips.SIGNATURE):
        return False
    with zipfile.ZipFile(path) as archive:
        return SCHEMA in archive.namelist()


def read(path: Path) -> Found:
    """The network of an MLPClassifier, alone or behind scalers in a Pipeline. Raises ExchangeError for others."""
    with zipfile.ZipFile(path) as archive:
        stored = Stored(archive)
        chain, about = Chain(), None
        for estimator in stored.steps(stored.root):
            kind = str(estimator["__class__"])[:MAX_NAME_CHARS]
            held = stored.attributes(estimator)
            if kind in NETWORKS:
                about = own_metadata(json.dumps(stored.value(held["minigrad_"]))) if "minigrad_" in held else None
                _add_layers(chain, stored, held)
            elif kind == "StandardScaler":
                if "mean_" in held and (mean := stored.value(held["mean_"])) is not None:
                    chain.term(-mean)
                if (scale := stored.value(held["scale_"])) is not None:
                    chain.factor(1 / scale)
            elif kind == "MinMaxScaler":
                chain.factor(stored.value(held["scale_"]))
                chain.term(stored.value(held["min_"]))
            elif kind == "MaxAbsScaler":
                chain.factor(1 / stored.value(held["scale_"]))
            else:
                raise ExchangeError(f"holds {kind}, which no MLP here has.")
        return replace(_in_own_order(chain.found(), about), about=about)


def _add_layers(chain: Chain, stored: "Stored", held: dict[str, Any]) -> None:
    coefs, intercepts = stored.value(held["coefs_"]), stored.value(held["intercepts_"])
    activation = ACTIVATION_NAMES[stored.value(held["activation"])]
    for index, (W, b) in enumerate(zip(coefs, intercepts, strict=True)):
        if index and activation != "linear":
            chain.activation(activation)
        chain.product(W.T)
        chain.term(b)


def _in_own_order(found: Found, about: dict[str, Any] | None) -> Found:
    """The outputs of our own network as they were before `write` sorted them."""
    if about is None:
        return found
    *hidden, (W, b) = found.layers
    order = np.argsort(np.argsort(np.array(about["classes"])))
    return replace(found, layers=(*hidden, (W[order], b[order])))


class Stored:
    """The objects of a file, which are read when they are asked for."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.root = json.loads(read_entry(archive, SCHEMA, MAX_SCHEMA_BYTES))
        self._values_left = MAX_VALUES
        self._by_id = {node["__id__"]: node for node in _nodes(self.root) if node.get("__loader__") != "CachedNode"}

    def value(self, node: Any) -> Any:
        """Plain values and arrays. Raises ExchangeError for anything else."""
        self._values_left -= 1
        if self._values_left < 0:  # lists that hold each other several times
            raise ExchangeError("is too large.")
        node = self._by_id[node["__id__"]] if node["__loader__"] == "CachedNode" else node
        match node["__loader__"]:
            case "JsonNode":
                return json.loads(node["content"])
            case "NdArrayNode" if node.get("type") == "numpy":
                return self._array(str(node["file"]))
            case "DictNode":
                return {key: self.value(each) for key, each in node["content"].items()}
            case "ListNode" | "TupleNode":
                return [self.value(each) for each in node["content"]]
        raise ExchangeError(f"holds {str(node['__class__'])[:MAX_NAME_CHARS]} where no MLP here does.")

    def attributes(self, node: Any) -> dict[str, Any]:
        """The nodes of an object's attributes, by name."""
        if node["__loader__"] != "ObjectNode":
            raise ExchangeError("holds no network of scikit-learn.")
        return dict(node["content"]["content"])

    def steps(self, node: Any) -> Iterator[Any]:
        """The estimators that one consists of."""
        if node["__loader__"] == "JsonNode":  # "passthrough"
            return
        held = self.attributes(node)
        if node["__class__"] == "Pipeline":
            for step in held["steps"]["content"]:
                yield from self.steps(step["content"][1])
        elif "best_estimator_" in held:  # of a search
            yield from self.steps(held["best_estimator_"])
        else:
            yield node

    def _array(self, name: str) -> NDArray[Any]:
        content = read_entry(self._archive, name, MAX_FILE_BYTES)
        return npz.array_of(lambda: io.BytesIO(content)).whole()


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Each object in JSON that has an identity."""
    if isinstance(value, dict):
        if "__id__" in value:
            yield value
        value = list(value.values())
    for each in value if isinstance(value, list) else ():
        yield from _nodes(each)
