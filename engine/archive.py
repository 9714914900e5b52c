"""Archives: named arrays and one JSON string in an .npz file, written atomically and validated before use.

    meta      a 0-d string, JSON: {"format": "minigrad model", "version": 1, ...description of the arrays...}
    <name>    an array whose shape and dtype follow from the description: little-endian, all numbers finite

Nothing in such a file is executed, and everything in it is untrusted: names, declared sizes and every header are
compared with the description before any array is read.
"""

import io
import json
import os
import stat
import sys
import time
import unicodedata
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np

from engine.ops import Array

FORMATS = MODEL, CHECKPOINT = "minigrad model", "minigrad checkpoint"
SUFFIX = ".npz"
DRAFT_SUFFIX, DRAFT_AGE_S = ".tmp", 60
"""An older draft was left behind by a process that died."""
MAX_META_BYTES = 4 << 20
MAX_HEADER_BYTES = 4096
MAX_DIRECTORY_BYTES = 1 << 17
"""Limit for the central directory of the zip file; a network needs a tenth of it."""

PathLike = str | os.PathLike[str]
Expected = Mapping[str, tuple[tuple[int, ...], np.dtype[Any]]]
"""The shape and dtype of each array, derived from the description."""


BIDI_CONTROLS = {*map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A))}


def printable(name: PathLike) -> str:
    """A file name, or a sentence that contains one, as one line that is safe to show in a terminal, log or window.

    File names may contain any byte except / and 0; Python represents undecodable ones as lone surrogates (PEP 383).
    Surrogates, control characters and those that reverse the writing direction become \\xff, \\n, \\u202e, ...
    """
    return "".join(_printable(character) for character in os.fspath(name))


def _printable(character: str) -> str:
    if "\udc80" <= character <= "\udcff":
        return f"\\x{ord(character) - 0xDC00:02x}"
    is_plain = unicodedata.category(character) not in ("Cc", "Cs", "Zl", "Zp") and character not in BIDI_CONTROLS
    return character if is_plain else character.encode("unicode_escape").decode()


class ModelFileError(Exception):
    """A model file or checkpoint that cannot be read or written; the message is one sentence for the user."""


