"""The instructions do what their functions in Python say. Products of matrices test the tiles: see test_products.py."""

import numpy as np
import pytest

from engine.fast import intrinsics

numba = pytest.importorskip("numba")


@pytest.fixture(scope="module")
def machine():
    return intrinsics.intrinsics()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nonzeros(dtype, machine, monkeypatch):
    monkeypatch.setattr(intrinsics, "VECTOR_BYTES", machine["VECTOR_BYTES"])
    nonzeros = machine["nonzeros"]
    compiled = numba.njit(lambda a, row, column: nonzeros(a, row, column))
    a = np.zeros((2, 40), dtype)
    a[1, [3, 5, 7, 8, 9, 17]] = 1, -1, np.nan, -0.0, np.inf, 1e-40
    assert compiled(a, 1, 2) == intrinsics.nonzeros(a, 1, 2)
    assert compiled(a, 1, 2) & 0xFF == 0b10101010 & 0xFF or machine["VECTOR_BYTES"] < 64


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_transpose(dtype, machine):
    transpose = machine["transpose"]
    compiled = numba.njit(lambda a, row, column, out, i, j: transpose(a, row, column, out, i, j))
    size = machine["VECTOR_BYTES"] // np.dtype(dtype).itemsize
    a = np.arange((size + 3) * (size + 5), dtype=dtype).reshape(size + 3, size + 5)
    out = np.zeros((size + 4, size + 6), dtype)
    compiled(a, 3, 2, out, 4, 1)
    np.testing.assert_array_equal(out[4:, 1 : size + 1], a[3:, 2 : size + 2].T)
    out[4:, 1 : size + 1] = 0
    assert not out.any()
