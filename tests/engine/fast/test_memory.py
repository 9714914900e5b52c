"""Arrays packed into one."""

import numpy as np
import pytest

from engine.fast.memory import aligned, alike, pack, packed_view


def some(dtype=np.float32):
    rng = np.random.default_rng(0)
    return [rng.normal(size=shape).astype(dtype) for shape in [(3, 4), (4,), (), (2, 1)]]


def test_packed_arrays_are_consecutive_copies():
    arrays = some()
    parts = pack(arrays)
    row = packed_view(parts)
    assert row is not None
    np.testing.assert_array_equal(row, np.concatenate([array.ravel() for array in arrays]))
    row[:] = 7
    for array, part in zip(arrays, parts, strict=True):
        assert part.shape == array.shape
        assert (part == 7).all()
        assert not (array == 7).any()


@pytest.mark.parametrize("order", ["K", "F"])
def test_each_array_has_its_own_order_unless_fortran_is_given(order):
    rows, columns = np.arange(6.0).reshape(2, 3), np.asfortranarray(np.arange(6.0).reshape(2, 3))
    first, second = pack([rows, columns], order)
    np.testing.assert_array_equal(first, rows)
    np.testing.assert_array_equal(second, columns)
    assert first.flags.f_contiguous == (order == "F")
    assert second.flags.f_contiguous


def test_arrays_of_several_dtypes_are_not_packed():
    parts = pack([np.ones(2, np.float32), np.ones(2)])
    assert [part.dtype for part in parts] == [np.float32, np.float64]
    assert packed_view(parts) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda parts: parts.pop(1),
        lambda parts: parts.reverse(),
        lambda parts: parts.__setitem__(1, parts[1].copy()),
        lambda parts: parts.__setitem__(1, parts[1][::-1]),
        lambda parts: parts.__setitem__(0, np.ones((3, 4), np.float32)),
        lambda parts: parts.__setitem__(1, parts[1].view(np.int32)),
        lambda parts: parts.__setitem__(slice(1, None), [parts[1][::2]]),
    ],
    ids=["a gap", "other order", "a copy", "backwards", "own memory", "another dtype", "every other"],
)
def test_arrays_with_gaps_have_no_packed_view(change):
    parts = pack(some())
    assert packed_view(parts) is not None
    change(parts)
    assert packed_view(parts) is None


def test_consecutive_arrays_have_a_packed_view():
    parts = pack(some())
    row = packed_view(parts[1:3])
    assert row is not None
    np.testing.assert_array_equal(row, [*parts[1], parts[2]])
    assert np.shares_memory(row, parts[1])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_memory_is_aligned_to_a_cache_line(size, dtype):
    arrays = [aligned(size, np.dtype(dtype)) for _ in range(20)]
    assert all(array.shape == (size,) and array.dtype == dtype for array in arrays)
    assert all(array.ctypes.data % 64 == 0 for array in arrays)
    assert pack([np.ones(size, dtype), np.ones(3, dtype)])[0].ctypes.data % 64 == 0


def test_arrays_with_the_same_layout_become_one_dimensional():
    a, b = np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.asfortranarray(np.ones((2, 3)))
    rows = alike(a, b)
    assert rows is not None
    np.testing.assert_array_equal(rows[0], a.T.ravel())
    assert np.shares_memory(rows[0], a)
    assert alike(a, np.ascontiguousarray(b)) is None
    assert alike(a, b.astype(np.float32)) is None
    assert alike(a[:, ::2], b[:, ::2]) is None


@pytest.mark.parametrize(
    "other",
    [np.ones(6), np.ones((1, 6)), np.ones(12), np.ones(6, np.float32), np.ones(6, np.dtype("f8").newbyteorder())],
)
def test_arrays_of_different_shape_or_dtype_are_rejected(other):
    array = np.ones(6)
    assert (alike(array, other) is not None) == (other.shape == (6,) and other.dtype == np.float64)
    assert alike(np.ones((2, 3)), np.ones((4, 3))) is None  # of the same strides


def test_another_byte_order_is_not_for_machine_code():
    array = np.ones(6, np.dtype(np.float64).newbyteorder())
    assert alike(array, array) is None
