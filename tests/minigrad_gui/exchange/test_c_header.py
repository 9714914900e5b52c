"""The C header, compiled by a real compiler."""

import shutil
import subprocess

import numpy as np
import pytest
from exported import CALIBRATION, TOLERANCE, apart, digits, every_activation, logits, readings, two_networks
from networks import small_network

from engine.nn import ACTIVATIONS, MLP, ReLU
from engine.record import TrainingRecord
from minigrad_gui.exchange import export_model

needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
STRICT = ["-Wall", "-Wextra", "-Werror", "-pedantic", "-O1"]
PROGRAM = """
#include <stdio.h>
#include "network.h"

int main(void) {
    float picture[MINIGRAD_INPUTS], logits[MINIGRAD_OUTPUTS], probabilities[MINIGRAD_OUTPUTS];
    while (fread(picture, sizeof picture, 1, stdin) == 1) {
        minigrad_logits(picture, logits);
        for (int i = 0; i < MINIGRAD_OUTPUTS; i++) printf("%.9g ", (double)logits[i]);
        int index = minigrad_read(picture, probabilities);
        for (int i = 0; i < MINIGRAD_OUTPUTS; i++) printf("%.9g ", (double)probabilities[i]);
        printf("%d\\n", index);
    }
    for (int i = 0; i < MINIGRAD_OUTPUTS; i++) fprintf(stderr, "%s\\n", minigrad_classes[i]);
    return 0;
}
"""


def computed(folder, model, meta, pictures, *options):
    """What the compiled program says: logits (n, outputs), probabilities (n, outputs), indices (n,), class names."""
    export_model(folder / "network.h", model, meta)
    (folder / "main.c").write_text(PROGRAM)
    command = ["gcc", *(options or ["-std=c99"]), *STRICT, "main.c", "-o", "main", "-lm"]
    compiled = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    assert compiled.returncode == 0, compiled.stderr
    done = subprocess.run([folder / "main"], input=pictures.tobytes(), capture_output=True, timeout=60, check=True)
    table, outputs = np.array(done.stdout.split(), np.float64), model.sizes[-1]
    table = table.reshape(len(pictures), 2 * outputs + 1)
    names = done.stderr.decode().splitlines()
    return table[:, :outputs], table[:, outputs:-1], table[:, -1].astype(int), names


@needs_gcc
@two_networks
def test_a_thousand_digits_are_read_the_same(tmp_path, network):
    model, meta = network()
    found, probabilities, indices, names = computed(tmp_path, model, meta, digits())
    assert apart(found, logits(model)) < TOLERANCE
    own = readings(model, TrainingRecord.from_meta(meta), digits())
    assert [names[index] if index >= 0 else None for index in indices] == [
        name if recognised else None for name, _, recognised in own
    ]
    assert apart(probabilities.max(axis=1), np.array([probability for _, probability, _ in own])) < TOLERANCE


@needs_gcc
@every_activation
def test_every_activation_gives_the_same_logits(tmp_path, activation):
    model = small_network(ACTIVATIONS[activation], np.float64)
    found, *_ = computed(tmp_path, model, {"calibration": CALIBRATION}, digits(100))
    assert apart(found, logits(model, digits(100))) < TOLERANCE


@needs_gcc
def test_whole_and_tiny_numbers_strange_names_and_no_hidden_layer_compile_as_c_and_cpp(tmp_path):
    """1f is no number in C, and a name may hold quotation marks, trigraphs or what ends a comment."""
    model = MLP(784, [], 10, ReLU, dtype=np.float32)
    model.layers[0].W.data[:, :4] = [1, 0, -2, 1e-40]
    names = ['"', "??/", "\\", "*/", "é1", "%d", "//", "{", "a\tb", "j"]
    for options in (["-std=c99"], ["-xc++", "-std=c++11"]):
        found, *_, told = computed(tmp_path, model, {"class_names": names}, digits(2), *options)
        assert apart(found, logits(model, digits(2))) < TOLERANCE
        assert told == names
