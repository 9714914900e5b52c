"""The tables of formats name modules that exist, and tell networks from datasets."""

import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from foreign import state_dict
from networks import small_network
from torch_bytes import pair, pt_bytes

from engine.nn import ReLU
from minigrad_gui.exchange import export_model
from minigrad_gui.exchange.formats import EXPORTS, IMPORTS, is_network, module_of


def test_each_format_has_its_module():
    assert all(callable(module_of(each).write) for each in EXPORTS.values())
    assert all(callable(module_of(each).read) and callable(module_of(each).recognises) for each in IMPORTS)


def test_no_format_is_imported_before_it_is_used():
    code = "import sys, minigrad_gui.exchange.formats as f; print([m for m in sys.modules if m.endswith('_file')])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "['minigrad_gui.exchange.toml_file']"


@pytest.mark.parametrize("name", ["a.onnx", "a.KERAS", "a.safetensors", "a.skops"])
def test_some_suffixes_are_only_of_networks(tmp_path, name):
    assert is_network(tmp_path / name)
    (tmp_path / name).mkdir()
    assert not is_network(tmp_path / name)


def test_what_is_in_a_file_tells_networks_from_datasets(tmp_path):
    weight = np.zeros((10, 784), "f4")
    (tmp_path / "network.pt").write_bytes(state_dict([{"weight": weight}]))
    pictures = [np.zeros((9, 28, 28), "u1"), np.zeros(9, "i8")]
    (tmp_path / "images.bin").write_bytes(b"\0\0\x08\x03\0\0\0\1\0\0\0\1\0\0\0\1\0")
    (tmp_path / "dataset.pt").write_bytes(pt_bytes(pair(*pictures), pictures))
    export_model(tmp_path / "network.json", small_network(ReLU), {})
    (tmp_path / "dataset.json").write_text(json.dumps({"pixels": [0], "label": 1}))
    (tmp_path / "dataset.h5").write_bytes(b"\x89HDF\r\n\x1a\n train/data train/target")
    export_model(tmp_path / "network.zip", small_network(ReLU), {})
    (tmp_path / "model.json").write_bytes(zipfile.ZipFile(tmp_path / "network.zip").read("model.json"))
    with zipfile.ZipFile(tmp_path / "pictures.zip", "w") as archive:
        archive.writestr("1/a.png", b"")
    for name in ("network.pt", "network.json", "network.zip", "model.json"):
        assert is_network(tmp_path / name), name
    for name in ("dataset.pt", "dataset.json", "dataset.h5", "missing.pt", "images.bin", "network.npz", "pictures.zip"):
        assert not is_network(tmp_path / name), name
    with zipfile.ZipFile(tmp_path / "network.npz", "w") as archive:
        archive.writestr("weight.npy", b"")
    assert not is_network(tmp_path / "network.npz")


@pytest.mark.parametrize("written", ["config", "weights", "weights of Keras 3"])
def test_hdf5_is_a_network_if_keras_wrote_it(tmp_path, written):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data"] = np.zeros((784, 500), "f4")
    assert not is_network(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        if written == "weights of Keras 3":
            file["layers/dense/vars/0"] = np.zeros((784, 500), "f4")
        else:
            file.attrs["keras_version" if written == "config" else "layer_names"] = "x"
            file["model_weights/dense/kernel:0"] = np.zeros((784, 500), "f4")
    assert is_network(tmp_path / "a.h5")
