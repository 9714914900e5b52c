"""Files beside a file belong to it if only words such as "train" tell them apart."""

import pytest

from engine import MLP, save_model
from minigrad_gui.data.siblings import MAX_FILES, Families, family, listed, parts_of, visible


def test_splits(tmp_path):
    for name in ("a-train.csv", "a-test.csv", "b-train.csv", "a-test.npz", "._a-test.csv", "a-val.csv.gz"):
        (tmp_path / name).write_bytes(b"")
    assert list(family(tmp_path / "a-train.csv").splits) == ["a-train.csv", "a-test.csv", "a-val.csv"]


@pytest.mark.parametrize("shards", [("a-train-{}-of-2", "a-test-{}_of_1"), ("a-000{}-train", "a-0002-test")])
def test_shards_differ_in_numbers_that_no_person_gives(tmp_path, shards):
    names = [shards[0].format(0), shards[0].format(1), shards[1].format(2)]
    for name in (*names, "a-2-train", "a-train (1)", "a-labels", "a_2828-train"):
        (tmp_path / f"{name}.csv").write_bytes(b"")
    found = family(tmp_path / f"{names[1]}.csv")
    assert {*found.splits} == {f"{name}.csv" for name in names}
    assert {*found.halves} == {*found.splits, "a-labels.csv"}
    assert {*found.alike} == {file.name for file in tmp_path.iterdir()}
    assert {*found.numbered} == {"a-2-train.csv", "a-train (1).csv", "a_2828-train.csv"}


def test_parts_have_the_same_numbers(tmp_path):
    names = ("x_1.npy", "y1.npy", "x2.npy", "y-test_2.npy", "x28-0003.npy", "images-idx3-ubyte", "labels-idx1-ubyte")
    parts = [[*part] for part in parts_of({name: tmp_path / name for name in names})]
    assert parts == [[*names[:2]], [*names[2:4]], [names[4]], [*names[5:]]]


def test_what_is_tried_in_turn(tmp_path):
    for name in ("x_train.npy", "x_test.npy", "y_train.npy"):
        (tmp_path / name).write_bytes(b"")
    attempts = family(tmp_path / "x_train.npy").attempts()
    assert [sorted(files) for files in attempts] == [
        ["x_test.npy", "x_train.npy"],
        ["x_train.npy"],
        ["x_test.npy", "x_train.npy", "y_train.npy"],
    ]


def test_model_files_belong_to_no_dataset(tmp_path):
    (tmp_path / "data.npz").write_bytes(b"")
    save_model(tmp_path / "data_test.npz", MLP(784, [4], 10))
    assert family(tmp_path / "data.npz").attempts() == [{"data.npz": tmp_path / "data.npz"}]


def test_a_folder_is_looked_at_once_however_many_files_it_holds(tmp_path, monkeypatch):
    for number in range(3 * MAX_FILES):
        (tmp_path / f"{number:05}.csv").write_bytes(b"")
    listings = []
    listing = type(tmp_path).iterdir
    monkeypatch.setattr(type(tmp_path), "iterdir", lambda path: listings.append(path) or listing(path))
    families = Families()
    for file in sorted(tmp_path.glob("*.csv")):
        found = families.of(file)
        assert file in found.splits.values()
        assert (len(found.splits), found.beyond) == (MAX_FILES, 2 * MAX_FILES)
    assert listings.count(tmp_path) == 1


@pytest.mark.parametrize(
    ("names", "text"), [("b", "b"), ("ba", "a and b"), ("cba", "a, b and c"), ("dcba", "a, b and 2 more files")]
)
def test_names_in_a_sentence(names, text):
    assert listed(names) == text


def test_what_systems_leave_behind_is_not_visible(tmp_path):
    for name in (".ipynb_checkpoints", "__MACOSX", "._0.png", "Thumbs.db", ".DS_Store"):
        assert not visible(tmp_path / name)
    assert visible(tmp_path / "0")
