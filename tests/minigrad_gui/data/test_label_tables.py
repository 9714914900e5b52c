"""Tables of the pictures' names and labels, as programs and competitions write them."""

import json

import numpy as np
import pytest
from own_files import assert_all_there, encoded, opened, tarred, write

from minigrad_gui.data import DataError

COUNT = 120
ONE_HOT = np.eye(10, dtype=int)


@pytest.fixture(scope="module")
def pictures(own):
    return {f"images/{at}.png": encoded(image) for at, image in enumerate(own.x[:COUNT])}


def table(head: str, row: str, labels: np.ndarray) -> bytes:
    rows = (
        row.format(
            at=number,
            label=label,
            one_hot=", ".join(map(str, ONE_HOT[label])),
            spread=number * 7 % 30,
            back=COUNT - 1 - number,
            half=number // 2,
        )
        for number, label in enumerate(labels)
    )
    return "".join(f"{line}\n" for line in (head, *rows) if line).encode()


@pytest.mark.parametrize(
    ("head", "row", "column"),
    [
        (",filename,label", "{at},{at}.png,{label}", "column “label”"),
        (",id,label", "{spread},{at},{label}", "column “label”"),
        ("id,filename,digit", "{spread},{at}.png,{label}", "column “digit”"),
        ("label,filename", "{label},{at}.png", ""),
        ("digit;written;file", "{label};2020-01-01;images/{at}.png", "column “digit”"),
        (
            "Width,Height,Roi.X1,Roi.Y1,Roi.X2,Roi.Y2,ClassId,Path",
            "{spread},28,{label},6,20,{spread},{label},images/{at}.png",
            "column “ClassId”",
        ),
        ("path,symbol_id,latex,user_id", "images/{at}.png,{label},A,{spread}", "column “symbol_id”"),
        ("file,category,category name", "{at}.png,{label},the {label}", "column “category”"),
        ("file,written,what", "{at}.png,{at} o'clock,{label}", "column “what”"),
        ("", "{at}.png,{at} o'clock,{label}", ""),
        ("filename, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9", "{at}.png, {one_hot}", "a column for each class"),
        ("", "{at}.png, {one_hot}", ""),
    ],
)
def test_columns_in_any_order(own, pictures, tmp_path, head, row, column):
    """pandas' index, ids, GTSRB's Train.csv, HASYv2's, Roboflow's one-hot; without names, too."""
    y = own.y[:COUNT]
    dataset = opened(write(tmp_path, {**pictures, "labels.csv": table(head, row, y)}), orientation="upright")
    assert_all_there(dataset, own.x[:COUNT], y)
    told = f"Its labels are from labels.csv ({column})." if column else "Its labels are from labels.csv."
    assert told in dataset.origin.remarks


def test_classes_are_called_as_their_columns(own, pictures, tmp_path):
    y = own.y[:COUNT] % 2
    rows = [f"{at}.png, {1 - label}, {label}" for at, label in enumerate(y)]
    content = "\n".join(["filename, even, odd", *rows]).encode()
    dataset = opened(write(tmp_path, {**pictures, "_classes.csv": content}), orientation="upright")
    assert dataset.class_names == ("even", "odd")
    assert_all_there(dataset, own.x[:COUNT], y)


@pytest.mark.parametrize("pack", [write, lambda root, files: tarred(root / "a.tgz", files)])
def test_metadata_in_json_lines(own, tmp_path, pack):
    """As Hugging Face's imagefolder has it, beside the pictures of each split, which are called alike."""
    files = {}
    for split, x, y in (("train", own.x, own.y), ("test", own.tx, own.ty)):
        files |= {f"{split}/{at:03}.png": encoded(image) for at, image in enumerate(x)}
        records = ({"file_name": f"{at:03}.png", "label": int(label), "box": [at]} for at, label in enumerate(y))
        files[f"{split}/metadata.jsonl"] = "\n".join(map(json.dumps, records)).encode()
    dataset = opened(pack(tmp_path, files))
    np.testing.assert_array_equal(dataset.train_labels, own.y)
    np.testing.assert_array_equal(dataset.test_labels, own.ty)


