"""Settings that the whole process shares, each set here alone: how many threads BLAS has.

No Qt here.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_info, threadpool_limits

_blas_turn = threading.RLock()


def max_blas_threads() -> int:
    """How many threads BLAS may use now; 1 where that cannot be told."""
    return max((int(pool["num_threads"]) for pool in threadpool_info() if pool["user_api"] == "blas"), default=1)


@contextmanager
def blas_turn() -> Iterator[None]:
    """Within this context no other thread changes the number of BLAS threads; it waits until then."""
    with _blas_turn:
        yield


@contextmanager
def blas_threads(count: int) -> Iterator[None]:
    """Within this context BLAS has `count` threads, and afterwards as many as before."""
    with _blas_turn, threadpool_limits(count, user_api="blas"):
        yield
