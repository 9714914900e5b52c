"""PyTorch state dicts, where PyTorch is installed, and one sentence where it is not."""

import json
import sys
import zipfile

import numpy as np
import pytest
from exported import TOLERANCE, apart, digits, logits, pretrained
from networks import small_network

from engine.nn import ReLU
from minigrad_gui.exchange import ExchangeError, export_model, import_model


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


def test_pytorchs_own_files(tmp_path):
    """A checkpoint in a wrapper, in bfloat16, by today's and by the old way of saving."""
    torch = pytest.importorskip("torch")
    network = torch.nn.Sequential(torch.nn.Linear(784, 12), torch.nn.ReLU(), torch.nn.Linear(12, 10)).bfloat16()
    saved = {"epoch": 3, "optimizer": torch.optim.Adam(network.parameters()).state_dict()}
    saved["model"] = torch.nn.DataParallel(network).state_dict()
    for new in (True, False):
        torch.save(saved, tmp_path / "network.ckpt", _use_new_zipfile_serialization=new)
        model, _ = import_model(tmp_path / "network.ckpt")
        for layer, own in zip(model.layers, network[::2], strict=True):
            np.testing.assert_array_equal(layer.W.data, own.weight.detach().float().numpy())
            np.testing.assert_array_equal(layer.b.data, own.bias.detach().float().numpy())


def test_a_pickled_module_is_refused_and_not_run(tmp_path):
    torch = pytest.importorskip("torch")
    torch.save(torch.nn.Linear(784, 10), tmp_path / "network.pt")
    with pytest.raises(ExchangeError, match="pickle of whole objects, which could run code"):
        import_model(tmp_path / "network.pt")
