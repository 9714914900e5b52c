"""The formats of networks: a new one is a module that writes or reads it, and an entry in a table here.

Only the module of a format that is used is imported.
"""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType

SEARCHED_BYTES = 1 << 20


@dataclass(frozen=True)
class Export:
    """What a person calls the format, and the module that writes it.

    Its `write(network: Portable, file: IO[bytes])` raises ExchangeError if the format cannot hold the network or a
    package is missing.
    """

    name: str
    module: str


@dataclass(frozen=True)
class Import:
    """What a person calls the format, and the module that reads it.

    Its `recognises(path, start)` says whether a file is one by its path and first bytes, and `read(path)` gives what
    was Found. suffixes: that only networks have; shared: that datasets have, too, and `signs`: what a network's file
    of these holds near its beginning.
    """

    name: str
    module: str
    suffixes: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    signs: tuple[bytes, ...] = ()


EXPORTS: dict[str, Export] = {
    ".html": Export("Web page that draws and reads", "html_page"),
    ".py": Export("Python file that needs NumPy only", "python_file"),
    ".h": Export("C header", "c_header"),
    ".json": Export("JSON", "json_file"),
    ".onnx": Export("ONNX", "onnx_file"),
    ".safetensors": Export("Safetensors", "safetensors_file"),
    ".keras": Export("Keras", "keras_file"),
    ".pt": Export("PyTorch state dict", "torch_file"),
    ".zip": Export("TensorFlow.js layers model", "tfjs_file"),
    ".skops": Export("scikit-learn", "skops_file"),
    ".toml": Export("Settings of its training", "toml_file"),
}
"""By suffix, which decides."""

IMPORTS = (
    Import(
        "Keras",
        "keras_file",
        (".keras",),
        (".h5", ".hdf5"),
        (b"keras_version", b"model_config", b"layer_names", b"layers\0"),
    ),
    Import("scikit-learn", "skops_file", (".skops",)),
    Import("Safetensors", "safetensors_file", (".safetensors",)),
    Import("PyTorch", "torch_file", (), (".pt", ".pth", ".ckpt", ".bin"), (b"weight",)),
    Import("TensorFlow.js", "tfjs_file", (), (".json", ".zip"), (b"modelTopology", b"weightsManifest", b"model.json")),
    Import("JSON", "json_file", (), (".json",), (b"minigrad network",)),
    Import("ONNX", "onnx_file", (".onnx",)),
)
"""Tried in this order, for suffixes are not always right."""
NETWORK_SUFFIXES = tuple(suffix for each in IMPORTS for suffix in (*each.suffixes, *each.shared))


def module_of(kind: Export | Import) -> ModuleType:
    return import_module(f"minigrad_gui.exchange.{kind.module}")


def is_network(path: Path) -> bool:
    """Whether a file is a network of another program, by its suffix and, if datasets have the same, by its content."""
    suffix = path.suffix.lower()
    if path.is_dir():
        return False
    if any(suffix in each.suffixes for each in IMPORTS):
        return True
    signs = [sign for each in IMPORTS if suffix in each.shared for sign in each.signs]
    if not signs or not path.is_file():
        return False
    with open(path, "rb") as file:
        start = file.read(SEARCHED_BYTES)
    return any(sign in start for sign in signs)
