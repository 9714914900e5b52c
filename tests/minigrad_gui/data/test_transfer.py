"""A dataset through a file is the same; a false file is refused."""

import json
import zipfile

import numpy as np
import pytest

from minigrad_gui.data import Choices, DataError, Dataset, Origin
from minigrad_gui.data.transfer import ABOUT, read_dataset, write_dataset

IMAGES = np.arange(3 * 784, dtype=np.uint32).reshape(3, 28, 28).astype(np.uint8)
LABELS = np.array([0, 2, 1], np.uint8)
NAMES = ("cat", "dog", "fox")
ORIGIN = Origin("Parquet", Choices("upright", "light ink", "as they are", "scaled", NAMES), ("A remark.",), (20, 16))


def write(path, labels=LABELS, about=None):
    write_dataset(path, Dataset(IMAGES, labels, IMAGES[:1], labels[:1], "a", NAMES, origin=ORIGIN))
    if about is not None:
        with zipfile.ZipFile(path) as archive:
            kept = {name: archive.read(name) for name in archive.namelist() if name != ABOUT}
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in {**kept, ABOUT: about}.items():
                archive.writestr(name, content)


def test_arrays_names_and_origin_arrive(tmp_path):
    write(tmp_path / "a.npz")
    dataset = read_dataset(tmp_path / "a.npz", "owner/name")
    np.testing.assert_array_equal(dataset.train_images, IMAGES)
    np.testing.assert_array_equal(dataset.test_labels, LABELS[:1])
    assert (dataset.name, dataset.class_names, dataset.origin) == ("owner/name", NAMES, ORIGIN)


def test_labels_beyond_the_names_and_long_descriptions_are_refused(tmp_path):
    write(tmp_path / "a.npz", labels=LABELS + 1)
    with pytest.raises(DataError, match=r"not from 0 to 2\.$"):
        read_dataset(tmp_path / "a.npz", "a")
    write(tmp_path / "a.npz", about=b" " * 100_000)
    with pytest.raises(DataError, match="too long"):
        read_dataset(tmp_path / "a.npz", "a")


def test_what_is_told_is_printable_and_short(tmp_path):
    remarks = ["\x1b[2J" + "x" * 1000] * 30
    choices = {"orientation": "mirrored"}
    about = {"class_names": ["a\n", "b", "c"], "origin": {"format": "\x07?", "choices": choices, "remarks": remarks}}
    write(tmp_path / "a.npz", about=json.dumps(about).encode())
    dataset = read_dataset(tmp_path / "a.npz", "a")
    assert dataset.class_names == ("a", "b", "c")
    assert dataset.origin.format == "?"
    assert len(dataset.origin.remarks) == 20
    assert max(map(len, dataset.origin.remarks)) <= 500
    assert all(remark.isprintable() for remark in dataset.origin.remarks)