def write_archive(path: PathLike, description: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
    """Write arrays and their JSON-serialisable description to an .npz file at exactly `path`.

    The file is complete on disk before it replaces an older one. Raises ModelFileError if it cannot be written
    or a number is not finite, TypeError if the description is not JSON-serialisable; an older file is then unchanged.
    """
    target = Path(os.path.realpath(path))
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise ModelFileError("This network holds numbers that are not finite; it was not saved.")
    text = np.array(json.dumps(description))
    if text.nbytes > MAX_META_BYTES - MAX_HEADER_BYTES:
        raise ModelFileError("The metadata is too large for the model file.")
    named: dict[str, Any] = dict(arrays)
    try:
        with replacing(target) as file:
            np.savez(file, allow_pickle=False, meta=text, **named)
    except OSError as error:
        raise ModelFileError(
            f"{printable(target.name)} could not be saved in {printable(target.parent)}: {reason_of(error)}."
        ) from error


def read_archive(
    path: PathLike,
    format_name: str,
    version: int,
    expected: Callable[[dict[str, Any]], Expected],
    *,
    description_only: bool = False,
) -> tuple[dict[str, Any], dict[str, Array]]:
    """Read what `write_archive` wrote: the description and read-only arrays (no arrays if description_only).

    format_name, version: the expected format and the highest supported version. `expected` derives the required arrays
    from the description; if that is unusable, it raises ValueError, TypeError or KeyError, or ModelFileError with a
    sentence that lacks the file's name. Raises ModelFileError, with one sentence, for any other kind of file. Nothing
    in the file is executed. Reading takes as much memory as the arrays, plus at most some 50 MB for the description.
    """
    name = printable(Path(path).name or path)
    try:
        if stat.S_ISFIFO(os.stat(path).st_mode):  # opening it would block
            raise ModelFileError("is a pipe, not a file.")
        with _CarefulFile(path) as file, zipfile.ZipFile(file) as archive:
            file.most_bytes = sys.maxsize
            return _read(archive, format_name, version, expected, description_only)
    except ModelFileError as error:
        raise ModelFileError(f"{name} {error}") from error.__cause__
    except zipfile.BadZipFile as error:
        raise ModelFileError(f"{name} is damaged, or not a {format_name} (.npz) at all.") from error
    except OSError as error:
        raise ModelFileError(f"{name} could not be opened: {reason_of(error)}.") from error
    except MemoryError as error:
        raise ModelFileError(f"{name} holds a network that does not fit into memory.") from error
    except Exception as error:  # damaged bytes make zipfile and NumPy raise nearly anything
        raise ModelFileError(f"{name} is damaged: its contents could not be read.") from error


def is_archive(path: PathLike) -> bool:
    """Whether a file may be what `write_archive` wrote, and not other arrays in an .npz file."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return False
        with _CarefulFile(path) as file, zipfile.ZipFile(file) as archive:
            return "meta.npy" in archive.namelist()
    except Exception:  # damaged bytes make zipfile raise nearly anything
        return False


class _CarefulFile(io.FileIO):
    """A file that limits the size of each read, because zipfile trusts the length that the directory declares."""

    most_bytes = MAX_DIRECTORY_BYTES

    def read(self, size: int | None = -1) -> bytes:
        if size is not None and size > self.most_bytes:
            raise ModelFileError("is damaged: its list of entries is too long.")
        left = os.fstat(self.fileno()).st_size - self.tell()  # read() allocates whatever is requested
        return super().read(left if size is None or size < 0 else min(size, left)) or b""


def _read(
    archive: zipfile.ZipFile,
    format_name: str,
    version: int,
    expected: Callable[[dict[str, Any]], Expected],
    description_only: bool,
) -> tuple[dict[str, Any], dict[str, Array]]:
    """All checks, outermost first. Error messages lack the file's name, which `read_archive` prepends."""
    entries = {info.filename: info for info in archive.infolist()}
    if len(entries) != len(archive.infolist()):
        raise ModelFileError("holds two entries of the same name and was not opened.")
    if "meta.npy" not in entries:
        raise ModelFileError(f"is not a {format_name}: it has no description.")
    if any(info.flag_bits & 0x1 for info in entries.values()):
        raise ModelFileError("is encrypted and cannot be opened.")
    if any(info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for info in entries.values()):
        raise ModelFileError("is compressed by a method that model files do not use.")
    if entries["meta.npy"].file_size > MAX_META_BYTES:
        raise ModelFileError(f"is not a {format_name}: its description is too large.")

    description = _description(archive, entries["meta.npy"], format_name, version)
    try:
        arrays = expected(description)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ModelFileError(f"is not a {format_name}: its description is incomplete.") from error
    if entries.keys() != {"meta.npy"} | {f"{name}.npy" for name in arrays}:
        raise ModelFileError(f"is not a {format_name}: it does not hold the arrays that its description names.")
    for name, (shape, dtype) in arrays.items():
        size = prod(shape) * dtype.itemsize
        if not size < entries[f"{name}.npy"].file_size <= size + MAX_HEADER_BYTES:
            raise ModelFileError(f"is not a {format_name}: an array does not have the size that its description gives.")
    if description_only:
        return description, {}
    return description, {
        name: _array(archive, entries[f"{name}.npy"], shape, dtype) for name, (shape, dtype) in arrays.items()
    }


def _description(archive: zipfile.ZipFile, info: zipfile.ZipInfo, format_name: str, highest: int) -> dict[str, Any]:
    with archive.open(info) as file:
        shape, _, dtype = _header(file)
        if shape != () or dtype.kind != "U" or dtype.byteorder == ">" or dtype.itemsize > info.file_size:
            raise ModelFileError(f"is not a {format_name}: its description is not text.")
        text = str(np.frombuffer(_exactly(file, dtype.itemsize), dtype)[0])
    try:
        description = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"is not a {format_name}: its description is not JSON.") from error
    if not isinstance(description, dict):
        description = {}
    found = description.get("format")
    if found != format_name:
        what = f"a {found}" if found in FORMATS else "some other program's .npz file"
        raise ModelFileError(f"is not a {format_name}, but {what}.")
    version = description.get("version")
    if not isinstance(version, int) or version < 1:
        raise ModelFileError(f"is not a {format_name}: its version is not a number from 1 up.")
    if version > highest:
        raise ModelFileError(f"was written by a newer minigrad (format {version}); this one reads up to {highest}.")
    if not isinstance(description.get("meta"), dict):
        raise ModelFileError(f"is not a {format_name}: its description is incomplete.")
    return description


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
    with archive.open(info) as file:
        found_shape, fortran_order, found_dtype = _header(file)
        if found_shape != shape or found_dtype != dtype:
            raise ModelFileError("is damaged: an array does not match its description.")
        flat = np.frombuffer(_exactly(file, prod(shape) * dtype.itemsize), dtype)
    if not np.isfinite(flat).all():
        raise ModelFileError("holds numbers that are not finite; such a network cannot be used.")
    return flat.reshape(shape, order="F" if fortran_order else "C")


@contextmanager
def replacing(target: Path) -> Iterator[IO[bytes]]:
    """Write a temporary file beside `target`, sync it, and replace `target` with it unless something fails.

    Raises OSError; an older file is then unchanged.
    """
    draft = target.with_name(f".{os.urandom(8).hex()}{DRAFT_SUFFIX}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        with suppress(OSError):  # no older file, or a file system without modes
            os.chmod(draft, stat.S_IMODE(target.stat().st_mode))
        os.replace(draft, target)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise
    if os.name == "posix":
        with suppress(OSError):  # the file is in place; not every file system can guarantee more
            folder = os.open(target.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


def remove_old_drafts(folder: Path) -> None:
    """Remove old drafts that were left in this folder by processes that died while writing."""
    with suppress(OSError):  # no such folder, or another process was faster
        for draft in folder.glob(f".*{DRAFT_SUFFIX}"):
            if time.time() - draft.stat().st_mtime > DRAFT_AGE_S:
                draft.unlink(missing_ok=True)


def npz_path(path: PathLike) -> Path:
    """The path to save a network or run at, with .npz appended if the name has no suffix.

    Raises ModelFileError for no name, and for the suffix of another format. A suffix that does not start with a letter,
    as in digits-0.98, counts as part of the name.
    """
    named = Path(path)
    if not named.name:
        raise ModelFileError("A network needs a file name.")
    if named.suffix.lower() == SUFFIX:
        return named
    if named.suffix[1:2].isalpha():
        name, suffix, right = printable(named.name), printable(named.suffix), printable(named.with_suffix(SUFFIX).name)
        raise ModelFileError(f"{name} would not be a {suffix} file: networks are saved as {SUFFIX}; name it {right}.")
    return named.with_name(named.name + SUFFIX)


def reason_of(error: OSError) -> str:
    """The operating system's reason, in lower case to fit into a sentence."""
    return (error.strerror or str(error)).lower()
