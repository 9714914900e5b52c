"""How many threads a training run gets: measured, since it depends on the machine, on the batch size, and on what else
keeps the machine busy, such as an open window. They are those of BLAS, or the workers of `engine.fast.fused`."""

import itertools
import time
from collections.abc import Callable
from contextlib import closing

from engine.run import TrainingRun
from minigrad_gui import process

ROUNDS = 5
"""The shortest turn of each counts: others were disturbed by something."""
TURN_S = 0.02
CLEARLY_FASTER = 0.9
SLOW_STEP_S = 0.1
"""A step that takes so long is made of large products, which all processors share well."""


def fastest_blas_threads(
    run: TrainingRun,
    clock: Callable[[], float] = time.perf_counter,
    cancelled: Callable[[], bool] = lambda: False,
) -> int:
    """Rehearse the run for a fraction of a second with 1, 2, 4, ... threads, in turns; the number that was fastest.

    It is the largest unless another is clearly faster: sums depend on it in their last digit, and chance should not.
    clock: tells the time in seconds. Soon after `cancelled()` turns true it is the largest; no step is interrupted.
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
