"""Work is done in another thread, in turn, and never more of it than is wanted."""

import threading
import time

import pytest

from minigrad_gui.analyst import TIME_SHARE, Analyst
from minigrad_gui.dataset_cache import DatasetCache

LONG_MS = 30_000


def spend(seconds):
    """Use this much of a core's time."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


@pytest.fixture
def analyst():
    analyst = Analyst(DatasetCache())
    yield analyst
    analyst.end()
    assert analyst.wait(LONG_MS)


@pytest.fixture
def answers(analyst):
    answers = []
    analyst.answered.connect(answers.append)
    return answers


class Held:
    """Work that does not end until it may."""

    def __init__(self):
        self.begun, self.may_end = threading.Event(), threading.Event()

    def __call__(self, desk):
        self.begun.set()
        while not self.may_end.is_set() and not desk.cancelled():
            self.may_end.wait(0.005)
        return "held"


def test_work_is_answered_from_another_thread(analyst, qtbot):
    with qtbot.waitSignal(analyst.answered, timeout=LONG_MS) as told:
        analyst.ask("a", lambda _: threading.current_thread())
    (answer,) = told.args
    assert answer.key == "a"
    assert answer.result is not threading.current_thread()


def test_newer_work_replaces_what_has_not_begun_and_takes_its_turn(analyst, answers, qtbot):
    held = Held()
    analyst.ask("first", held)
    assert held.begun.wait(LONG_MS / 1000)
    for key, result in (("a", 1), ("b", 2), ("a", 3)):
        analyst.ask(key, lambda _, result=result: result)
    held.may_end.set()
    qtbot.waitUntil(lambda: len(answers) == 3, timeout=LONG_MS)
    assert [(each.key, each.result) for each in answers] == [("first", "held"), ("a", 3), ("b", 2)]


def test_what_is_withdrawn_is_cancelled_and_not_answered(analyst, answers, qtbot):
    held, never = Held(), []
    analyst.ask("first", held)
    analyst.ask("second", lambda _: never.append(1))
    assert held.begun.wait(LONG_MS / 1000)
    analyst.withdraw("first")
    analyst.withdraw("second")
    with qtbot.waitSignal(analyst.answered, timeout=LONG_MS):
        analyst.ask("third", lambda _: 3)
    assert [each.key for each in answers] == ["third"]
    assert never == []


def test_a_fault_is_answered_and_the_next_work_is_done(analyst, answers, qtbot, caplog):
    def fail(_):
        raise ValueError("too few digits")

    analyst.ask("bad", fail)
    analyst.ask("good", lambda _: 1)
    qtbot.waitUntil(lambda: len(answers) == 2, timeout=LONG_MS)
    assert (answers[0].error, answers[0].result) == ("too few digits", None)
    assert answers[1].result == 1
    assert "bad" in caplog.text


def test_data_that_is_gone_is_answered_and_no_fault(analyst, answers, qtbot, caplog):
    analyst.ask("gone", lambda desk: desk.dataset("/gone"))
    qtbot.waitUntil(lambda: len(answers) == 1, timeout=LONG_MS)
    assert answers[0].error == "There is no file or folder /gone."
    assert not caplog.records


def test_beside_a_run_it_rests_as_long_as_its_share_demands(analyst, qtbot):
    spent_s = 0.004
    began = []

    def work(_):
        began.append(time.perf_counter())
        spend(spent_s)

    analyst.set_considerate(True)
    for key in ("a", "b"):
        with qtbot.waitSignal(analyst.answered, timeout=LONG_MS):
            analyst.ask(key, work)
    assert began[1] - began[0] >= spent_s / TIME_SHARE


def test_neither_waiting_nor_what_was_done_before_the_run_makes_it_rest(analyst, qtbot):
    for is_considerate, work in ((False, lambda _: spend(0.05)), (True, lambda _: time.sleep(0.05))):
        analyst.set_considerate(is_considerate)
        with qtbot.waitSignal(analyst.answered, timeout=LONG_MS):
            analyst.ask("a", work)
    assert analyst._rests_until_s < time.perf_counter() + 1 < time.perf_counter() + 0.05 / TIME_SHARE


def test_after_the_run_it_does_not_rest_any_longer(analyst, answers, qtbot):
    analyst.set_considerate(True)
    with qtbot.waitSignal(analyst.answered, timeout=LONG_MS):
        analyst.ask("a", lambda _: spend(0.02))
    rests_until_s = analyst._rests_until_s
    with qtbot.waitSignal(analyst.answered, timeout=LONG_MS):
        analyst.ask("b", lambda _: time.perf_counter())
        analyst.set_considerate(False)
    assert answers[1].result < rests_until_s


def test_urgent_work_is_next_and_does_not_rest(analyst, answers, qtbot):
    def now(_):
        return time.perf_counter(), analyst._rests_until_s

    analyst.set_considerate(True)
    held = Held()
    analyst.ask("long", lambda desk: (held(desk), spend(0.01)))
    assert held.begun.wait(LONG_MS / 1000)
    analyst.ask("other", now)
    for key in ("stroke", "next stroke"):
        analyst.ask(key, now, urgent=True)
    held.may_end.set()
    qtbot.waitUntil(lambda: len(answers) == 4, timeout=LONG_MS)
    assert [each.key for each in answers] == ["long", "stroke", "next stroke", "other"]
    (stroke_s, rests_until_s), (_, later_rests_until_s), (other_s, _) = (each.result for each in answers[1:])
    assert stroke_s < rests_until_s == later_rests_until_s <= other_s


def test_it_ends_at_once_though_work_waits(analyst, answers):
    held = Held()
    analyst.ask("first", held)
    analyst.ask("second", lambda _: 2)
    assert held.begun.wait(LONG_MS / 1000)
    analyst.end()
    assert analyst.wait(LONG_MS)
    assert answers == []
