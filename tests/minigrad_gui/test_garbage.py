"""Cycles are collected, and only in the GUI thread."""

import gc
import threading

import pytest

from minigrad_gui.garbage import INTERVAL_MS, GarbageCollector, collected_later


class Knot:
    """Part of a cycle; records the thread that destroyed it."""

    def __init__(self, destroyed_in):
        self.itself = self
        self.destroyed_in = destroyed_in

    def __del__(self):
        self.destroyed_in.append(threading.current_thread())


def allocate_much():
    """Enough garbage for Python to collect several times."""
    return [[] for _ in range(50 * gc.get_threshold()[0])]


@pytest.fixture
def collector(qapp):  # noqa: ARG001
    was_enabled = gc.isenabled()
    collector = GarbageCollector()
    yield collector
    collector.stop()
    assert gc.isenabled() == was_enabled


def test_another_thread_does_not_collect(collector, qtbot):
    destroyed_in = []
    Knot(destroyed_in)
    thread = threading.Thread(target=allocate_much)
    thread.start()
    thread.join()
    assert destroyed_in == []
    objects = allocate_much()
    assert collector._timer.interval() == INTERVAL_MS
    collector._timer.setInterval(10)  # so that the test need not wait
    qtbot.waitUntil(lambda: len(destroyed_in) == 1, timeout=10 * INTERVAL_MS)
    assert destroyed_in == [threading.main_thread()]
    assert objects


def test_old_generations_are_collected_too(collector):
    destroyed_in = []
    knot = Knot(destroyed_in)
    gc.collect()  # now it is in the oldest generation, which is collected least often
    del knot
    objects, turns = [], 0
    while not destroyed_in and turns < 1000:
        objects += [[] for _ in range(gc.get_threshold()[0] + 1)]
        collector._timer.timeout.emit()
        turns += 1
    assert destroyed_in == [threading.main_thread()]
    assert 1 < turns < len(objects)


def test_without_it_another_thread_would_collect():
    destroyed_in = []
    Knot(destroyed_in)
    thread = threading.Thread(target=allocate_much)
    thread.start()
    thread.join()
    assert destroyed_in == [thread]


def test_a_window_collects_until_it_is_closed(make_window):
    was_enabled = gc.isenabled()
    window = make_window()
    assert not gc.isenabled()
    window.close()
    assert gc.isenabled() == was_enabled


def test_nothing_is_collected_while_a_window_is_made():
    before = gc.get_threshold()
    destroyed_in = []
    with collected_later():
        Knot(destroyed_in)
        objects = [[] for _ in range(50 * before[0])]
        assert destroyed_in == []
    assert gc.get_threshold() == before
    objects += allocate_much()
    assert destroyed_in == [threading.main_thread()]
