"""scikit-learn, where `skops` is installed, and one sentence where it is not."""

import io
import itertools
import json
import sys
import zipfile

import numpy as np
import pytest
from exported import CALIBRATION, TOLERANCE, apart, digits, every_activation, logits, pretrained
from networks import small_network

from engine.nn import ACTIVATIONS, MLP, ReLU
from minigrad_gui.exchange import ExchangeError, export_model, import_model


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


@every_activation
def test_it_comes_back_with_its_classes_in_their_order(tmp_path, activation):
    pytest.importorskip("skops.io")
    model, meta = small_network(ACTIVATIONS[activation]), {"class_names": list("jcbaedhgif")}
    export_model(tmp_path / "network.skops", model, meta)
    found, read = import_model(tmp_path / "network.skops")
    assert read == meta
    assert type(found.activation) is ACTIVATIONS[activation]
    assert apart(logits(found), logits(model)) == 0


class Writer:
    """Writes what `skops.io.dump` writes of plain values, lists, arrays and objects (kind, attributes)."""

    def __init__(self):
        self._ids = itertools.count()
        self.arrays = {}

    def node(self, value):
        own = {"__id__": next(self._ids), "__module__": "m"}
        if isinstance(value, np.ndarray):
            name = f"{own['__id__']}.npy"
            self.arrays[name] = value
            return {**own, "__class__": "ndarray", "__loader__": "NdArrayNode", "type": "numpy", "file": name}
        if isinstance(value, list):
            return {**own, "__class__": "list", "__loader__": "ListNode", "content": [self.node(v) for v in value]}
        if isinstance(value, tuple):
            kind, held = value
            content = {"__loader__": "DictNode", "content": {name: self.node(v) for name, v in held.items()}}
            return {**own, "__class__": kind, "__loader__": "ObjectNode", "content": content}
        return {**own, "__class__": "str", "__loader__": "JsonNode", "content": json.dumps(value)}

    def write(self, path, root):
        with zipfile.ZipFile(path, "w") as archive:
            for name, array in self.arrays.items():
                stream = io.BytesIO()
                np.save(stream, array)
                archive.writestr(name, stream.getvalue())
            archive.writestr("schema.json", json.dumps(root))


def classifier(model, **changed):
    coefs = [layer.W.data.T.astype(float) for layer in model.layers]
    intercepts = [layer.b.data.astype(float) for layer in model.layers]
    return "MLPClassifier", {"activation": "relu", "coefs_": coefs, "intercepts_": intercepts} | changed


def pipeline(*steps):
    return "Pipeline", {"steps": [[str(index), step] for index, step in enumerate(steps)]}


def test_scalers_before_the_network_become_part_of_it(tmp_path):
    """Read without the packages."""
    rng = np.random.default_rng(0)
    mean, scale, low = rng.normal(size=784), rng.uniform(1, 2, 784), rng.normal(size=784)
    model = small_network(ReLU)
    writer = Writer()
    steps = [
        "passthrough",
        ("StandardScaler", {"mean_": mean, "scale_": scale}),
        ("MinMaxScaler", {"scale_": scale, "min_": low}),
        ("MaxAbsScaler", {"scale_": scale}),
        ("StandardScaler", {"mean_": None, "scale_": None}),
        ("GridSearchCV", {"best_estimator_": classifier(model)}),
    ]
    writer.write(tmp_path / "network.skops", writer.node(pipeline(*steps)))
    found, meta = import_model(tmp_path / "network.skops", "from 0 to 1")
    scaled = (((digits(20) - mean) / scale) * scale + low) / scale
    assert apart(logits(found, digits(20)), logits(model, scaled)) < 1e-4
    assert meta["imported"]["format"] == "scikit-learn"


def cached(writer):
    """Lists that hold the list before ten times, through references."""
    inner = writer.node(["x"])
    for _ in range(12):
        inner, reference = writer.node([]), inner
        inner["content"] = [reference, *({**reference, "__loader__": "CachedNode", "content": None} for _ in range(9))]
    return inner


@pytest.mark.parametrize(
    ("estimator", "told"),
    [
        (("PCA", {}), "holds PCA, which no MLP here has"),
        (["no network"], "holds no network of scikit-learn"),
        (classifier(small_network(ReLU), activation="tan"), "is damaged"),
        (classifier(small_network(ReLU), coefs_=[("Thing", {})]), "holds Thing where no MLP here does"),
    ],
)
def test_what_is_no_mlp_is_told(tmp_path, estimator, told):
    writer = Writer()
    writer.write(tmp_path / "network.skops", writer.node(estimator))
    with pytest.raises(ExchangeError, match=told):
        import_model(tmp_path / "network.skops")


def test_references_that_multiply_end(tmp_path):
    writer = Writer()
    root = writer.node(classifier(small_network(ReLU)))
    root["content"]["content"]["coefs_"] = cached(writer)
    writer.write(tmp_path / "network.skops", root)
    with pytest.raises(ExchangeError, match="is too large"):
        import_model(tmp_path / "network.skops")


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")
def test_skopss_own_files(tmp_path):
    """With scikit-learn's own optimizer, which skops itself calls untrusted."""
    io, neural = pytest.importorskip("skops.io"), pytest.importorskip("sklearn.neural_network")
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    labels = np.arange(1000) % 10
    network = make_pipeline(StandardScaler(), neural.MLPClassifier((20,), max_iter=5)).fit(digits(), labels)
    io.dump(network, tmp_path / "network.skops")
    found = logits(import_model(tmp_path / "network.skops")[0])
    own = np.log(network.predict_proba(digits().astype(np.float64)))
    assert apart(found - found.mean(1, keepdims=True), own - own.mean(1, keepdims=True)) < 1e-4
