"""Tensors that `torch.save` wrote, as torchvision's MNIST/processed/training.pt, without torch.

Such files hold a pickle, which could run any code. It is not unpickled here: the few instructions that describe tensors
are interpreted, and a file with any other is refused.
"""

import io
import pickletools
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from math import prod
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.pairing import pair_files
from minigrad_gui.data.siblings import Files
from minigrad_gui.data.stored import Array, Found, block_rows
from minigrad_gui.data.streams import open_entry, read_exactly
from minigrad_gui.data.zips import SIGNATURE, entries

LEGACY_MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
DESCRIPTION = "/data.pkl"
MAX_DESCRIPTION_BYTES = 1 << 18
MAX_VALUES = 1000
LOOKED_AT = 100
MAX_WHOLE_BYTES = 1 << 30
"""Of a tensor that is a view of another, which is read whole."""
DTYPES: dict[str, DTypeLike] = {
    "ByteStorage": "u1",
    "CharStorage": "i1",
    "ShortStorage": "i2",
    "IntStorage": "i4",
    "LongStorage": "i8",
    "HalfStorage": "f2",
    "BFloat16Storage": [("upper_half_of_a_float32", "<u2")],
    "FloatStorage": "f4",
    "DoubleStorage": "f8",
    "BoolStorage": "?",
}
REBUILDS, MAKES_EMPTY = "torch._utils _rebuild_tensor_v2", "collections OrderedDict"
OTHER_OBJECTS = (
    "it is a Python pickle of other objects than tensors, which could run code, so that it is not opened; "
    "save its arrays with numpy.savez, or its tensors with torch.save."
)
Order = Literal["<", ">"]
MARK = object()


@dataclass(frozen=True)
class Name:
    """A class or function, which is never looked up."""

    name: str


@dataclass(frozen=True)
class Storage:
    """Where the numbers of tensors are in the file, and how many."""

    key: str
    dtype: np.dtype[Any]
    count: int


@dataclass(frozen=True)
class Tensor:
    """A tensor's place in a storage, counted in numbers, as torch counts."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def recognises(path: Path, start: bytes) -> bool:
    """Whether a file was written by torch or is another pickle, which is refused with its own sentence."""
    if start.startswith(SIGNATURE):
        return any(entry.name.endswith(DESCRIPTION) for entry in islice(entries(path), LOOKED_AT))
    return start[:1] == b"\x80" and start[1:2] in (b"\2", b"\3", b"\4", b"\5")


def read(files: Files) -> Found:
    """The dataset of files such as training.pt and test.pt."""
    return pair_files(files, lambda file: dict(arrays_in(file)))


def arrays_in(path: Path) -> Iterator[tuple[str, Array]]:
    """The tensors of a file by their keys or numbers. Raises DataError if it holds anything that is not data."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            name = next(name for name in archive.namelist() if name.endswith(DESCRIPTION))
            folder = name.removesuffix(DESCRIPTION)
            with archive.open(name) as file:
                value = described(_short(file))
            order = _start(archive, f"{folder}/byteorder")
        sign: Order = ">" if order.startswith(b"big") else "<"
        for key, tensor in _tensors(value, ""):
            yield key, _array(tensor, partial(open_entry, path, f"{folder}/data/{tensor.storage.key}"), sign)
        return
    with open(path, "rb") as file:
        stream = _short(file, is_whole=False)
        if not stream.getvalue().startswith(LEGACY_MAGIC):
            raise DataError(OTHER_OBJECTS)
        *_, value, keys = (described(stream) for _ in range(5))
    starts: dict[str, int] = {}
    sizes = {tensor.storage.key: tensor.storage.dtype.itemsize for _, tensor in _tensors(value, "")}
    with open(path, "rb") as file:
        file.seek(stream.tell())
        for key in keys if isinstance(keys, list) else []:
            count = int.from_bytes(read_exactly(file, 8), "little")
            starts[str(key)] = file.tell()
            file.seek(count * sizes.get(str(key), 1), 1)
    for key, tensor in _tensors(value, ""):
        if tensor.storage.key not in starts:
            raise DataError("it ends too early.")
        yield key, _array(tensor, partial(_part, path, starts[tensor.storage.key]), "<")


