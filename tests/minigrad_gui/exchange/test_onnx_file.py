"""ONNX, where the package is installed, and one sentence where it is not."""

import json
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
from exported import CALIBRATION, TOLERANCE, apart, digits, every_activation, logits, pretrained
from networks import small_network
from node import in_node

from engine.nn import ACTIVATIONS, ReLU
from minigrad_gui.exchange import ExchangeError, export_model, import_model


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


IN_ONNXRUNTIME_WEB = """
const fs = require("fs"), ort = require("onnxruntime-web");
const pictures = Float32Array.from(JSON.parse(fs.readFileSync(0)).flat());
(async () => {
  const session = await ort.InferenceSession.create(fs.readFileSync("network.onnx"));
  const found = await session.run({picture: new ort.Tensor("float32", pictures, [pictures.length / 784, 784])});
  console.log(JSON.stringify([...found.logits.data]));
})();
"""


@pytest.mark.long
@pytest.mark.parametrize("activation", [None, "tanh", "sigmoid"])
def test_onnxruntime_web_reads_a_thousand_digits_the_same(tmp_path, activation):
    """None: the pretrained network."""
    pytest.importorskip("onnx")
    model, meta = (small_network(ACTIVATIONS[activation]), {}) if activation else pretrained()
    export_model(tmp_path / "network.onnx", model, meta)
    found = in_node(IN_ONNXRUNTIME_WEB, tmp_path, "onnxruntime-web", given=digits().tolist())
    assert apart(np.array(found).reshape(-1, 10), logits(model)) < TOLERANCE


def test_versions_that_all_runtimes_know_and_what_travels(tmp_path):
    """The newest onnx writes IR 14 and opset 28 by default, which onnxruntime-web 1.30 refuses."""
    onnx = pytest.importorskip("onnx")
    export_model(tmp_path / "network.onnx", small_network(ReLU), {"calibration": CALIBRATION})
    model = onnx.load(tmp_path / "network.onnx")
    assert (model.ir_version, [(each.domain, each.version) for each in model.opset_import]) == (10, [("", 21)])
    about = json.loads({each.key: each.value for each in model.metadata_props}["minigrad"])
    assert about["calibration"] == {"temperature": 1.5, "least_log_sum_exp": 4.0, "threshold": 0.6}
    assert "temperature of 1.5" in model.doc_string


RNG = np.random.default_rng(0)
ARRAYS = {
    "z": RNG.normal(size=(784, 12)).astype("f4") / 9,
    "a": RNG.normal(size=12).astype("f4"),
    "m": RNG.normal(size=(10, 12)).astype("f4"),
    "b": RNG.normal(size=10).astype("f4"),
    "scale": np.array(255, "f4"),
    "shape": np.array([-1, 784]),
}


def graph(*steps, arrays=None, outputs=("y",)):
    """A model of (operator, inputs, output, attributes) from x to `outputs`."""
    onnx = pytest.importorskip("onnx")
    helper = onnx.helper
    nodes = [helper.make_node(operator, inputs, [output], **extra) for operator, inputs, output, extra in steps]
    stored = [onnx.numpy_helper.from_array(array, name) for name, array in (arrays or ARRAYS).items()]
    ends = [helper.make_tensor_value_info(name, 1, None) for name in outputs]
    model = helper.make_model(
        helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", 1, [1, 1, 28, 28])], ends, stored)
    )
    model.ir_version = 10
    return model


USUAL = (
    ("Reshape", ["x", "shape"], "flat", {}),
    ("MatMul", ["flat", "z"], "p", {}),
    ("Add", ["a", "p"], "s", {}),
    ("Tanh", ["s"], "h", {}),
    ("Gemm", ["h", "m", "b"], "l", {"transB": 1}),
    ("Softmax", ["l"], "y", {}),
)


def expected():
    return np.tanh(digits(50) @ ARRAYS["z"] + ARRAYS["a"]) @ ARRAYS["m"].T + ARRAYS["b"]


def imported(tmp_path, model):
    (tmp_path / "network.onnx").write_bytes(model.SerializeToString())
    return import_model(tmp_path / "network.onnx", "from 0 to 1")[0]


def test_products_sums_and_a_fixed_batch_are_read_in_the_graphs_order(tmp_path):
    assert apart(logits(imported(tmp_path, graph(*USUAL)), digits(50)), expected()) < TOLERANCE
    turned = graph(*USUAL[::-1])  # nodes in any order
    assert apart(logits(imported(tmp_path, turned), digits(50)), expected()) < TOLERANCE


