"""Parquet and Arrow files as `datasets` and pandas write them."""

import io
import json
import shutil
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from own_files import assert_all_there, assert_same, opened
from PIL import Image
from pyarrow import feather

from minigrad_gui.data import DataError
from minigrad_gui.data.parquet import _opened


def encoded(pictures, kind="PNG"):
    cells = []
    for picture in pictures:
        stream = io.BytesIO()
        Image.fromarray(picture).save(stream, kind)
        cells.append({"bytes": stream.getvalue(), "path": None})
    return cells


def named(names):
    features = ", ".join(f'"{name}"' for name in names)
    return {"huggingface": f'{{"info": {{"features": {{"label": {{"names": [{features}], "_type": "ClassLabel"}}}}}}}}'}


def table(x, y, names=(), kind="PNG"):
    columns = {"image": encoded(x, kind), "label": y.astype(np.int64)}
    return pa.table(columns).replace_schema_metadata(named(names) if names else None)


SAVES = """
import sys
import numpy as np
from datasets import ClassLabel, Dataset, DatasetDict, Features, Image
given = np.load(sys.argv[1])
features = Features({"image": Image(), "label": ClassLabel(names=list("0123456789"))})
def part(x, y):
    return Dataset.from_dict({"image": list(given[x]), "label": given[y].tolist()}, features)
splits = DatasetDict(train=part("x", "y"), test=part("tx", "ty"))
splits.save_to_disk(sys.argv[2], num_shards={"train": 2, "test": 1})
"""


def test_folders_that_datasets_saved(own, tmp_path):
    np.savez(tmp_path / "digits.npz", x=own.x, y=own.y, tx=own.tx, ty=own.ty)
    saved = tmp_path / "saved"
    subprocess.run([sys.executable, "-c", SAVES, tmp_path / "digits.npz", saved], check=True, capture_output=True)
    shutil.copy(saved / "test" / "data-00000-of-00001.arrow", saved / "train" / "cache-0123456789abcdef.arrow")
    assert_same(opened(saved), own)
    assert opened(saved).origin.format == "Arrow, as datasets saves it"
    assert_all_there(opened(saved / "train"), own.x, own.y)
    state = saved / "train" / "state.json"
    for text in (
        "",
        "[]",
        "{}",
        '{"_data_files": []}',
        '{"_data_files": [{"filename": "../test/x.arrow"}]}',
        "[" * 9999,
    ):
        state.write_text(text)
        with pytest.raises(DataError, match=r"state.json is damaged\."):
            opened(saved)
    state.write_text('{"_data_files": [{"filename": "gone.arrow"}]}')
    with pytest.raises(DataError, match="no such file"):
        opened(saved)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_splits_of_the_hub_in_several_files(own, tmp_path, kind):
    pq.write_table(table(own.x[:120], own.y[:120], "0123456789", kind), tmp_path / "train-00000-of-00002.parquet")
    pq.write_table(table(own.x[120:], own.y[120:], "0123456789", kind), tmp_path / "train-00001-of-00002.parquet")
    pq.write_table(table(own.tx, own.ty, "0123456789", kind), tmp_path / "test-00000-of-00001.parquet")
    assert_same(opened(tmp_path / "test-00000-of-00001.parquet"), own)


def test_names_of_the_classes_are_kept_even_of_those_without_pictures(own, tmp_path):
    pq.write_table(table(own.x[:60], own.y[:60] % 3, ("cat", "dog", "10", "emu")), tmp_path / "a.parquet")
    dataset = opened(tmp_path / "a.parquet")
    assert dataset.class_names == ("cat", "dog", "10", "emu")
    assert_all_there(dataset, own.x[:60], own.y[:60] % 3)


def test_files_that_number_their_classes_differently_go_by_the_names(own, tmp_path):
    """`cast_column` between two lists of names keeps the numbers, so that a part may have names of its own."""
    backwards = "9876543210"
    pq.write_table(table(own.x, own.y, "0123456789"), tmp_path / "train.parquet")
    pq.write_table(table(own.tx, 9 - own.ty, backwards), tmp_path / "test.parquet")
    assert_same(opened(tmp_path / "train.parquet"), own)
    pq.write_table(table(own.tx, own.ty + 1, backwards), tmp_path / "test.parquet")
    dataset = opened(tmp_path / "train.parquet")
    assert_all_there(dataset, own.x, own.y)
    assert dataset.origin.remarks[0] == "Not read with it: test.parquet, because a label has no name."


