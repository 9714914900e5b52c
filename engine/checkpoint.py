"""Model files: an .npz with the named parameters and one JSON string, and nothing that could run.

    meta            a 0-d string, JSON: {"format": "minigrad model", "version": 1,
                    "network": {"sizes": [784, 256, 128, 10], "activation": "relu", "dtype": "float32"},
                    "meta": {...whatever the caller kept with it...}}
    layers.<i>.W    (sizes[i + 1], sizes[i]), little-endian float32 or float64, every number finite
    layers.<i>.b    (sizes[i + 1],), likewise

A file comes from a stranger until it has been checked: names, declared sizes and every header are compared with what
the declared network needs before any array is read. Saving replaces the old file in one step or leaves it as it was.
"""

import json
import os
import secrets
import stat
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np

from engine.nn import ACTIVATIONS, MAX_HIDDEN_LAYERS, MAX_PARAMETERS, MLP, count_parameters
from engine.ops import Array

FORMAT = "minigrad model"
VERSION = 1
MAX_META_BYTES = 4 << 20
MAX_HEADER_BYTES = 4096
DTYPES: dict[str, np.dtype[Any]] = {"float32": np.dtype("<f4"), "float64": np.dtype("<f8")}

PathLike = str | os.PathLike[str]


class ModelFileError(Exception):
    """A model file that cannot be read or written; the message is one sentence for the person who chose it."""


def save_model(path: PathLike, model: MLP, meta: Mapping[str, Any] | None = None) -> None:
    """Write the network, and with it `meta` (anything that JSON can hold), to an .npz file at exactly `path`.

    The file is complete on disk before it takes the place of an older one. Raises ModelFileError if it cannot be
    written or the network is not finite; the older file, if any, is then as it was.
    """
    target = Path(os.path.realpath(path))
    activation = type(model.activation).__name__.lower()
    if ACTIVATIONS.get(activation) is not type(model.activation) or model.dtype.name not in DTYPES:
        raise ModelFileError(f"A network of {model.dtype.name} numbers and {activation} cannot be kept in a file.")
    if len(model.sizes) > MAX_HIDDEN_LAYERS + 2 or count_parameters(model.sizes) > MAX_PARAMETERS:
        raise ModelFileError("This network is too large to be kept in a file.")
    arrays: dict[str, Any] = {}
    for name, parameter in model.named_parameters():
        if not np.isfinite(parameter.data).all():
            raise ModelFileError("This network holds numbers that are not finite; it was not saved.")
        arrays[name] = parameter.data.astype(DTYPES[model.dtype.name], copy=False)
    description = {
        "format": FORMAT,
        "version": VERSION,
        "network": {
            "sizes": list(model.sizes),
            "activation": activation,
            "dtype": model.dtype.name,
        },
        "meta": dict(meta or {}),
    }
    text = np.array(json.dumps(description))
    if text.nbytes > MAX_META_BYTES - MAX_HEADER_BYTES:
        raise ModelFileError("What is to be kept with this network is too much for its file.")
    try:
        with replacing(target) as file:
            np.savez(file, allow_pickle=False, meta=text, **arrays)
    except OSError as error:
        raise ModelFileError(f"{target.name} could not be saved in {target.parent}: {_reason(error)}.") from error


def load_model(path: PathLike) -> tuple[MLP, dict[str, Any]]:
    """Read what `save_model` wrote: the network, and the meta that was kept with it.

    Raises ModelFileError, with one sentence, for any file that is not exactly such a file. Nothing in the file is
    executed, and no more memory is taken than the declared network needs, twice over.
    """
    name = Path(path).name or str(path)
    try:
        with open(path, "rb") as file, zipfile.ZipFile(file) as archive:
            return _read(archive)
    except ModelFileError as error:
        raise ModelFileError(f"{name} {error}") from error.__cause__
    except zipfile.BadZipFile as error:
        raise ModelFileError(f"{name} is damaged, or not a model file (.npz) at all.") from error
    except OSError as error:
        raise ModelFileError(f"{name} could not be opened: {_reason(error)}.") from error
    except MemoryError as error:
        raise ModelFileError(f"{name} holds a network that does not fit into memory.") from error
    except Exception as error:  # damaged bytes raise nearly anything on their way through zipfile and NumPy
        raise ModelFileError(f"{name} is damaged: its contents could not be read.") from error


