"""Compiles the loops of training once after installation, in a child process in the background.

Numba holds the GIL while it compiles, so a thread would halt the window. The child fills Numba's cache on disk, from
which a run loads the code in a second; if there are two processors, a child of its own compiles half of it.
Each ends with the process that started it, however that ends. Of several children, one compiles and the others wait
for it. No Qt here.
"""

import gc
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import engine.fast
from minigrad_gui.folders import data_folder
from minigrad_gui.process import child_environment

POLL_INTERVAL_S = 0.05
NICENESS = 10
"""How much less of a busy processor the child gets than a window, in steps of POSIX."""
SWITCH = "MINIGRAD_COMPILE_AHEAD"
"""An environment variable; 0: compile only when a run needs it, in its process."""
_SOURCES = Path(engine.fast.__file__).parent
_HELPS = "helps"
_DONE, _LOCK = "minigrad-compiled.json", "minigrad-compiled.lock"


class MachineCode:
    """Whether the loops are compiled, or being compiled by a child process. Safe to use from several threads."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._has_ended = False

    def prepare(self, niceness: int = NICENESS) -> bool:
        """Start compiling, unless this installation has done so before. Returns whether it is under way now.

        niceness: 0 if someone waits for it and nothing else.
        """
        if self._child is None and _is_wanted():
            self._child = _start_child(niceness)
        return self.is_preparing

    @property
    def is_preparing(self) -> bool:
        return self._child is not None and self._child.poll() is None

    @property
    def has_failed(self) -> bool:
        """Whether the child has ended without having compiled: then each run compiles for itself."""
        return self._child is not None and bool(self._child.poll())

    def wait(self, cancelled: Callable[[], bool]) -> bool:
        """Wait for the child, if there is one. False if `cancelled()` is true before that ends, or `end` is called."""
        while self.is_preparing and not cancelled():
            time.sleep(POLL_INTERVAL_S)
        return not (self.is_preparing or self._has_ended)

    def end(self) -> None:
        """End the child. What it has compiled so far is of use to the next one."""
        self._has_ended = True
        if self._child is not None:
            self._child.kill()
            self._child.communicate()


def _is_wanted() -> bool:
    return os.environ.get(SWITCH) != "0" and find_spec("numba") is not None and not _is_done()


def _folder() -> Path:
    """Where to note what is compiled: beside the code, as Numba does, so that both are deleted together."""
    if chosen := os.environ.get("NUMBA_CACHE_DIR"):
        return Path(chosen)
    beside = _SOURCES / "__pycache__"
    return beside if os.access(beside if beside.exists() else _SOURCES, os.W_OK) else data_folder()


def _version() -> str:
    """What the code is compiled from, and by what."""
    numba = find_spec("numba")
    assert numba is not None
    assert numba.origin is not None
    files = [*sorted(_SOURCES.parent.rglob("*.py")), Path(numba.origin)]
    return json.dumps([sys.version, *([str(file), file.stat().st_mtime_ns, file.stat().st_size] for file in files)])


def _is_done() -> bool:
    try:
        return (_folder() / _DONE).read_text(encoding="utf-8") == _version()
    except (OSError, UnicodeDecodeError):
        return False


def _start_child(niceness: int, *role: str) -> subprocess.Popen[bytes] | None:
    """None if there is no folder for the code, or no process can be started: then each run compiles for itself."""
    try:
        _folder().mkdir(parents=True, exist_ok=True)
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "minigrad_gui.machine_code", str(niceness), *role],
            env=child_environment(OPENBLAS_NUM_THREADS="1"),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            creationflags=getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0) if niceness else 0,
        )
    except OSError:
        return None


# ---------------------------------------------------------------- in the child


def compile_once() -> None:
    """Compile the loops, unless another process has done so, or is doing so now."""
    from filelock import FileLock

    with FileLock(_folder() / _LOCK):
        if not _is_done():
            helper = _start_helper()
            if helper is not None:
                engine.fast.prepare_loops()
            if helper is None or helper.wait():  # it has failed
                engine.fast.prepare()
            (_folder() / _DONE).write_text(_version(), encoding="utf-8")


def _start_helper() -> subprocess.Popen[bytes] | None:
    """Unless there is one processor, or Numba is to use no more."""
    threads = int(os.environ.get("NUMBA_NUM_THREADS") or os.cpu_count() or 1)  # Numba's own rule; it is not loaded yet
    return _start_child(0, _HELPS) if threads > 1 else None  # it is as nice as its parent


def _end_with_parent() -> None:
    """The pipe on stdin ends when the parent does, even if it is killed."""
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


if __name__ == "__main__":
    gc.disable()  # a compiler keeps most of what it makes: to search it for garbage takes a tenth of the time
    if hasattr(os, "nice"):
        os.nice(int(sys.argv[1]))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if _HELPS in sys.argv:
        engine.fast.prepare_callers()
    else:
        compile_once()
    os._exit(0)  # the end of a process that has compiled takes half a second otherwise, to free its memory
