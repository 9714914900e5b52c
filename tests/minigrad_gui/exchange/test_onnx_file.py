"""ONNX, where the package is installed, and one sentence where it is not."""

import json
import sys

import numpy as np
import pytest
from exported import CALIBRATION, TOLERANCE, apart, digits, every_activation, logits, pretrained
from networks import small_network

from engine.nn import ACTIVATIONS, ReLU
from minigrad_gui.exchange import ExchangeError, export_model


def run(path, pictures):
    """The logits (n, outputs) that onnxruntime computes."""
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (found,) = session.run(["logits"], {"picture": pictures})
    return found


def test_without_the_package_one_sentence_says_so(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ExchangeError, match="takes the package onnx, which is not installed"):
        export_model(tmp_path / "network.onnx", small_network(ReLU), {})


def test_the_pretrained_network_reads_a_thousand_digits_the_same(tmp_path):
    pytest.importorskip("onnx")
    model, meta = pretrained()
    export_model(tmp_path / "network.onnx", model, meta)
    assert apart(run(tmp_path / "network.onnx", digits()), logits(model)) < TOLERANCE


@every_activation
def test_every_activation_gives_the_same_logits_for_one_and_for_many(tmp_path, activation):
    pytest.importorskip("onnx")
    model = small_network(ACTIVATIONS[activation], np.float64)
    export_model(tmp_path / "network.onnx", model, {})
    for count in (1, 100):
        found = run(tmp_path / "network.onnx", digits(count))
        assert apart(found, logits(model, digits(count))) < TOLERANCE


def test_versions_that_all_runtimes_know_and_what_travels(tmp_path):
    """The newest onnx writes IR 14 and opset 28 by default, which onnxruntime-web 1.30 refuses."""
    onnx = pytest.importorskip("onnx")
    export_model(tmp_path / "network.onnx", small_network(ReLU), {"calibration": CALIBRATION})
    model = onnx.load(tmp_path / "network.onnx")
    assert (model.ir_version, [(each.domain, each.version) for each in model.opset_import]) == (10, [("", 21)])
    about = json.loads({each.key: each.value for each in model.metadata_props}["minigrad"])
    assert about["calibration"] == {"temperature": 1.5, "least_log_sum_exp": 4.0, "threshold": 0.6}
    assert "temperature of 1.5" in model.doc_string
