"""Cancelling: whatever takes long to read asks now and then whether it is still wanted.

Who wants it says so for all that its thread does meanwhile, so that readers need not pass the question on.
"""

import math
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

POLL_INTERVAL_S = 0.05
Cancelled = Callable[[], bool]


class LoadingCancelledError(BaseException):
    """Loading was cancelled.

    No Exception, as `asyncio.CancelledError` is none: readers, which damaged bytes make raise nearly anything, would
    take it for damage.
    """


_CANCELLED: ContextVar[Cancelled] = ContextVar("cancelled", default=lambda: False)


@contextmanager
def cancellable(cancelled: Cancelled) -> Iterator[None]:
    """Meanwhile, `check_cancelled` raises once `cancelled()` is true."""
    token = _CANCELLED.set(cancelled)
    try:
        yield
    finally:
        _CANCELLED.reset(token)


def check_cancelled() -> None:
    """Raises LoadingCancelledError if what this thread is doing is no longer wanted."""
    if _CANCELLED.get()():
        raise LoadingCancelledError


def status_of(child: subprocess.Popen[bytes], longest_s: float = math.inf) -> int:
    """The exit status of a child process once it has ended; it is killed if that is not waited for.

    Raises LoadingCancelledError as `check_cancelled` does, and subprocess.TimeoutExpired after `longest_s`.
    """
    ends_s = time.monotonic() + longest_s
    try:
        while True:
            check_cancelled()
            try:
                return child.wait(POLL_INTERVAL_S)
            except subprocess.TimeoutExpired:
                if time.monotonic() > ends_s:
                    raise
    finally:
        child.kill()
        child.wait()
