"""Layer sizes as people type them."""

import pytest

from engine import ConfigError
from minigrad_gui.layer_sizes import parse_hidden


@pytest.mark.parametrize(
    ("text", "sizes"),
    [("256, 128", (256, 128)), ("64", (64,)), ("", ()), ("  ", ()), ("8 8;8", (8, 8, 8)), ("12,34", (12, 34))],
)
def test_hidden_layers_are_read(text, sizes):
    assert parse_hidden(text) == sizes


@pytest.mark.parametrize("text", ["abc", "256, 12x", "1.5", "-3", "256,,128", ",", "12,", "٣", "9" * 13])
def test_invalid_layer_sizes_are_refused(text):
    with pytest.raises(ConfigError) as refusal:
        parse_hidden(text)
    assert refusal.value.field == "hidden"
    assert str(refusal.value).endswith(".")
