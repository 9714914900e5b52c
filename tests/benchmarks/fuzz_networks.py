"""Feeds damaged and malicious files to the readers of other programs' networks for a given time.

    python tests/benchmarks/fuzz_networks.py --seconds 60 [--seed N]

For every file, `import_model` (for settings `read_config`) must return something valid or raise ExchangeError with one
sentence: quickly, in little memory, and without executing anything. A file that breaks the rules is saved, and its path
printed. Formats whose package is missing are left out.
"""

import io
import json
import sys
import tempfile
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
from fuzzing import Fuzzer, Outcome, Rules, with_strange_text
from torch_bytes import pt_bytes, tensor, text

from engine import MLP, TrainingConfig
from minigrad_gui.exchange import ExchangeError, export_model, import_model, read_config, write_config

RULES = Rules(
    ExchangeError,
    seconds=5.0,
    bytes=96 << 20,
    in_child=frozenset({".h5", ".keras"}),
    is_sentence=lambda text, path: text.startswith(f"{path.name} ") and text[-1] in ".x",  # a package's name may end it
)
SIZES = 784, (2,), 3
"""With other outputs than digits, nothing is measured, which would take most of the time."""
EXPORTED = (".json", ".onnx", ".safetensors", ".zip", ".skops")
MODEL_CONFIG = {
    "class_name": "Sequential",
    "config": {
        "layers": [
            {"class_name": "Flatten", "config": {"name": "flatten"}},
            {"class_name": "Dense", "config": {"name": "first", "activation": "relu"}},
            {"class_name": "Dense", "config": {"name": "last", "activation": "softmax"}},
        ]
    },
}


def seeds() -> dict[str, bytes]:
    """A small valid file of each format, by name."""
    with tempfile.TemporaryDirectory() as folder:
        _write_seeds(Path(folder))
        return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}


def _write_seeds(folder: Path) -> None:
    model = MLP(*SIZES, dtype=np.float32, init="he", rng=np.random.default_rng(0))
    for suffix in EXPORTED:
        with suppress(ExchangeError):
            export_model(folder / f"a{suffix}", model, {"dataset": "mnist"})
    write_config(folder / "a.toml", TrainingConfig())
    arrays = [np.ascontiguousarray(array.data) for layer in model.layers for array in (layer.W, layer.b)]
    names = ("0.weight", "0.bias", "2.weight", "2.bias")
    code = b"".join(text(name) + tensor(str(at), arrays[at]) for at, name in enumerate(names))
    (folder / "a.pt").write_bytes(pt_bytes(b"}(" + code + b"u", arrays))
    with suppress(ImportError):
        _write_keras(folder, arrays)


def _write_keras(folder: Path, arrays: list[np.ndarray]) -> None:
    import h5py

    with h5py.File(folder / "a.h5", "w") as file:
        file.attrs["model_config"] = json.dumps(MODEL_CONFIG)
        for name, W, b in (("first", *arrays[:2]), ("last", *arrays[2:])):
            group = file.create_group(f"model_weights/{name}")
            group.attrs["weight_names"] = ["kernel", "bias"]
            group["kernel"], group["bias"] = W.T, b
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        for name, W, b in (("dense", *arrays[:2]), ("dense_1", *arrays[2:])):
            file[f"layers/{name}/vars/0"], file[f"layers/{name}/vars/1"] = W.T, b
    with zipfile.ZipFile(folder / "a.keras", "w") as archive:
        archive.writestr("config.json", json.dumps(MODEL_CONFIG))
        archive.writestr("model.weights.h5", stream.getvalue())


def _read(path: Path) -> Outcome:
    if path.suffix == ".toml":
        read_config(path)
        return "read", None
    return "read", _false(import_model(path)[0])


def _false(model: MLP) -> str | None:
    """What is wrong with a network that was read."""
    if model.sizes[0] != SIZES[0] or not all(np.isfinite(each.data).all() for each in model.parameters()):
        return "a network that cannot read pictures was read"
    return None


FUZZER = Fuzzer(seeds, with_strange_text, lambda path, watch: RULES.outcome(_read, path, watch))

if __name__ == "__main__":
    sys.exit(FUZZER.main(__doc__))
