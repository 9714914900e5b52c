"""Feeds damaged and malicious files to the readers of model files and checkpoints for a given time.

    python tests/benchmarks/fuzz.py --seconds 60 [--seed N]

For every file, `load_model` and `load_checkpoint` must return a valid result or raise ModelFileError with one sentence:
quickly, in little memory, and without executing anything. If atheris is installed, it guides the mutations by code
coverage; otherwise they are random. A file that breaks the rules is saved, and its path printed.
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
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from engine import MLP, ModelFileError, Tanh, TrainingConfig, load_checkpoint, load_model, save_checkpoint, save_model
from engine.run import TrainingRun

MAX_SECONDS = 1.0
"""Of the processor, as others may be busy."""
MAX_BYTES = 16 << 20
"""Enough for the worst description, as the seed files hold tiny networks."""
FORBIDDEN = (
    "exec",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "subprocess.Popen",
    "pickle.find_class",
    "socket.connect",
)
LONG_NUMBERS = (0, 1, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF)
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


def seeds() -> list[bytes]:
    """Small valid files of each kind, stored and deflated."""
    rng = np.random.default_rng(0)
    config = TrainingConfig(hidden=(3,), batch_size=8, epochs=2)
    run = TrainingRun(config, rng.integers(0, 256, (30, 2, 2)).astype(np.uint8), rng.integers(0, 2, 30), 2)
    for _ in zip(range(5), run, strict=False):
        pass
    files = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "seed.npz"
        save_model(path, MLP(4, (3,), 2, Tanh, rng=rng, dtype=np.float32), {"note": "a seed", "numbers": [1, 2.5]})
        files.append(path.read_bytes())
        save_checkpoint(path, run.state(), {"dataset": "mnist"})
        files.append(path.read_bytes())
    return files + [_repacked(file, zipfile.ZIP_DEFLATED) for file in files]


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


def mutated(rng: random.Random, files: list[bytes]) -> bytes:
    """One of the files after one or more mutations; half of them with valid checksums, to get past those."""
    file = rng.choice(files)
    if rng.random() < 0.5:
        changes = rng.choices((_change_description, _change_entry, _change_names), k=rng.choice((1, 1, 1, 2, 3)))
        kind = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2))
        file = _repacked(file, kind, lambda entries: [change(rng, entries) for change in changes])
    if rng.random() < 0.6:
        for _ in range(rng.choice((1, 1, 2, 5, 20))):
            file = change_bytes(rng, file, files)
    return file


def change_bytes(rng: random.Random, file: bytes, files: list[bytes]) -> bytes:
    """The file with bits, bytes, lengths or whole parts changed, added, removed, or taken from another file."""
    data = bytearray(file)
    start = rng.randrange(len(data) + 1)
    # Readers of zip files trust the directory at the end.
    if rng.random() < 0.4:
        start = max(0, len(data) - rng.randrange(1, 600))
    length = min(rng.choice((1, 2, 4, 8, 30, 300)), len(data) - start)
    kind = rng.randrange(7)
    if kind == 0 and length:
        data[rng.randrange(start, start + length)] ^= 1 << rng.randrange(8)
    elif kind == 1:
        data[start : start + length] = rng.randbytes(length)
    elif kind == 2:
        del data[start : start + length]
    elif kind == 3:
        data[start:start] = data[start : start + length] * rng.choice((1, 2, 50))
    elif kind == 4:
        width = rng.choice((2, 4, 8))
        data[start : start + width] = (rng.choice(LONG_NUMBERS) & (1 << 8 * width) - 1).to_bytes(width, "little")
    elif kind == 5:
        other = rng.choice(files)
        data[start:] = other[rng.randrange(len(other)) :]
    else:
        del data[start:]
    return bytes(data)


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


class Watch:
    """Raises if code is run or files are opened that reading does not need; active while `looking`."""

    def __init__(self) -> None:
        self.looking = False
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.looking and event in FORBIDDEN:
            self.looking = False
            raise AssertionError(f"{event} while a file was read: {arguments!r:.200}")


def broken_rule(file: bytes, path: Path, watch: Watch | None = None) -> tuple[str, str | None]:
    """The outcome for a file ("model", "run" or "refused"), and the rule that reading it broke, if any."""
    path.write_bytes(file)
    outcome, fault = "refused", None
    for what, load in (("model", load_model), ("run", load_checkpoint)):
        tracemalloc.reset_peak()
        before, started = tracemalloc.get_traced_memory()[0], time.process_time()
        try:
            if watch is not None:
                watch.looking = True
            read = load(path)[0]
        except ModelFileError as error:
            if len(str(error).splitlines()) != 1 or "pickle" in str(error) or not str(error).endswith("."):
                fault = f"said: {error}"
        except BaseException as error:
            fault = f"raised {error!r}"
        else:
            outcome = what
            model = read if isinstance(read, MLP) else read.model
            if not all(np.isfinite(parameter.data).all() for parameter in model.parameters()):
                fault = "a network with numbers that are not finite was read"
        finally:
            if watch is not None:
                watch.looking = False
        if (seconds := time.process_time() - started) > MAX_SECONDS:
            fault = f"took {seconds:.1f} s"
        if (taken := tracemalloc.get_traced_memory()[1] - before) > MAX_BYTES:
            fault = f"took {taken:,} bytes"
    return outcome, fault


def fuzz(seconds: float, seed: int, most: int | None = None) -> tuple[Counter[str], str | None]:
    """The number of files by outcome, and the first fault with the path of a copy of its file."""
    rng, files, fates, watch = random.Random(seed), seeds(), Counter[str](), Watch()
    deadline = time.monotonic() + seconds
    tracemalloc.start()
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "fuzzed.npz"
            for file in files:
                broken_rule(file, path)  # so that late imports are done
            while time.monotonic() < deadline and (most is None or fates.total() < most):
                file = mutated(rng, files)
                fate, fault = broken_rule(file, path, watch)
                fates[fate] += 1
                if fault is not None:
                    saved = Path(tempfile.gettempdir()) / f"fuzz-{seed}-{fates.total()}.npz"
                    saved.write_bytes(file)
                    return fates, f"{fault} ({saved})"
    finally:
        tracemalloc.stop()
    return fates, None


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
    for index, file in enumerate(seeds()):
        (folder / "corpus" / str(index)).write_bytes(file)
    tracemalloc.start()

    def one(file: bytes) -> None:
        fault = broken_rule(file, folder / "fuzzed.npz")[1]
        assert fault is None, fault

    def change(file: bytes, max_size: int, seed: int) -> bytes:
        rng = random.Random(seed)
        with suppress(Exception):  # earlier mutations seldom leave a valid zip file
            if rng.random() < 0.5:
                return mutated(rng, [file])[:max_size]
        return bytes(atheris.Mutate(file, max_size))

    options = [f"-max_total_time={round(seconds)}", f"-seed={seed + 1}", "-max_len=20000"]
    atheris.Setup([sys.argv[0], *options, str(folder / "corpus")], one, custom_mutator=change)
    atheris.Fuzz()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--chance", action="store_true", help="without atheris, even if it is installed")
    options = parser.parse_args()
    if not options.chance:
        try:
            fuzz_with_atheris(options.seconds, options.seed)
        except ImportError:
            print("atheris is not installed; chance decides.")
    fates, fault = fuzz(options.seconds, options.seed)
    print(f"{fates.total():,} files: {dict(fates)}")
    print(fault or "no rule was broken")
    return 1 if fault else 0


if __name__ == "__main__":
    sys.exit(main())
