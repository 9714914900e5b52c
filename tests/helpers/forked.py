"""Python processes that begin with everything imported, since they are forked from one that has imported it all.

To import the window and the compiled loops takes a second, and dozens of tests start processes. In all else each is a
process of its own: it has its own environment, signals, limits and files, and ends as Python ends, but for libraries,
which are not taken apart. Linux and macOS.
"""

import atexit
import ctypes
import functools
import gc
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, NoReturn

ROOT = Path(__file__).resolve().parents[2]
_ONE_AT_A_TIME = threading.Lock()


class Forked:
    """What `python *words` would start, in the root of the project; as far as tests need it, as `subprocess.Popen`.

    words: "-c", a script and its arguments, or "-m", a module and its arguments; stdout, stderr: a file, or None for a
    pipe.
    """

    def __init__(
        self, *words: object, environment: Mapping[str, str], stdout: IO | None = None, stderr: IO | None = None
    ) -> None:
        (given, feed), (out, told), (err, complained), (news, reported) = (os.pipe() for _ in range(4))
        files = given, stdout.fileno() if stdout else told, stderr.fileno() if stderr else complained, reported
        request = {"words": [str(word) for word in words], "environment": dict(environment)}
        with _ONE_AT_A_TIME:
            socket.send_fds(_server(), [json.dumps(request).encode() + b"\n"], files)
        for each in (given, told, complained, reported):
            os.close(each)
        self.stdin, self.stdout, self.stderr = os.fdopen(feed, "w"), os.fdopen(out), os.fdopen(err)
        self._news = os.fdopen(news, "rb", buffering=0)
        self.pid = int(self._news.readline())
        self.returncode: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            if not select.select([self._news], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            self.returncode = int(self._news.readline())
        return self.returncode

    def poll(self) -> int | None:
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """The rest of what it writes to its pipes, once it has ended."""
        self.stdin.close()
        with ThreadPoolExecutor(2) as pool:
            out, err = (pool.submit(stream.read) for stream in (self.stdout, self.stderr))
            try:
                self.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
        self.close()
        return out.result(), err.result()

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def close(self) -> None:
        for stream in (self.stdin, self.stdout, self.stderr, self._news):
            stream.close()


def output_of(*words: object, environment: Mapping[str, str], patience_s: float = 60) -> str:
    """What such a process writes; it must end well. Where there is no `fork`, it is an ordinary one."""
    if not hasattr(os, "fork"):
        command = [sys.executable, *map(str, words)]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
    process = Forked(*words, environment=environment)
    out, err = process.communicate(patience_s)
    assert process.returncode == 0, err
    return out


@functools.cache
def _server() -> socket.socket:
    """A connection to the process that forks, which ends with this one."""
    ours, theirs = socket.socketpair()
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    process = subprocess.Popen(
        [sys.executable, __file__, str(theirs.fileno())],
        pass_fds=[theirs.fileno()],
        env={**os.environ, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"},
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    theirs.close()

    def stop() -> None:
        ours.close()
        process.wait()

    atexit.register(stop)
    return ours


# ---------------------------------------------------------------- in the process that forks


def _import_all() -> None:
    gc.disable()  # it would look for garbage among modules
    import asyncio  # noqa: F401  for `datasets`, as much of what follows; it must read its settings in the child

    import filelock  # noqa: F401
    import fsspec.asyn  # noqa: F401
    import numpy as np
    import pandas  # noqa: F401
    import PIL.PngImagePlugin  # noqa: F401
    import pyarrow.dataset  # noqa: F401
    import pyqtgraph  # noqa: F401
    import threadpoolctl  # noqa: F401
    import tqdm  # noqa: F401
    import yaml  # noqa: F401

    from engine import TrainingConfig
    from engine.run import TrainingRun
    from minigrad_gui import cli, curve_report, main_window  # noqa: F401
    from minigrad_gui.data import opening, parquet, transfer  # noqa: F401

    run = TrainingRun(TrainingConfig(hidden=(4,), epochs=1), np.zeros((64, 28, 28), np.uint8), np.arange(64) % 10, 10)
    run.threads = 1
    for _ in run:  # compiles the loops, or reads them
        pass
    gc.collect()
    gc.freeze()
    gc.enable()


TAKEN_APART = {"__main__", "builtins", "engine", "minigrad_gui", "PySide6", "shiboken6", "sys", "warnings"}


def _keep_libraries() -> None:
    """To take a module apart, a process copies the memory that it shared: half of what a short process costs."""
    names = [name for name in sys.modules if name.partition(".")[0] not in TAKEN_APART]
    kept = [sys.modules.pop(name) for name in names]
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(kept))


def _serve(connection: socket.socket) -> list[str]:
    """Fork a process for each request, and in that process return its words."""
    while True:
        content, files, _, _ = socket.recv_fds(connection, 1 << 16, 4)
        while content and not content.endswith(b"\n"):
            content += connection.recv(1 << 16)
        if not content:
            sys.exit()
        if os.fork() == 0:
            connection.close()
            if (child := os.fork()) != 0:
                _report(child, files)
            for number, file in enumerate(files[:3]):
                os.dup2(file, number)
            for file in files:
                os.close(file)
            request = json.loads(content)
            os.environ.clear()
            os.environ.update(request["environment"])
            return request["words"]
        for file in files:
            os.close(file)
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _report(child: int, files: list[int]) -> NoReturn:
    """Tell who a process is, and how it ends."""
    for file in files[:3]:
        os.close(file)
    os.write(files[3], b"%d\n" % child)
    os.write(files[3], b"%d\n" % os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    os._exit(0)


if __name__ == "__main__":
    atexit.register(_keep_libraries)  # the first of them is called last
    _import_all()
    kind, what, *rest = _serve(socket.socket(fileno=int(sys.argv[1])))
    sys.stdin, sys.stdout = os.fdopen(0, closefd=False), os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)
    sys.argv = [kind, *rest]
    sys.path.insert(0, "")
    if kind == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})
