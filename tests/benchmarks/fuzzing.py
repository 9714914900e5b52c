"""What the fuzzers of files share: mutations, the rules that hold for every reader, the loop and the command."""

import argparse
import random
import resource
import sys
import tempfile
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

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
STRANGE_TEXT = (b"NaN", b"1e999", b"-1", b"{", b"[[[[", b"0:1", b"\n", b",", b"null", b"\x00", b"9" * 21, b'"')
MAX_RESIDENT_BYTES = 1 << 30
"""That reading may add to what the process has ever taken, with its libraries."""

Outcome = tuple[str, str | None]
"""What became of a file, "refused" or another word, and the rule that reading it broke, if any."""


class Watch:
    """Raises if code is run or files are opened that reading does not need; active while `looking`."""

    def __init__(self) -> None:
        self.looking = False
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.looking and event in FORBIDDEN:
            self.looking = False
            raise AssertionError(f"{event} while a file was read: {arguments!r:.200}")


@dataclass(frozen=True)
class Rules:
    """That reading ends soon, in little memory, runs nothing, and gives something valid or one sentence.

    refusal: the error that a reader may raise, with a message that `is_sentence`; seconds: of the processor, as others
    may be busy; in_child: suffixes that are read by a process of its own, which is stopped after some time.
    """

    refusal: type[Exception]
    seconds: float
    bytes: int
    in_child: frozenset[str] = frozenset()
    is_sentence: Callable[[str, Path], bool] = lambda text, _: text.endswith(".")

    def outcome(self, read: Callable[[Path], Outcome], path: Path, watch: Watch | None = None) -> Outcome:
        """What became of a file. read: gives that, or raises."""
        fate, fault = "refused", None
        resident_before = _resident_bytes()
        tracemalloc.reset_peak()
        before, started = tracemalloc.get_traced_memory()[0], time.process_time()
        try:
            if watch is not None:
                watch.looking = path.suffix not in self.in_child
            fate, fault = read(path)
        except self.refusal as error:
            text = str(error)
            if len(text.splitlines()) != 1 or not self.is_sentence(text, path):
                fault = f"said: {text}"
        except BaseException as error:
            fault = f"raised {error!r}"
        finally:
            if watch is not None:
                watch.looking = False
        if (seconds := time.process_time() - started) > self.seconds:
            fault = f"took {seconds:.1f} s"
        if (taken := tracemalloc.get_traced_memory()[1] - before) > self.bytes and path.suffix not in self.in_child:
            fault = f"took {taken:,} bytes"
        if (resident := _resident_bytes()) - resident_before > MAX_RESIDENT_BYTES:
            fault = f"made the process take {resident:,} bytes"
        return fate, fault


@contextmanager
def _memory_traced() -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
    finally:
        tracemalloc.stop()


def _resident_bytes() -> int:
    """The most that this process has ever taken."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


@dataclass(frozen=True)
class Fuzzer:
    """What is fuzzed: small valid files by name, how one is mutated, and what becomes of a file.

    beside: files that lie in the folder of each.
    """

    seeds: Callable[[], dict[str, bytes]]
    mutated: Callable[[random.Random, str, dict[str, bytes]], bytes]
    outcome: Callable[[Path, Watch | None], Outcome]
    beside: Mapping[str, bytes] = field(default_factory=dict)

    def run(self, seconds: float, seed: int, most: int | None = None) -> tuple[Counter[str], str | None]:
        """The number of files by name and fate, and the first fault with the path of a copy of its file."""
        rng, files, fates, watch = random.Random(seed), self.seeds(), Counter[str](), Watch()
        deadline = time.monotonic() + seconds
        with tempfile.TemporaryDirectory() as folder:
            paths = {name: Path(folder) / name / name for name in files}
            for name, path in paths.items():
                path.parent.mkdir()
                path.write_bytes(files[name])
                for other, content in self.beside.items():
                    (path.parent / other).write_bytes(content)
                self.outcome(path, None)  # so that late imports are done
            while time.monotonic() < deadline and (most is None or fates.total() < most):
                name = rng.choice(list(files))
                file = self.mutated(rng, name, files)
                paths[name].write_bytes(file)
                with _memory_traced():
                    fate, fault = self.outcome(paths[name], watch)
                fates[f"{name} {fate}"] += 1
                if fault is not None:
                    saved = Path(tempfile.gettempdir()) / f"fuzz-{seed}-{fates.total()}-{name}"
                    saved.write_bytes(file)
                    return fates, f"{fault} ({saved})"
        return fates, None

    def main(self, description: str | None, guided: Callable[[float, int], None] | None = None) -> int:
        """The command. guided: fuzzes with atheris and ends the process; raises ImportError without it."""
        parser = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
        parser.add_argument("--seconds", type=float, default=60.0)
        parser.add_argument("--seed", type=int, default=0)
        if guided is not None:
            parser.add_argument("--chance", action="store_true", help="without atheris, even if it is installed")
        options = parser.parse_args()
        if guided is not None and not options.chance:
            try:
                guided(options.seconds, options.seed)
            except ImportError:
                print("atheris is not installed; chance decides.")
        fates, fault = self.run(options.seconds, options.seed)
        print(f"{fates.total():,} files")
        for fate, count in sorted(fates.items()):
            print(f"{fate:32} {count:>7,}")
        print(fault or "no rule was broken")
        return 1 if fault else 0


def with_strange_text(rng: random.Random, name: str, files: dict[str, bytes]) -> bytes:
    """The file `name` after one or more mutations; in some of them text that numbers should not be."""
    file = files[name]
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        if rng.random() < 0.3:
            at, strange = rng.randrange(len(file) + 1), rng.choice(STRANGE_TEXT)
            file = file[:at] + strange + file[at + rng.choice((0, len(strange))) :]
        else:
            file = change_bytes(rng, file, list(files.values()))
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
