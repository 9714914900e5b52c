"""Writes tensors as torch.save does, without torch."""

import io
import math
import struct
import zipfile
from collections.abc import Sequence

import numpy as np

KINDS = {"u1": b"ByteStorage", "i8": b"LongStorage", "f4": b"FloatStorage", "u2": b"BFloat16Storage"}
"""bfloat16 is given as the upper halves of float32."""


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def numbers(values: Sequence[int]) -> bytes:
    return b"".join(b"J" + struct.pack("<i", value) for value in values)


def tensor(
    key: str, array: np.ndarray, strides: Sequence[int] | None = None, offset: int = 0, extra: bytes = b""
) -> bytes:
    """The instructions for a tensor. extra: what old versions add to the description of its storage."""
    strides = strides or [math.prod(array.shape[at + 1 :]) for at in range(array.ndim)]
    storage = text("storage") + b"ctorch\n" + KINDS[array.dtype.str[1:]] + b"\n" + text(key) + text("cpu")
    size = numbers([offset]) + b"(" + numbers(array.shape) + b"t(" + numbers(strides) + b"t"
    end = b"\x89ccollections\nOrderedDict\n)RtR"
    return b"ctorch._utils\n_rebuild_tensor_v2\n((" + storage + numbers([array.size]) + extra + b"tQ" + size + end


def pt_bytes(description: bytes, arrays: Sequence[np.ndarray], name: str = "archive") -> bytes:
    """A file with this description, an instruction sequence without its begin and end, and these storages."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(f"{name}/data.pkl", b"\x80\x02" + description + b".")
        archive.writestr(f"{name}/byteorder", "little")
        for key, array in enumerate(arrays):
            archive.writestr(f"{name}/data/{key}", array.tobytes())
    return stream.getvalue()


def pair(x: np.ndarray, y: np.ndarray) -> bytes:
    """The instructions for pictures and labels."""
    return b"(" + tensor("0", x) + tensor("1", y) + b"t"
