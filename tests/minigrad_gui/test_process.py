"""Settings of the whole process are changed temporarily and then restored."""

import os
import sys
import threading
import warnings

import pytest

from minigrad_gui import process


def test_the_switch_interval_is_short_until_the_last_context_is_left():
    before = sys.getswitchinterval()
    with process.short_switch_interval():
        with process.short_switch_interval():
            assert sys.getswitchinterval() == pytest.approx(process.SWITCH_INTERVAL_S)
        assert sys.getswitchinterval() == pytest.approx(process.SWITCH_INTERVAL_S)
    assert sys.getswitchinterval() == pytest.approx(before)


@pytest.mark.skipif("PYTEST_XDIST_WORKER" not in os.environ, reason="one process has all the cores")
def test_workers_that_share_the_cores_have_one_blas_thread_each():
    """With more, the threads of one wait, spinning, for a core that the other's have: tests take twice as long."""
    assert process.max_blas_threads() == 1


def test_the_number_of_blas_threads_is_restored():
    before = process.max_blas_threads()
    with process.blas_threads(1):
        assert process.max_blas_threads() == 1
        with process.blas_threads(before):
            assert process.max_blas_threads() == before
        assert process.max_blas_threads() == 1
    assert process.max_blas_threads() == before


def test_only_one_thread_at_a_time_sets_blas_threads():
    entered = threading.Event()

    def enter() -> None:
        with process.blas_threads(1):
            entered.set()

    other = threading.Thread(target=enter)
    with process.blas_turn():
        other.start()
        assert not entered.wait(0.05)
    other.join(10)
    assert entered.is_set()


def test_one_blas_thread_is_enough_unless_another_thread_has_decided():
    found: list[int] = []

    def look() -> None:
        with process.one_blas_thread_if_free():
            found.append(process.max_blas_threads())

    def look_in_a_thread() -> None:
        looking = threading.Thread(target=look)
        looking.start()
        looking.join(10)

    with process.blas_threads(2):
        look_in_a_thread()
    look_in_a_thread()
    assert found == [2, 1]


@pytest.mark.parametrize("product", ["matmul", "dot"])
@pytest.mark.parametrize("fault", ["divide by zero", "overflow", "invalid value"])
def test_a_warning_that_processors_give_without_a_reason_is_hidden(fault, product):
    process.hide_false_warnings()
    warnings.warn(f"{fault} encountered in {product}", RuntimeWarning, stacklevel=1)
    with pytest.raises(RuntimeWarning):
        warnings.warn(f"{fault} encountered in log", RuntimeWarning, stacklevel=1)
