"""The child process that compiles. What holds its lock decides when it may go on, so that nothing depends on time."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from minigrad_gui import machine_code
from minigrad_gui.machine_code import MachineCode

LONGEST_S = 60

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes as Linux shows them")


@pytest.fixture(autouse=True)
def new_installation(tmp_path, monkeypatch):
    """Nothing is compiled yet, and there are two processors for it."""
    pytest.importorskip("numba")
    monkeypatch.setenv("NUMBA_NUM_THREADS", "2")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.delenv(machine_code.SWITCH, raising=False)


@pytest.fixture
def code():
    code = MachineCode()
    yield code
    code.end()


def test_of_two_children_one_compiles_and_the_other_waits_for_it(code, tmp_path):
    done = tmp_path / machine_code._DONE
    with FileLock(tmp_path / machine_code._LOCK):  # as the other one
        assert code.prepare()
        assert code.is_preparing
        assert not code.wait(lambda: True), "who has been stopped must not wait"
        done.write_text(machine_code._version(), encoding="utf-8")
    assert code.wait(lambda: False)
    assert code._child.returncode == 0
    assert not list(tmp_path.rglob("*.nbc")), "it compiled, too"
    assert not MachineCode().prepare(), "it is compiled only once"
    done.write_text(machine_code._version().replace("steps", "stops"), encoding="utf-8")
    assert machine_code._is_wanted(), "what another version has compiled is of no use"


def test_the_child_ends_with_the_window(code, tmp_path):
    with FileLock(tmp_path / machine_code._LOCK):
        assert code.prepare()
        code.end()
        assert code._child.returncode != 0, "it had not compiled"
        assert not code.wait(lambda: False), "nobody should go on and compile in a window that is closed"


START = """\
import sys
from minigrad_gui.machine_code import MachineCode
code = MachineCode()
assert code.prepare()
print(code._child.pid, flush=True)
sys.stdin.read()
"""


@on_linux
def test_the_child_ends_with_a_window_that_is_killed(tmp_path):
    with FileLock(tmp_path / machine_code._LOCK):
        root = str(Path(__file__).parents[2])
        environment = {**os.environ, "PYTHONPATH": root}
        command = [sys.executable, "-c", START]
        with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as window:
            child = int(window.stdout.readline())
            assert is_alive(child)
            window.kill()
        assert ends(child)


@on_linux
def test_a_helper_ends_with_the_child(code):
    assert code.prepare()
    helper = helper_of(code)
    code.end()
    assert ends(helper)


def helper_of(code: MachineCode) -> int:
    """The process that compiles half of it."""
    child = code._child.pid
    children = Path(f"/proc/{child}/task/{child}/children")
    until = time.monotonic() + LONGEST_S
    while not (helpers := children.read_text(encoding="ascii").split()) and time.monotonic() < until:
        time.sleep(0.01)
    (helper,) = helpers
    return int(helper)


def ends(process: int) -> bool:
    until = time.monotonic() + LONGEST_S
    while is_alive(process) and time.monotonic() < until:
        time.sleep(0.01)
    return not is_alive(process)


def is_alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(") ")[2][0]
    except OSError:
        return False
    return state != "Z"


def test_without_numba_or_if_it_is_switched_off_nothing_is_compiled(code, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "numba", None)  # what an import of a missing package finds
        assert not code.prepare()
    monkeypatch.setenv(machine_code.SWITCH, "0")
    assert not code.prepare()
    assert code.wait(lambda: False)


def test_without_a_folder_for_it_nothing_is_compiled_ahead(code, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file" / "folder"))
    assert not code.prepare()
    assert code.wait(lambda: False)


def test_it_is_noted_where_numba_stores_it(monkeypatch, tmp_path):
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert machine_code._folder() == machine_code._SOURCES / "__pycache__"
    monkeypatch.setattr(machine_code.os, "access", lambda *_: False)
    assert machine_code._folder() == machine_code.data_folder()


@pytest.mark.long
def test_all_that_a_run_needs_is_compiled(code, tmp_path, capsys):
    began_s, before = time.monotonic(), os.times()
    assert code.prepare()
    assert code.wait(lambda: False)
    wall_s, after = time.monotonic() - began_s, os.times()
    cpu_s = after.children_user + after.children_system - before.children_user - before.children_system
    with capsys.disabled():
        sys.stdout.write(f"\ncompiled in {wall_s:.1f} s, {cpu_s:.1f} s of a processor\n")
    compiled = set(tmp_path.rglob("*.nb[ci]"))
    assert compiled
    assert not MachineCode().prepare()
    np.savez(tmp_path / "data.npz", images=np.zeros((64, 28, 28), np.uint8), labels=np.arange(64, dtype=np.uint8) % 4)
    environment = {**os.environ, "XDG_DATA_HOME": str(tmp_path)}
    for settings in ([], ["--preset", "best"]):
        command = [sys.executable, "-m", "minigrad_gui", "train", "--data", tmp_path / "data.npz", "--epochs", "1"]
        done = subprocess.run([*command, *settings], env=environment, capture_output=True, text=True, check=True)
        assert "machine code" not in done.stderr
    assert set(tmp_path.rglob("*.nb[ci]")) == compiled


@pytest.mark.long
@on_linux
def test_the_child_compiles_what_its_helper_could_not(code, tmp_path):
    assert code.prepare()
    os.kill(helper_of(code), signal.SIGKILL)
    assert code.wait(lambda: False)
    assert not code.has_failed
    assert any("work" in file.name for file in tmp_path.rglob("*.nbc"))
    assert not machine_code._is_wanted()
