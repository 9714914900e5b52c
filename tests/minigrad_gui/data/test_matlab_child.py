"""The process that reads .mat files finds the arrays of numbers, and only those."""

import numpy as np
import pytest
from scipy.io import savemat

from minigrad_gui.data import matlab
from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.matlab_child import main, numbers_in


def test_arrays_in_structures_are_named_by_their_path(tmp_path):
    x = np.arange(6).reshape(2, 3)
    savemat(tmp_path / "a.mat", {"x": x, "s": {"t": {"u": x}}, "text": "hello", "file": x})
    found = numbers_in(str(tmp_path / "a.mat"))
    assert sorted(found) == ["file", "s t u", "x"]
    main(str(tmp_path / "a.mat"), str(tmp_path / "a.npz"))
    with np.load(tmp_path / "a.npz") as arrays:
        np.testing.assert_array_equal(arrays["array0"], x)


def test_a_crash_is_told_in_one_sentence(tmp_path, monkeypatch):
    crash = tmp_path / "crash.py"
    crash.write_text("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    monkeypatch.setattr(matlab.matlab_child, "__file__", str(crash))
    savemat(tmp_path / "a.mat", {"x": np.arange(6)})
    with pytest.raises(DataError, match="it is damaged"):
        matlab.read(tmp_path / "a.mat")
