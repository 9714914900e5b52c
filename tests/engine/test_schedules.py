"""Schedules of the learning rate."""

import pytest

from engine.schedules import SCHEDULES, WARM_UP


@pytest.mark.parametrize("name", SCHEDULES)
def test_no_factor_is_negative_or_above_1(name):
    factors = [SCHEDULES[name](step / 1000) for step in range(1001)]
    assert max(factors) == 1
    assert min(factors) >= 0


def test_where_they_begin_and_end():
    ends = {name: (schedule(0.0), round(schedule(1.0), 12)) for name, schedule in SCHEDULES.items()}
    assert ends == {"constant": (1, 1), "cosine": (1, 0), "one-cycle": (0.04, 0), "step": (1, 0.01)}


def test_one_cycle_does_not_jump():
    one_cycle = SCHEDULES["one-cycle"]
    assert one_cycle(WARM_UP) == 1
    assert one_cycle(WARM_UP - 1e-9) == pytest.approx(1)
    assert one_cycle(WARM_UP / 2) == pytest.approx(0.52)
