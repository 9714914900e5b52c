"""Exports networks: a new format is one file that writes it, and one entry in EXPORTS."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from engine.archive import PathLike, printable, reason_of, replacing
from engine.nn import MLP
from minigrad_gui.exchange import (
    c_header,
    html_page,
    json_file,
    keras_file,
    onnx_file,
    python_file,
    safetensors_file,
    skops_file,
    toml_file,
    torch_file,
)
from minigrad_gui.exchange.portable import ExchangeError, Portable, name_of


@dataclass(frozen=True)
class Export:
    """A format: what a person calls it, and what writes it to a binary file.

    `write` raises ExchangeError if the network cannot be written in this format or a package is missing.
    """

    name: str
    write: Callable[[Portable, IO[bytes]], None]


EXPORTS: dict[str, Export] = {
    ".html": Export("Web page that draws and reads", html_page.write),
    ".py": Export("Python file that needs NumPy only", python_file.write),
    ".h": Export("C header", c_header.write),
    ".json": Export("JSON", json_file.write),
    ".onnx": Export("ONNX", onnx_file.write),
    ".safetensors": Export("Safetensors", safetensors_file.write),
    ".keras": Export("Keras", keras_file.write),
    ".pt": Export("PyTorch state dict", torch_file.write),
    ".skops": Export("scikit-learn", skops_file.write),
    ".toml": Export("Settings of its training", toml_file.write),
}
"""By suffix, which decides."""


def export_model(path: PathLike, model: MLP, meta: Mapping[str, Any]) -> None:
    """Write a network and the `meta` of its file to exactly `path`, in the format of its suffix.

    The file is complete on disk before it replaces an older one. Raises ExchangeError, with one sentence, if the format
    is unknown or cannot hold this network, a package is missing, or the file cannot be written; an older file is then
    unchanged. Raises TypeError if `meta` is not JSON-serialisable.
    """
    target = Path(os.path.realpath(path))
    export = EXPORTS.get(Path(path).suffix.lower())
    if export is None:
        raise ExchangeError(f"{name_of(path)} is in no format for export; its suffix must be {_suffixes()}.")
    portable = Portable.of(model, meta)
    try:
        with replacing(target) as file:
            export.write(portable, file)
    except OSError as error:
        folder = printable(target.parent)
        raise ExchangeError(f"{name_of(target)} could not be saved in {folder}: {reason_of(error)}.") from error


def _suffixes() -> str:
    *others, last = EXPORTS
    return f"{', '.join(others)} or {last}"
