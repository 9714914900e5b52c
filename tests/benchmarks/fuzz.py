"""Feeds damaged and malicious files to the readers of model files and checkpoints for a given time.

    python tests/benchmarks/fuzz.py --seconds 60 [--seed N]

For every file, `load_model` and `load_checkpoint` must return a valid result or raise ModelFileError with one sentence:
quickly, in little memory, and without executing anything. If atheris is installed, it guides the mutations by code
coverage; otherwise they are random. A file that breaks the rules is saved, and its path printed.
"""

import io
import json
import random
import sys
import tempfile
import tracemalloc
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from fuzzing import Fuzzer, Outcome, Rules, Watch, change_bytes

from engine import (
    MLP,
    ModelFileError,
    Module,
    Tanh,
    TrainingConfig,
    load_checkpoint,
    load_model,
    save_checkpoint,
    save_model,
)
from engine.run import TrainingRun

RULES = Rules(
    ModelFileError,
    seconds=1.0,
    bytes=16 << 20,  # enough for the worst description, as the seed files hold tiny networks
    is_sentence=lambda text, _: text.endswith(".") and "pickle" not in text,
)
STRANGE_VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 1, 2.5, 10**9, 10**30, 1e308, float("nan"), float("inf")),
    *("", "relu", "float64", "<f4", "../x", "é\0\ud7ff", [], {}, [[]], [3, 4, 2], {"sizes": [1, 1]}, "9" * 5000),
)
HEADERS = (
    "{'descr': '|O', 'fortran_order': False, 'shape': (2,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999,)}",
    "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (4,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (4,), '__import__': 1}",
    "__import__('os').system('true')",
    "(" * 500,
)


def seeds() -> dict[str, bytes]:
    """Small valid files of each kind, stored and deflated, by name."""
    rng = np.random.default_rng(0)
    config = TrainingConfig(hidden=(3,), batch_size=8, epochs=2)
    run = TrainingRun(config, rng.integers(0, 256, (30, 2, 2)).astype(np.uint8), rng.integers(0, 2, 30), 2)
    for _ in zip(range(5), run, strict=False):
        pass
    files = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "seed.npz"
        save_model(path, MLP(4, (3,), 2, Tanh, rng=rng, dtype=np.float32), {"note": "a seed", "numbers": [1, 2.5]})
        files["model.npz"] = path.read_bytes()
        save_checkpoint(path, run.state(), {"dataset": "mnist"})
        files["run.npz"] = path.read_bytes()
    return files | {f"deflated-{name}": _repacked(file, zipfile.ZIP_DEFLATED) for name, file in files.items()}


def _repacked(file: bytes, compression: int, change: Callable[[dict[str, bytes]], object] = lambda _: None) -> bytes:
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        entries = {info.filename: archive.read(info) for info in archive.infolist()}
    change(entries)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", compression) as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name), content, compression)
    return packed.getvalue()


# ---------------------------------------------------------------- mutations


def mutated(rng: random.Random, name: str, files: dict[str, bytes]) -> bytes:
    """The file `name` after one or more mutations; half of them with valid checksums, to get past those."""
    file = files[name]
    if rng.random() < 0.5:
        changes = rng.choices((_change_description, _change_entry, _change_names), k=rng.choice((1, 1, 1, 2, 3)))
        kind = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2))
        file = _repacked(file, kind, lambda entries: [change(rng, entries) for change in changes])
    if rng.random() < 0.6:
        for _ in range(rng.choice((1, 1, 2, 5, 20))):
            file = change_bytes(rng, file, list(files.values()))
    return file


def _change_description(rng: random.Random, entries: dict[str, bytes]) -> None:
    try:
        description = json.loads(str(np.load(io.BytesIO(entries["meta.npy"]), allow_pickle=False)))
        _change_value(rng, description)
        stream = io.BytesIO()
        np.save(stream, np.array(json.dumps(description)))
        entries["meta.npy"] = stream.getvalue()
    except Exception:
        return  # an earlier mutation removed it


