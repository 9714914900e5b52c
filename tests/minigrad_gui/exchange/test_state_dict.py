"""Names as PyTorch gives them."""

from networks import small_network

from engine.nn import ReLU
from minigrad_gui.exchange.portable import Portable
from minigrad_gui.exchange.state_dict import arrays_of


def test_activations_count_as_in_sequential():
    found = arrays_of(Portable.of(small_network(ReLU), {}))
    assert list(found) == ["0.weight", "0.bias", "2.weight", "2.bias", "4.weight", "4.bias"]
    assert found["2.weight"].shape == (12, 20)
