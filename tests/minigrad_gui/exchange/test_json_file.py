"""The JSON file holds the same numbers, and is JSON to everyone."""

import json

import numpy as np
import pytest
from exported import CALIBRATION
from networks import small_network

from engine.nn import ReLU
from minigrad_gui.exchange import export_model


def refuse(constant):
    raise AssertionError(f"{constant} is not JSON")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_each_number_is_read_back_as_the_same(tmp_path, dtype):
    path, model = tmp_path / "network.json", small_network(ReLU, dtype)
    export_model(path, model, {"calibration": CALIBRATION, "test_loss": float("nan")})
    found = json.loads(path.read_bytes(), parse_constant=refuse)
    assert found["format"] == "minigrad network"
    assert found["calibration"]["temperature"] == 1.5
    for stored, layer in zip(found["layers"], model.layers, strict=True):
        np.testing.assert_array_equal(np.array(stored["W"], dtype), layer.W.data)
        np.testing.assert_array_equal(np.array(stored["b"], dtype), layer.b.data)
