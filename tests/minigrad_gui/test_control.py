"""One thread controls a loop in another."""

import threading

import pytest

from minigrad_gui.control import TrainingControl


@pytest.fixture
def loop():
    """`loop(control)`: starts a thread that takes steps while it may; returns the list of steps and the thread."""
    threads = []

    def start(control):
        taken = []

        def take_steps():
            while len(taken) < 1000 and control.wait_for_step():
                taken.append(control.learning_rate)

        threads.append(threading.Thread(target=take_steps))
        threads[-1].start()
        return taken, threads[-1]

    yield start
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


def test_a_paused_loop_takes_the_steps_that_it_is_allowed(loop):
    control = TrainingControl(0.1, paused=True)
    control.allow_step()
    control.allow_step()
    taken, thread = loop(control)
    thread.join(0.05)
    assert len(taken) == 2
    assert thread.is_alive()
    control.stop()


def test_a_resumed_loop_uses_the_current_learning_rate(loop):
    control = TrainingControl(0.1, paused=True)
    taken, thread = loop(control)
    control.learning_rate = 0.5
    control.resume()
    thread.join(10)
    assert taken == [0.5] * 1000


def test_steps_allowed_before_a_resume_are_not_taken_after_the_next_pause():
    control = TrainingControl(0.1, paused=True)
    control.allow_step()
    assert not control.must_wait
    control.resume()
    control.pause()
    assert control.must_wait


def test_a_waiting_loop_can_be_stopped(loop):
    control = TrainingControl(0.1, paused=True)
    taken, thread = loop(control)
    control.stop()
    thread.join(10)
    assert taken == []
    assert control.stopped
    assert not control.must_wait


@pytest.mark.parametrize("keep", [True, False])
def test_abandoning_a_run_decides_about_its_checkpoint(keep):
    control = TrainingControl(0.1)
    assert not control.abandoned
    assert control.keeps_checkpoint
    control.abandon(keep=keep)
    assert control.abandoned
    assert control.stopped
    assert control.keeps_checkpoint == keep
