"""Safetensors, if `safetensors` is installed: arrays by name, and text that says what they are."""

import json
from typing import IO

from minigrad_gui.exchange.portable import ABOUT_KEY, Portable, missing
from minigrad_gui.exchange.state_dict import arrays_of


def write(network: Portable, file: IO[bytes]) -> None:
    """Raises ExchangeError if `safetensors` is missing."""
    try:
        from safetensors.numpy import save
    except ImportError as error:
        raise missing("safetensors") from error
    text = {"format": "pt", ABOUT_KEY: json.dumps(network.metadata())}
    # The library writes an array's memory as it is, so that one in Fortran order would be read as other numbers.
    file.write(save(arrays_of(network), text))
