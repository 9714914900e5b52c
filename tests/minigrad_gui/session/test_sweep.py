"""Several runs, one after the other."""

from dataclasses import replace

import pytest

from engine import TrainingConfig
from minigrad_gui.session import Session

CONFIG = TrainingConfig(hidden=(4,), epochs=1, batch_size=1000)


@pytest.fixture
def session(few_digits, tmp_path):  # noqa: ARG001
    made = Session(folder=tmp_path)
    made.set_config(CONFIG, "mnist")
    yield made
    made.close()
    assert made.wait(30_000)


def ended(session):
    return session.state == "idle" and session._sweep._job is None


def test_runs_follow_each_other_and_the_settings_come_back(session, qtbot):
    session.set_continues(True)
    seeds, left = [3, 1, 2], []
    session.prepared.connect(lambda: left.append(session.runs_to_come))
    session.train_several([replace(CONFIG, seed=seed) for seed in seeds])
    qtbot.waitUntil(lambda: ended(session), timeout=30_000)
    runs = session.run_list.store.runs()
    assert [run.seed for run in runs] == seeds[::-1]
    assert [run.ending for run in runs] == ["finished"] * 3
    assert tuple(run.id for run in runs[::-1]) == session.sweep_runs
    assert left == [2, 1, 0]
    assert session.config == CONFIG
    assert session.continues


def test_stop_ends_all_of_them(session, qtbot):
    configs = [replace(CONFIG, seed=seed, epochs=10_000) for seed in range(3)]
    session.train_several(configs)
    qtbot.waitUntil(lambda: len(session.history) > 0, timeout=30_000)
    session.train_several(configs)  # without effect: there is a run
    assert session.runs_to_come == 2
    session.stop()
    qtbot.waitUntil(lambda: ended(session), timeout=30_000)
    assert [run.ending for run in session.run_list.store.runs()] == ["stopped"]
    assert session.runs_to_come == 0
    assert session.config == CONFIG


def test_a_run_that_fails_does_not_end_the_others(session, qtbot):
    told, failures = [], []
    session.noticed.connect(told.append)
    session.failed.connect(failures.append)
    exploding = replace(CONFIG, optimizer="sgd", learning_rate=1000.0, batch_size=50, hidden=(64, 64), epochs=3)
    session.train_several([exploding, CONFIG])
    qtbot.waitUntil(lambda: ended(session), timeout=30_000)
    assert [run.ending for run in session.run_list.store.runs()] == ["finished", "failed"]
    assert len(told) == 1
    assert failures == []


def test_another_run_of_the_person_ends_the_sweep(session, qtbot):
    session.train_several([replace(CONFIG, epochs=10_000)] * 3)
    qtbot.waitUntil(lambda: len(session.history) > 0, timeout=30_000)
    session.open_pretrained(take_settings=False)
    assert session.runs_to_come == 0
    session.set_config(CONFIG, "mnist")
    session.train()
    qtbot.waitUntil(lambda: session.state == "idle", timeout=30_000)
    qtbot.waitUntil(lambda: not session._sweep._waiting, timeout=30_000)
    assert session.state == "idle"
    assert session.run_list.store.runs()[0].id not in session.sweep_runs
