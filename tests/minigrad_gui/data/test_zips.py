"""Zip files as zipfile and others write them, and damaged ones."""

import io
import struct
import tracemalloc
import zipfile

import pytest

from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.zips import Directory, entries

FILES = {"a/1.png": b"one" * 100, "ü.txt": b"", "b/c/2.bin": bytes(range(256))}


def write(path, packing=zipfile.ZIP_DEFLATED, before=b"", comment=b"", force_zip64=False):
    stream = io.BytesIO(before)
    with zipfile.ZipFile(stream, "a", packing) as archive:
        archive.mkdir("folder")
        for name, content in FILES.items():
            with archive.open(name, "w", force_zip64=force_zip64) as file:
                file.write(content)
        archive.comment = comment
    path.write_bytes(stream.getvalue())
    return path


def contents(path, most_bytes=1000):
    directory = Directory.read(path, 10)
    found = directory.contents(range(len(directory.names)), most_bytes)
    return {directory.names[index]: content for index, content in found}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"packing": zipfile.ZIP_STORED},
        {"comment": b"a comment " * 100},
        {"before": b"#!/bin/sh\n" * 100},
        {"force_zip64": True},
    ],
    ids=str,
)
def test_all_that_zipfile_writes(tmp_path, options):
    assert contents(write(tmp_path / "a.zip", **options)) == FILES


def test_more_files_and_bytes_than_32_bits_can_count(tmp_path, monkeypatch):
    """zipfile writes its 64-bit records from these limits on; they are lowered here."""
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 100)
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 2)
    assert contents(write(tmp_path / "a.zip", force_zip64=True)) == FILES


def test_no_more_is_unpacked_than_is_asked_for(tmp_path):
    assert len(contents(write(tmp_path / "a.zip"), most_bytes=50)["a/1.png"]) == 51


def test_too_many_files_are_refused(tmp_path):
    with pytest.raises(DataError, match="more than 2 files"):
        Directory.read(write(tmp_path / "a.zip"), 2)


def test_what_zipfile_cannot_write(tmp_path):
    path = write(tmp_path / "a.zip")
    whole = path.read_bytes()
    at = whole.index(b"PK\1\2", whole.index(b"PK\1\2") + 1)  # after that of a folder
    for name, change, told in (
        ("encrypted", {at + 8: whole[at + 8] | 1}, "encrypted"),
        ("method", {at + 10: 9}, "cannot be read"),
        ("checksum", {whole.rindex(b"PK\1\2") + 16: 0, whole.rindex(b"PK\1\2") + 17: 0}, "is damaged"),
        ("signature", {at: 0}, "list of files is damaged"),
        ("cut", {whole.rindex(b"PK\5\6"): 0}, "it is cut"),
        ("begin", {whole.rindex(b"PK\5\6") + 18: 255}, "damaged"),
    ):
        changed = bytearray(whole)
        for place, value in change.items():
            changed[place] = value
        path.with_name(f"{name}.zip").write_bytes(changed)
        with pytest.raises(DataError, match=told):
            contents(path.with_name(f"{name}.zip"))


def test_an_entry_takes_less_memory_than_a_picture(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for number in range(3000):
            archive.writestr(f"digits/7/{number:05}.png", b"")
    tracemalloc.start()
    try:
        directory = Directory.read(tmp_path / "a.zip", 10_000)
        assert tracemalloc.get_traced_memory()[0] < 150 * 3000
    finally:
        tracemalloc.stop()
    assert len(directory.names) == sum(1 for _ in entries(tmp_path / "a.zip")) == 3000
    assert struct.calcsize("Q") == directory.sizes.itemsize
