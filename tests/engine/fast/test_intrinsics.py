"""The instructions do what their functions in Python say. Products of matrices test the tiles: see test_products.py."""

import platform

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
    compiled = numba.njit(lambda a, row, vectors: nonzeros(a, row, vectors))
    lanes = machine["VECTOR_BYTES"] // np.dtype(dtype).itemsize
    a = np.zeros((3, 64), dtype)
    a[1, [3, 5, 7, 8, 9, 17]] = 1, -1, np.nan, -0.0, np.inf, 1e-40
    a[2, [4, 5, 63]] = 1
    for row, bits in [(0, {3, 5, 7, 9, 17}), (1, {3, 4, 5, 7, 9, 17, 63}), (2, {4, 5, 63})]:
        for vectors in (0, 1, 64 // lanes):
            expected = sum(1 << bit for bit in bits if bit < vectors * lanes)
            assert compiled(a, row, vectors) == intrinsics.nonzeros(a, row, vectors) == expected


def test_ones(machine):
    ones = machine["ones"]
    compiled = numba.njit(lambda bits: ones(bits))
    for bits, count in [(0, 0), (0b1011, 3), ((1 << 64) - 1, 64)]:
        assert compiled(np.uint64(bits)) == intrinsics.ones(np.uint64(bits)) == count


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


@pytest.mark.skipif(platform.machine().lower() not in {"x86_64", "amd64"}, reason="the mode is that of x86")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_subnormal_numbers_are_0_while_the_mode_excludes_them(dtype, machine):
    exchange = machine["exchange_float_mode"]
    double = numba.njit(lambda numbers: 2 * numbers)
    enter, leave = numba.njit(lambda: exchange(intrinsics.WITHOUT_SUBNORMALS)), numba.njit(lambda mode: exchange(mode))
    smallest = np.finfo(dtype).tiny
    subnormal, normal = np.full(9, smallest / 4, dtype), np.full(9, smallest, dtype)
    double(subnormal), leave(enter())  # compiled
    before = enter()
    doubled = [double(numbers).tolist() for numbers in (subnormal, normal)]
    own = leave(before)
    assert doubled == [[0] * 9, (2 * normal).tolist()]
    assert own & ~63 == intrinsics.WITHOUT_SUBNORMALS  # but for the flags, such as that of rounding
    assert double(subnormal).tolist() == [smallest / 2] * 9
    assert intrinsics.exchange_float_mode(before) == before
