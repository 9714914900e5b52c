"""JSON as `datasets` and pandas write it, and plain lists."""

import base64
import io
import json
from types import SimpleNamespace

import numpy as np
import pytest
from own_files import assert_all_there, assert_same, opened
from PIL import Image

from minigrad_gui.data import DataError, json_text


def records(x, y):
    return [{"image": image.tolist(), "label": int(label)} for image, label in zip(x, y, strict=True)]


def png(image):
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode()


def write(path, own, dump, suffix="json"):
    for name, x, y in (("train", own.x, own.y), ("test", own.tx, own.ty)):
        (path / f"{name}.{suffix}").write_text(dump(x, y))
    return path / f"train.{suffix}"


FORMS = {
    "lines": lambda x, y: "".join(json.dumps(record) + "\n" for record in records(x, y)),
    "list": lambda x, y: json.dumps(records(x, y), indent=1),
    "columns": lambda x, y: columns(x, y),
    "flat": lambda x, y: json.dumps(
        [{"label": str(label), "pixels": image.ravel().tolist()} for image, label in zip(x, y, strict=True)]
    ),
    "pairs": lambda x, y: json.dumps([[image.tolist(), int(label)] for image, label in zip(x, y, strict=True)]),
    "base64": lambda x, y: json.dumps(
        [{"id": 7, "image": png(image), "class": int(label)} for image, label in zip(x, y, strict=True)]
    ),
    "data-urls": lambda x, y: json.dumps(
        [{"img": "data:image/png;base64," + png(image), "y": int(label)} for image, label in zip(x, y, strict=True)]
    ),
    "bytes": lambda x, y: json.dumps(
        [{"image": {"bytes": png(image), "path": None}, "label": int(label)} for image, label in zip(x, y, strict=True)]
    ),
}


def frames(x, y):
    """Tables with a column of pictures, and with one for each pixel."""
    pixels = {f"pixel{at}": column for at, column in enumerate(x.reshape(len(x), -1).T.tolist())}
    return {"image": x.tolist(), "label": y.tolist()}, {"label": y.tolist(), **pixels}


def oriented(columns, orient):
    """As pandas 3.0 writes a table; tests do without pandas."""
    names, rows = list(columns), list(zip(*columns.values(), strict=True))
    records = [dict(zip(names, row, strict=True)) for row in rows]
    return json.dumps(
        {
            "split": {"columns": names, "index": list(range(len(rows))), "data": rows},
            "records": records,
            "index": {str(number): record for number, record in enumerate(records)},
            "columns": {name: {str(at): cell for at, cell in enumerate(column)} for name, column in columns.items()},
            "values": rows,
            "table": {"schema": {"fields": []}, "data": [{"index": at, **row} for at, row in enumerate(records)]},
        }[orient]
    )


@pytest.mark.parametrize("orient", ["split", "records", "index", "columns", "values", "table"])
@pytest.mark.parametrize("kind", [0, 1], ids=["pictures", "pixels"])
def test_all_orientations_of_pandas_are_read_row_by_row_or_by_columns(own, tmp_path, monkeypatch, orient, kind):
    monkeypatch.setattr(json_text, "MAX_VALUE_CHARS", 12_000)  # a picture has up to 12,000, a whole table 100,000
    monkeypatch.setattr(json_text, "CHUNK_BYTES", 5000)
    few = SimpleNamespace(x=own.x[:40], y=own.y[:40], tx=own.tx[:20], ty=own.ty[:20])
    assert_same(opened(write(tmp_path, few, lambda x, y: oriented(frames(x, y)[kind], orient))), few)


def test_a_table_of_pandas_has_its_labels_in_the_column_of_that_name(own, tmp_path):
    few = SimpleNamespace(x=own.x[:40], y=own.y[:40], tx=own.tx[:20], ty=own.ty[:20])

    def amid(x, y):
        label, *pixels = frames(x, y)[1].items()
        return oriented(dict([*pixels[:300], label, *pixels[300:]]), "split")

    assert_same(opened(write(tmp_path, few, amid)), few)


@pytest.mark.parametrize("form", FORMS)
def test_all_forms(own, tmp_path, form):
    assert_same(opened(write(tmp_path, own, FORMS[form])), own)


@pytest.mark.parametrize("keys", [("input", "output"), ("image", "label")])
@pytest.mark.parametrize(
    "output",
    [
        lambda digit: np.eye(10, dtype=int)[digit].tolist(),
        lambda digit: np.eye(10)[digit].tolist(),
        lambda digit: {str(digit): 1},
        lambda digit: {str(other): int(other == digit) for other in range(10)},
    ],
    ids=["whole numbers", "numbers", "key", "keys"],
)
def test_one_hot_labels(own, tmp_path, keys, output):
    """As brain.js has them."""
    values = zip((own.x.reshape(len(own.x), -1) / 255).tolist(), map(output, own.y.tolist()), strict=True)
    records = [dict(zip(keys, value, strict=True)) for value in values]
    (tmp_path / "a.json").write_text(json.dumps(records))
    (tmp_path / "b.jsonl").write_text("\n".join(map(json.dumps, records)))
    for name in ("a.json", "b.jsonl"):
        assert_all_there(opened(tmp_path / name), own.x, own.y)


@pytest.mark.parametrize("output", [[0, 1, 1], [0, 0, 0], [0, 0.5, 0.5], {"1": 0.5, "2": 0.5}, {}, []])
def test_labels_that_give_no_class_or_several_are_refused(own, tmp_path, output):
    records = [{"input": x.ravel().tolist(), "output": [0, 0, 1]} for x in own.x[:9]]
    (tmp_path / "a.json").write_text(json.dumps([*records, records[0] | {"output": output}]))
    with pytest.raises(DataError, match="do not give each picture exactly one class"):
        opened(tmp_path / "a.json")


