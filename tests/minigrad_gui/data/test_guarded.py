"""Files that crash a compiled reader, or make it loop, cost a sentence and no more."""

import sys
import tempfile

import numpy as np
import pytest

from minigrad_gui.data import guarded
from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.guarded import read_guarded

ZEROS = """
import numpy as np

def read(source, save):
    save("x", (9, 4), np.dtype("u1"), [np.zeros((9, 4), "u1")])
    return {"name": "zeros"}
"""


@pytest.fixture
def reader(tmp_path):
    def make(text):
        (tmp_path / "reader.py").write_text(text)
        return str(tmp_path / "reader.py")

    return make


def test_nothing_is_left_in_the_temporary_folder(tmp_path, reader, monkeypatch):
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    held = read_guarded(reader(ZEROS), tmp_path)
    assert held.about == {"name": "zeros"}
    assert list(folder.iterdir())
    array = held.arrays["x"]
    del held
    assert array.whole().tolist() == np.zeros((9, 4)).tolist()
    del array
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    ("text", "limits", "told"),
    [
        ("import os; os.abort()", {}, "it is damaged"),
        (ZEROS, {"most_bytes": 35}, "it is too large"),
        pytest.param(
            "everything = bytearray(3 << 30)",
            {"most_memory_bytes": 2 << 30},
            "it is too large",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of a process so"),
        ),
        pytest.param(
            "while True: pass",
            {"most_cpu_s": 1},
            "takes too long",
            marks=pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of processor time"),
        ),
    ],
)
def test_bad_ends_are_told_in_one_sentence(tmp_path, reader, text, limits, told):
    with pytest.raises(DataError, match=told):
        read_guarded(reader(text), tmp_path, **limits)


def test_waiting_ends_too(tmp_path, reader, monkeypatch):
    monkeypatch.setattr(guarded, "WAIT_FACTOR", 0.05)
    with pytest.raises(DataError, match="takes too long"):
        read_guarded(reader("import time; time.sleep(60)"), tmp_path, most_cpu_s=1)
