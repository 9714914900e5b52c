"""Memory layout: several arrays packed into one, so that a single loop can process all of them."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from engine.ops import Array

CACHE_LINE_BYTES = 64


def aligned(size: int, dtype: np.dtype[Any]) -> Array:
    """An uninitialised array (size,), aligned to a cache line, so that no vector load crosses two lines."""
    line = CACHE_LINE_BYTES // dtype.itemsize
    memory = np.empty(size + line, dtype)
    start = -memory.ctypes.data % CACHE_LINE_BYTES // dtype.itemsize
    return memory[start : start + size]


def pack(arrays: Sequence[Array], order: Literal["F", "K"] = "K") -> list[Array]:
    """Copies, one after another in memory, each in Fortran order or its own. Arrays of several dtypes stay separate."""
    if len({array.dtype for array in arrays}) != 1:
        return [array.copy(order) for array in arrays]
    row = aligned(sum(array.size for array in arrays), arrays[0].dtype)
    parts, start = [], 0
    for array in arrays:
        is_fortran = order == "F" or (array.flags.f_contiguous and not array.flags.c_contiguous)
        part = row[start : start + array.size].reshape(array.shape, order="F" if is_fortran else "C")
        np.copyto(part, array)
        parts.append(part)
        start += array.size
    return parts


def packed_view(arrays: Sequence[Array]) -> Array | None:
    """A one-dimensional view of arrays from `pack`; None if they are not contiguous in memory."""
    memory, dtype = arrays[0].base, arrays[0].dtype
    if memory is None or memory.ndim != 1 or memory.dtype != dtype or not memory.flags.c_contiguous:
        return None
    start = end = arrays[0].ctypes.data
    for array in arrays:
        if array.base is not memory or array.dtype != dtype or not array.flags.forc or array.ctypes.data != end:
            return None
        end += array.nbytes
    place = (start - memory.ctypes.data) // dtype.itemsize
    return memory[place : place + (end - start) // dtype.itemsize]


def alike(*arrays: Array) -> list[Array] | None:
    """One-dimensional views, if all have the same shape, dtype and memory order, without gaps; otherwise None."""
    shape, strides, dtype = arrays[0].shape, arrays[0].strides, arrays[0].dtype
    for array in arrays:
        if array.shape != shape or array.strides != strides or array.dtype != dtype:
            return None
    return [array.ravel("K") for array in arrays] if arrays[0].flags.forc and dtype.isnative else None
