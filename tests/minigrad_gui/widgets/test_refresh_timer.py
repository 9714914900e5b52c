"""The more a redraw costs, the less often views redraw."""

import time

import pytest

from minigrad_gui import theme
from minigrad_gui.widgets import refresh_timer
from minigrad_gui.widgets.refresh_timer import CPU_SHARE, LONGEST_INTERVAL_MS, RefreshTimer


@pytest.fixture
def timer(qapp, monkeypatch):
    """A timer with fake clocks: `timer.spend(share)` passes some time of which the thread was busy for this share."""
    wall_s, cpu_s = [0.0], [0.0]
    monkeypatch.setattr(refresh_timer, "monotonic", lambda: wall_s[0])
    monkeypatch.setattr(refresh_timer, "thread_time", lambda: cpu_s[0])
    timer = RefreshTimer(qapp)

    def spend(share):
        elapsed_s = timer.interval() / 1000
        wall_s[0] += elapsed_s
        cpu_s[0] += share * elapsed_s
        timer.timeout.emit()

    timer.spend = spend
    yield timer
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


def test_a_view_may_redraw_more_rarely_still(timer, qapp):
    timer.spend(1.0)
    assert timer.interval() == LONGEST_INTERVAL_MS
    timer._longest_ms = 2 * LONGEST_INTERVAL_MS  # as RefreshTimer(parent, longest_ms) has it
    timer.spend(1.0)
    assert timer.interval() == 2 * LONGEST_INTERVAL_MS
    rare = RefreshTimer(qapp, longest_ms=250)
    assert rare._longest_ms == 250
    rare.deleteLater()
