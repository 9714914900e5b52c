"""A PyTorch state dict, as `torch.save` writes it, for `load_state_dict` of a `torch.nn.Sequential`.

The metadata is another file in the archive, minigrad.json, which `torch.load` ignores.
"""

import io
import json
import math
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from engine.nn import MAX_PARAMETERS
from minigrad_gui.data import DataError, torch_files
from minigrad_gui.data.stored import Array
from minigrad_gui.exchange.chain import Found
from minigrad_gui.exchange.portable import ABOUT_KEY, ExchangeError, Portable, missing, own_metadata
from minigrad_gui.exchange.state_dict import arrays_of, layers_of

MAX_ABOUT_BYTES = 1 << 22

ABOUT_FILE = f"archive/{ABOUT_KEY}.json"
"""`torch.save` calls the folder so if it writes to a stream."""


def write(network: Portable, file: IO[bytes]) -> None:
    """Raises ExchangeError if PyTorch is missing."""
    try:
        import torch
    except ImportError as error:
        raise missing("torch") from error
    stream = io.BytesIO()
    torch.save({name: torch.from_numpy(array) for name, array in arrays_of(network).items()}, stream)
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr(ABOUT_FILE, json.dumps(network.metadata(), indent=1))
    file.write(stream.getbuffer())


def recognises(path: Path, start: bytes) -> bool:
    return torch_files.recognises(path, start)


def read(path: Path) -> Found:
    """The network in a file, without PyTorch and without running its pickle. Raises DataError or ExchangeError."""
    arrays, size = {}, 0
    for name, array in _tensors_in(path):
        if array.dtype.kind == "f":  # others are counters
            size += math.prod(array.shape)
            if size > 4 * MAX_PARAMETERS:  # with an optimizer's state
                raise ExchangeError("is too large.")
            arrays[name] = array.whole()
    about = _about(path)
    return Found(layers_of(arrays, in_order=True), about["activation"] if about else None, about)


def _tensors_in(path: Path) -> Iterator[tuple[str, Array]]:
    try:
        yield from torch_files.arrays_in(path)
    except DataError as error:
        if str(error) != torch_files.OTHER_OBJECTS:
            raise
        raise ExchangeError(
            "is a Python pickle of whole objects, which could run code, so that it is not opened; "
            "save a PyTorch network with torch.save(model.state_dict(), FILE), scikit-learn's with skops.io.dump."
        ) from error


def _about(path: Path) -> dict[str, Any] | None:
    if not zipfile.is_zipfile(path):
        return None
    with zipfile.ZipFile(path) as archive:
        if ABOUT_FILE not in archive.namelist():
            return None
        with archive.open(ABOUT_FILE) as file:
            return own_metadata(file.read(MAX_ABOUT_BYTES).decode("utf-8", "replace"))
