"""The process that reads .mat files finds the arrays of numbers, and only those."""

import tempfile

import numpy as np
import pytest
from scipy.io import savemat

from minigrad_gui.data import matlab
from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.matlab_child import labelled, main, numbers_in, upright


def test_arrays_in_structures_are_named_by_their_path(tmp_path):
    x = np.arange(6).reshape(2, 3)
    savemat(tmp_path / "a.mat", {"x": x, "s": {"t": {"u": x}}, "text": "hello", "file": x})
    found = numbers_in(str(tmp_path / "a.mat"))
    assert sorted(found) == ["file", "s t u", "x"]
    main(str(tmp_path / "a.mat"), str(tmp_path))
    names = np.load(tmp_path / "names.npy").tolist()
    assert sorted(names) == sorted(found)
    for index in range(3):
        array = np.load(tmp_path / f"array{index}.npy")
        np.testing.assert_array_equal(array, x)
        assert array.flags.c_contiguous


def test_samples_come_first():
    x, y = np.zeros((2, 3, 9)), np.arange(9)
    assert upright({"x": x, "y": y})["x"].shape == (9, 2, 3)
    assert upright({"x": x.T, "y": y})["x"].shape == (9, 3, 2)
    by_class = labelled({"train0": np.zeros((2, 4)), "train1": np.ones((3, 4))})
    assert by_class["train labels"].tolist() == [0, 0, 1, 1, 1]
    assert by_class["train images"][:, 0].tolist() == [0, 0, 1, 1, 1]


def test_nothing_is_left_in_the_temporary_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    savemat(tmp_path / "a.mat", {"x": np.zeros((9, 784), np.uint8), "y": np.arange(9)})
    found = matlab.read(tmp_path / "a.mat")
    assert list((tmp_path / "temporary").iterdir())
    del found
    assert not list((tmp_path / "temporary").iterdir())


def test_a_crash_is_told_in_one_sentence(tmp_path, monkeypatch):
    crash = tmp_path / "crash.py"
    crash.write_text("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    monkeypatch.setattr(matlab.matlab_child, "__file__", str(crash))
    savemat(tmp_path / "a.mat", {"x": np.arange(6)})
    with pytest.raises(DataError, match="it is damaged"):
        matlab.read(tmp_path / "a.mat")
