"""Compressed files are opened by what they hold, not by what they are called."""

import bz2
import gzip
import lzma
import os
import tracemalloc
import zipfile

import pytest

from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.streams import (
    TemporaryFolder,
    lines_of,
    open_entry,
    open_plain,
    plain_file,
    plain_name,
    read_exactly,
)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, bytes])
def test_contents_are_unpacked(tmp_path, pack):
    path = tmp_path / "a.csv"
    path.write_bytes(pack(b"digits"))
    with open_plain(path) as file:
        assert read_exactly(file, 6) == b"digits"
        with pytest.raises(DataError, match="ends too early"):
            read_exactly(file, 1)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_readers_of_files_get_what_is_unpacked(tmp_path, pack):
    (tmp_path / "a.h5").write_bytes(b"digits")
    (tmp_path / "packed").write_bytes(pack(b"digits"))
    folder = TemporaryFolder()
    assert plain_file(tmp_path / "a.h5", folder, 0) == tmp_path / "a.h5"
    assert plain_file(tmp_path / "packed", folder, 6).read_bytes() == b"digits"
    with pytest.raises(DataError, match="too large"):
        plain_file(tmp_path / "packed", folder, 5)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_lines_are_read_whatever_ends_and_encodes_them(tmp_path, end, encoding):
    """Excel writes UTF-16 as Unicode text, and CR as text for Macintosh; "😀" takes four bytes in both."""
    lines = ["label,ä😀", *("😀" * number for number in range(1, 3000, 50))]
    (tmp_path / "a.csv").write_bytes(end.join([lines[0], "", *lines[1:]]).encode(encoding))
    assert list(lines_of(tmp_path / "a.csv")) == lines
    with open_plain(tmp_path / "a.csv") as file:
        assert file.read().decode("utf-8-sig") == end.join([lines[0], "", *lines[1:]])


def test_what_is_claimed_takes_no_memory(tmp_path):
    (tmp_path / "a").write_bytes(bytes(10))
    tracemalloc.start()
    try:
        with open(tmp_path / "a", "rb") as file, pytest.raises(DataError, match="ends too early"):
            read_exactly(file, 1 << 32)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


def test_a_pipe_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="not a file"):
        open_plain(tmp_path / "pipe")


def test_names_lose_the_suffix_of_the_compression(tmp_path):
    assert [plain_name(tmp_path / name) for name in ("a.csv.gz", "a.csv", "a-ubyte")] == ["a.csv", "a.csv", "a-ubyte"]


def test_a_file_in_a_zip_file_is_opened_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner/b", b"abc" * 1000)
    with open_entry(tmp_path / "a.zip", "inner/b") as file:
        assert (file.read(4), len(file.read())) == (b"abca", 2996)
