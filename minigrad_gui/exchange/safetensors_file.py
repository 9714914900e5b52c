"""Safetensors, if `safetensors` is installed: arrays by name, and text that says what they are."""

import json
from operator import itemgetter
from pathlib import Path
from typing import IO

import numpy as np

from minigrad_gui.data.torch_files import of_bfloat16
from minigrad_gui.exchange.chain import Found
from minigrad_gui.exchange.portable import ABOUT_KEY, Portable, missing, own_metadata, read_whole
from minigrad_gui.exchange.state_dict import Arrays, arrays_of, layers_of

MAX_HEADER_BYTES = 1 << 24
DTYPES = {"F16": "<f2", "BF16": "<u2", "F32": "<f4", "F64": "<f8"}


def write(network: Portable, file: IO[bytes]) -> None:
    """Raises ExchangeError if `safetensors` is missing."""
    try:
        from safetensors.numpy import save
    except ImportError as error:
        raise missing("safetensors") from error
    text = {"format": "pt", ABOUT_KEY: json.dumps(network.metadata())}
    # The library writes an array's memory as it is, so that one in Fortran order would be read as other numbers.
    file.write(save(arrays_of(network), text))


def recognises(_: Path, start: bytes) -> bool:
    return start[8:9] == b"{" and int.from_bytes(start[:8], "little") <= MAX_HEADER_BYTES


def read(path: Path) -> Found:
    """The network in a file. Raises ExchangeError if `safetensors` is missing or the file holds no MLP."""
    try:
        from safetensors import deserialize
    except ImportError as error:
        raise missing("safetensors") from error
    content = read_whole(path)
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    arrays: Arrays = {}
    for name, tensor in sorted(deserialize(content), key=itemgetter(0)):  # they come in a random order
        if tensor["dtype"] in DTYPES:  # others are counters
            numbers = np.frombuffer(tensor["data"], DTYPES[tensor["dtype"]])
            arrays[name] = (of_bfloat16(numbers) if tensor["dtype"] == "BF16" else numbers).reshape(tensor["shape"])
    about = own_metadata(header.get("__metadata__", {}).get(ABOUT_KEY))
    return Found(layers_of(arrays), about["activation"] if about else None, about)
