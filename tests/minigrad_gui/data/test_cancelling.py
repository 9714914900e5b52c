"""Reading ends as soon as it is no longer wanted, whatever the format, and leaves nothing behind."""

import itertools
import subprocess
import sys
import tempfile

import numpy as np
import pytest
from fuzz_datasets import seeds

from minigrad_gui.data import LoadingCancelledError, open_dataset
from minigrad_gui.data.cancelling import cancellable, check_cancelled, status_of


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The folder of temporary files."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return tmp_path / "temporary"


class Asked:
    """Counts how often it was asked whether loading was cancelled; `last`: from when on it says so."""

    def __init__(self, last: float = np.inf) -> None:
        self.count, self.last = 0, last

    def __call__(self) -> bool:
        self.count += 1
        return self.count >= self.last


@pytest.mark.parametrize("name", [name for name in seeds() if not name.endswith(("ubyte", "inkml"))])
def test_no_format_is_read_on_once_it_is_cancelled(tmp_path, temporary, name):
    (tmp_path / name).write_bytes(seeds()[name])
    asked = Asked()
    open_dataset(tmp_path / name, cancelled=asked)
    assert asked.count > 2, "before, while and after what is in it was found"
    questions = 2 if name == "a.h5" else asked.count  # its reader is a process, which is asked about every so often
    for last in {1, 2, questions // 2, questions}:
        cancelled = Asked(last)
        with pytest.raises(LoadingCancelledError):
            open_dataset(tmp_path / name, cancelled=cancelled)
        assert cancelled.count == last, "it goes on"
        assert not list(temporary.iterdir())


def test_each_thing_that_is_wanted_is_asked_about_on_its_own():
    outer, inner = Asked(), Asked(last=1)
    with cancellable(outer):
        with cancellable(inner), pytest.raises(LoadingCancelledError):
            check_cancelled()
        check_cancelled()
    check_cancelled()
    assert (outer.count, inner.count) == (1, 1)


def test_a_child_process_is_ended_when_it_is_not_wanted_or_takes_too_long():
    def child(code):
        return subprocess.Popen([sys.executable, "-c", code])

    assert status_of(child("exit(3)")) == 3
    for is_cancelled, longest_s, error in (
        (True, np.inf, LoadingCancelledError),
        (False, 0, subprocess.TimeoutExpired),
    ):
        endless = child("import time; time.sleep(600)")
        with cancellable(itertools.repeat(is_cancelled).__next__), pytest.raises(error):
            status_of(endless, longest_s)
        assert endless.returncode is not None