def _read(archive: zipfile.ZipFile) -> tuple[MLP, dict[str, Any]]:
    """The checks, outermost first. Errors lack the file's name, which `load_model` puts before them."""
    entries = {info.filename: info for info in archive.infolist()}
    if len(entries) != len(archive.infolist()):
        raise ModelFileError("holds two entries of the same name and was not opened.")
    if "meta.npy" not in entries:
        raise ModelFileError("is not a minigrad model: it has no description.")
    if any(info.flag_bits & 0x1 for info in entries.values()):
        raise ModelFileError("is encrypted and cannot be opened.")
    if any(info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for info in entries.values()):
        raise ModelFileError("is compressed in a way that no model file is.")
    if entries["meta.npy"].file_size > MAX_META_BYTES:
        raise ModelFileError("is not a minigrad model: its description is too large.")

    description = _description(archive, entries["meta.npy"])
    sizes, activation, dtype = _network(description)
    shapes: dict[str, tuple[int, ...]] = {}
    for index, (fan_in, fan_out) in enumerate(pairwise(sizes)):
        shapes[f"layers.{index}.W"] = (fan_out, fan_in)
        shapes[f"layers.{index}.b"] = (fan_out,)
    if entries.keys() != {"meta.npy"} | {f"{name}.npy" for name in shapes}:
        raise ModelFileError("is not a minigrad model: it does not hold the arrays that its description names.")

    parameters = {name: _array(archive, entries[f"{name}.npy"], shape, dtype) for name, shape in shapes.items()}
    model = MLP.from_parameters(
        [(parameters[f"layers.{index}.W"], parameters[f"layers.{index}.b"]) for index in range(len(sizes) - 1)],
        ACTIVATIONS[activation],
    )
    return model, description["meta"]


def _description(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> dict[str, Any]:
    with archive.open(info) as file:
        shape, _, dtype = _header(file)
        if shape != () or dtype.kind != "U" or dtype.byteorder == ">":
            raise ModelFileError("is not a minigrad model: its description is not text.")
        text = str(np.frombuffer(_exactly(file, dtype.itemsize), dtype)[0])
    try:
        description = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelFileError("is not a minigrad model: its description is not JSON.") from error
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise ModelFileError("is not a minigrad model, but some other program's .npz file.")
    version = description.get("version")
    if not isinstance(version, int) or version < 1:
        raise ModelFileError("is not a minigrad model: its version is not a number from 1 up.")
    if version > VERSION:
        raise ModelFileError(f"was written by a newer minigrad (format {version}); this one reads up to {VERSION}.")
    if not isinstance(description.get("meta"), dict):
        raise ModelFileError("is not a minigrad model: its description is incomplete.")
    return description


def _network(description: dict[str, Any]) -> tuple[list[int], str, np.dtype[Any]]:
    network = description.get("network")
    if not isinstance(network, dict):
        raise ModelFileError("is not a minigrad model: it describes no network.")
    sizes, activation, dtype = network.get("sizes"), network.get("activation"), network.get("dtype")
    if not isinstance(sizes, list) or not 2 <= len(sizes) <= MAX_HIDDEN_LAYERS + 2:
        raise ModelFileError("describes a network with an impossible number of layers.")
    if not all(type(size) is int and size >= 1 for size in sizes) or count_parameters(sizes) > MAX_PARAMETERS:
        raise ModelFileError("describes a network of impossible size.")
    if not isinstance(activation, str) or activation not in ACTIVATIONS:
        raise ModelFileError("describes a network with an unknown activation.")
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise ModelFileError("describes a network with an unknown kind of numbers.")
    return sizes, activation, DTYPES[dtype]


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """A .npy header: shape, whether in Fortran order, dtype."""
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(file, max_header_size=MAX_HEADER_BYTES)
    return np.lib.format.read_array_header_2_0(file, max_header_size=MAX_HEADER_BYTES)


def _exactly(file: IO[bytes], size: int) -> bytes:
    data = file.read(size)
    if len(data) != size or file.read(1):
        raise ModelFileError("is damaged: an array is shorter or longer than its header says.")
    return data


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    size = prod(shape) * dtype.itemsize
    if not size < info.file_size <= size + MAX_HEADER_BYTES:
        raise ModelFileError("is not a minigrad model: an array does not have the size that its description names.")
    with archive.open(info) as file:
        found_shape, fortran_order, found_dtype = _header(file)
        if found_shape != shape or found_dtype != dtype:
            raise ModelFileError("is not a minigrad model: an array is not what its description names.")
        flat = np.frombuffer(_exactly(file, size), dtype)
    if not np.isfinite(flat).all():
        raise ModelFileError("holds numbers that are not finite; such a network cannot be used.")
    return flat.reshape(shape, order="F" if fortran_order else "C")


@contextmanager
def replacing(target: Path) -> Iterator[IO[bytes]]:
    """A new file beside `target` that takes its place, whole and on disk, if nothing goes wrong until then.

    Raises OSError; an older file is then as it was.
    """
    draft = target.with_name(f".{secrets.token_hex(8)}.tmp")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        with suppress(OSError):  # there is no older file, or the file system knows no modes
            os.chmod(draft, stat.S_IMODE(target.stat().st_mode))
        os.replace(draft, target)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise
    if os.name == "posix":
        with suppress(OSError):  # the file is in place; not every file system can promise more
            folder = os.open(target.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