@pytest.mark.parametrize(
    ("head", "row", "reason"),
    [
        ("file,gender,age", "{at}.png,{label},{spread}", "which column of a.csv holds the labels: “gender”, “age”"),
        ("file,class,label", "{at}.png,{label},{spread}", "which column of a.csv holds the labels: “class”, “label”"),
        ("", "{at}.png,{label},{spread}", "which column of a.csv holds the labels: the 2., the 3."),
        ("from,to,label", "images/{at}.png,images/{back}.png,{label}", "names its pictures: “from”, “to”"),
        ("file,thing,other", "{at}.png,1,1", "its pictures have no labels"),
        (",file", "{at},{at}.png", "its pictures have no labels"),
        ("file,label", "{half}.png,{label}", r"two labels, \d and \d"),
    ],
)
def test_what_is_not_clear_is_refused(own, pictures, tmp_path, head, row, reason):
    with pytest.raises(DataError, match=reason):
        opened(write(tmp_path, {**pictures, "a.csv": table(head, row, own.y[:COUNT])}))


@pytest.mark.parametrize(
    "junk",
    [
        {"a.csv": b'"' + b"7" * 200_000 + b'",2\n'},
        {"a.jsonl": b'{"file_name": "1.png", "label": 3}\n{"file_name": '},
        {"a.jsonl": b"[" * 100_000},
        {"README.txt": b"4 files\n5 people\n"},
        {f"annotations/{at}.txt": b"0 0.5 0.5 1 1\n" for at in range(COUNT)},
        {"a.csv": b",".join([b"1"] * 785) + b"\n"},
    ],
)
def test_other_files_give_no_labels(own, pictures, tmp_path, junk):
    files = {**junk, **pictures, "labels.csv": table("file,label", "{at}.png,{label}", own.y[:COUNT])}
    dataset = opened(write(tmp_path, files), orientation="upright")
    assert_all_there(dataset, own.x[:COUNT], own.y[:COUNT])
    assert "Its labels are from labels.csv." in dataset.origin.remarks


@pytest.mark.parametrize("name", ["sample_submission.csv", "sampleSubmission.csv", "test.csv"])
def test_a_sample_of_an_answer_gives_no_test_labels(own, tmp_path, name):
    """As Kaggle has it: each test picture is a 0, or anything."""
    files = {f"train/{at}.png": encoded(image) for at, image in enumerate(own.x)}
    files |= {f"test/{1000 + at}.png": encoded(image) for at, image in enumerate(own.tx[:50])}
    files["train.csv"] = b"id,label\n" + b"".join(b"%d.png,%d\n" % pair for pair in enumerate(own.y))
    dummy = [at % 2 if "ubmission" in name else 0 for at in range(50)]
    files[name] = b"id,label\n" + b"".join(b"%d.png,%d\n" % (1000 + at, label) for at, label in enumerate(dummy))
    dataset = opened(write(tmp_path, files))
    assert_all_there(dataset, own.x, own.y)
    assert "Its labels are from train.csv." in dataset.origin.remarks
    assert "Pictures without a label are left out: 50." in dataset.origin.remarks
    assert any(remark.startswith(f"{name} is left out: ") for remark in dataset.origin.remarks)


@pytest.mark.parametrize("head", ["file,label\n", ""])
def test_tables_of_one_class_each(own, tmp_path, head):
    few = np.flatnonzero(own.y < 4)
    files = {f"images/{at}.png": encoded(own.x[at]) for at in few}
    for label in range(4):
        rows = [f"{at}.png,{label}\n" for at in few if own.y[at] == label]
        files[f"{label}.csv"] = "".join([head, *rows]).encode()
    dataset = opened(write(tmp_path, files), orientation="upright")
    assert_all_there(dataset, own.x[few], own.y[few])


def test_one_label_for_all_is_none(own, tmp_path):
    """Where the names hold labels, a column such as the licence's is no label."""
    files = {f"{label}_{at}.png": encoded(own.x[at]) for at, label in enumerate(own.y)}
    files["licences.csv"] = "".join(f"{name},CC0\n" for name in ["file", *files]).encode()
    assert_all_there(opened(write(tmp_path / "a", files)), own.x, own.y)
    files = {f"{name[2:]}": content for name, content in files.items() if name != "licences.csv"}
    files["licences.csv"] = "".join(f"{name},CC0\n" for name in files).encode()
    with pytest.raises(DataError, match="all its pictures have the same label"):
        opened(write(tmp_path / "b", files))