def _start(archive: zipfile.ZipFile, name: str) -> bytes:
    """The first bytes of an entry, if there is one; it may claim any length."""
    if name not in archive.namelist():
        return b""
    with archive.open(name) as file:
        return file.read(6)


def _short(file: IO[bytes], *, is_whole: bool = True) -> io.BytesIO:
    content = file.read(MAX_DESCRIPTION_BYTES + 1)
    if is_whole and len(content) > MAX_DESCRIPTION_BYTES:
        raise DataError(OTHER_OBJECTS)
    return io.BytesIO(content)


@contextmanager
def _part(path: Path, start: int) -> Iterator[IO[bytes]]:
    with open(path, "rb") as file:
        file.seek(start)
        yield file


def described(stream: io.BytesIO) -> Any:
    """The value that the next pickle in a stream describes: numbers, text, tuples, lists, dicts and Tensors.

    Raises DataError for any other instruction: https://github.com/python/cpython/blob/main/Lib/pickletools.py.
    """
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    argument: Any
    for instruction, argument, _ in pickletools.genops(stream):
        match instruction.name:
            case "PROTO" | "FRAME":
                pass
            case "STOP":
                return stack.pop()
            case "MARK":
                stack.append(MARK)
            case "GLOBAL":
                stack.append(Name(argument))
            case "BINPUT" | "LONG_BINPUT":
                memo[argument] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(memo[argument])
            case "BININT" | "BININT1" | "BININT2" | "LONG1" | "BINFLOAT" | "BINUNICODE":
                stack.append(argument)
            case "NONE" | "NEWTRUE" | "NEWFALSE":
                stack.append({"NONE": None, "NEWTRUE": True, "NEWFALSE": False}[instruction.name])
            case "EMPTY_TUPLE" | "EMPTY_LIST" | "EMPTY_DICT":
                stack.append({"EMPTY_TUPLE": (), "EMPTY_LIST": [], "EMPTY_DICT": {}}[instruction.name])
            case "TUPLE":
                stack.append(tuple(_marked(stack)))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                count = int(instruction.name[-1])
                stack[-count:] = [tuple(stack[-count:])]
            case "APPEND":
                _list(stack[-2]).append(stack.pop())
            case "APPENDS":
                items = _marked(stack)
                _list(stack[-1]).extend(items)
            case "SETITEM":
                items = [stack.pop(-2), stack.pop()]
                _set_items(stack[-1], items)
            case "SETITEMS":
                items = _marked(stack)
                _set_items(stack[-1], items)
            case "BINPERSID":
                stack.append(_storage(stack.pop()))
            case "BUILD":  # attributes, as the state dict of a module has
                stack.pop()
                if not isinstance(stack[-1], dict):
                    raise DataError(OTHER_OBJECTS)
            case "REDUCE":
                arguments = stack.pop()
                stack.append(_called(stack.pop(), arguments))
            case _:
                raise DataError(OTHER_OBJECTS)
    raise DataError("it ends too early.")


def _marked(stack: list[Any]) -> list[Any]:
    """Take what was put on the stack after the last mark."""
    at = len(stack) - 1 - stack[::-1].index(MARK)
    items = stack[at + 1 :]
    del stack[at:]
    return items


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise DataError(OTHER_OBJECTS)
    return value


def _set_items(value: Any, items: list[Any]) -> None:
    keys = items[::2]
    if not isinstance(value, dict) or not all(isinstance(key, str | int) for key in keys):  # others may be slow to hash
        raise DataError(OTHER_OBJECTS)
    value.update(zip(keys, items[1::2], strict=True))


def _storage(value: Any) -> Storage:
    if not isinstance(value, tuple) or len(value) < 5 or value[0] != "storage" or not isinstance(value[1], Name):
        raise DataError(OTHER_OBJECTS)
    kind, key, count = value[1].name.removeprefix("torch "), value[2], value[4]
    if kind not in DTYPES or not isinstance(key, str) or not isinstance(count, int):
        raise DataError(f"it holds tensors of a kind that is not read ({kind[:40]}).")
    return Storage(key, np.dtype(DTYPES[kind]), count)


