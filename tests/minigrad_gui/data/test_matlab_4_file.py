"""Matrices in .mat files of version 4, as SciPy writes them, and in either order of bytes."""

import numpy as np
import pytest
from own_files import assert_same, opened
from scipy.io import savemat

from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.matlab_4_file import arrays_in, recognises

DTYPES = ("f8", "f4", "i4", "i2", "u2", "u1")


def matrix(name, numbers, order="<"):
    """As the format is described: numbers are those of a matrix."""
    kind = 1000 * (order == ">") + 10 * DTYPES.index(numbers.dtype.str[1:])
    head = np.array([kind, *numbers.shape, 0, len(name) + 1], f"{order}i4")
    return head.tobytes() + name.encode() + b"\0" + numbers.astype(numbers.dtype.newbyteorder(order)).tobytes("F")


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_type_is_read_in_either_order_of_bytes(tmp_path, dtype, order):
    numbers = np.arange(60).reshape(12, 5).astype(dtype)
    (tmp_path / "a.mat").write_bytes(matrix("x", numbers, order) + matrix("row", numbers[:1], order))
    assert recognises((tmp_path / "a.mat").read_bytes()[:100])
    found = arrays_in(tmp_path / "a.mat")
    np.testing.assert_array_equal(found["x"].as_it_is().whole(), numbers)
    np.testing.assert_array_equal(found["x"].last_first().whole(), numbers.T)
    np.testing.assert_array_equal(found["row"].as_it_is().whole(), numbers[0])


@pytest.mark.parametrize("samples", ["in rows", "in columns"])
def test_digits_that_scipy_wrote_are_opened(own, tmp_path, samples):
    arrays = {"train_x": own.x.reshape(-1, 784), "test_x": own.tx.reshape(-1, 784)}
    if samples == "in columns":
        arrays = {name: array.T for name, array in arrays.items()}
    arrays |= {"train_y": own.y, "test_y": own.ty, "about": "digits", "one": 1, "complex": own.y * 1j}
    savemat(tmp_path / "a.mat", arrays, format="4")
    assert_same(opened(tmp_path / "a.mat"), own)


def test_what_is_cut_or_no_matrix_is_damaged(tmp_path):
    whole = matrix("x", np.ones((3, 4))) + matrix("y", np.ones((3, 1)))
    for content in (whole[:-1], whole + b"\0", whole[:60], whole + b"\0" * 40, whole.replace(b"y\0", b"y,")):
        (tmp_path / "a.mat").write_bytes(content)
        with pytest.raises(DataError):
            arrays_in(tmp_path / "a.mat")
    (tmp_path / "a.mat").write_bytes(matrix("x", np.ones((3, 4))) * 65)
    with pytest.raises(DataError, match="more than 64 arrays"):
        arrays_in(tmp_path / "a.mat")


@pytest.mark.parametrize("start", [b"", b"\0" * 40, b"0,1,2\n" * 8, b"\0\0\x08\x03" + b"\0\0\0\x1c" * 8, b"\xff" * 40])
def test_other_files_are_not_taken_for_it(start):
    assert not recognises(start)
