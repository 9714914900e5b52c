"""Feeds damaged and malicious files to the readers of other programs' networks for a given time.

    python tests/benchmarks/fuzz_networks.py --seconds 60 [--seed N]

For every file, `import_model` (for settings `read_config`) must return something valid or raise ExchangeError with one
sentence: quickly, in little memory, and without executing anything. A file that breaks the rules is saved, and its path
printed. Formats whose package is missing are left out.
"""

import argparse
import io
import json
import random
import sys
import tempfile
import time
import tracemalloc
import zipfile
from collections import Counter
from contextlib import suppress
from pathlib import Path

import numpy as np
from fuzz import Watch, change_bytes
from torch_bytes import pt_bytes, tensor, text

from engine import MLP, TrainingConfig
from minigrad_gui.exchange import ExchangeError, export_model, import_model, read_config, write_config

MAX_SECONDS = 5.0
MAX_BYTES = 96 << 20
SIZES = 784, (2,), 3
"""With other outputs than digits, nothing is measured, which would take most of the time."""
STRANGE_TEXT = (b"NaN", b"1e999", b"-1", b"{", b"[[[[", b"\n", b"null", b"\x00", b"999999999999999999999", b'"')
IN_CHILD = {".h5", ".keras"}
"""Read by a child process, which may be stopped after some time."""
EXPORTED = (".json", ".onnx", ".safetensors")
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


def seeds(folder: Path) -> dict[str, bytes]:
    """A small valid file of each format, by name."""
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
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


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


def mutated(rng: random.Random, name: str, files: dict[str, bytes]) -> bytes:
    """The file `name` after one or more mutations; in some of them text that numbers should not be."""
    file = files[name]
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        if rng.random() < 0.3:
            at, strange = rng.randrange(len(file) + 1), rng.choice(STRANGE_TEXT)
            file = file[:at] + strange + file[at + rng.choice((0, len(strange))) :]
        else:
            file = change_bytes(rng, file, list(files.values()))
    return file


def broken_rule(path: Path, watch: Watch | None = None) -> tuple[str, str | None]:
    """The outcome for a file ("read" or "refused"), and the rule that reading it broke, if any."""
    outcome, fault = "refused", None
    tracemalloc.reset_peak()
    before, started = tracemalloc.get_traced_memory()[0], time.process_time()
    try:
        if watch is not None:
            watch.looking = path.suffix not in IN_CHILD
        if path.suffix == ".toml":
            read_config(path)
        else:
            fault = _false(import_model(path)[0])
        outcome = "read"
    except ExchangeError as error:
        if (
            len(str(error).splitlines()) != 1
            or not str(error).startswith(f"{path.name} ")
            or str(error)[-1] not in ".x"
        ):
            fault = f"said: {error}"
    except BaseException as error:
        fault = f"raised {error!r}"
    finally:
        if watch is not None:
            watch.looking = False
    if (seconds := time.process_time() - started) > MAX_SECONDS:
        fault = f"took {seconds:.1f} s"
    if (taken := tracemalloc.get_traced_memory()[1] - before) > MAX_BYTES:
        fault = f"took {taken:,} bytes"
    return outcome, fault


def _false(model: MLP) -> str | None:
    """What is wrong with a network that was read."""
    if model.sizes[0] != SIZES[0] or not all(np.isfinite(each.data).all() for each in model.parameters()):
        return "a network that cannot read pictures was read"
    return None


def fuzz(seconds: float, seed: int, most: int | None = None) -> tuple[Counter[str], str | None]:
    """The number of files by outcome and format, and the first fault with the path of a copy of its file."""
    rng, fates, watch = random.Random(seed), Counter[str](), Watch()
    deadline = time.monotonic() + seconds
    tracemalloc.start()
    try:
        with tempfile.TemporaryDirectory() as folder:
            files = seeds(Path(folder))
            for name in files:
                broken_rule(Path(folder) / name)  # so that late imports are done
            while time.monotonic() < deadline and (most is None or fates.total() < most):
                name = rng.choice(list(files))
                path = Path(folder) / name
                path.write_bytes(mutated(rng, name, files))
                outcome, fault = broken_rule(path, watch)
                fates[f"{name} {outcome}"] += 1
                if fault is not None:
                    saved = Path(tempfile.gettempdir()) / f"fuzz-{seed}-{fates.total()}-{name}"
                    saved.write_bytes(path.read_bytes())
                    return fates, f"{fault} ({saved})"
    finally:
        tracemalloc.stop()
    return fates, None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    fates, fault = fuzz(options.seconds, options.seed)
    print(f"{fates.total():,} files")
    for fate, count in sorted(fates.items()):
        print(f"{fate:32} {count:>7,}")
    print(fault or "no rule was broken")
    return 1 if fault else 0


if __name__ == "__main__":
    sys.exit(main())
