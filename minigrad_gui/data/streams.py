"""Opens files that may be compressed, or in a zip file. What they unpack to is read in parts, never held whole."""

import bz2
import gzip
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

from minigrad_gui.data.dataset import DataError

COMPRESSIONS: dict[bytes, Callable[[Path, str], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}
MAX_LINE_BYTES = 1 << 20
PIECE_BYTES = 1 << 22
COMPRESSED_SUFFIXES = (".gz", ".bz2", ".xz")


def open_plain(path: Path) -> IO[bytes]:
    """The bytes of a regular file, unpacked if it is compressed with gzip, bzip2 or xz. Raises OSError, DataError."""
    if not stat.S_ISREG(os.stat(path).st_mode):  # a named pipe would block
        raise DataError("it is not a file.")
    with open(path, "rb") as file:
        start = file.read(6)
    for magic, opened in COMPRESSIONS.items():
        if start.startswith(magic):
            return cast(IO[bytes], opened(path, "rb"))
    return open(path, "rb")


@contextmanager
def open_entry(path: Path, name: str) -> Iterator[IO[bytes]]:
    """The bytes of a file in a zip file, unpacked. Raises whatever `zipfile` raises."""
    with zipfile.ZipFile(path) as archive, archive.open(name) as file:
        yield file


def lines_of(path: Path) -> Iterator[str]:
    """The lines of a text that are not blank, stripped. Raises DataError for lines of more than 1 MB."""
    with open_plain(path) as file:
        while line := file.readline(MAX_LINE_BYTES):
            if len(line) == MAX_LINE_BYTES:
                raise DataError("it has a line that is too long.")
            if text := line.decode("utf-8-sig", "replace").strip():
                yield text


def read_exactly(file: IO[bytes], count: int) -> bytes | bytearray:
    """The next `count` bytes. Raises DataError if the file ends before."""
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


class TemporaryFolder:
    """A temporary folder, which is removed as soon as nothing refers to it."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="minigrad-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)
