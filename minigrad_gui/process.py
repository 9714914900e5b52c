"""Settings that the whole process shares, each set here alone: BLAS's threads, and how often Python's threads switch.

No Qt here.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SWITCH_INTERVAL_S = 0.001
"""Longest wait for the GIL while another thread computes. Python's own 5 ms would make the window stutter."""

_blas_turn = threading.RLock()


def max_blas_threads() -> int:
    """How many threads BLAS may use now; 1 where that cannot be told."""
    from threadpoolctl import threadpool_info

    return max((int(pool["num_threads"]) for pool in threadpool_info() if pool["user_api"] == "blas"), default=1)


@contextmanager
def blas_turn() -> Iterator[None]:
    """Within this context no other thread changes the number of BLAS threads; it waits until then."""
    with _blas_turn:
        yield


@contextmanager
def blas_threads(count: int) -> Iterator[None]:
    """Within this context BLAS has `count` threads, and afterwards as many as before."""
    from threadpoolctl import threadpool_limits

    with _blas_turn, threadpool_limits(count, user_api="blas"):
        yield


class _SwitchInterval:
    """Counts those who want a short interval: the last one to leave restores the one from before the first."""

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
"""Within this context Python's threads switch every SWITCH_INTERVAL_S. To be entered and left in one thread."""
