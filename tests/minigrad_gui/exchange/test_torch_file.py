"""PyTorch state dicts, where PyTorch is installed, and one sentence where it is not."""

import json
import sys
import zipfile

import pytest
from exported import TOLERANCE, apart, digits, logits, pretrained
from networks import small_network

from engine.nn import ReLU
from minigrad_gui.exchange import ExchangeError, export_model


def test_without_the_package_one_sentence_says_so(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ExchangeError, match="takes the package torch, which is not installed"):
        export_model(tmp_path / "network.pt", small_network(ReLU), {})


def test_pytorch_reads_a_thousand_digits_the_same(tmp_path):
    torch = pytest.importorskip("torch")
    model, meta = pretrained()
    export_model(tmp_path / "network.pt", model, meta)
    parts = []
    for layer in model.layers:
        parts += [torch.nn.Linear(*reversed(layer.W.shape)), torch.nn.ReLU()]
    network = torch.nn.Sequential(*parts[:-1])
    network.load_state_dict(torch.load(tmp_path / "network.pt", weights_only=True))
    assert apart(network(torch.from_numpy(digits())).detach().numpy(), logits(model)) < TOLERANCE
    with zipfile.ZipFile(tmp_path / "network.pt") as archive:
        assert json.loads(archive.read("archive/minigrad.json"))["sizes"] == list(model.sizes)