def test_lists_of_numbers_and_categories(own, tmp_path):
    labels = pa.array([f"n{9 - label}" for label in own.y]).dictionary_encode()
    columns = {"image": own.x.tolist(), "label": labels, "id": pa.array(range(len(own.x))).cast(pa.string())}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    dataset = opened(tmp_path / "a.parquet")
    assert dataset.class_names == tuple(f"n{number}" for number in range(10))
    assert_all_there(dataset, own.x, 9 - own.y)


def test_flat_fixed_size_lists(own, tmp_path):
    pictures = pa.FixedSizeListArray.from_arrays(pa.array(own.x.ravel()), 784)
    pq.write_table(pa.table({"pixels": pictures, "y": own.y}), tmp_path / "a.parquet")
    assert_all_there(opened(tmp_path / "a.parquet"), own.x, own.y)


@pytest.mark.parametrize("cell", [lambda x: x.ravel(), lambda x: x, lambda x: x / 255])
def test_lists_in_json(own, tmp_path, cell):
    """As fastparquet writes lists."""
    texts = pa.array([json.dumps(cell(image).tolist()) for image in own.x])
    pictures = pa.ExtensionArray.from_storage(pa.json_(), texts)
    pq.write_table(pa.table({"label": own.y, "image": pictures}), tmp_path / "a.parquet")
    assert_all_there(opened(tmp_path / "a.parquet"), own.x, own.y)


def test_json_beside_pictures_is_none_of_them(own, tmp_path):
    about = pa.ExtensionArray.from_storage(pa.json_(), pa.array(["{}"] * len(own.x)))
    whole = table(own.x, own.y).rename_columns(["drawn", "label"]).append_column("about", about)
    pq.write_table(whole, tmp_path / "a.parquet")
    assert_all_there(opened(tmp_path / "a.parquet"), own.x, own.y)