def test_splits_in_one_file(own, tmp_path):
    held = {
        "train": {"x": own.x.tolist(), "y": own.y.tolist()},
        "test": {"x": own.tx.tolist(), "y": own.ty.tolist()},
    }
    (tmp_path / "all.json").write_text(json.dumps(held))
    assert_same(opened(tmp_path / "all.json"), own)


def test_the_keys_of_pictures_are_their_classes(own, tmp_path):
    held = {name: own.x[own.y % 2 == label].tolist() for label, name in enumerate(("cat", "dog"))}
    (tmp_path / "animals.json").write_text(json.dumps(held))
    dataset = opened(tmp_path / "animals.json")
    assert dataset.class_names == ("cat", "dog")
    assert_all_there(dataset, own.x, own.y % 2)


def columns(x, y):
    return json.dumps({"images": x.tolist(), "labels": y.tolist()})


@pytest.mark.parametrize("chunk_bytes", [7, 5000])
def test_columns_are_read_picture_by_picture(own, tmp_path, monkeypatch, chunk_bytes):
    monkeypatch.setattr(json_text, "MAX_VALUE_CHARS", 5000)  # a picture has up to 4,200
    monkeypatch.setattr(json_text, "CHUNK_BYTES", chunk_bytes)
    few = SimpleNamespace(x=own.x[:40], y=own.y[:40], tx=own.tx[:20], ty=own.ty[:20])
    assert_same(opened(write(tmp_path, few, columns)), few)


def test_a_column_of_which_only_some_pictures_are_whole_numbers(own, tmp_path):
    """The first block is black, or white, as whole numbers; the others are not."""
    x, tx = own.x / 255, own.tx / 255
    x[:100] = own.x[:100] > 127
    held = SimpleNamespace(x=x, y=own.y, tx=tx, ty=own.ty)
    path = write(tmp_path, held, lambda x, y: columns(x, y).replace("1.0", "1").replace("0.0,", "0,"))
    dataset = opened(path)
    np.testing.assert_array_equal(dataset.train_images, np.round(x * 255).astype(np.uint8))
    np.testing.assert_array_equal(dataset.test_images, own.tx)


def test_a_word_beside_columns_changes_nothing(own, tmp_path):
    held = {"name": "digits", "images": own.x.tolist(), "labels": own.y.tolist(), "notes": []}
    (tmp_path / "a.json").write_text(json.dumps(held))
    dataset = opened(tmp_path / "a.json")
    assert len(dataset.train_labels) + len(dataset.test_labels) == len(own.y)


def test_npms_mnist_has_a_file_for_each_class(own, tmp_path):
    """Numbers from 0 to 1, all pictures of a digit in one list; these digits are MNIST's first *training* digits."""
    for digit in range(10):
        chosen = np.round(own.x[own.y == digit].ravel() / 255, 4)
        (tmp_path / f"{digit}.json").write_text(json.dumps({"data": chosen.tolist()}))
    dataset = opened(tmp_path / "7.json")
    assert "they are MNIST's first training digits." in " ".join(dataset.origin.remarks)
    assert dataset.class_names == tuple("0123456789")
    found = np.concatenate([dataset.train_images, dataset.test_images])
    assert sorted(map(bytes, found)) == sorted(map(bytes, own.x))
    assert len(opened(tmp_path).train_labels) == len(dataset.train_labels)


def test_pictures_that_datasets_lost_are_not_invented(tmp_path):
    """`datasets` 5.2 writes the first pixel of each row of the first picture, and some labels beside them."""
    lines = [json.dumps({"image": 3, "label": 1}), *[json.dumps({"image": 3})] * 27]
    (tmp_path / "train.json").write_text("\n".join(lines))
    with pytest.raises(DataError, match="a record has no label"):
        opened(tmp_path / "train.json")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[{"image": [[1, 2], [3]], "label": 1}, {"image": [[1, 2], [3]], "label": 2}]', "not of one length"),
        ('[{"image": "/etc/passwd", "label": 1}]', "no picture"),
        ('[{"image": "cGl4ZWxz", "label": 1}]', r"a picture's bytes \(6\) are not those of a picture file"),
        ('[{"image": {"path": "/etc/passwd"}, "label": 1}]', "no picture"),
        ('[{"image": [[1e30]], "label": 1}]', "too large"),
        ('[{"image": [[-1e30]], "label": 1}]', "too large"),
        ('[{"image": [[1]], "label": 1}, {"image": [[1]], "label": "a"}]', "different kinds"),
        ('[{"image": [[1]], "label": null}]', "different kinds"),
        ('[{"image": [[1]], "label": 1}', "is cut"),
        ('{"images": [[[1, 2], [3]], [[1, 2], [3, 4]]], "labels": [1, 2]}', "not of one length"),
        ('{"images": [[[1, 2], [3, 4]], [[1, 2], [3, 4]]], "labels": [1, 2', "is cut"),
        ('{"images": [[[1, 2], [3, 4]], [[1, 2]', "is cut"),
        ('{"images"', "is cut"),
        ('{"a": 1}', "no pictures"),
        ('{"columns": ["label", "x"], "data": [[1, [[1]]], [2]]}', "not of one length"),
        ('{"label": {"0": 1}}', "no pictures"),
        ('{"a": ' * 100_000, "damaged"),
        ("[" * 100_000, "damaged"),
    ],
)
def test_other_json_is_refused(tmp_path, text, told):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(DataError, match=told):
        opened(tmp_path / "a.json")
