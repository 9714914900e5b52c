"""Labels in a text beside each picture; captions, boxes and others are not taken for labels."""

import numpy as np
import pytest
from own_files import assert_all_there, encoded, opened, tarred, write, zipped

from minigrad_gui.data import DataError
from minigrad_gui.data.label_texts import label_in


def beside(own, suffix: str = ".txt", text: str = "{}\n", name: str = "{:05}") -> dict[str, bytes]:
    files = {}
    for at, (image, label) in enumerate(zip(own.x, own.y, strict=True)):
        files[f"{name.format(at)}.png"] = encoded(image)
        files[f"{name.format(at)}{suffix}"] = text.format(label).encode()
    return files


@pytest.mark.parametrize(
    "pack",
    [
        write,
        lambda root, files: zipped(root / "a.zip", files),
        lambda root, files: tarred(root / "a.tgz", dict(sorted(files.items(), key=lambda file: file[0][::-1]))),
        lambda root, files: tarred(root / "a.tar", dict(sorted(files.items(), key=lambda file: file[0][::-1])), "w"),
    ],
)
def test_folders_zips_and_tars(own, tmp_path, pack):
    files = beside(own)
    files["00003.txt"] = b"\n"
    del files["00005.txt"]
    kept = np.delete(np.arange(len(own.x)), [3, 5])
    dataset = opened(pack(tmp_path, files))
    assert_all_there(dataset, own.x[kept], own.y[kept])
    assert dataset.class_names == tuple("0123456789")
    assert "Its labels are from the texts beside its pictures, such as 00000.txt." in dataset.origin.remarks
    assert "Pictures without a label are left out: 2." in dataset.origin.remarks


@pytest.mark.parametrize(
    ("suffix", "text", "name"),
    [
        (".cls", "{}", "part1/digit {}"),
        (".label", "{}.0000e+00\r\n", "a_{}"),
        (".LBL", "\ufeff{}", "0.{}"),
        (".txt", "{}", "train/{:03}"),
    ],
)
def test_other_suffixes_and_names(own, tmp_path, suffix, text, name):
    dataset = opened(write(tmp_path, beside(own, suffix, text, name)))
    assert_all_there(dataset, own.x, own.y)
    assert dataset.class_names == tuple("0123456789")


def test_words(own, tmp_path):
    assert opened(write(tmp_path, beside(own, text="Digit {}"))).class_names == tuple(f"Digit {n}" for n in range(10))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{} 0.5 0.5 0.25 0.75", "the texts beside its pictures are no labels, such as 00000.txt with “. 0.5 0.5 …”"),
        ("{}\n{}\n", "are no labels"),
        ("a photograph of a {} on paper", "are no labels, such as 00000.txt with “a photograph of …”"),
        ("caption", "are all the same"),
    ],
)
@pytest.mark.parametrize("pack", [write, lambda root, files: zipped(root / "a.zip", files)])
def test_what_is_no_label_is_refused(own, tmp_path, pack, text, reason):
    with pytest.raises(DataError, match=reason):
        opened(pack(tmp_path, beside(own, text=text.replace("{}", "{0}"))))


def test_texts_that_hardly_repeat_are_no_labels(own, tmp_path):
    files = {name: name[:5].encode() if name.endswith("txt") else content for name, content in beside(own).items()}
    with pytest.raises(DataError, match="differ too much to be labels"):
        opened(write(tmp_path, files))


def test_names_tell_the_labels_where_the_texts_do_not(own, tmp_path):
    files = {}
    for at, (image, label) in enumerate(zip(own.x, own.y, strict=True)):
        files |= {f"{label}_{at:04}.png": encoded(image), f"{label}_{at:04}.txt": b"0 0.5 0.5 0.2 0.3\n"}
    dataset = opened(write(tmp_path, files))
    assert_all_there(dataset, own.x, own.y)
    assert "Its labels are taken from the files' names" in dataset.origin.remarks[0]


def test_a_dataset_beside_pictures_with_captions(own, tmp_path):
    np.savez(tmp_path / "digits.npz", x=own.x, y=own.y)
    write(tmp_path, {"plot.png": encoded(own.x[0]), "plot.txt": b"what the digits look like"})
    assert_all_there(opened(tmp_path), own.x, own.y)


def test_folders_and_texts_that_differ_are_refused(own, tmp_path):
    """The folders may be writers; those called like digits are not."""
    by_writer = {f"{'anna' if int(name[4]) % 2 else 'ben'}/{name}": c for name, c in beside(own).items()}
    with pytest.raises(DataError, match="“anna” by its folder and “0” by the text beside it"):
        opened(write(tmp_path / "writers", by_writer))
    words = {f"class {label}": label for label in range(10)}
    agreeing = {}
    for at, (image, label) in enumerate(zip(own.x, own.y, strict=True)):
        folder = list(words)[label]
        agreeing |= {f"{folder}/{at}.png": encoded(image), f"{folder}/{at}.txt": f"{label}".encode()}
    assert opened(write(tmp_path / "same", agreeing)).class_names == tuple(words)
    digits = {name.removeprefix("class "): b"5" if name.endswith("txt") else c for name, c in agreeing.items()}
    assert_all_there(opened(write(tmp_path / "digits", digits)), own.x, own.y)


def test_two_pictures_beside_one_text_are_refused(own, tmp_path):
    files = beside(own)
    files["00007.bmp"] = encoded(own.x[0], "BMP")
    with pytest.raises(DataError, match=r"not clear of which picture 00007\.txt is the label"):
        opened(write(tmp_path, files))


@pytest.mark.parametrize(
    ("content", "label"),
    [
        (b"7\n", "7"),
        ("7\r\n".encode("utf-16"), "7"),
        (b"Ankle boot", "Ankle boot"),
        (b" \n", ""),
        (b"7,0.5", None),
        (b"seven 0.5 0.5", None),
        (b"3 4", None),
        (b"one two three four", None),
        (b"7\n8", None),
        (b"x" * 1000, None),
    ],
)
def test_labels_in_texts(content, label):
    assert label_in(content) == label
