"""A PyTorch state dict, as `torch.save` writes it, for `load_state_dict` of a `torch.nn.Sequential`.

The metadata is another file in the archive, minigrad.json, which `torch.load` ignores.
"""

import io
import json
import zipfile
from typing import IO

from minigrad_gui.exchange.portable import ABOUT_KEY, Portable, missing
from minigrad_gui.exchange.state_dict import arrays_of

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
