"""Exporting: the suffix decides, and an older file survives a failure."""

import numpy as np
import pytest
from networks import same, small_network

from engine.nn import ReLU
from minigrad_gui.exchange import EXPORTS, ExchangeError, export_model

PACKAGES = {".onnx": "onnx", ".safetensors": "safetensors", ".pt": "torch", ".keras": "h5py", ".skops": "skops.io"}
META = {"config": {"epochs": 3}}


@pytest.mark.parametrize("suffix", EXPORTS)
def test_each_format_is_written_whole_and_alone(tmp_path, suffix):
    if suffix in PACKAGES:
        pytest.importorskip(PACKAGES[suffix])
    path, model = tmp_path / f"network{suffix.upper()}", small_network(ReLU)
    export_model(path, model, META)
    size = path.stat().st_size
    assert size > 100
    assert list(tmp_path.iterdir()) == [path]
    export_model(path, model, META)  # some libraries append to what is there, or empty what they write
    assert abs(path.stat().st_size - size) < 100
    assert same(model, small_network(ReLU))


@pytest.mark.parametrize("name", ["network", "network.docx", ".py"])
def test_an_unknown_suffix_is_told_with_those_that_are_known(tmp_path, name):
    with pytest.raises(ExchangeError, match=r"no format for export; its suffix must be .* or "):
        export_model(tmp_path / name, small_network(ReLU), {})
    assert list(tmp_path.iterdir()) == []


def test_an_older_file_survives_a_failure(tmp_path):
    path = tmp_path / "network.json"
    path.write_text("older")
    model = small_network(ReLU)
    model.layers[0].W.data[0, 0] = np.nan
    with pytest.raises(ExchangeError, match="not finite"):
        export_model(path, model, {})
    with pytest.raises(TypeError):
        export_model(path, small_network(ReLU), {"x": object()})
    assert path.read_text() == "older"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_does_not_exist_is_told(tmp_path):
    with pytest.raises(ExchangeError, match=r"network\.py could not be saved in .*: no such file or directory\."):
        export_model(tmp_path / "no" / "network.py", small_network(ReLU), {})