def test_constants_in_nodes_transposed_weights_and_scaled_pictures(tmp_path):
    onnx = pytest.importorskip("onnx")
    value = onnx.numpy_helper.from_array(ARRAYS["m"], "value")
    steps = [
        ("Constant", [], "c", {"value": value}),
        ("Transpose", ["c"], "ct", {"perm": [1, 0]}),
        ("Mul", ["scale", "x"], "bytes", {}),
        ("Div", ["bytes", "scale"], "x2", {}),
        ("Reshape", ["x2", "shape"], "flat", {}),
        *USUAL[1:4],
        ("MatMul", ["h", "ct"], "l", {}),
        ("Add", ["l", "b"], "y", {}),
    ]
    assert apart(logits(imported(tmp_path, graph(*steps)), digits(50)), expected()) < TOLERANCE


def test_computed_and_tied_weights_are_computed(tmp_path):
    """As weight normalisation and quantisation leave them: here the kernel of whole numbers is used twice."""
    rng = np.random.default_rng(0)
    arrays = {
        **ARRAYS,
        "whole": rng.integers(-9, 9, (12, 12)).astype("i1"),
        "each": rng.uniform(0.01, 0.1, 12).astype("f4"),
        "zero": rng.integers(-3, 3, 12).astype("i1"),
        "last": np.array([-1]),
        "flatshape": np.array([0, -1]),
    }
    steps = [
        *USUAL[:4],
        ("DequantizeLinear", ["whole", "each", "zero"], "tied", {"axis": 0}),
        ("ReduceL2", ["tied", "last"], "length", {"keepdims": 1}),
        ("Mul", ["tied", "each"], "long", {}),
        ("Div", ["long", "length"], "scaled", {}),
        ("Add", ["scaled", "a"], "sum", {}),
        ("Reshape", ["sum", "flatshape"], "W", {}),
        ("MatMul", ["h", "W"], "q", {}),
        ("Tanh", ["q"], "h2", {}),
        ("MatMul", ["h2", "W"], "q2", {}),
        ("Tanh", ["q2"], "h3", {}),
        ("Gemm", ["h3", "m", "b"], "y", {"transB": 1}),
    ]
    W = (arrays["whole"] - arrays["zero"][:, None].astype("f4")) * arrays["each"][:, None]
    W = W * arrays["each"] / np.linalg.norm(W, axis=1, keepdims=True) + ARRAYS["a"]
    h = np.tanh(digits(50).astype("f8") @ ARRAYS["z"] + ARRAYS["a"])
    own = np.tanh(np.tanh(h @ W) @ W) @ ARRAYS["m"].T + ARRAYS["b"]
    assert apart(logits(imported(tmp_path, graph(*steps, arrays=arrays)), digits(50)), own) < TOLERANCE


def test_batch_normalisation_becomes_part_of_a_layer(tmp_path):
    gain, shift, mean, variance = np.random.default_rng(1).uniform(0.5, 2, (4, 12)).astype("f4")
    arrays = {**ARRAYS, "gain": gain, "shift": shift, "mean": mean, "variance": variance}
    norm = ("BatchNormalization", ["s", "gain", "shift", "mean", "variance"], "n", {"epsilon": 0.01})
    model = graph(*USUAL[:3], norm, ("Tanh", ["n"], "h", {}), *USUAL[4:], arrays=arrays)
    s = gain * (digits(50) @ ARRAYS["z"] + ARRAYS["a"] - mean) / np.sqrt(variance + 0.01) + shift
    assert apart(logits(imported(tmp_path, model), digits(50)), np.tanh(s) @ ARRAYS["m"].T + ARRAYS["b"]) < TOLERANCE


def test_constants_that_multiply_are_refused(tmp_path):
    """Each step would double the time, or square the memory."""
    doubling = [("Add", [f"c{at}", f"c{at}"], f"c{at + 1}", {}) for at in range(19)]
    steps = [("Constant", [], "c0", {"value_float": 0.0}), *doubling, *USUAL[:3], ("Add", ["s", "c19"], "y", {})]
    assert imported(tmp_path, graph(*steps)).sizes == (784, 12)
    column = np.zeros((1 << 16, 1), "f4")
    steps = [*USUAL[:3], ("Add", ["column", "row"], "square", {}), ("MatMul", ["s", "square"], "y", {})]
    with pytest.raises(ExchangeError, match="is too large"):
        imported(tmp_path, graph(*steps, arrays={**ARRAYS, "column": column, "row": column.T}))


def test_a_shape_may_be_computed_from_the_picture(tmp_path):
    """As x.view(x.size(0), -1) is exported."""
    arrays = {**ARRAYS, "rest": np.array([-1]), "first": np.array([0])}
    shape = [
        ("Shape", ["x"], "all", {}),
        ("Gather", ["all", "first"], "n", {}),
        ("Concat", ["n", "rest"], "s0", {"axis": 0}),
    ]
    model = graph(*shape, ("Reshape", ["x", "s0"], "flat", {}), *USUAL[1:], arrays=arrays)
    assert apart(logits(imported(tmp_path, model), digits(50)), expected()) < TOLERANCE


