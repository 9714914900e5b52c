"""Opens files that may be compressed, or in a zip file. What they unpack to is read in parts, never held whole."""

import bz2
import codecs
import gzip
import io
import lzma
import os
import shutil
import stat
import tempfile
import weakref
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

from minigrad_gui.data.cancelling import check_cancelled
from minigrad_gui.data.dataset import DataError

COMPRESSIONS: dict[bytes, Callable[[Path, str], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
MAX_LINE_CHARS = 1 << 20
PIECE_BYTES = 1 << 22
COMPRESSED_SUFFIXES = (".gz", ".bz2", ".xz")


def open_plain(path: Path) -> IO[bytes]:
    """The bytes of a regular file, unpacked if it is compressed with gzip, bzip2 or xz; text in UTF-16 as UTF-8.

    Raises OSError, DataError.
    """
    check_cancelled()
    if not stat.S_ISREG(os.stat(path).st_mode):  # a named pipe would block
        raise DataError("it is not a file.")
    with open(path, "rb") as file:
        start = file.read(6)
    for magic, opened in COMPRESSIONS.items():
        if start.startswith(magic):
            return cast(IO[bytes], opened(path, "rb"))
    return io.BufferedReader(_AsUtf8(path)) if start.startswith(UTF_16) else open(path, "rb")


class _AsUtf8(io.RawIOBase):
    """A text in UTF-16, as Excel and PowerShell write it, in UTF-8."""

    def __init__(self, path: Path) -> None:
        self._text = open(path, encoding="utf-16", errors="replace", newline="")  # noqa: SIM115

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        content = self._text.read(len(buffer) // 4).encode()  # no character takes more bytes
        buffer[: len(content)] = content
        return len(content)

    def close(self) -> None:
        self._text.close()
        super().close()


@contextmanager
def open_entry(path: Path, name: str) -> Iterator[IO[bytes]]:
    """The bytes of a file in a zip file, unpacked. Raises whatever `zipfile` raises."""
    with zipfile.ZipFile(path) as archive, archive.open(name) as file:
        yield file


def lines_of(path: Path) -> Iterator[str]:
    """The lines of a text that are not blank, stripped, whatever ends them.

    Raises DataError for lines of more than a million characters.
    """
    with io.TextIOWrapper(open_plain(path), "utf-8", "replace") as file:
        while line := file.readline(MAX_LINE_CHARS):
            check_cancelled()
            if len(line) == MAX_LINE_CHARS:
                raise DataError("it has a line that is too long.")
            if text := line.removeprefix("\ufeff").strip():
                yield text


def read_exactly(file: IO[bytes], count: int) -> bytes | bytearray:
    """The next `count` bytes. Raises DataError if the file ends before."""
    check_cancelled()
    content: bytes | bytearray
    if count <= PIECE_BYTES:
        content = file.read(count)
    else:  # in pieces, for `read` takes the memory before it looks at the file
        content = bytearray()
        while len(content) < count and (piece := file.read(min(PIECE_BYTES, count - len(content)))):
            content += piece
    if len(content) != count:
        raise DataError("it ends too early.")
    return content


def plain_name(path: Path) -> str:
    """The file's name without the suffix of its compression."""
    return path.stem if path.suffix.lower() in COMPRESSED_SUFFIXES else path.name


def plain_file(path: Path, folder: "TemporaryFolder", most_bytes: int) -> Path:
    """The file itself, or if it is compressed, what it unpacks to, in a folder, for readers that take no stream.

    Raises DataError if that is more than so many bytes, and as `open_plain` does.
    """
    with open_plain(path) as file:
        if isinstance(file, io.BufferedReader):
            return path
        with open(folder.path / "unpacked", "wb") as plain:
            while piece := file.read(PIECE_BYTES):
                check_cancelled()
                if plain.tell() + len(piece) > most_bytes:
                    raise DataError("it is too large.")
                plain.write(piece)
    return folder.path / "unpacked"


class TemporaryFolder:
    """A temporary folder, which is removed as soon as nothing refers to it."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="minigrad-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)
