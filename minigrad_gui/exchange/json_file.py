"""JSON: the metadata, and the weights as numbers, so that any language can use them.

    {"format": "minigrad network", "version": 1, ..., "layers": [{"W": [[...], ...], "b": [...]}, ...]}

W has shape (out, in), b (out,). The numbers have as many digits as it takes to read back the same ones.
"""

import json
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.exchange.chain import Found
from minigrad_gui.exchange.portable import ExchangeError, Portable, own_metadata, read_whole

MAX_BYTES = 1 << 25
"""Python needs twenty times as much memory for some JSON of this size."""
DIGITS = {4: 9, 8: 17}
"""How many make a float of so many bytes unmistakable."""


def write(network: Portable, file: IO[bytes]) -> None:
    about = json.dumps(network.metadata(), indent=1)
    file.write(about.removesuffix("\n}").encode("ascii") + b',\n "layers": [')
    for index, (W, b) in enumerate(network.layers):
        file.write(b"," if index else b"")
        file.write(b'\n  {"W": [')
        for number, row in enumerate(W):
            file.write((b",\n" if number else b"\n") + _list(row))
        file.write(b'],\n   "b": ' + _list(b) + b"}")
    file.write(b"\n ]\n}\n")


def _list(row: NDArray[np.floating[Any]]) -> bytes:
    form = f"%.{DIGITS[row.itemsize]}g"
    return f"[{', '.join(form % number for number in row.tolist())}]".encode("ascii")


def recognises(_: Path, start: bytes) -> bool:
    return start.lstrip()[:1] == b"{"


def read(path: Path) -> Found:
    """The network in a file that `write` wrote. Raises ExchangeError, and whatever damaged JSON raises."""
    text = read_whole(path, MAX_BYTES).decode("utf-8")
    content = json.loads(text)
    layers = content.pop("layers", None) if isinstance(content, dict) else None
    about = own_metadata(json.dumps(content))
    if about is None or not isinstance(layers, list):
        raise ExchangeError("is JSON, but no network that minigrad wrote.")
    dtype = "float64" if about.get("dtype") == "float64" else "float32"
    arrays = tuple((np.array(layer["W"], dtype), np.array(layer["b"], dtype)) for layer in layers)
    return Found(arrays, about["activation"], about)
