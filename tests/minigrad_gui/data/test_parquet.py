"""Parquet and Arrow files as `datasets` and pandas write them."""

import io
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from own_files import assert_all_there, assert_same, opened
from PIL import Image

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


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_splits_of_the_hub_in_several_files(own, tmp_path, kind):
    pq.write_table(table(own.x[:200], own.y[:200], "0123456789", kind), tmp_path / "train-00000-of-00002.parquet")
    pq.write_table(table(own.x[200:], own.y[200:], "0123456789", kind), tmp_path / "train-00001-of-00002.parquet")
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
    with pytest.raises(DataError, match="a label has no name"):
        opened(tmp_path / "train.parquet")


def test_lists_of_numbers_and_categories(own, tmp_path):
    labels = pa.array([f"n{9 - label}" for label in own.y]).dictionary_encode()
    columns = {"image": own.x.tolist(), "label": labels, "id": pa.array(range(400)).cast(pa.string())}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    dataset = opened(tmp_path / "a.parquet")
    assert dataset.class_names == tuple(f"n{number}" for number in range(10))
    assert_all_there(dataset, own.x, 9 - own.y)


def test_flat_fixed_size_lists(own, tmp_path):
    pictures = pa.FixedSizeListArray.from_arrays(pa.array(own.x.ravel()), 784)
    pq.write_table(pa.table({"pixels": pictures, "y": own.y}), tmp_path / "a.parquet")
    assert_all_there(opened(tmp_path / "a.parquet"), own.x, own.y)


@pytest.mark.parametrize("new", [pa.ipc.new_stream, pa.ipc.new_file])
def test_arrow_files(own, tmp_path, new):
    whole = table(own.x, own.y)
    with new(tmp_path / "data-00000-of-00001.arrow", whole.schema) as writer:
        writer.write_table(whole)
    assert_all_there(opened(tmp_path / "data-00000-of-00001.arrow"), own.x, own.y)


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"label": [1, 2]}, "no column of pictures"),
        ({"image": [b"x", b"y"]}, "no column of labels"),
        ({"image": [b"x", b"y"], "label": [1, None]}, "a label is missing"),
        ({"image": [b"x", b"y"], "label": [1, 2]}, "a picture is not a picture|is not a picture"),
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
    for _ in opened_file.batches(["image"]):
        most = max(most, pa.total_allocated_bytes() - before)
    assert size > 4_500_000
    assert most < size / 4


def test_pandas_is_not_imported(own, tmp_path):
    """It would take 28 MB, and `to_numpy` imports it (pyarrow 26)."""
    pictures = [each.tolist() for each in own.x[:20]]
    pq.write_table(pa.table({"image": pictures, "label": own.y[:20]}), tmp_path / "a.parquet")
    code = (
        "import sys; from minigrad_gui import data; data.open_dataset(sys.argv[1]); sys.exit('pandas' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path / "a.parquet"], check=True)
