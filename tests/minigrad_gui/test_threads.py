"""The fastest measured number of BLAS threads is chosen."""

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from engine import Step, TrainingConfig
from engine.run import TrainingRun
from minigrad_gui.process import blas_threads, max_blas_threads
from minigrad_gui.threads import fastest_blas_threads


def some_run():
    rng = np.random.default_rng(0)
    config = TrainingConfig(hidden=(32,), batch_size=50, validation_share=0.0)
    return TrainingRun(config, rng.integers(0, 256, (500, 28, 28)).astype(np.uint8), rng.integers(0, 10, 500), 10)


class Pretended:
    """A run whose steps take the given time for each number of threads, by a fake clock that ignores the load of the
    machine."""

    def __init__(self, seconds):
        self.seconds = seconds
        self.now = 0.0
        self.tried: list[int] = []

    def rehearsal(self, threads):
        assert threads == max_blas_threads()
        while True:
            self.tried.append(max_blas_threads())
            self.now += self.seconds(max_blas_threads())
            yield Step(0, 0, 1.0, 0, 1, False)

    def fastest(self):
        return fastest_blas_threads(self, lambda: self.now)


@pytest.fixture(autouse=True)
def two_blas_threads():
    """A fixed number of threads, whatever the machine and the worker have."""
    with blas_threads(2):
        yield


def test_the_number_is_valid_and_the_run_does_not_change():
    before, run = max_blas_threads(), some_run()
    weights = run.model.layers[0].W.data.copy()
    assert 1 <= fastest_blas_threads(run) <= before
    assert max_blas_threads() == before
    np.testing.assert_array_equal(run.model.layers[0].W.data, weights)


def test_one_thread_is_chosen_if_more_are_slower():
    run = Pretended(lambda threads: 0.001 * threads)
    assert run.fastest() == 1
    assert set(run.tried) >= {1, max_blas_threads()}


@pytest.mark.parametrize("seconds", [lambda threads: 0.004 / threads, lambda _: 0.002], ids=["faster", "as fast"])
def test_all_threads_are_chosen_if_they_are_faster_or_as_fast(seconds):
    assert Pretended(seconds).fastest() == max_blas_threads()


def test_a_limit_from_outside_is_respected():
    with threadpool_limits(1, user_api="blas"):
        assert fastest_blas_threads(some_run()) == 1


@pytest.mark.parametrize("steps", [0, 1, 30])
def test_it_ends_soon_after_it_is_cancelled(steps):
    run = Pretended(lambda threads: 0.004 / threads)
    assert fastest_blas_threads(run, lambda: run.now, lambda: len(run.tried) > steps) == max_blas_threads()
    assert len(run.tried) <= steps + 20
    assert max_blas_threads() == run.tried[0]


def test_slow_steps_are_not_rehearsed_at_length():
    run = Pretended(lambda _: 0.15)
    assert run.fastest() == max_blas_threads()
    assert run.tried == [max_blas_threads()] * 2