@pytest.mark.parametrize("text", ["", "{}", "[[1, 2], [3]]", "[" * 9999, '["a"]'])
def test_json_that_is_no_picture_is_refused(tmp_path, text):
    texts = pa.ExtensionArray.from_storage(pa.json_(), pa.array([text] * 2))
    pq.write_table(pa.table({"label": [1, 2], "image": texts}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"a cell contains no picture|is not a picture"):
        opened(tmp_path / "a.parquet")


@pytest.mark.parametrize("new", [pa.ipc.new_stream, pa.ipc.new_file])
def test_arrow_files(own, tmp_path, new):
    whole = table(own.x, own.y)
    with new(tmp_path / "data-00000-of-00001.arrow", whole.schema) as writer:
        writer.write_table(whole)
    assert_all_there(opened(tmp_path / "data-00000-of-00001.arrow"), own.x, own.y)


def by_pixel(x, kind="int64"):
    """A column for each pixel, as OpenML names them."""
    return {f"pixel{at + 1}": column.astype(kind) for at, column in enumerate(x.reshape(len(x), -1).T)}


def test_a_column_for_each_pixel_and_the_label_as_text(own, tmp_path):
    """As OpenML has mnist_784."""
    for name, x, y in (("mnist-train", own.x, own.y), ("mnist-test", own.tx, own.ty)):
        labels = pa.array(y.astype(str)).dictionary_encode()
        pq.write_table(pa.table({**by_pixel(x, "uint8"), "class": labels}), tmp_path / f"{name}.parquet")
    assert_same(opened(tmp_path / "mnist-train.parquet"), own)


@pytest.mark.parametrize("write", [pq.write_table, feather.write_feather])
def test_columns_that_were_sorted_by_name_are_in_the_order_of_their_numbers(own, tmp_path, write):
    columns = {**by_pixel(own.x), "label": own.y}
    write(pa.table({name: columns[name] for name in sorted(columns)}), str(tmp_path / "a"))
    assert_all_there(opened(tmp_path / "a"), own.x, own.y)


@pytest.mark.parametrize("kind", ["int64", "float64"])
@pytest.mark.parametrize("names", ["Kaggle", "numbers"])
def test_a_column_for_each_pixel_after_the_label(own, tmp_path, kind, names):
    """As pandas writes what it has read from CSV, after rows were left out or moved, so that it numbers them."""
    columns = {"label": own.y, **by_pixel(own.x, kind)}
    if names == "numbers":
        columns = {str(at): column for at, column in enumerate(columns.values())}
    columns["__index_level_0__"] = np.arange(len(own.y))
    pq.write_table(pa.table(columns), tmp_path / "a.parquet", row_group_size=80)
    assert_all_there(opened(tmp_path / "a.parquet"), own.x, own.y)


@pytest.mark.parametrize("compression", ["uncompressed", "lz4"])
def test_feather(own, tmp_path, compression):
    columns = pa.table({**by_pixel(own.x), "label": own.y})
    feather.write_feather(columns, tmp_path / "a.feather", compression, chunksize=80)
    assert_all_there(opened(tmp_path / "a.feather"), own.x, own.y)


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"label": [1, 2], **by_pixel(np.eye(2, 64)), "pixel5": pa.array([1, None])}, "a pixel is missing"),
        (by_pixel(np.eye(2, 64)), "its pictures have no labels"),
        ({**by_pixel(np.eye(2, 64)), "a": ["x", "y"], "b": ["x", "y"]}, "not clear which of a, b"),
        ({**by_pixel(np.eye(2, 70)), "label": [1, 2]}, r"no pictures, but arrays of the shape \(2, 70\)"),
    ],
)
def test_unsuitable_columns_of_pixels_are_refused(tmp_path, columns, reason):
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=reason):
        opened(tmp_path / "a.parquet")


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"label": [1, 2]}, "no column of pictures"),
        ({"image": [b"x", b"y"]}, "no column of labels"),
        ({"image": [b"x", b"y"], "label": [1, None]}, "a label is missing"),
        ({"image": [b"x", b"y"], "label": [1, 2]}, r"a picture's bytes \(1\) are not those of a picture file"),
        (
            {"image": [bytes(784)] * 2, "label": [1, 2]},
            r"\(784\) are not those of a picture file; if they are its pixels, they can be read as a list of numbers",
        ),
        ({"image": [{"bytes": None, "path": "/etc/passwd"}] * 2, "label": [1, 2]}, "a cell contains no picture"),
        ({"image": [[[1, 2], [3]], [[1, 2], [3]]], "label": [1, 2]}, "not of one length"),
        ({"image": [b"x"], "a": [1], "b": [2]}, "not clear which of a, b"),
    ],
)
def test_unsuitable_tables_are_refused(tmp_path, columns, reason):
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=reason):
        opened(tmp_path / "a.parquet")


def test_a_file_is_not_read_ahead(tmp_path):
    """Arrow's own peak stays far below the size of the file."""
    noise = np.random.default_rng(0).integers(0, 256, (6000, 28, 28)).astype(np.uint8)
    pq.write_table(table(noise, np.arange(6000) % 10), tmp_path / "a.parquet", row_group_size=100)
    size = (tmp_path / "a.parquet").stat().st_size
    opened_file = _opened(tmp_path / "a.parquet")
    before, most = pa.total_allocated_bytes(), 0
    for parts in opened_file.columns(["image"], 128):
        for _ in parts:
            most = max(most, pa.total_allocated_bytes() - before)
    assert size > 4_500_000
    assert most < size / 4


def test_pandas_is_not_imported_nor_arrows_allocator_used(own, tmp_path):
    """pandas would take 28 MB, and `to_numpy` imports it; mimalloc holds on to 10 MB (pyarrow 26)."""
    pictures = [each.tolist() for each in own.x[:20]]
    pq.write_table(pa.table({"image": pictures, "label": own.y[:20]}), tmp_path / "a.parquet")
    code = """
import sys
from minigrad_gui import data
data.open_dataset(sys.argv[1])
import pyarrow
assert "pandas" not in sys.modules
assert pyarrow.system_memory_pool().max_memory() > 0
assert pyarrow.mimalloc_memory_pool().max_memory() == 0
"""
    subprocess.run([sys.executable, "-c", code, tmp_path / "a.parquet"], check=True)
