"""Keras models, as its versions write them, where `h5py` is installed."""

import json
import sys
import zipfile

import numpy as np
import pytest
from exported import TOLERANCE, apart, digits, logits, pretrained
from networks import small_network

from engine.nn import ACTIVATIONS
from minigrad_gui.exchange import ExchangeError, export_model, import_model, keras_file

RNG = np.random.default_rng(0)
KERNELS = [RNG.normal(size=shape).astype("f4") / 9 for shape in ((784, 12), (12, 12), (12, 10))]
BIASES = [RNG.normal(size=kernel.shape[1]).astype("f4") for kernel in KERNELS]
NAMES = ["zeta", "alpha", "middle"]
"""Not the order of the alphabet."""


def layer(kind, **config):
    return {"class_name": kind, "config": config}


def sequential(*, softmax=True):
    dense = [layer("Dense", name=name, activation="tanh", use_bias=True) for name in NAMES]
    dense[-1]["config"]["activation"] = "softmax" if softmax else "linear"
    layers = [layer("InputLayer", name="input"), layer("Flatten", name="flatten"), *dense]
    return {"class_name": "Sequential", "config": {"name": "model", "layers": layers}}


def functional(style):
    """A model whose layers are connected by name, as Keras 2 or 3 writes that."""
    layers = []
    for before, part in zip([None, "input", "flatten", *NAMES], sequential()["config"]["layers"], strict=False):
        source = [before, 0, 0] if style == 3 else [before, 0, 0, {}]
        nodes = [{"args": [{"config": {"keras_history": source}}], "kwargs": {}}] if style == 3 else [[source]]
        layers.append({**part, "name": part["config"]["name"], "inbound_nodes": nodes if before else []})
    ends = ["middle", 0, 0] if style == 3 else [["middle", 0, 0]]
    return {"class_name": "Functional", "config": {"layers": layers[::-1], "output_layers": ends}}


def write_h5(path, model, *, bytes_names=False):
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(model)
        for name, kernel, bias in zip(NAMES, KERNELS, BIASES, strict=True):
            group = file.create_group(f"model_weights/{name}")
            names = [f"{name}/kernel:0", f"{name}/bias:0"]
            group.attrs["weight_names"] = [each.encode() for each in names] if bytes_names else names
            group[names[0]], group[names[1]] = kernel, bias


def write_keras(path, model, folder="layers", *, named=True):
    h5py = pytest.importorskip("h5py")
    with h5py.File(path.with_suffix(".weights"), "w") as file:
        for index, (kernel, bias) in enumerate(zip(KERNELS, BIASES, strict=True)):
            group = file.create_group(f"{folder}/dense{f'_{index}' if index else ''}/vars")
            if named:
                group.attrs["name"] = NAMES[index]
            group["0"], group["1"] = kernel, bias
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(model))
        archive.write(path.with_suffix(".weights"), "model.weights.h5")


def check(path):
    model, meta = import_model(path, "from 0 to 1")
    x = digits(50)
    for kernel, bias in zip(KERNELS[:-1], BIASES[:-1], strict=True):
        x = np.tanh(x @ kernel + bias)
    assert apart(logits(model, digits(50)), x @ KERNELS[-1] + BIASES[-1]) < TOLERANCE
    assert meta["imported"]["format"].startswith("Keras")


@pytest.mark.parametrize("model", [sequential(), sequential(softmax=False), functional(2), functional(3)])
def test_layers_come_in_the_order_of_the_config(tmp_path, model):
    write_h5(tmp_path / "network.h5", model)
    check(tmp_path / "network.h5")
    write_keras(tmp_path / "network.keras", model)
    check(tmp_path / "network.keras")


def test_files_of_older_versions(tmp_path):
    write_h5(tmp_path / "bytes.h5", sequential(), bytes_names=True)
    check(tmp_path / "bytes.h5")
    write_h5(tmp_path / "hdf5.keras", sequential())  # found in the wild
    check(tmp_path / "hdf5.keras")
    write_keras(tmp_path / "old.keras", sequential(), "_layer_checkpoint_dependencies", named=False)
    check(tmp_path / "old.keras")


def test_without_h5py_one_sentence_says_so(tmp_path, monkeypatch):
    write_h5(tmp_path / "network.h5", sequential())
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ExchangeError, match=r"network\.h5 .*takes the package h5py"):
        import_model(tmp_path / "network.h5")


def with_layer(kind, **config):
    model = sequential()
    model["config"]["layers"].insert(2, layer(kind, name="x", **config))
    return model


