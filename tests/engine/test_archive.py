"""Archives: arrays are written and read back; any other file is rejected."""

import os

import numpy as np
import pytest

from engine.archive import MODEL, ModelFileError, npz_path, printable, read_archive, remove_old_drafts, write_archive

DESCRIPTION = {"format": MODEL, "version": 1, "meta": {"note": "ñ 字"}}
ARRAYS = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.asfortranarray(np.eye(2))}


def expected(_):
    return {name: (array.shape, array.dtype) for name, array in ARRAYS.items()}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "archive.npz"
    write_archive(path, DESCRIPTION, ARRAYS)
    return path


def test_arrays_are_read_back_and_read_only(path):
    description, arrays = read_archive(path, MODEL, 1, expected)
    assert description == DESCRIPTION
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].dtype == array.dtype
        assert not arrays[name].flags.writeable
    assert [each.name for each in path.parent.iterdir()] == ["archive.npz"], "no draft is left"


def test_a_description_is_read_without_the_arrays(path):
    assert read_archive(path, MODEL, 1, expected, description_only=True) == (DESCRIPTION, {})


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({}, "does not hold the arrays"),
        ({"a": ((2, 3), np.dtype(np.float32)), "c": ((2, 2), np.dtype(float))}, "does not hold the arrays"),
        ({"a": ((9, 9), np.dtype(np.float32)), "b": ((2, 2), np.dtype(float))}, "does not have the size"),
        ({"a": ((3, 2), np.dtype(np.float32)), "b": ((2, 2), np.dtype(float))}, "does not match its description"),
    ],
)
def test_unexpected_arrays_are_rejected(path, arrays, reason):
    with pytest.raises(ModelFileError, match=rf"^archive\.npz .*{reason}"):
        read_archive(path, MODEL, 1, lambda _: arrays)


def test_an_unusable_description_is_refused(path):
    def refuse(_):
        raise KeyError("sizes")

    with pytest.raises(ModelFileError, match="description is incomplete"):
        read_archive(path, MODEL, 1, refuse)


def test_an_older_file_survives_numbers_that_are_not_finite(path):
    before = path.read_bytes()
    with pytest.raises(ModelFileError, match="not finite"):
        write_archive(path, DESCRIPTION, {"a": np.array([1.0, np.nan])})
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("ñ 字.npz", "ñ 字.npz"),
        ("a\nb", "a\\nb"),
        ("\udcff", "\\xff"),
        ("a\u202eb", "a\\u202eb"),
        ("\x1b[2J", "\\x1b[2J"),
    ],
)
def test_any_name_is_shown_as_one_line(name, shown):
    assert printable(name) == shown


@pytest.mark.parametrize(
    ("name", "saved"), [("digits", "digits.npz"), ("digits-0.98", "digits-0.98.npz"), ("LOUD.NPZ", "LOUD.NPZ")]
)
def test_a_name_without_a_suffix_gets_one(name, saved):
    assert npz_path(name).name == saved


def test_the_suffix_of_another_format_is_refused():
    with pytest.raises(ModelFileError, match=r"would not be a \.onnx file.* name it digits\.npz"):
        npz_path("digits.onnx")


@pytest.mark.parametrize("path", ["", "/", "."])
def test_a_network_needs_a_file_name(path):
    with pytest.raises(ModelFileError, match="needs a file name"):
        npz_path(path)


def test_only_old_drafts_are_removed(tmp_path):
    old, young, other = (tmp_path / name for name in (".old.tmp", ".young.tmp", "other.tmp"))
    for file in (old, young, other):
        file.touch()
    for file in (old, other):
        os.utime(file, (1, 1))
    remove_old_drafts(tmp_path)
    assert [file.exists() for file in (old, young, other)] == [False, True, True]
