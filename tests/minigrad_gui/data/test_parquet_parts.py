"""Folders of Parquet files as pandas (by pyarrow), DuckDB, fastparquet and Spark write them."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from own_files import assert_all_there, assert_same, opened, tarred, zipped

from minigrad_gui.data import DataError


def table(x, y, **others):
    pictures = pa.FixedSizeListArray.from_arrays(pa.array(x.ravel()), 784)
    return pa.table({"label": y.astype(np.int64), **others, "image": pictures})


def by_pixel(x, y):
    columns = {f"pixel{at}": column for at, column in enumerate(x.reshape(len(x), -1).T.astype(np.int64))}
    return pa.table({"label": y.astype(np.int64), **columns})


def parted(folder, whole, *columns):
    """As pandas' to_parquet(partition_cols=…) does."""
    pq.write_to_dataset(whole, folder, partition_cols=list(columns))
    return folder


def files_of(folder):
    return {str(path.relative_to(folder.parent)): path.read_bytes() for path in folder.rglob("*.parquet")}


@pytest.mark.parametrize("make", [table, by_pixel])
@pytest.mark.parametrize(
    "pack",
    [
        lambda folder: folder,
        lambda folder: zipped(folder.with_name("a.zip"), files_of(folder)),
        lambda folder: tarred(folder.with_name("a.tgz"), files_of(folder)),
    ],
)
def test_the_label_in_the_names_of_folders(own, tmp_path, make, pack):
    dataset = opened(pack(parted(tmp_path / "digits", make(own.x, own.y), "label")))
    assert_all_there(dataset, own.x, own.y)
    assert dataset.class_names == tuple("0123456789")
    assert "Its labels are what its folders' names say of “label”." in dataset.origin.remarks
    assert "Its 10 files are the parts of one dataset." in dataset.origin.remarks


def test_words_and_blanks_in_the_names_of_folders(own, tmp_path):
    words = pa.array([f"the {label}/9" if label else None for label in own.y])
    whole = table(own.x, own.y).drop("label").append_column("digit", words)
    dataset = opened(parted(tmp_path / "digits", whole, "digit"))
    assert dataset.class_names == tuple(f"the {label}/9" for label in range(1, 10))
    assert f"Pictures without a label are left out: {np.sum(own.y == 0)}." in dataset.origin.remarks


def test_splits_in_the_names_of_folders(own, tmp_path):
    for split, x, y in (("train", own.x, own.y), ("test", own.tx, own.ty)):
        order = np.argsort(y, kind="stable")
        parted(tmp_path / "folders" / split, table(x[order], y[order]), "label")
        parted(tmp_path / "values", table(x, y, split=pa.array([split] * len(y))), "split")
    found = opened(tmp_path / "folders")
    assert_all_there(found, np.concatenate([own.x, own.tx]), np.concatenate([own.y, own.ty]))
    assert len(found.test_labels) == len(own.ty)
    assert_same(opened(tmp_path / "values"), own)


def test_another_column_in_the_names_is_no_label(own, tmp_path):
    writers = pa.array(np.arange(len(own.y)) % 7)
    dataset = opened(parted(tmp_path / "digits", table(own.x, own.y, writer=writers), "writer"))
    assert_all_there(dataset, own.x, own.y)
    assert "What its folders' names say of writer is left out." in dataset.origin.remarks
    dataset = opened(parted(tmp_path / "both", table(own.x, own.y, writer=writers), "writer", "label"))
    assert_all_there(dataset, own.x, own.y)
    whole = table(own.x, own.y).rename_columns(["meant", "image"])
    dataset = opened(parted(tmp_path / "only", whole, "meant"))
    assert_all_there(dataset, own.x, own.y)


def test_a_part_whose_label_is_in_the_name_of_its_folder_is_refused_alone(own, tmp_path):
    writers = pa.array(np.arange(len(own.y)) % 7)
    parted(tmp_path / "digits", table(own.x, own.y, writer=writers), "label")
    with pytest.raises(DataError, match="its label is in the name of its folder; open the folder above"):
        opened(next(tmp_path.rglob("*.parquet")))


@pytest.mark.parametrize("name", ["part.{}.parquet", "part-0000{}-a7ba43a4-c000.snappy.parquet"])
def test_numbered_parts(own, tmp_path, name):
    """As fastparquet, Dask and Spark write them; `_metadata` is Parquet without rows."""
    starts = range(0, 200, 20)
    for number, at in enumerate(starts):
        pq.write_table(table(own.x[at : at + 20], own.y[at : at + 20]), tmp_path / name.format(number))
    pq.write_metadata(table(own.x, own.y).schema, tmp_path / "_metadata")
    (tmp_path / "_SUCCESS").write_bytes(b"")
    for path in (tmp_path, tmp_path / "_metadata"):
        dataset = opened(path)
        assert_all_there(dataset, own.x, own.y)
        assert dataset.origin.format == "Parquet in parts"


def test_other_files_are_no_parts(own, tmp_path):
    for name in ("a_1", "a_2"):
        pq.write_table(table(own.x, own.y), tmp_path / f"{name}.parquet")
    with pytest.raises(DataError, match="several datasets"):
        opened(tmp_path)
    for name in ("one", "other"):
        parted(tmp_path / "two" / name, table(own.x, own.y), "label")
    with pytest.raises(DataError, match="open the folder above"):
        opened(tmp_path / "two")


def test_labels_that_are_not_clear_are_refused(own, tmp_path):
    whole = table(own.x, own.y, digit=pa.array(own.y))
    with pytest.raises(DataError, match="it is not clear which of its folders' label, digit are the labels"):
        opened(parted(tmp_path / "digits", whole, "label", "digit"))


def test_delta_tables_are_refused(own, tmp_path):
    parted(tmp_path / "digits", table(own.x, own.y), "label")
    (tmp_path / "digits" / "_delta_log").mkdir()
    with pytest.raises(DataError, match="Delta table"):
        opened(tmp_path / "digits")