def in_a_circle():
    model = functional(2)
    model["config"]["layers"][-1]["inbound_nodes"] = [[["middle", 0, 0, {}]]]
    return model


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (with_layer("Conv2D"), "holds the layer Conv2D"),
        (with_layer("Activation", activation="swish"), "uses swish where"),
        (with_layer("ReLU", max_value=6), "holds the layer ReLU"),
        (in_a_circle(), "go round in a circle"),
        ({"class_name": "Lambda", "config": {}}, "is damaged"),
        ({"class_name": "MyModel", "config": {"layers": []}}, "is no MLP, but MyModel"),
        ([], "is damaged"),
    ],
)
def test_what_is_no_mlp_is_told_before_its_weights_are_read(tmp_path, model, told, monkeypatch):
    write_keras(tmp_path / "network.keras", model)
    monkeypatch.setattr(keras_file, "read_guarded", pytest.fail)
    with pytest.raises(ExchangeError, match=told):
        import_model(tmp_path / "network.keras")


def test_what_is_no_mlp_is_told_of_hdf5_too(tmp_path):
    write_h5(tmp_path / "network.h5", with_layer("Conv2D"))
    with pytest.raises(ExchangeError, match="holds the layer Conv2D"):
        import_model(tmp_path / "network.h5")


def test_weights_in_other_files_are_refused(tmp_path):
    h5py = pytest.importorskip("h5py")
    write_h5(tmp_path / "network.h5", sequential())
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["secret"] = KERNELS[0]
    with h5py.File(tmp_path / "network.h5", "a") as file:
        del file["model_weights/zeta/zeta/kernel:0"]
        file["model_weights/zeta/zeta/kernel:0"] = h5py.ExternalLink("other.h5", "secret")
    with pytest.raises(ExchangeError, match="lacks the weights"):
        import_model(tmp_path / "network.h5")
    with h5py.File(tmp_path / "network.h5", "a") as file:
        del file["model_weights/zeta/zeta/kernel:0"]
        group = file["model_weights/zeta/zeta"]
        group.create_dataset("kernel:0", (784, 12), "f4", external=[(str(tmp_path / "other.h5"), 0, 40_000)])
    with pytest.raises(ExchangeError, match="lacks the weights"):
        import_model(tmp_path / "network.h5")


@pytest.mark.parametrize("version", [2, 3])
def test_weights_alone_are_dense_layers(tmp_path, version):
    """As `save_weights` writes them: nothing names the activation, and names have an order of their own."""
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "only.weights.h5"
    with h5py.File(path, "w") as file:
        if version == 2:
            file.attrs["layer_names"] = ["flatten", *NAMES]
            file.create_group("flatten").attrs["weight_names"] = np.array([], "S1")
        for index, (name, kernel, bias) in enumerate(zip(NAMES, KERNELS, BIASES, strict=True)):
            holder = name if version == 2 else f"layers/dense{f'_{index}' if index else ''}/vars"
            paths = [f"{name}/kernel:0", f"{name}/bias:0"] if version == 2 else ["0", "1"]
            group = file.create_group(holder)
            group[paths[0]], group[paths[1]] = kernel, bias
            if version == 2:
                group.attrs["weight_names"] = paths
    model, _ = import_model(path)
    for layer, kernel, bias in zip(model.layers, KERNELS, BIASES, strict=True):
        np.testing.assert_array_equal(layer.W.data, kernel.T)
        np.testing.assert_array_equal(layer.b.data, bias)


def test_weights_of_other_layers_are_told(tmp_path):
    h5py = pytest.importorskip("h5py")
    for name, told in (("vars", "not the layers that they belong to"), ("data", "holds no network of Keras")):
        with h5py.File(tmp_path / "only.weights.h5", "w") as file:
            file[f"layers/conv2d/{name}/0"] = np.ones((3, 3, 1, 8), "f4")
        with pytest.raises(ExchangeError, match=told):
            import_model(tmp_path / "only.weights.h5")


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_kerass_own_files(tmp_path, suffix, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    pytest.importorskip("torch")
    keras = pytest.importorskip("keras")
    parts = [keras.layers.Dense(n, activation=a) for n, a in ((20, "relu"), (16, "relu"), (10, None))]
    network = keras.Sequential([keras.Input((28, 28)), keras.layers.Flatten(), *parts])
    network.save(tmp_path / f"network.{suffix}")
    model, _ = import_model(tmp_path / f"network.{suffix}")
    assert apart(logits(model), network.predict(digits().reshape(-1, 28, 28), verbose=0)) < TOLERANCE


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("activation", [None, "tanh", "sigmoid"])
def test_keras_reads_a_thousand_digits_the_same(tmp_path, activation, monkeypatch):
    """None: the pretrained network."""
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    pytest.importorskip("torch")
    keras = pytest.importorskip("keras")
    model, meta = (small_network(ACTIVATIONS[activation]), {}) if activation else pretrained()
    export_model(tmp_path / "network.keras", model, meta)
    network = keras.models.load_model(tmp_path / "network.keras", compile=False)
    assert apart(network.predict(digits(), verbose=0), logits(model)) < TOLERANCE
