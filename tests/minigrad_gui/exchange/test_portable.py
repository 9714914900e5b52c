"""What travels with a network."""

import numpy as np
import pytest
from exported import CALIBRATION
from networks import small_network

from engine import MLP
from engine.nn import LeakyReLU, ReLU
from minigrad_gui.exchange.portable import ExchangeError, Portable


def test_arrays_are_row_by_row_and_little_endian():
    """The engine's are column by column, which other programs' writers take for other numbers."""
    model = small_network(ReLU)
    assert not model.layers[0].W.data.flags.c_contiguous
    portable = Portable.of(model, {})
    for (W, b), layer in zip(portable.layers, model.layers, strict=True):
        assert W.flags.c_contiguous
        assert W.dtype == b.dtype == np.dtype("<f4")
        np.testing.assert_array_equal(W, layer.W.data)
        np.testing.assert_array_equal(b, layer.b.data)


def test_preparation_and_calibration_travel_as_data_and_as_text():
    names = [f"letter {letter}" for letter in "abcdefghij"]
    portable = Portable.of(small_network(ReLU), {"calibration": CALIBRATION, "class_names": names, "dataset": "mine"})
    about = portable.metadata()
    assert about["calibration"] == {"temperature": 1.5, "least_log_sum_exp": 4.0, "threshold": 0.6}
    assert about["classes"] == names
    assert about["sizes"] == [784, 20, 12, 10]
    assert about["meta"]["dataset"] == "mine"
    text = " ".join(about["description"])
    for told in ("temperature of 1.5", "at least 0.6", "at least 4.", "28 x 28", "0 (paper) to 1 (ink)", "20 pixels"):
        assert told in text


def test_numbers_that_json_lacks_become_null():
    about = Portable.of(small_network(ReLU), {"test_loss": float("nan"), "epochs": [{"loss": float("inf")}]}).metadata()
    assert about["meta"] == {"test_loss": None, "epochs": [{"loss": None}]}


@pytest.mark.parametrize("number", [np.nan, np.inf, 1e39])
def test_numbers_that_are_not_finite_elsewhere_are_refused(number):
    model = small_network(ReLU, np.float64)
    model.layers[1].b.data[3] = number
    with pytest.raises(ExchangeError, match="not finite in float32"):
        Portable.of(model, {})


def test_other_networks_are_refused():
    with pytest.raises(ExchangeError, match="Only plain MLPs"):
        Portable.of(MLP(784, [5], 10, LeakyReLU), {})
