"""Importing: content decides, what was exported comes back, and bad files are told in one sentence."""

import json
import os

import numpy as np
import pytest
from exported import CALIBRATION
from foreign import state_dict
from networks import same, small_network
from torch_bytes import text

from engine.nn import ACTIVATIONS, MLP
from minigrad_gui.exchange import ExchangeError, export_model, import_model

NEEDS = {".json": "json", ".onnx": "onnx", ".safetensors": "safetensors", ".pt": "torch", ".keras": "h5py"}
META = {"calibration": CALIBRATION, "class_names": list("abcdefghij"), "dataset": "letters"}


@pytest.mark.parametrize("suffix", NEEDS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_what_was_exported_comes_back_the_same(tmp_path, suffix, activation):
    pytest.importorskip(NEEDS[suffix])
    model = small_network(ACTIVATIONS[activation])
    export_model(tmp_path / f"network{suffix}", model, {**META, "imported": {"input": "from 0 to 255"}})  # once
    found, meta = import_model(tmp_path / f"network{suffix}")
    assert same(found, model)
    assert type(found.activation) is ACTIVATIONS[activation]
    assert meta == META


def test_what_was_exported_takes_no_input(tmp_path):
    export_model(tmp_path / "network.json", small_network(ACTIVATIONS["relu"]), META)
    with pytest.raises(ExchangeError, match="exported by minigrad, which knows what it expects"):
        import_model(tmp_path / "network.json", "from 0 to 255")


def test_float64_comes_back_as_such(tmp_path):
    model = small_network(ACTIVATIONS["tanh"], np.float64)
    export_model(tmp_path / "network.json", model, {})
    assert same(import_model(tmp_path / "network.json")[0], model)


def layers(*shapes):
    rng = np.random.default_rng(0)
    return [{"weight": rng.normal(size=shape).astype("f4"), "bias": np.zeros(shape[0], "f4")} for shape in shapes]


def test_a_state_dict_is_read_without_pytorch(tmp_path):
    """With attributes, as the state dict of a module has, and with a suffix of something else."""
    parts = layers((12, 784), (10, 12))
    (tmp_path / "network.onnx").write_bytes(state_dict(parts, b"}" + text("_metadata") + b"}sb"))
    model, meta = import_model(tmp_path / "network.onnx")
    assert model.sizes == (784, 12, 10)
    np.testing.assert_array_equal(model.layers[1].W.data, parts[1]["weight"])
    assert meta == {"imported": {"format": "PyTorch", "input": "from 0 to 1"}}


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.onnx", b"", "is|holds|takes|has"),
        ("a.json", b"{", "is damaged"),
        ("a.json", b'{"a": ' + b"[" * 100_000, "is damaged"),
        ("a.json", b'{"format": "other"}', "is JSON, but no network that minigrad wrote"),
        ("a.txt", b"hello", "is in no format that can be imported"),
        ("a.pt", b"PK\3\4 and no more", "is cut: a zip file"),
        (
            "a.pt",
            b"\x80\x02cos\nsystem\n(X\4\0\0\0trueT.",
            r"could run.*PyTorch network with torch.save\(.*scikit-learn's with skops.io.dump",
        ),
        ("a.pt", state_dict(layers((10, 100))), "100 inputs and 10 outputs"),
        ("a.pt", state_dict(layers((12, 784), (10, 13))), "do not fit one another"),
        ("a.pt", state_dict([{"weight": np.full((10, 784), np.nan, "f4")}]), "not finite"),
    ],
)
def test_a_bad_file_is_told_in_one_sentence(tmp_path, name, content, told):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ExchangeError, match=told) as caught:
        import_model(tmp_path / name)
    message = str(caught.value)
    assert message.startswith(f"{name} ")
    assert message.endswith((".", "onnx"))
    assert "\n" not in message


def test_numbers_that_a_network_cannot_hold_are_refused(tmp_path):
    path = tmp_path / "network.json"
    export_model(path, MLP(784, [], 10, dtype=np.float32), {})
    about = json.loads(path.read_text())
    for number in (1e999, float("nan"), None, "x", [1], 10**400):
        about["layers"][0]["b"][3] = number
        path.write_text(json.dumps(about))
        with pytest.raises(ExchangeError, match=r"not finite|is damaged"):
            import_model(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_what_is_no_file_is_told(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name, told in (("pipe", "is not a file"), ("", "is not a file"), ("missing", "could not be opened: no such")):
        with pytest.raises(ExchangeError, match=told):
            import_model(tmp_path / name)


def test_numbers_that_overflow_are_refused_without_a_warning(tmp_path):
    weight = np.full((3, 784), 3e38, "f4")
    (tmp_path / "a.pt").write_bytes(state_dict([{"weight": weight}]))
    assert import_model(tmp_path / "a.pt")[0].sizes == (784, 3)
    with pytest.raises(ExchangeError, match="too large for such pictures"):
        import_model(tmp_path / "a.pt", "from 0 to 255")
