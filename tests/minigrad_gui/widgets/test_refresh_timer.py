"""The more a redraw costs, the less often views redraw."""

import time

import pytest

from minigrad_gui import theme
from minigrad_gui.widgets import refresh_timer
from minigrad_gui.widgets.refresh_timer import CPU_SHARE, LONGEST_INTERVAL_MS, RefreshTimer


@pytest.fixture
def timer(make_timer):
    return make_timer()


@pytest.fixture
def make_timer(qapp, monkeypatch):
    """Timers with fake clocks: `timer.spend(share)` passes some time of which the thread was busy for this share."""
    wall_s, cpu_s = [0.0], [0.0]
    monkeypatch.setattr(refresh_timer, "monotonic", lambda: wall_s[0])
    monkeypatch.setattr(refresh_timer, "thread_time", lambda: cpu_s[0])
    timers = []

    def make(**options):
        timer = RefreshTimer(qapp, **options)
        timers.append(timer)

        def spend(share):
            elapsed_s = timer.interval() / 1000
            wall_s[0] += elapsed_s
            cpu_s[0] += share * elapsed_s
            timer.timeout.emit()

        timer.spend = spend
        return timer

    yield make
    for timer in timers:
        timer.deleteLater()


def test_several_requests_give_one_timeout(qtbot):
    timer = RefreshTimer(None)
    came = []
    timer.timeout.connect(lambda: came.append(time.monotonic()))
    started = time.monotonic()
    with qtbot.waitSignal(timer.timeout):
        timer.request()
        timer.request()
    assert not timer.isActive()
    assert len(came) == 1
    assert came[0] - started >= 0.9 * theme.REFRESH_INTERVAL_MS / 1000


def test_the_more_a_redraw_costs_the_longer_the_interval(timer):
    timer.spend(CPU_SHARE / 2)
    assert timer.interval() == theme.REFRESH_INTERVAL_MS
    timer.spend(2 * CPU_SHARE)
    assert timer.interval() == 2 * theme.REFRESH_INTERVAL_MS
    timer.spend(CPU_SHARE)
    assert timer.interval() == 2 * theme.REFRESH_INTERVAL_MS
    timer.spend(1.0)
    assert timer.interval() == LONGEST_INTERVAL_MS
    timer.spend(0.0)
    assert timer.interval() == theme.REFRESH_INTERVAL_MS


@pytest.mark.parametrize("longest_ms", [250, 2 * LONGEST_INTERVAL_MS])
def test_a_view_may_choose_how_rarely_it_redraws(make_timer, longest_ms):
    timer = make_timer(longest_ms=longest_ms)
    timer.spend(1.0)
    assert timer.interval() == longest_ms
