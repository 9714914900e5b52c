"""Chooses the number of threads for a training run by measuring, as it depends on the machine, the batch size and other
load, such as an open window. The threads are those of BLAS, or the workers of `engine.fast.fused`."""

import itertools
import time
from collections.abc import Callable
from contextlib import closing

from engine.run import TrainingRun
from minigrad_gui import process

ROUNDS = 5
"""Only the fastest turn of each counts, as the others were disturbed."""
TURN_S = 0.02
CLEARLY_FASTER = 0.9
SLOW_STEP_S = 0.1
"""A step this long consists of large matrix products, which scale well to all processors."""


def fastest_blas_threads(
    run: TrainingRun,
    clock: Callable[[], float] = time.perf_counter,
    cancelled: Callable[[], bool] = lambda: False,
) -> int:
    """Rehearse the run for a fraction of a second with 1, 2, 4, ... threads in turn, and return the fastest number.

    The largest number wins unless another is clearly faster: the last digit of sums depends on the number of threads,
    and should not depend on chance. clock: returns seconds. Soon after `cancelled()` becomes true, returns the
    largest; no step is interrupted.
    """
    most = process.max_blas_threads()
    candidates = [*itertools.takewhile(lambda threads: threads < most, (2**power for power in range(10))), most]
    if most == 1 or cancelled() or _seconds_per_step(run, most, clock) > SLOW_STEP_S:
        return most
    seconds: dict[int, list[float]] = {threads: [] for threads in candidates}
    for _ in range(ROUNDS):
        for threads in candidates:
            if cancelled():
                return most
            seconds[threads].append(_seconds_per_step(run, threads, clock))
    shortest = {threads: min(seconds[threads]) for threads in candidates}
    fastest = min(candidates, key=lambda threads: shortest[threads])
    return fastest if shortest[fastest] < CLEARLY_FASTER * shortest[most] else most


def _seconds_per_step(run: TrainingRun, threads: int, clock: Callable[[], float]) -> float:
    with process.blas_threads(threads), closing(run.rehearsal(threads)) as steps:
        next(steps)  # may compile
        count, started = 0, clock()
        while (elapsed := clock() - started) < TURN_S:
            next(steps)
            count += 1
    return elapsed / count
