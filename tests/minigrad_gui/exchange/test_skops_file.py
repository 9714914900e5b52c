"""scikit-learn, where `skops` is installed, and one sentence where it is not."""

import sys

import numpy as np
import pytest
from exported import CALIBRATION, TOLERANCE, apart, digits, every_activation, logits, pretrained
from networks import small_network

from engine.nn import ACTIVATIONS, MLP, ReLU
from minigrad_gui.exchange import ExchangeError, export_model


def shares(model):
    found = np.exp(logits(model) - logits(model).max(axis=1, keepdims=True))
    return found / found.sum(axis=1, keepdims=True)


def loaded(path):
    return pytest.importorskip("skops.io").load(path, trusted=[])


def test_without_the_package_one_sentence_says_so(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "skops.io", None)
    with pytest.raises(ExchangeError, match="takes the package skops, which is not installed"):
        export_model(tmp_path / "network.skops", small_network(ReLU), {})


def test_the_pretrained_network_reads_a_thousand_digits_the_same(tmp_path):
    pytest.importorskip("skops.io")
    model, meta = pretrained()
    export_model(tmp_path / "network.skops", model, meta)
    found = loaded(tmp_path / "network.skops")
    assert apart(found.predict_proba(digits()), shares(model)) < TOLERANCE
    assert found.predict(digits(3)).tolist() == ["7", "2", "1"]


@every_activation
def test_classes_keep_their_outputs_although_scikit_learn_sorts_them(tmp_path, activation):
    pytest.importorskip("skops.io")
    model, names = small_network(ACTIVATIONS[activation]), list("jcbaedhgif")
    export_model(tmp_path / "network.skops", model, {"class_names": names, "calibration": CALIBRATION})
    found = loaded(tmp_path / "network.skops")
    expected = shares(model)
    assert found.predict(digits()).tolist() == [names[index] for index in expected.argmax(axis=1)]
    columns = [found.classes_.tolist().index(name) for name in names]
    assert apart(found.predict_proba(digits())[:, columns], expected) < TOLERANCE
    assert found.minigrad_["calibration"]["temperature"] == 1.5


def test_classes_that_scikit_learn_cannot_tell_apart_are_refused(tmp_path):
    pytest.importorskip("skops.io")
    with pytest.raises(ExchangeError, match="at least three classes"):
        export_model(tmp_path / "network.skops", MLP(784, [5], 2), {})
    with pytest.raises(ExchangeError, match="a name of its own"):
        export_model(tmp_path / "network.skops", small_network(ReLU), {"class_names": ["a"] * 10})
