"""Which folders are the classes, where pictures lie in folders within folders."""

from collections import Counter

import numpy as np
import pytest
from own_files import assert_all_there, encoded, opened, write

from minigrad_gui.data.label_folders import Folders, classes_of


@pytest.mark.parametrize(
    ("folder", "told"),
    [
        ("{label}/writer{who}", "“0” in 0/writer0"),
        ("all/{label}/{who}/more", "“0” in all/0/0/more"),
        ("writer{who}/{label}", "“0” in writer0/0"),
        ("{who}/{label}", "“0” in 0/0"),
        ("by_class/{code:x}/hsf_{who}", "“30” in by_class/30/hsf_0"),
    ],
)
def test_folders_of_digits_are_the_classes(own, tmp_path, folder, told):
    """Not those of writers, above or below; NIST's are called by codes."""
    places = [folder.format(label=label, code=0x30 + label, who=at % 3) for at, label in enumerate(own.y)]
    files = {f"{place}/{at}.png": encoded(own.x[at]) for at, place in enumerate(places)}
    dataset = opened(write(tmp_path, files))
    assert dataset.class_names == tuple("0123456789")
    assert_all_there(dataset, own.x, own.y)
    assert any(told in remark for remark in dataset.origin.remarks if remark.startswith("Its classes are the folders"))
    codes = "Its folders are called by codes of characters, such as 30 for 0."
    assert (codes in dataset.origin.remarks) == ("code" in folder)


def test_training_and_test_folders_in_those_of_the_classes(own, tmp_path):
    files = {f"by_class/{0x30 + label:x}/train_{label}/{at}.png": encoded(own.x[at]) for at, label in enumerate(own.y)}
    files |= {f"by_class/{0x30 + label:x}/test/{at}.png": encoded(own.tx[at]) for at, label in enumerate(own.ty)}
    dataset = opened(write(tmp_path, files))
    assert (np.bincount(dataset.train_labels) == np.bincount(own.y)).all()
    assert (np.bincount(dataset.test_labels) == np.bincount(own.ty)).all()


@pytest.mark.parametrize(
    ("places", "classes"),
    [
        (["cat/a", "dog/a"], None),
        (["a/cat", "a/dog", "b/dog"], ["cat", "dog", "dog"]),
        (["1/cat", "2/dog"], ["cat", "dog"]),
        ([f"{fold}/{animal}" for fold in range(7) for animal in ("cat", "dog")], ["cat", "dog"] * 7),
        ([*"ABCDEFGHI"], [*"ABCDEFGHI"]),
        ([f"{letter}/of {letter * 2}" for letter in "ABCDEFGHI"], [*"ABCDEFGHI"]),
        ([f"{code:x}" for code in range(0x41, 0x5B)], [*"ABCDEFGHIJKLMNOPQRSTUVWXYZ"]),
        ([str(age) for age in range(25, 45)], [str(age) for age in range(25, 45)]),
        (["train", "test"], None),
        (["train/0", "test/0", "test/1"], ["0", "0", "1"]),
        ([""], None),
    ],
)
def test_classes_by_folders(places, classes):
    paths = [f"{place}/1.png".lstrip("/") for place in places]
    folders = Folders(paths)
    found = classes_of(Counter(map(folders.of, paths)))
    assert (found and [found[0].get(folders.of(path)) for path in paths]) == classes


def test_folders_of_digits_with_few_of_the_pictures_are_not_the_classes():
    paths = [f"cat/{at}.png" for at in range(50)] + [f"dog/more/{digit}/1.png" for digit in range(10)] + ["dog/1.png"]
    folders = Folders(paths)
    found = classes_of(Counter(map(folders.of, paths)))
    assert found
    assert set(found[0].values()) == {"cat", "dog"}