def _change_value(rng: random.Random, node: Any) -> None:
    """Change, remove or add something somewhere in a tree of JSON."""
    keys: list[Any] = list(node) if isinstance(node, dict) else list(range(len(node)))
    if not keys:
        return
    key = rng.choice(keys)
    if isinstance(node[key], (dict, list)) and node[key] and rng.random() < 0.8:
        _change_value(rng, node[key])
    elif rng.random() < 0.2:
        del node[key]
    else:
        node[key] = rng.choice(STRANGE_VALUES)


def _change_entry(rng: random.Random, entries: dict[str, bytes]) -> None:
    if not entries:
        return
    name = rng.choice(list(entries))
    content = entries[name]
    kind = rng.randrange(5)
    if kind == 0:
        header = rng.choice(HEADERS).encode().ljust(117) + b"\n"
        entries[name] = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + content[128:]
    elif kind == 1 and content:
        place = rng.randrange(len(content))
        entries[name] = content[:place] + rng.randbytes(1) + content[place + 1 :]
    elif kind == 2:
        entries[name] = content[: rng.randrange(len(content) + 1)]
    elif kind == 3:
        entries[name] = content + bytes(rng.choice((1, 16, 1 << 20)))
    else:
        entries[name] = entries[rng.choice(list(entries))]


def _change_names(rng: random.Random, entries: dict[str, bytes]) -> None:
    if not entries:
        return
    name = rng.choice(list(entries))
    if rng.random() < 0.5:
        del entries[name]
    else:
        entries[rng.choice(("../x.npy", "/etc/x.npy", "optimizer.mean.99.npy", "layers.9.W.npy", ""))] = entries[name]


# ---------------------------------------------------------------- the rules


def _outcome(path: Path, watch: Watch | None = None) -> Outcome:
    """Each file is read as a model and as a checkpoint."""
    outcomes = [RULES.outcome(read, path, watch) for read in (_model, _run)]
    fate = next((fate for fate, _ in outcomes if fate != "refused"), "refused")
    return fate, next((fault for _, fault in outcomes if fault is not None), None)


def _model(path: Path) -> Outcome:
    return "model", _false(load_model(path)[0])


def _run(path: Path) -> Outcome:
    return "run", _false(load_checkpoint(path)[0].model)


def _false(model: Module) -> str | None:
    """What is wrong with a network that was read."""
    is_finite = all(np.isfinite(parameter.data).all() for parameter in model.parameters())
    return None if is_finite else "a network with numbers that are not finite was read"


FUZZER = Fuzzer(seeds, mutated, _outcome)


def fuzz_with_atheris(seconds: float, seed: int) -> None:
    """Apply the same rules with coverage-guided mutations. Ends the process."""
    import atheris

    import engine.archive
    import engine.checkpoint

    atheris.instrument_func(engine.archive._read)
    atheris.instrument_func(engine.archive._description)
    atheris.instrument_func(engine.archive._header)
    atheris.instrument_func(engine.checkpoint._network_arrays)
    atheris.instrument_func(engine.checkpoint._run_arrays)
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    (folder / "corpus").mkdir()
    for name, file in seeds().items():
        (folder / "corpus" / name).write_bytes(file)
    tracemalloc.start()

    def one(file: bytes) -> None:
        (folder / "fuzzed.npz").write_bytes(file)
        _, fault = _outcome(folder / "fuzzed.npz")
        assert fault is None, fault

    def change(file: bytes, max_size: int, seed: int) -> bytes:
        rng = random.Random(seed)
        with suppress(Exception):  # earlier mutations seldom leave a valid zip file
            if rng.random() < 0.5:
                return mutated(rng, "file", {"file": file})[:max_size]
        return bytes(atheris.Mutate(file, max_size))

    options = [f"-max_total_time={round(seconds)}", f"-seed={seed + 1}", "-max_len=20000"]
    atheris.Setup([sys.argv[0], *options, str(folder / "corpus")], one, custom_mutator=change)
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(FUZZER.main(__doc__, fuzz_with_atheris))
