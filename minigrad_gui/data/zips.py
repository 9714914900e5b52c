"""Zip files of hundreds of thousands of small files, in little memory.

`zipfile` takes more memory for an entry than a picture does. Here an entry is its name and four numbers. The format:
https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT.
"""

import os
import struct
import zlib
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, NamedTuple, SupportsIndex

from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.names import Names
from minigrad_gui.data.streams import read_exactly

SIGNATURE = b"PK\3\4"
"""Of a zip file, and of each file in it."""
FILE = struct.Struct("<4s22x2H")
"""Before each file: a signature, and the lengths of its name and of its extra fields."""
ENTRY = struct.Struct("<4s4x2H4x3L3H8xL")
"""In the directory: signature, flags, method, checksum, packed size, full size, lengths of name, extra fields and
comment, and where the file begins."""
END = struct.Struct("<4s8x2L2x")
"""After the directory: signature, its length, and where it begins."""
END_64_PLACE, END_64 = struct.Struct("<4s4xQ4x"), struct.Struct("<4s36x2Q")
MAX_COMMENT_BYTES = 65535
STORED, DEFLATED = 0, 8
ENCRYPTED, IS_UTF8 = 1, 0x800
ENCRYPTED_METHOD = 99
ELSEWHERE = 0xFFFFFFFF
"""A number that does not fit into its field, and is among the extra fields."""
IS_DAMAGED = "its list of files is damaged."


class Entry(NamedTuple):
    """A file in a zip file: its name, where it begins, its packed size, its checksum, and how it is packed."""

    name: str
    offset: int
    size: int
    checksum: int
    method: int


def entries(path: Path) -> Iterator[Entry]:
    """The files, but no folders, of a zip file, one by one. Raises DataError for damage."""
    with open(path, "rb") as file:
        begin, length, shift = _directory(file)
        file.seek(begin)
        while length > 0:
            signature, flags, method, checksum, size, full, *lengths, offset = ENTRY.unpack(
                read_exactly(file, ENTRY.size)
            )
            if signature != b"PK\1\2":
                raise DataError(IS_DAMAGED)
            name, extra = read_exactly(file, lengths[0]), bytes(read_exactly(file, lengths[1]))
            file.seek(lengths[2], 1)
            length -= ENTRY.size + sum(lengths)
            full, size, offset = _extended(extra, [full, size, offset])
            if not name.endswith(b"/"):
                text = bytes(name).decode("utf-8" if flags & IS_UTF8 else "cp437", "replace")
                yield Entry(text, offset + shift, size, checksum, ENCRYPTED_METHOD if flags & ENCRYPTED else method)


def _directory(file: IO[bytes]) -> tuple[int, int, int]:
    """Where the directory begins, its length, and how many bytes stand before the first file."""
    size = file.seek(0, os.SEEK_END)
    tail_begins = max(0, size - END.size - MAX_COMMENT_BYTES)
    file.seek(tail_begins)
    tail = file.read()
    at = tail.rfind(b"PK\5\6")
    if at < 0 or at + END.size > len(tail):
        raise DataError("it is cut: a zip file ends with a list of its files.")
    _, length, begin = END.unpack_from(tail, at)
    end = tail_begins + at
    if end >= END_64_PLACE.size:  # more than 65,535 files, or 4 GB
        file.seek(end - END_64_PLACE.size)
        signature, place = END_64_PLACE.unpack(read_exactly(file, END_64_PLACE.size))
        if signature == b"PK\6\7" and place + END_64.size <= end:
            file.seek(place)
            _, length, begin = END_64.unpack(read_exactly(file, END_64.size))
            end = place
    shift = end - length - begin
    if length > size or not 0 <= begin + shift <= size or shift < 0:
        raise DataError(IS_DAMAGED)
    return begin + shift, length, shift


def _extended(extra: bytes, numbers: list[int]) -> list[int]:
    """Sizes and offset, of which those that did not fit are in the extra fields."""
    at = 0
    while ELSEWHERE in numbers and at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        if kind == 1:
            held = iter(struct.iter_unpack("<Q", extra[at + 4 : at + 4 + length // 8 * 8]))
            return [next(held, (number,))[0] if number == ELSEWHERE else number for number in numbers]
        at += 4 + length
    return numbers


@dataclass
class Directory:
    """The files in a zip file, as columns of what `Entry` says of each; backslashes in names become slashes."""

    path: Path
    names: Names = field(default_factory=Names)
    offsets: "array[int]" = field(default_factory=lambda: array("Q"))
    sizes: "array[int]" = field(default_factory=lambda: array("Q"))
    checksums: "array[int]" = field(default_factory=lambda: array("L"))
    methods: "array[int]" = field(default_factory=lambda: array("H"))

    @classmethod
    def read(cls, path: Path, most: int) -> "Directory":
        """Raises DataError for damage, or more than `most` files."""
        directory = cls(path)
        for entry in entries(path):
            directory.names.append(entry.name.replace("\\", "/"))
            directory.offsets.append(entry.offset)
            directory.sizes.append(entry.size)
            directory.checksums.append(entry.checksum)
            directory.methods.append(entry.method)
            if len(directory.names) > most:
                raise DataError(f"it holds more than {most:,} files.")
        return directory

    def contents(self, chosen: Iterable[SupportsIndex], most_bytes: int) -> Iterator[tuple[int, bytes]]:
        """The number and the content of each chosen file, unpacked to at most `most_bytes` + 1.

        Raises DataError for damage, encryption, and packings other than deflate.
        """
        with open(self.path, "rb") as file:
            for index in chosen:
                yield int(index), self._content(file, int(index), most_bytes)

    def _content(self, file: IO[bytes], index: int, most_bytes: int) -> bytes:
        file.seek(self.offsets[index])
        signature, *lengths = FILE.unpack(read_exactly(file, FILE.size))
        if signature != SIGNATURE:
            raise DataError(IS_DAMAGED)
        file.seek(sum(lengths), 1)
        packed = bytes(read_exactly(file, min(self.sizes[index], 2 * most_bytes + 1)))
        if self.methods[index] == DEFLATED:
            try:
                packed = zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, most_bytes + 1)
            except zlib.error as error:
                raise DataError(f"{self.names[index]} is damaged.") from error
        elif self.methods[index] != STORED:
            raise DataError(f"{self.names[index]} is packed in a way that cannot be read, or encrypted.")
        if len(packed) <= most_bytes and zlib.crc32(packed) != self.checksums[index]:
            raise DataError(f"{self.names[index]} is damaged.")
        return packed
