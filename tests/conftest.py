"""For every test: an offscreen display by default, no internet, one BLAS thread per worker, and files in memory."""

import gc
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
import pytest

os.environ.setdefault("QT_QPA_PLATFORM", f"offscreen:configfile={Path(__file__).with_name('screen.json')}")
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["MINIGRAD_COMPILE_AHEAD"] = "0"  # where a test does not say otherwise
# Otherwise pytest rewrites every test module anew, and the dozens of child processes compile every module.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

MEMORY = "/dev/shm"
"""A folder in memory: the tests write files as safely as for a person, and a disk takes up to 7 ms to confirm each."""
if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > 1 << 28:
    os.environ.setdefault("TMPDIR", MEMORY)
    tempfile.tempdir = None  # it was looked up before


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """Each worker has one core, and so have its child processes. It reads this when it imports NumPy, so before."""
    for library in ("OPENBLAS", "OMP", "MKL", "NUMBA"):
        os.environ[f"{library}_NUM_THREADS"] = "1"


OBJECTS_MADE = 20_000
"""How many before cyclic garbage is looked for. Python's own 700 take a twentieth of the tests' time."""


@contextmanager
def compiling() -> Iterator[None]:
    """Have the engine compiled meanwhile, once for all workers: some tests do not wait so long.

    That is done in float32, by one process of its own, as workers have the other cores; in float64, which takes as
    long, by the second worker.
    """
    from engine import fast
    from minigrad_gui.machine_code import SWITCH, MachineCode

    code = MachineCode()
    with pytest.MonkeyPatch.context() as patched:
        patched.delenv(SWITCH)
        code.prepare(niceness=0)
    if code.is_preparing and os.environ["PYTEST_XDIST_WORKER"] == "gw1":
        fast.prepare(np.float64)
    yield
    code.wait(lambda: False)
    code.end()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Spare the garbage collector the thousands of collected tests, which all live as long as the process."""
    gc.disable()
    try:
        with compiling() if "PYTEST_XDIST_WORKER" in os.environ else nullcontext():
            return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.set_threshold(OBJECTS_MADE)
        gc.enable()


@pytest.fixture(scope="session", name="mnist")
def mnist_digits():
    """The whole of the bundled MNIST."""
    from mnist_digits import mnist

    return mnist()
