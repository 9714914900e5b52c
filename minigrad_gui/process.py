"""Settings that the whole process shares, each set only here: BLAS threads, the switch interval, warnings to hide.

And Arrow's allocator, and the environment of child processes. No Qt here.
"""

import os
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

SWITCH_INTERVAL_S = 0.001
"""Longest wait for the GIL while another thread computes. Python's own 5 ms would make the window stutter."""

_blas_turn = threading.RLock()


@cache
def _blas() -> "ThreadpoolController":
    """NumPy's BLAS, which is there as long as the process. To look for it takes ten times as long as to set it."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas")


def max_blas_threads() -> int:
    """The current number of BLAS threads; 1 if it is unknown."""
    return max((int(pool["num_threads"]) for pool in _blas().info()), default=1)


@contextmanager
def blas_turn() -> Iterator[None]:
    """Within this context no other thread can change the number of BLAS threads; it waits."""
    with _blas_turn:
        yield


@contextmanager
def blas_threads(count: int) -> Iterator[None]:
    """Within this context BLAS has `count` threads; afterwards, the previous number is restored."""
    with _blas_turn, _blas().limit(limits=count):
        yield


@contextmanager
def one_blas_thread_if_free() -> Iterator[None]:
    """Like `blas_threads(1)`; but if another thread has set the number of BLAS threads, that number stays."""
    if not _blas_turn.acquire(blocking=False):
        yield
        return
    try:
        with _blas().limit(limits=1):
            yield
    finally:
        _blas_turn.release()


def hide_false_warnings() -> None:
    """Hide NumPy's warnings of what matrix products encountered, such as a division by zero.

    On Apple's M4, and wherever BLAS uses SME, they come without a reason (https://github.com/numpy/numpy/issues/28687).
    Numbers that are not finite are looked for where they matter.
    """
    warnings.filterwarnings("ignore", r".* encountered in (matmul|dot)$", RuntimeWarning)


def load_arrow() -> None:
    """Import pyarrow with the system's allocator; its own holds on to 10 MB (pyarrow 26.0).

    To have its Parquet reader use that, it must be told before it is imported (`findings/`).
    """
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    import pyarrow as pa

    pa.set_memory_pool(pa.system_memory_pool())


def child_environment(**variables: str) -> dict[str, str]:
    """The environment of a Python process that is to find this package wherever it is started, and these variables."""
    paths = (str(Path(__file__).resolve().parents[1]), os.environ.get("PYTHONPATH", ""))
    return {**os.environ, **variables, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


class _SwitchInterval:
    """Counts the open contexts: when the last one is left, the original interval is restored."""

    def __init__(self) -> None:
        self._users = 0
        self._before_s = 0.0

    @contextmanager
    def short(self) -> Iterator[None]:
        if self._users == 0:
            self._before_s = sys.getswitchinterval()
            sys.setswitchinterval(SWITCH_INTERVAL_S)
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            if self._users == 0:
                sys.setswitchinterval(self._before_s)


short_switch_interval = _SwitchInterval().short
"""Within this context Python's threads switch every SWITCH_INTERVAL_S. Enter and leave it in the same thread."""
