"""Safetensors, where the package is installed, and one sentence where it is not."""

import json
import sys

import numpy as np
import pytest
from exported import CALIBRATION, TOLERANCE, apart, digits, every_activation, logits, pretrained
from networks import small_network

from engine.nn import ACTIVATIONS, ReLU
from minigrad_gui.exchange import ExchangeError, export_model, import_model


def test_without_the_package_one_sentence_says_so(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(ExchangeError, match="takes the package safetensors, which is not installed"):
        export_model(tmp_path / "network.safetensors", small_network(ReLU), {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numbers_and_metadata_come_back_the_same(tmp_path, dtype):
    """The library writes other numbers for arrays in Fortran order, as the engine's are, without an error."""
    safetensors = pytest.importorskip("safetensors")
    path, model = tmp_path / "network.safetensors", small_network(ReLU, dtype)
    export_model(path, model, {"calibration": CALIBRATION})
    with safetensors.safe_open(path, "numpy") as file:
        assert json.loads(file.metadata()["minigrad"])["calibration"]["temperature"] == 1.5
        for index, layer in enumerate(model.layers):
            np.testing.assert_array_equal(file.get_tensor(f"{2 * index}.weight"), layer.W.data)
            np.testing.assert_array_equal(file.get_tensor(f"{2 * index}.bias"), layer.b.data)


@every_activation
def test_pytorch_reads_a_thousand_digits_the_same(tmp_path, activation):
    torch, load = pytest.importorskip("torch"), pytest.importorskip("safetensors.torch")
    module = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh, "sigmoid": torch.nn.Sigmoid}[activation]
    model, meta = pretrained() if activation == "relu" else (small_network(ACTIVATIONS[activation]), {})
    export_model(tmp_path / "network.safetensors", model, meta)
    parts = []
    for layer in model.layers:
        parts += [torch.nn.Linear(*reversed(layer.W.shape)), module()]
    network = torch.nn.Sequential(*parts[:-1])
    network.load_state_dict(load.load_file(tmp_path / "network.safetensors"))
    assert apart(network(torch.from_numpy(digits())).detach().numpy(), logits(model)) < TOLERANCE


@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
def test_half_precision_is_read(tmp_path, kind):
    torch, save = pytest.importorskip("torch"), pytest.importorskip("safetensors.torch")
    weight = torch.randn(10, 784).to(getattr(torch, kind))
    save.save_file({"fc.weight": weight, "fc.step": torch.tensor(3)}, tmp_path / "network.safetensors")
    (layer,) = import_model(tmp_path / "network.safetensors")[0].layers
    np.testing.assert_array_equal(layer.W.data, weight.float().numpy())


def test_bfloat16_without_pytorch(tmp_path):
    pytest.importorskip("safetensors")
    numbers = np.random.default_rng(0).normal(size=(10, 784)).astype("<f4")
    upper = (numbers.view(np.uint32) >> 16).astype("<u2")
    header = {"fc.weight": {"dtype": "BF16", "shape": [10, 784], "data_offsets": [0, upper.nbytes]}}
    text = json.dumps(header).encode().ljust(0x280)  # the length then begins like a pickle
    (tmp_path / "network.st").write_bytes(len(text).to_bytes(8, "little") + text + upper.tobytes())
    (layer,) = import_model(tmp_path / "network.st")[0].layers
    np.testing.assert_allclose(layer.W.data, numbers, rtol=0.01)


@pytest.mark.parametrize("size", [2, 10, 400])
def test_a_cut_file_is_told(tmp_path, size):
    pytest.importorskip("safetensors")
    export_model(path := tmp_path / "network.safetensors", small_network(ReLU), {})
    path.write_bytes(path.read_bytes()[:-size])
    with pytest.raises(ExchangeError, match="is damaged"):
        import_model(path)
