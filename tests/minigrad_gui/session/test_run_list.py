"""The person's changes to the list of runs."""

import pytest
from recorded_runs import put, run_of

from minigrad_gui.analysis import Answer
from minigrad_gui.session.run_list import KEY, RunList


@pytest.fixture
def asked():
    return []


@pytest.fixture
def run_list(asked, tmp_path):
    made = RunList(tmp_path, lambda key, work: asked.append((key, work)))
    put(made.store, run_of("a1"), run_of("b2"))
    return made


def test_changes_are_made_elsewhere_and_in_order(run_list, asked, qtbot):
    run_list.rename("a1", "first")
    run_list.annotate("a1", "a note")
    run_list.delete(["b2"])
    assert [run.name for run in run_list.store.runs()] == ["", ""]
    keys = [key for key, _ in asked]
    assert len(set(keys)) == 3
    assert all(key.startswith(KEY) for key in keys)
    for key, work in asked:
        with qtbot.waitSignal(run_list.changed):
            run_list.take(Answer(key, work(None)))
    (run,) = run_list.store.runs()
    assert (run.id, run.name, run.note) == ("a1", "first", "a note")


def test_a_change_that_fails_is_told(run_list, qtbot):
    with qtbot.waitSignal(run_list.noticed) as told:
        run_list.take(Answer(f"{KEY}/1", error="The disk is full."))
    assert told.args == ["The disk is full."]


def test_a_damaged_file_is_told(run_list, qtbot):
    run_list.store.path.write_bytes(b"damage" * 1000)
    with qtbot.waitSignal(run_list.noticed) as told:
        assert run_list.store.runs() == []
    assert "was set aside" in told.args[0]
