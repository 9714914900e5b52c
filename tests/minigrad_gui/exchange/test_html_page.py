"""The web page, in Node.js and in a real browser."""

import json
import re
import shutil
import subprocess

import numpy as np
import pytest
from exported import TOLERANCE, apart, digits, every_activation, logits, pretrained, readings, two_networks
from networks import small_network

from engine.nn import ACTIVATIONS, MLP, ReLU
from engine.record import TrainingRecord
from minigrad_gui import digits as drawing
from minigrad_gui.exchange import ExchangeError, export_model

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
PIXEL_TOLERANCE = 1e-4
"""`rasterize` computes distances in float32, the page in float64."""

IN_NODE = """
const fs = require("fs");
const script = fs.readFileSync("page.html", "utf8").match(/<script>([^]*?)<\\/script>/)[1];
const page = new Function(`${script}; return {rasterize, logits, read, NETWORK}`)();
const {pictures, drawings} = JSON.parse(fs.readFileSync(0));
console.log(JSON.stringify({
  logits: pictures.map(each => [...page.logits(each)]),
  readings: pictures.map(page.read).map(each => [each.best, each.probabilities[each.best], each.trusted]),
  drawings: drawings.map(each => [...page.rasterize(each)]),
  classes: page.NETWORK.classes,
}));
"""
DRAWINGS = {
    "a dot": [[[3, 4]]],
    "no ink": [],
    "an empty stroke": [[], [[0, 0], [5, 9]]],
    "one point twice": [[[2, 2], [2, 2]]],
    "a seven": [[[100, 90], [300, 90], [180, 420]], [[120, 260], [280, 250]]],
    "a flat line": [[[0, 0], [1000, 0]]],
    "a long scribble": [[[50 * np.cos(t * 0.7) + t, 60 * np.sin(t * 1.1)] for t in range(1500)]],
}


def in_node(folder, model, meta, pictures=(), drawings=()):
    export_model(folder / "page.html", model, meta)
    given = json.dumps({"pictures": np.asarray(pictures).tolist(), "drawings": list(drawings)})
    command = ["node", "-e", IN_NODE]
    done = subprocess.run(command, cwd=folder, input=given, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@needs_node
@two_networks
def test_a_thousand_digits_are_read_the_same(tmp_path, network):
    model, meta = network()
    found = in_node(tmp_path, model, meta, digits())
    assert apart(np.array(found["logits"]), logits(model)) < TOLERANCE
    own = readings(model, TrainingRecord.from_meta(meta), digits())
    for (best, probability, trusted), (name, expected, recognised) in zip(found["readings"], own, strict=True):
        assert (found["classes"][best], trusted) == (name, recognised)
        assert probability == pytest.approx(expected, abs=TOLERANCE)


@needs_node
@every_activation
def test_every_activation_gives_the_same_logits(tmp_path, activation):
    model = small_network(ACTIVATIONS[activation], np.float64)
    found = in_node(tmp_path, model, {}, digits(100))
    assert apart(np.array(found["logits"]), logits(model, digits(100))) < TOLERANCE


@needs_node
def test_strokes_become_the_same_pictures(tmp_path):
    found = in_node(tmp_path, *pretrained(), drawings=DRAWINGS.values())["drawings"]
    for name, strokes, picture in zip(DRAWINGS, DRAWINGS.values(), found, strict=True):
        own = drawing.rasterize([np.array(stroke, float).reshape(-1, 2) for stroke in strokes])
        assert apart(np.array(picture), own.reshape(-1)) < PIXEL_TOLERANCE, name


@needs_node
def test_names_of_classes_cannot_end_the_script(tmp_path):
    names = ["</script>", "<!--", "\u2028", '"', "\\", "é", "`${1}`", "'", "\n", "x"]
    assert in_node(tmp_path, small_network(ReLU), {"class_names": names})["classes"] == names


def test_a_network_that_reads_no_drawings_is_refused(tmp_path):
    with pytest.raises(ExchangeError, match="takes 784 inputs, not 12"):
        export_model(tmp_path / "page.html", MLP(12, [5], 10), {})


def test_the_page_loads_nothing(tmp_path):
    export_model(tmp_path / "page.html", *pretrained())
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    assert not re.search(r"https?://|\bsrc=|\bhref=|@import|\bfetch\(", text.split("const NETWORK")[0])


IN_BROWSER = """
<script>
const sheet = document.getElementById("sheet"), box = sheet.getBoundingClientRect();
sheet.setPointerCapture = () => {};  // made-up pointers cannot be captured
sheet.hasPointerCapture = () => true;
function point(type, [x, y]) {
  const place = {clientX: box.left + x * box.width, clientY: box.top + y * box.height};
  sheet.dispatchEvent(new PointerEvent(type, {...place, pointerId: 1, button: 0, bubbles: true}));
}
for (const [first, ...others] of DRAWN) {
  point("pointerdown", first);
  others.forEach(each => point("pointermove", each));
}
const told = {answer: document.getElementById("answer").textContent};
document.getElementById("undo").click();
document.getElementById("clear").click();
told.empty = document.getElementById("answer").textContent;
told.logits = PICTURES.map(each => [...logits(each)]);
document.body.textContent = "";
document.body.append(JSON.stringify(told));
</script></body>"""


@needs_chromium
def test_a_browser_draws_and_reads(tmp_path):
    model, meta = pretrained()
    page = tmp_path / "page.html"
    export_model(page, model, meta)
    seven = [[[0.3, 0.2], [0.7, 0.2], [0.6, 0.45], [0.45, 0.85]]]
    added = IN_BROWSER.replace("DRAWN", json.dumps(seven)).replace("PICTURES", json.dumps(digits().tolist()))
    page.write_text(page.read_text(encoding="utf-8").replace("</body>", added), encoding="utf-8")
    profile = f"--user-data-dir={tmp_path / 'profile'}"
    options = ["--headless", "--no-sandbox", "--disable-gpu", profile, "--virtual-time-budget=5000", "--dump-dom"]
    done = subprocess.run([CHROMIUM, *options, page.as_uri()], capture_output=True, text=True, timeout=120)
    told = json.loads(re.search(r"<body>(.*)</body>", done.stdout, re.DOTALL)[1])
    assert told["answer"] == "7"
    assert told["empty"] == "Draw a digit."
    assert apart(np.array(told["logits"]), logits(model)) < TOLERANCE
