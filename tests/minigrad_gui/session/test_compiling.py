"""Telling a window when its training is being compiled."""

import pytest
from filelock import FileLock

from minigrad_gui import machine_code
from minigrad_gui.machine_code import MachineCode
from minigrad_gui.session.compiling import Compiling


@pytest.fixture
def compiling(qapp):  # noqa: ARG001
    compiling = Compiling(MachineCode())
    compiling.told = []
    compiling.changed.connect(lambda: compiling.told.append(compiling._machine_code.is_preparing))
    yield compiling
    compiling.end()


def test_it_tells_when_compiling_begins_and_ends(compiling, qtbot, tmp_path, monkeypatch):
    pytest.importorskip("numba")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.delenv(machine_code.SWITCH)
    with FileLock(tmp_path / machine_code._LOCK):
        compiling.start()
        assert compiling.told == [True]
        (tmp_path / machine_code._DONE).write_text(machine_code._version(), encoding="utf-8")
    qtbot.waitUntil(lambda: len(compiling.told) > 1, timeout=60_000)
    assert compiling.told == [True, False]
    assert not compiling._timer.isActive()


def test_a_failure_is_logged(compiling, qtbot, tmp_path, monkeypatch, caplog):
    pytest.importorskip("numba")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.delenv(machine_code.SWITCH)
    (tmp_path / machine_code._LOCK).mkdir()
    compiling.start()
    qtbot.waitUntil(lambda: compiling.told == [True, False], timeout=60_000)
    (record,) = caplog.records
    assert record.message == "Training could not be compiled ahead; each run compiles it."


def test_nothing_is_told_if_nothing_is_compiled(compiling):
    compiling.start()
    assert compiling.told == []