def test_an_output_of_labels_is_passed_over(tmp_path):
    steps = (*USUAL, ("ArgMax", ["y"], "label", {"axis": 1}))
    model = graph(*steps, outputs=("label", "y"))
    assert apart(logits(imported(tmp_path, model), digits(50)), expected()) < TOLERANCE


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ([("Conv", ["x", "m"], "y", {})], "uses Conv, which no MLP here has"),
        ([*USUAL[:3], ("LeakyRelu", ["s"], "y", {})], "uses LeakyRelu"),
        ([*USUAL[:3], ("Tanh", ["s"], "t", {}), ("Add", ["s", "t"], "y", {})], "is no MLP: Add has 2 variable inputs"),
        ([("Tanh", ["y"], "y", {})], "does not lead from an input"),
        ([("Tanh", ["q"], "y", {}), ("Tanh", ["y"], "q", {})], "does not lead from an input"),
        ([("Tanh", ["nowhere"], "y", {})], "does not lead from an input"),
        ([("Tanh", ["x"], "other", {})], "does not lead from an input"),
        ([("Gemm", ["x", "m", "b"], "y", {"transA": 1})], "uses Gemm"),
        ([("MatMul", ["z", "x"], "y", {})], "uses MatMul"),
        ([("Identity", ["x"], "y", {})], "does not end in logits"),
    ],
)
def test_what_is_no_mlp_is_told(tmp_path, steps, told):
    with pytest.raises(ExchangeError, match=told):
        imported(tmp_path, graph(*steps))


def with_external(entries, length=784 * 12 * 4):
    model = graph(*USUAL)
    tensor = next(each for each in model.graph.initializer if each.name == "z")
    tensor.ClearField("raw_data")
    tensor.data_location = 1
    for key, value in ({"length": str(length)} | entries).items():
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    return model


def test_weights_beside_the_file_are_read(tmp_path):
    (tmp_path / "w.data").write_bytes(b"1234" + ARRAYS["z"].tobytes())
    model = with_external({"location": "w.data", "offset": "4"})
    assert apart(logits(imported(tmp_path, model), digits(50)), expected()) < TOLERANCE


@pytest.mark.parametrize("location", ["../secret", "link", "/etc/hostname", "", ".", "missing"])
def test_weights_outside_of_the_folder_are_refused(tmp_path, location):
    (tmp_path / "secret").write_bytes(bytes(784 * 12 * 4))
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(ExchangeError, match="from a file that is not in its folder"):
        imported(folder, with_external({"location": location}))


@pytest.mark.parametrize(("offset", "length"), [("-1", 8), ("99999999", 8), ("0", 1 << 40), ("0", 12), ("x", 8)])
def test_weights_beyond_a_file_are_refused(tmp_path, offset, length):
    (tmp_path / "w.data").write_bytes(bytes(784 * 12 * 4))
    with pytest.raises(ExchangeError, match=r"beyond the end|is damaged"):
        imported(tmp_path, with_external({"location": "w.data", "offset": offset}, length))


def test_an_array_that_claims_to_be_enormous_is_refused(tmp_path):
    model = graph(*USUAL)
    del model.graph.initializer[0].dims[:]
    model.graph.initializer[0].dims.extend([1 << 40, 1 << 40])
    with pytest.raises(ExchangeError, match="is too large"):
        imported(tmp_path, model)


@pytest.mark.long
@pytest.mark.parametrize("dynamo", [True, False])
@pytest.mark.filterwarnings("ignore")
def test_pytorchs_own_files(tmp_path, dynamo):
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnxscript")
    network = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(784, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10), torch.nn.LogSoftmax(1)
    )
    path = tmp_path / "network.onnx"
    torch.onnx.export(network, (torch.zeros(1, 1, 28, 28),), path, dynamo=dynamo, external_data=True)
    model, _ = import_model(path)
    own = network[:-1](torch.from_numpy(digits())).detach().numpy()
    assert apart(logits(model), own) < TOLERANCE


@pytest.mark.long
@pytest.mark.parametrize("dynamo", [True, False])
@pytest.mark.filterwarnings("ignore")
def test_pytorchs_weight_and_batch_normalisation(tmp_path, dynamo):
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnxscript")
    first = torch.nn.utils.parametrizations.weight_norm(torch.nn.Linear(784, 64))
    norm = torch.nn.BatchNorm1d(64)
    norm.running_mean.uniform_(-1, 1)
    norm.running_var.uniform_(1, 2)
    network = torch.nn.Sequential(torch.nn.Flatten(), first, norm, torch.nn.ReLU(), torch.nn.Linear(64, 10)).eval()
    torch.onnx.export(network, (torch.zeros(2, 1, 28, 28),), tmp_path / "network.onnx", dynamo=dynamo)
    own = network(torch.from_numpy(digits())).detach().numpy()
    assert apart(logits(import_model(tmp_path / "network.onnx")[0]), own) < TOLERANCE
    torch.save(network.state_dict(), tmp_path / "network.pt")
    assert apart(logits(import_model(tmp_path / "network.pt")[0]), own) < TOLERANCE


