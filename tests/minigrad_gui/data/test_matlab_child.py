"""The process that reads .mat files finds the arrays of numbers, and only those."""

import numpy as np
from scipy.io import savemat

from minigrad_gui.data.guarded_child import Saver
from minigrad_gui.data.matlab_child import labelled, numbers_in, read, upright


def test_arrays_in_structures_are_named_by_their_path(tmp_path):
    x = np.arange(6).reshape(2, 3)
    savemat(tmp_path / "a.mat", {"x": x, "s": {"t": {"u": x}}, "text": "hello", "file": x})
    found = numbers_in(str(tmp_path / "a.mat"))
    assert sorted(found) == ["file", "s t u", "x"]
    saver = Saver(str(tmp_path), 1 << 20)
    read(str(tmp_path / "a.mat"), saver)
    assert sorted(saver.names) == sorted(found)
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


def test_without_labels_samples_are_last():
    x = np.zeros((7, 7, 5))
    assert upright({"train_threes": x, "test_threes": x})["test_threes"].shape == (5, 7, 7)
