"""TensorFlow.js layers models: by an independent reading of the bytes, and in TensorFlow.js itself."""

import json
import zipfile

import numpy as np
import pytest
from exported import CALIBRATION, TOLERANCE, apart, digits, every_activation, logits, pretrained
from networks import small_network
from node import in_node

from engine.nn import ACTIVATIONS, ReLU
from minigrad_gui.exchange import ExchangeError, export_model, import_model


def unpacked(folder, model, meta):
    export_model(folder / "network.zip", model, meta)
    with zipfile.ZipFile(folder / "network.zip") as archive:
        assert archive.namelist() == ["model.json", "weights.bin"]
        archive.extractall(folder)
    return json.loads((folder / "model.json").read_text())


@every_activation
def test_the_bytes_are_the_networks(tmp_path, activation):
    model = small_network(ACTIVATIONS[activation])
    written = unpacked(tmp_path, model, {"calibration": CALIBRATION})
    assert written["format"] == "layers-model"
    (group,) = written["weightsManifest"]
    content = (tmp_path / group["paths"][0]).read_bytes()
    x, start = digits(50), 0
    layers = written["modelTopology"]["model_config"]["config"]["layers"]
    for layer, kernel, bias in zip(layers, group["weights"][::2], group["weights"][1::2], strict=True):
        name, units = layer["config"]["name"], layer["config"]["units"]
        assert (kernel["name"], bias["name"]) == (f"{name}/kernel", f"{name}/bias")
        assert kernel["shape"] == [x.shape[1], units]
        W = np.frombuffer(content, "<f4", x.shape[1] * units, start).reshape(kernel["shape"])
        b = np.frombuffer(content, "<f4", units, start + W.nbytes)
        start += W.nbytes + b.nbytes
        kind = layer["config"]["activation"]
        x = {"relu": lambda s: np.maximum(s, 0), "tanh": np.tanh, "sigmoid": lambda s: 1 / (1 + np.exp(-s))}.get(
            kind, lambda s: s
        )(x @ W + b)
    assert start == len(content)
    assert kind == "linear"
    assert apart(x, logits(model, digits(50))) < TOLERANCE
    assert written["userDefinedMetadata"]["minigrad"]["calibration"]["temperature"] == 1.5


def test_it_comes_back_from_the_zip_and_from_its_parts(tmp_path):
    model = small_network(ReLU)
    unpacked(tmp_path, model, {"calibration": CALIBRATION})
    for name in ("network.zip", "model.json"):
        found, meta = import_model(tmp_path / name)
        assert apart(logits(found), logits(model)) == 0
        assert meta == {"calibration": CALIBRATION}


def stranger(folder, dtype=None, change=lambda _: None):
    """A model of another program: two files of numbers, names with prefixes, and the config without a version."""
    model = small_network(ReLU)
    written = unpacked(folder, model, {})
    del written["userDefinedMetadata"]
    written["modelTopology"] = written["modelTopology"]["model_config"]
    (group,) = written["weightsManifest"]
    content = b""
    for spec, array in zip(group["weights"], [a for layer in model.layers for a in (layer.W, layer.b)], strict=True):
        spec["name"] = f"sequential/{spec['name']}"
        numbers = array.data.T
        if dtype == "float16":
            spec["quantization"] = {"dtype": "float16", "original_dtype": "float32"}
            numbers = numbers.astype("<f2")
        elif dtype:
            low, step = float(numbers.min()), float(np.ptp(numbers)) / np.iinfo(dtype).max
            spec["quantization"] = {"dtype": dtype, "min": low, "scale": step}
            numbers = np.round((numbers - low) / step).astype(dtype)
        content += numbers.tobytes()
    group["paths"] = ["a.bin", "b.bin"]
    (folder / "a.bin").write_bytes(content[:1001])
    (folder / "b.bin").write_bytes(content[1001:])
    change(written)
    (folder / "model.json").write_text(json.dumps(written))
    return model


@pytest.mark.parametrize(("dtype", "tolerance"), [(None, 0), ("float16", 0.01), ("uint16", 0.001), ("uint8", 0.2)])
def test_files_of_others_are_read(tmp_path, dtype, tolerance):
    model = stranger(tmp_path, dtype)
    found, meta = import_model(tmp_path / "model.json", "from 0 to 1")
    assert apart(logits(found, digits(50)), logits(model, digits(50))) <= tolerance
    assert meta["imported"]["format"] == "TensorFlow.js"


def elsewhere(model):
    model["weightsManifest"][0]["paths"] = ["../secret.bin"]


def graph(model):
    model["format"] = "graph-model"


def enormous(model):
    model["weightsManifest"][0]["weights"][0]["shape"] = [1 << 40, 1 << 40]


def nameless(model):
    del model["weightsManifest"][0]["weights"][2:]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (elsewhere, "not in its folder"),
        (graph, "is a graph model"),
        (enormous, "is too large"),
        (nameless, "lacks the weights of a layer"),
    ],
)
def test_what_is_no_such_model_is_told(tmp_path, change, told):
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(100_000))
    stranger(folder, change=change)
    with pytest.raises(ExchangeError, match=told):
        import_model(folder / "model.json")


def test_a_zip_that_unpacks_to_too_much_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.json", b" " * (1 << 23))
    with pytest.raises(ExchangeError, match="is too large"):
        import_model(tmp_path / "bomb.zip")


IN_TENSORFLOW_JS = """
const fs = require("fs"), tf = require("@tensorflow/tfjs");
const pictures = JSON.parse(fs.readFileSync(0));
const load = path => Promise.resolve(new Response(fs.readFileSync(path.split("/").pop())));
(async () => {
  const model = await tf.loadLayersModel(tf.io.http("http://here/model.json", {fetchFunc: load}));
  const logits = await model.predict(tf.tensor2d(pictures)).array();
  const again = await model.predict(tf.tensor2d(pictures.slice(0, 1))).array();
  let saved;
  await model.save(tf.io.withSaveHandler(async parts => { saved = parts; return {}; }));
  fs.writeFileSync("saved.bin", Buffer.from(saved.weightData));
  const manifest = [{paths: ["saved.bin"], weights: saved.weightSpecs}];
  fs.writeFileSync("saved.json", JSON.stringify({modelTopology: saved.modelTopology, weightsManifest: manifest}));
  console.log(JSON.stringify({logits, again, about: model.getUserDefinedMetadata()}));
})();
"""


@pytest.mark.long
@pytest.mark.parametrize("activation", [None, "tanh", "sigmoid"])
def test_tensorflow_js_reads_a_thousand_digits_the_same(tmp_path, activation):
    """None: the pretrained network. What TensorFlow.js saves itself is read, too."""
    model, meta = (small_network(ACTIVATIONS[activation]), {}) if activation else pretrained()
    unpacked(tmp_path, model, meta)
    found = in_node(IN_TENSORFLOW_JS, tmp_path, "@tensorflow/tfjs", given=digits().tolist())
    assert apart(np.array(found["logits"]), logits(model)) < TOLERANCE
    assert apart(np.array(found["again"]), logits(model, digits(1))) < TOLERANCE
    assert found["about"]["minigrad"]["sizes"][0] == 784
    if not activation:
        assert apart(logits(import_model(tmp_path / "saved.json")[0]), logits(model)) < TOLERANCE