@pytest.mark.long
@pytest.mark.parametrize("options", [{}, {"zipmap": False}])
def test_scikit_learns_files(tmp_path, options):
    neural, skl2onnx = pytest.importorskip("sklearn.neural_network"), pytest.importorskip("skl2onnx")
    labels = np.arange(1000) % 10
    classifier = neural.MLPClassifier((20,), activation="logistic", max_iter=300, tol=0.1).fit(digits(), labels)
    content = skl2onnx.to_onnx(classifier, digits(1), options=options or None, target_opset=21).SerializeToString()
    (tmp_path / "network.onnx").write_bytes(content)
    found = logits(import_model(tmp_path / "network.onnx")[0])
    own = np.log(classifier.predict_proba(digits().astype(np.float64)))
    assert apart(found - found.mean(1, keepdims=True), own - own.mean(1, keepdims=True)) < TOLERANCE


# ---------------------------------------------------------------- what goes wrong in other programs


def test_numbers_in_another_byte_order_are_turned_first(tmp_path):
    """onnxruntime (1.32) takes a big-endian array, as those of IDX files are, for other numbers without a word."""
    pytest.importorskip("onnx")
    model, meta = pretrained()
    export_model(tmp_path / "network.onnx", model, meta)
    big_endian = digits(50).astype(">f4")
    assert not apart(run(tmp_path / "network.onnx", big_endian), logits(model, digits(50))) < 1  # they may be NaN
    assert apart(run(tmp_path / "network.onnx", big_endian.astype("f4")), logits(model, digits(50))) < TOLERANCE


def test_in_eight_bits_a_picture_is_read_alone(tmp_path):
    """Dynamic quantization takes its scale over the whole batch: a picture's neighbours change its answer."""
    quantization = pytest.importorskip("onnxruntime.quantization")
    model, meta = pretrained()
    export_model(tmp_path / "network.onnx", model, meta)
    quantization.quantize_dynamic(tmp_path / "network.onnx", tmp_path / "eight.onnx")
    picture, bright = digits(1), np.full((1, 784), 20, np.float32)
    alone, beside = (run(tmp_path / "eight.onnx", batch)[0] for batch in (picture, np.vstack([picture, bright])))
    assert apart(beside, alone) > 0.1
    assert alone.argmax() == logits(model, picture).argmax()
    with pytest.raises(ExchangeError, match=r"eight\.onnx computes in 8 bits: open the network from before"):
        import_model(tmp_path / "eight.onnx")


def test_in_half_precision_small_weights_become_larger_unless_they_are_0(tmp_path):
    onnx = pytest.importorskip("onnx")
    float16 = pytest.importorskip("onnxruntime.transformers.float16")
    model = small_network(ReLU)
    model.layers[0].W.data[0, :2] = 1e-8, 0
    export_model(tmp_path / "network.onnx", model, {})
    half = float16.convert_float_to_float16(onnx.load(tmp_path / "network.onnx"))
    weights = np.concatenate([onnx.numpy_helper.to_array(each).ravel() for each in half.graph.initializer])
    sizes = np.abs(weights.astype(np.float64))
    assert (sizes == 0).any()
    assert sizes[sizes > 0].min() == pytest.approx(1e-7, rel=0.5)  # float16 has nothing between 6e-8 and 1.2e-7


IN_OPENVINO = """
import sys, numpy as np, openvino
network = openvino.Core().compile_model("network.onnx", "CPU", {"INFERENCE_PRECISION_HINT": sys.argv[1]})
np.save("logits.npy", network({"picture": np.load("pictures.npy")})["logits"])
"""


def test_openvino_computes_in_single_precision_if_told_to(tmp_path):
    """Of its own accord it computes in bfloat16 on processors that can. It leaves a thread behind: so in a child."""
    pytest.importorskip("onnx")
    if find_spec("openvino") is None:
        pytest.skip("OpenVINO is not installed")
    model, meta = pretrained()
    export_model(tmp_path / "network.onnx", model, meta)
    np.save(tmp_path / "pictures.npy", digits())
    subprocess.run([sys.executable, "-c", IN_OPENVINO, "f32"], cwd=tmp_path, check=True, capture_output=True)
    assert apart(np.load(tmp_path / "logits.npy"), logits(model)) < TOLERANCE
