"""The Python file reads as the app does, without the app."""

import runpy
import subprocess
import sys

import numpy as np
import pytest
from exported import CALIBRATION, TOLERANCE, apart, digits, every_activation, logits, pretrained, readings
from networks import small_network

from engine.nn import ACTIVATIONS, ReLU
from engine.record import TrainingRecord
from minigrad_gui.exchange import export_model


@pytest.fixture
def exported(tmp_path):
    """`exported(model, meta)`: the names of the module that was written."""

    def run(model, meta):
        export_model(tmp_path / "network.py", model, meta)
        return runpy.run_path(str(tmp_path / "network.py"))

    return run


def test_the_pretrained_network_reads_a_thousand_digits_the_same(exported):
    model, meta = pretrained()
    module = exported(model, meta)
    assert apart(module["logits"](digits()), logits(model)) < TOLERANCE
    for found, own in zip(
        module["read"](digits()), readings(model, TrainingRecord.from_meta(meta), digits()), strict=True
    ):
        assert found[::2] == own[::2]
        assert found[1] == pytest.approx(own[1], abs=TOLERANCE)


@every_activation
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_activation_gives_the_same_logits(exported, activation, dtype):
    model = small_network(ACTIVATIONS[activation], dtype)
    found = exported(model, {})["logits"](digits(100))
    assert found.dtype == dtype
    assert apart(found, logits(model, digits(100))) < TOLERANCE


def test_whole_numbers_are_taken_from_0_to_255(exported):
    module = exported(*pretrained())
    pictures = (digits(5) * 255).round().astype(np.uint8).reshape(5, 28, 28)
    assert apart(module["logits"](pictures), module["logits"](digits(5))) < TOLERANCE


def test_it_runs_by_itself_with_numpy_alone(tmp_path):
    """With names of classes that would end a string, a comment or a line."""
    names = ['"""', "'''\n", "\\", "</script>", "{}", "%s", "ü\ud800", "*/", "\u2028", "x"]
    export_model(tmp_path / "network.py", small_network(ReLU), {"calibration": CALIBRATION, "class_names": names})
    np.save(tmp_path / "pictures.npy", digits(3))
    code = "import sys, runpy; sys.argv = ['', 'pictures.npy']; runpy.run_path('network.py', run_name='__main__');"
    code += "assert not {'engine', 'minigrad_gui', 'PySide6'} & set(sys.modules)"
    command = [sys.executable, "-I", "-W", "error", "-c", code]
    environment = {"PYTHONIOENCODING": "utf-8:backslashreplace"}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment, timeout=60)
    assert done.returncode == 0, done.stderr
    assert runpy.run_path(str(tmp_path / "network.py"))["CLASSES"] == names
    assert done.stdout.count("True") + done.stdout.count("False") == 3


def test_without_pictures_it_says_how_it_is_used(tmp_path):
    export_model(tmp_path / "network.py", small_network(ReLU), {})
    command = [sys.executable, "network.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr == "usage: python network.py pictures.npy\n"
