"""Files that Keras 2, tf2onnx and tensorflowjs wrote: `KERAS_2_PYTHON=.../bin/python pytest -m long`.

That Python must have all three; tried with tensorflow 2.15.1, tf2onnx 1.17.0 (onnx 1.16.2) and tensorflowjs 4.22.0.
"""

import os
import subprocess

import numpy as np
import pytest
from exported import TOLERANCE, apart, digits, logits

from minigrad_gui.exchange import import_model

MAKE = """
import sys
import numpy as np
import tensorflow as tf, tensorflowjs, tf2onnx
from tensorflow.keras import Input, Model, Sequential, layers as L

kind = sys.argv[1]
if kind == "sequential":
    network = Sequential([L.Flatten(input_shape=(28, 28)), L.Dense(20, "relu"), L.Dropout(0.2), L.Dense(10)])
elif kind == "functional":
    x = Input((28, 28))
    h = L.Dense(20, "tanh", name="zeta")(L.Flatten()(x))
    network = Model(x, L.Dense(10, name="mid")(L.Dense(12, "tanh", name="alpha")(h)))
else:
    norm = L.BatchNormalization()
    start = [L.Flatten(input_shape=(28, 28)), L.Rescaling(1 / 2)]
    network = Sequential([*start, L.Dense(20), norm, L.ReLU(), L.Dense(10)])
    norm.set_weights([np.random.rand(20) + each for each in (0.5, -0.5, -0.5, 0.5)])
pictures = np.load("pictures.npy")
network.compile("adam", tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True))
network.fit(pictures, np.arange(len(pictures)) % 10, verbose=0)
network.save("network.h5")
network.save("network.keras")
tf2onnx.convert.from_keras(network, output_path="network.onnx", opset=15)
tensorflowjs.converters.save_keras_model(network, "tfjs")
np.save("logits.npy", network.predict(pictures, verbose=0))
"""


@pytest.mark.long
@pytest.mark.skipif("KERAS_2_PYTHON" not in os.environ, reason="needs the Python of KERAS_2_PYTHON")
@pytest.mark.parametrize("kind", ["sequential", "functional", "normalised"])
def test_each_format_comes_in(tmp_path, kind):
    np.save(tmp_path / "pictures.npy", digits().reshape(-1, 28, 28))
    command = [os.environ["KERAS_2_PYTHON"], "-c", MAKE, kind]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    own = np.load(tmp_path / "logits.npy")
    for name in ("network.h5", "network.keras", "network.onnx", "tfjs/model.json"):
        found, _ = import_model(tmp_path / name, "from 0 to 1")
        assert apart(logits(found), own) < TOLERANCE, name
