"""Tars as webdataset's ShardWriter writes them."""

import io
import json
import tarfile

import pytest
from own_files import assert_same, opened
from PIL import Image

from minigrad_gui.data import DataError


def png(image):
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG")
    return stream.getvalue()


def write(path, samples):
    """samples: the content of the files of each, by suffix."""
    with tarfile.open(path, "w") as archive:
        for number, files in enumerate(samples):
            for suffix, content in files.items():
                info = tarfile.TarInfo(f"sample{number:05}.{suffix}")
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return path


def shards(folder, own, suffix, label):
    for name, x, y in (
        ("train-000000", own.x[:120], own.y[:120]),
        ("train-000001", own.x[120:], own.y[120:]),
        ("test-000000", own.tx, own.ty),
    ):
        pairs = zip(x, y, strict=True)
        write(folder / f"{name}.tar", [{suffix: label(int(digit)), "png": png(image)} for image, digit in pairs])
    return folder / "train-000000.tar"


@pytest.mark.parametrize(
    ("suffix", "label"),
    [
        ("cls", lambda digit: str(digit).encode()),
        ("json", lambda digit: json.dumps({"caption": "a digit", "label": digit}).encode()),
        ("txt", lambda digit: f"{digit}\n".encode()),
    ],
)
def test_shards(own, tmp_path, suffix, label):
    dataset = opened(shards(tmp_path, own, suffix, label))
    assert_same(dataset, own)
    assert dataset.origin.format == "WebDataset"


def test_a_class_beats_a_description(own, tmp_path):
    samples = [
        {"jpg": png(image), "txt": b"a picture", "json": b'{"width": 28}', "cls": str(label).encode()}
        for image, label in zip(own.x, own.y, strict=True)
    ]
    assert opened(write(tmp_path / "a.tar", samples)).class_names == tuple("0123456789")


def test_pictures_without_a_label_are_left_out(own, tmp_path):
    samples = [{"png": png(image), "cls": str(label).encode()} for image, label in zip(own.x, own.y, strict=True)]
    del samples[3]["cls"]
    dataset = opened(write(tmp_path / "a.tar", samples))
    assert len(dataset.train_labels) + len(dataset.test_labels) == len(own.x) - 1
    assert "Pictures without a label are left out: 1." in dataset.origin.remarks


def test_several_pictures_of_one_name_are_refused(own, tmp_path):
    samples = [{"left.png": png(own.x[0]), "right.png": png(own.x[1]), "cls": b"1"}]
    with pytest.raises(DataError, match="several pictures"):
        opened(write(tmp_path / "a.tar", samples))


def test_a_damaged_label_is_refused(own, tmp_path):
    with pytest.raises(DataError, match="a label is damaged"):
        opened(write(tmp_path / "a.tar", [{"png": png(own.x[0]), "json": b"{"}]))


def test_labels_that_do_not_stand_next_to_their_pictures_are_told_of(own, tmp_path):
    """As in webdataset itself, so that a million of them take little memory."""
    numbers = range(10)
    files = {f"{number}.png": png(own.x[number]) for number in numbers} | {f"{number}.cls": b"1" for number in numbers}
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    with pytest.raises(DataError, match="none of its pictures has its label next to it"):
        opened(tmp_path / "a.tar")
