"""Tars as webdataset's ShardWriter writes them."""

import io
import json
import tarfile

import numpy as np
import pytest
from own_files import assert_all_there, assert_same, opened, tarred
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


def test_labels_that_do_not_stand_next_to_their_pictures(own, tmp_path):
    """As in a tar of a folder; webdataset itself would not find them."""
    pictures = {f"{at:03}.png": png(image) for at, image in enumerate(own.x)}
    texts = {f"{at:03}.txt": str(label).encode() for at, label in enumerate(own.y)}
    assert_all_there(opened(tarred(tmp_path / "a.tar", texts | pictures, "w")), own.x, own.y)


def test_labels_that_later_stand_elsewhere_are_told_of(tmp_path):
    files = {f"{at}.{suffix}": content for at in range(10) for suffix, content in (("png", b""), ("json", b"{}"))}
    with pytest.raises(DataError, match="none of its pictures has its label next to it"):
        opened(tarred(tmp_path / "a.tar", files, "w"))


def npy(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("suffix", "encode", "label"),
    [
        ("image.png", png, "label.txt"),
        ("img.jpg.png", png, "cls.txt"),
        ("npy", npy, "cls"),
        ("x.npy", lambda image: npy((image / 255).astype("f4")), "y.cls"),
        ("npy", lambda image: npy(image.ravel()), "label.json"),
        ("npy", lambda image: npy(image[None]), "class.txt"),
    ],
)
def test_names_of_several_parts_and_arrays(own, tmp_path, suffix, encode, label):
    pairs = zip(own.x, own.y, strict=True)
    samples = [{suffix: encode(image), label: str(digit).encode(), "txt": b"any"} for image, digit in pairs]
    dataset = opened(write(tmp_path / "a.tar", samples))
    assert_all_there(dataset, own.x, own.y)
    assert dataset.origin.format == "WebDataset"


@pytest.mark.parametrize("text", [b"7 0.5 0.5 0.2 0.2", b"seven\neight"])
def test_texts_that_are_no_labels_are_refused(own, tmp_path, text):
    samples = [{"png": png(image), "txt": text if at == 50 else b"7"} for at, image in enumerate(own.x)]
    with pytest.raises(DataError, match=r"sample00050\.txt holds no label alone"):
        opened(write(tmp_path / "a.tar", samples))


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        ({"png": b"", "cls": b"7"}, "some of its pictures are arrays, others are not"),
        ({"npy": npy(np.zeros((9, 9, 9), "u1")), "cls": b"7"}, r"an array of shape \(9, 9, 9\) is not a picture"),
        ({"npy": npy(np.zeros(300, "u1")), "cls": b"7"}, r"an array of shape \(300,\) is not"),
        ({"npy": npy(np.zeros((28, 28), object)), "cls": b"7"}, r"sample00040\.npy is not an array of numbers"),
    ],
)
def test_unsuitable_arrays_are_refused(own, tmp_path, odd, reason):
    samples = [{"npy": npy(image), "cls": str(label).encode()} for image, label in zip(own.x, own.y, strict=True)]
    samples[40] = odd
    with pytest.raises(DataError, match=reason):
        opened(write(tmp_path / "a.tar", samples))


def test_a_tar_of_whole_arrays_with_a_text_about_them(own, tmp_path):
    files = {"x.npy": npy(own.x), "x.txt": b"pictures", "y.npy": npy(own.y), "y.txt": b"labels"}
    assert_all_there(opened(tarred(tmp_path / "a.tar", files, "w")), own.x, own.y)