def _called(function: Any, arguments: Any) -> Any:
    """What one of the two functions that describe tensors would return."""
    if function == Name(MAKES_EMPTY) and arguments == ():
        return {}
    if function != Name(REBUILDS) or not isinstance(arguments, tuple) or len(arguments) < 4:
        raise DataError(OTHER_OBJECTS)
    storage, offset, shape, strides = arguments[:4]
    sizes = (offset, *shape, *strides)
    if not isinstance(storage, Storage) or not all(type(size) is int and 0 <= size < 1 << 40 for size in sizes):
        raise DataError("a tensor is damaged.")
    if len(shape) != len(strides) or len(shape) > 8 or prod(shape) > storage.count:  # a size of 0 would repeat numbers
        raise DataError("a tensor is damaged.")
    last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    if prod(shape) and last >= storage.count:
        raise DataError("a tensor is damaged.")
    return Tensor(storage, offset, shape, strides)


def _tensors(value: Any, name: str) -> Iterator[tuple[str, Tensor]]:
    """All tensors in tuples, lists and dicts, by key or number."""
    waiting, seen = [(name, value)], 0
    while waiting and seen < MAX_VALUES:
        name, value = waiting.pop(0)
        seen += 1
        if isinstance(value, Tensor) and value.shape:
            yield name or "arr", value
        elif isinstance(value, dict):
            waiting += [(f"{name} {key}".strip(), each) for key, each in list(value.items())[:MAX_VALUES]]
        elif isinstance(value, tuple | list):
            waiting += [(f"{name} arr {index}".strip(), each) for index, each in enumerate(value[:MAX_VALUES])]


def _array(tensor: Tensor, opened: Any, sign: Order) -> Array:
    dtype = tensor.storage.dtype.newbyteorder(sign)
    read_as = _numbers(b"", dtype).dtype
    in_order = [prod(tensor.shape[at + 1 :]) for at in range(len(tensor.shape))]
    if all(
        size == 1 or stride == own for size, stride, own in zip(tensor.shape, tensor.strides, in_order, strict=True)
    ):
        return Array(tensor.shape, read_as, partial(_blocks, tensor, opened, dtype))
    return Array(tensor.shape, read_as, lambda: Array.of(_view(tensor, opened, dtype)).blocks())


def _blocks(tensor: Tensor, opened: Any, dtype: np.dtype[Any]) -> Iterator[NDArray[Any]]:
    rows, row_bytes = block_rows(tensor.shape, dtype), prod(tensor.shape[1:]) * dtype.itemsize
    with opened() as file:
        file.seek(file.tell() + tensor.offset * dtype.itemsize)
        for start in range(0, tensor.shape[0], rows):
            count = min(rows, tensor.shape[0] - start)
            content = read_exactly(file, count * row_bytes)
            yield _numbers(content, dtype).reshape(count, *tensor.shape[1:])


def _view(tensor: Tensor, opened: Any, dtype: np.dtype[Any]) -> NDArray[Any]:
    size = tensor.storage.count * dtype.itemsize
    if size > MAX_WHOLE_BYTES:
        raise DataError("a tensor is too large.")
    with opened() as file:
        numbers = _numbers(read_exactly(file, size), dtype)[tensor.offset :]
    strides = [stride * numbers.itemsize for stride in tensor.strides]
    return np.ascontiguousarray(np.lib.stride_tricks.as_strided(numbers, tensor.shape, strides))


def _numbers(content: bytes | bytearray, dtype: np.dtype[Any]) -> NDArray[Any]:
    """The numbers in bytes; those of bfloat16, which NumPy lacks, as float32."""
    numbers = np.frombuffer(content, dtype)
    if dtype.names is None:
        return numbers
    return of_bfloat16(numbers[dtype.names[0]])


def of_bfloat16(halves: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Numbers of bfloat16, which are the upper halves of those of float32."""
    return (halves.astype(np.uint32) << 16).view(np.float32)
