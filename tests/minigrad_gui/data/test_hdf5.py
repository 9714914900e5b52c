"""HDF5 as USPS and MATLAB write it, where `h5py` is installed, and one sentence where it is not."""

import gzip
import io
import sys

import numpy as np
import pytest
from own_files import assert_all_there, assert_same, opened, tarred

from minigrad_gui.data import DataError


def test_without_h5py_one_sentence_says_so(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    (tmp_path / "usps.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    with pytest.raises(DataError, match="takes the package h5py"):
        opened(tmp_path / "usps.h5")


def test_usps(own, tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "usps.h5", "w") as file:
        for split, x, y in (("train", own.x, own.y), ("test", own.tx, own.ty)):
            file[f"{split}/data"] = x.reshape(len(x), -1) / np.float32(255)
            file[f"{split}/target"] = y.astype(np.int64)
    assert_same(opened(tmp_path / "usps.h5"), own)


def test_compressed_files(own, tmp_path):
    """As PatchCamelyon's are, pictures and labels apart."""
    h5py = pytest.importorskip("h5py")
    for name, array in {"x": own.x, "y": own.y}.items():
        with h5py.File(stream := io.BytesIO(), "w") as file:
            file[name] = array
        (tmp_path / f"split_{name}.h5.gz").write_bytes(gzip.compress(stream.getvalue(), 1))
    assert_all_there(opened(tmp_path / "split_x.h5.gz"), own.x, own.y)


@pytest.mark.parametrize("kind", ["fixed", "variable"])
def test_labels_that_are_text(own, tmp_path, kind):
    """Beside the name of the file that each picture came from, which is no label."""
    h5py = pytest.importorskip("h5py")
    names = np.array(["ant", "bée", "cat"])[own.y % 3]
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = own.x
        file["file"] = np.array([f"{at}.png" for at in range(len(own.x))], "S")
        if kind == "fixed":
            file["species"] = np.char.encode(names, "utf-8")[:, None]
        else:
            file.create_dataset("species", data=names.astype(object), dtype=h5py.string_dtype())
    dataset = opened(tmp_path / "a.h5")
    assert dataset.class_names == ("ant", "bée", "cat")
    assert_all_there(dataset, own.x, own.y % 3)


def test_matlab_reverses_the_dimensions(own, tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "emnist.mat", "w", userblock_size=512) as file:
        for split, x, y in (("train", own.x, own.y), ("test", own.tx, own.ty)):
            file[f"dataset/{split}/images"] = x.swapaxes(1, 2).reshape(len(x), -1).T
            file[f"dataset/{split}/labels"] = y[None]
    with open(tmp_path / "emnist.mat", "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(128))
    assert_same(opened(tmp_path / "emnist.mat"), own)


def test_samples_may_be_in_the_first_dimension_of_matlab(own, tmp_path):
    """With labels in a row, as hdf5storage writes NumPy's, and in a column."""
    h5py = pytest.importorskip("h5py")
    for name, labels in {"row": own.y[:, None], "column": own.y[None]}.items():
        with h5py.File(tmp_path / f"{name}.mat", "w", userblock_size=512) as file:
            file["images"], file["labels"] = own.x.T, labels
        with open(tmp_path / f"{name}.mat", "r+b") as file:
            file.write(b"MATLAB 7.3 MAT-file".ljust(128))
        dataset = opened(tmp_path / f"{name}.mat", files="alone")
        assert_all_there(dataset, own.x, own.y)
        assert dataset.origin.choices.orientation == "upright"


def test_pictures_and_labels_of_matlab_in_files_of_their_own(own, tmp_path):
    h5py = pytest.importorskip("h5py")
    for name, array in {"images": own.x.T, "labels": own.y[None]}.items():
        with h5py.File(tmp_path / f"{name}.mat", "w", userblock_size=512) as file:
            file[name] = array
        with open(tmp_path / f"{name}.mat", "r+b") as file:
            file.write(b"MATLAB 7.3 MAT-file".ljust(128))
    dataset = opened(tmp_path / "images.mat")
    assert_all_there(dataset, own.x, own.y)
    assert dataset.origin.choices.orientation == "upright"


@pytest.mark.parametrize("size", [512, 2048])
def test_julia_puts_a_block_before_hdf5(own, tmp_path, size):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.jld2", "w", userblock_size=size) as file:
        file["X"], file["y"] = own.x, own.y
    with open(tmp_path / "a.jld2", "r+b") as file:
        file.write(b"HDF5-based Julia Data Format, version 0.1.1 (Julia 1.12.1)\0\0")
    assert_all_there(opened(tmp_path / "a.jld2"), own.x, own.y)


def test_a_tar_that_begins_with_hdf5_is_a_tar(own, tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(stream := io.BytesIO(), "w") as file:
        file["x"], file["y"] = own.x, own.y
    tarred(tmp_path / "a.tar", {"a.h5": stream.getvalue()}, "w")
    dataset = opened(tmp_path / "a.tar")
    assert_all_there(dataset, own.x, own.y)
    assert dataset.origin.format == "HDF5 in an archive"


def write_frame(file, key, **blocks):
    """As pandas 3.1 writes a table in the form "fixed": the names of its rows, and of its columns, type by type."""
    group = file.create_group(key)
    group.attrs["pandas_type"] = np.bytes_("frame")
    for at, (names, values) in enumerate(blocks.values()):
        group[f"block{at}_items"] = np.array(names, None if isinstance(names[0], int) else "S")
        group[f"block{at}_values"] = values
    group["axis1"] = np.arange(len(values))
    group["axis0"] = np.array([str(name) for names, _ in blocks.values() for name in names], "S")


PIXELS = [f"pixel{at}" for at in range(784)]


@pytest.mark.parametrize("names", [PIXELS, list(range(784))], ids=["words", "numbers"])
def test_table_of_pandas_with_types_of_their_own(own, tmp_path, names):
    """The names of the rows are whole numbers, as labels are."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for split, x, y in (("train", own.x, own.y), ("test", own.tx, own.ty)):
            numbers = np.stack([np.arange(len(y)), y, y % 7], axis=1)
            write_frame(file, split, a=(names, x.reshape(-1, 784)), b=(["id", "label", "writer"], numbers))
    assert_same(opened(tmp_path / "a.h5"), own)


def test_table_of_pandas_of_one_type(own, tmp_path):
    """With the label neither in the first nor in the last column, and more columns."""
    h5py = pytest.importorskip("h5py")
    numbers = np.column_stack([np.arange(len(own.y)), own.y, own.x.reshape(-1, 784)])
    with h5py.File(tmp_path / "a.h5", "w") as file:
        write_frame(file, "mnist", a=(["id", "label", *PIXELS], numbers))
    assert_all_there(opened(tmp_path / "a.h5"), own.x, own.y)


def test_pixels_of_several_types_are_refused(own, tmp_path):
    h5py = pytest.importorskip("h5py")
    rows = own.x.reshape(-1, 784)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        blocks = {"a": (PIXELS[:300], rows[:, :300]), "b": (PIXELS[300:], rows[:, 300:] / 255)}
        write_frame(file, "mnist", **blocks, c=(["label"], own.y[:, None]))
    with pytest.raises(DataError, match="columns of pixels are of several types"):
        opened(tmp_path / "a.h5")


@pytest.mark.parametrize("names", [None, ("ant", "bee", "cat")])
def test_table_of_pandas_that_can_be_appended_to(own, tmp_path, names):
    """Its labels may be categories."""
    h5py = pytest.importorskip("h5py")
    kinds = [("index", "i8"), ("values_block_0", "u1", (784,)), ("values_block_1", "i8", (1,))]
    table = np.empty(len(own.y), kinds)
    table["index"], table["values_block_0"] = np.arange(len(own.y)), own.x.reshape(-1, 784)
    labels = own.y % len(names) if names else own.y
    table["values_block_1"] = labels[:, None]
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["mnist/table"] = table
        file["mnist"].attrs["pandas_type"] = np.bytes_("frame_table")
        file["mnist/_i_table/index/indicesLR"] = np.zeros(1000, "u4")
        if names:
            categories = [(at, name.encode()) for at, name in enumerate(names)]
            file["mnist/meta/values_block_1/meta/table"] = np.array(categories, [("index", "i8"), ("values", "S3")])
            file["mnist/meta/values_block_1/meta"].attrs["pandas_type"] = np.bytes_("series_table")
    dataset = opened(tmp_path / "a.h5")
    assert_all_there(dataset, own.x, labels)
    assert not names or dataset.class_names == names
    assert any("in the order in which they are stored" in remark for remark in dataset.origin.remarks)


def test_a_missing_category_is_told(own, tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = own.x
        labels = own.y.astype("i1") - 1  # -1 is what pandas has for none
        file["y/table"] = np.array([(label,) for label in labels], [("values_block_0", "i1")])
        file["y"].attrs["pandas_type"] = np.bytes_("frame_table")
        names = [(str(digit).encode(),) for digit in range(1, 10)]
        file["y/meta/values_block_0/meta/table"] = np.array(names, [("values", "S1")])
        file["y/meta/values_block_0/meta"].attrs["pandas_type"] = np.bytes_("series_table")
    with pytest.raises(DataError, match="a label is missing"):
        opened(tmp_path / "a.h5")


def test_single_columns_of_pandas(own, tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        write_frame(file, "X", a=(PIXELS, own.x.reshape(-1, 784)))
        file["y/index"], file["y/values"] = np.arange(len(own.y)), own.y
        file["y"].attrs["pandas_type"] = np.bytes_("series")
    assert_all_there(opened(tmp_path / "a.h5"), own.x, own.y)


@pytest.mark.parametrize("text", [False, True])
def test_records(own, tmp_path, text):
    """As PyTables writes them, and those with text, too."""
    h5py = pytest.importorskip("h5py")
    label = ("species", h5py.string_dtype()) if text else ("label", "u1")
    records = np.empty(len(own.y), [label, ("image", "u1", (28, 28))])
    records["image"], records[label[0]] = own.x, [str(digit) for digit in own.y] if text else own.y
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["digits"] = records
    assert_all_there(opened(tmp_path / "a.h5"), own.x, own.y)


def test_a_filter_that_is_missing_is_told(own, tmp_path):
    """What pandas compresses with complib="blosc" is not damaged."""
    h5py = pytest.importorskip("h5py")
    rows = own.x.reshape(-1, 784)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["y"] = own.y
        created = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        created.set_chunk((len(rows), 784))
        created.set_filter(32001, h5py.h5z.FLAG_OPTIONAL, (2, 2, 1, 784, 5, 1))  # as PyTables, without the filter
        space = h5py.h5s.create_simple(rows.shape)
        h5py.h5d.create(file.id, b"x", h5py.h5t.NATIVE_UINT8, space, created)
    with pytest.raises(DataError, match="“x” is compressed by Blosc, which h5py lacks"):
        opened(tmp_path / "a.h5")


@pytest.mark.parametrize(
    ("kind", "reason"), [("objects", "holds Python objects"), ("rows", "holds rows of any length")]
)
def test_rows_of_any_length_are_told(own, tmp_path, kind, reason):
    """PyTables has them for pickles, too, such as pandas' columns of text."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = own.x
        labels = file.create_dataset("y", (len(own.y),), h5py.vlen_dtype("u1"))
        labels[:] = [np.frombuffer(b"pickle", "u1") for _ in own.y]
        if kind == "objects":
            labels.attrs["PSEUDOATOM"] = np.bytes_("object")
    with pytest.raises(DataError, match=f"have no labels; “y” {reason}"):
        opened(tmp_path / "a.h5")


@pytest.mark.parametrize("kind", ["array beside it", "attribute", "attribute of a group", "group", "group of PyTables"])
@pytest.mark.parametrize("splits", [False, True])
def test_arrays_for_each_picture(own, tmp_path, kind, splits):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for split, x, y in (("train", own.x, own.y), ("test", own.tx, own.ty)) if splits else (("", own.x, own.y),):
            for at, (picture, label) in enumerate(zip(x, y, strict=True)):
                group = f"{split}/{label}" if kind.startswith("group") else f"{split}/{at}"
                name = group if kind == "attribute" else f"{group}/{at}"
                file[name] = picture
                if kind == "array beside it":
                    file[f"{group}/label"], file[f"{group}/file"] = label, f"{at}.png"
                elif kind.startswith("attribute"):
                    file[group].attrs["label"] = str(label)
                elif kind == "group of PyTables":
                    file[name].attrs["CLASS"] = np.bytes_("ARRAY")
    dataset = opened(tmp_path / "a.h5")
    if splits:
        assert sorted(map(bytes, dataset.test_images)) == sorted(map(bytes, own.tx))
    x, y = (np.concatenate([own.x, own.tx]), np.concatenate([own.y, own.ty])) if splits else (own.x, own.y)
    assert_all_there(dataset, x, y)
    assert ("Its groups are taken for its classes." in dataset.origin.remarks) == kind.startswith("group")


@pytest.mark.parametrize("place", ["", "train/", "a/"])
def test_an_array_for_each_picture_without_labels(own, tmp_path, place):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for at, picture in enumerate(own.x):
            file[f"{'test/' if place and at > 150 else place}{at}"] = picture
    with pytest.raises(DataError, match="no labels"):
        opened(tmp_path / "a.h5")


def test_arrays_of_several_sizes(own, tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for at, picture in enumerate(own.x):
            file[f"{own.y[at]}/{at}"] = picture[: 28 - at % 2]
    with pytest.raises(DataError, match="it holds pictures of several sizes"):
        opened(tmp_path / "a.h5")


def test_more_arrays_than_can_be_read(own, tmp_path):
    """Labels in a list may be in another order than the pictures, which HDF5 sorts by their names."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["labels"] = own.y
        for at in range(1001):
            file[f"images/{at}"] = own.x[at % 200]
    with pytest.raises(DataError, match="it holds more than a thousand arrays"):
        opened(tmp_path / "a.h5")


def matlab_characters(file, name, rows):
    """As MATLAB 7.3 has a matrix of characters: in columns, as UTF-16."""
    length = max(map(len, rows))
    codes = np.frombuffer("".join(row.ljust(length) for row in rows).encode("utf-16-le"), np.uint16)
    file[name] = codes.reshape(len(rows), length).T
    file[name].attrs["MATLAB_class"] = np.bytes_("char")
    return file[name]


@pytest.mark.parametrize("kind", ["characters", "cells"])
def test_labels_that_are_text_in_matlab(own, tmp_path, kind):
    h5py = pytest.importorskip("h5py")
    names = ["ant", "bée", "horse"]
    with h5py.File(tmp_path / "a.mat", "w", userblock_size=512) as file:
        file["x"] = own.x.reshape(len(own.x), -1).T
        matlab_characters(file, "about", ["Drawings of animals"])
        if kind == "characters":
            matlab_characters(file, "species", [names[label % 3] for label in own.y])
        else:
            held = [matlab_characters(file, f"#refs#/{at}", [names[label % 3]]) for at, label in enumerate(own.y)]
            file.create_dataset("species", data=[[each.ref for each in held]], dtype=h5py.ref_dtype)
    with open(tmp_path / "a.mat", "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(128))
    dataset = opened(tmp_path / "a.mat")
    assert dataset.class_names == tuple(names)
    assert_all_there(dataset, own.x, own.y % 3)


@pytest.mark.parametrize("shape", [(784, -1), (28, 28, -1)])
def test_samples_may_be_in_the_last_dimension(own, tmp_path, shape):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["images"], file["labels"] = np.moveaxis(own.x, 0, -1).reshape(shape), own.y
    assert_all_there(opened(tmp_path / "a.h5"), own.x, own.y)


def test_pictures_in_cells_of_matlab(own, tmp_path):
    """With labels as MATLAB's own example digits have them: a column for each picture."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.mat", "w", userblock_size=512) as file:
        for at, picture in enumerate(own.x):
            file[f"#refs#/{at}"] = picture.T
        held = [file[f"#refs#/{at}"].ref for at in range(len(own.x))]
        file.create_dataset("xTrainImages", data=[[reference] for reference in held], dtype=h5py.ref_dtype)
        file["tTrain"] = np.eye(10)[own.y]
        held[0] = file["tTrain"].ref  # of another shape
        file.create_dataset("others", data=[[reference] for reference in held], dtype=h5py.ref_dtype)
    with open(tmp_path / "a.mat", "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(128))
    assert_all_there(opened(tmp_path / "a.mat"), own.x, own.y)


def test_data_in_other_files_is_not_read(own, tmp_path):
    h5py = pytest.importorskip("h5py")
    (tmp_path / "private").write_bytes(own.x.tobytes())
    with h5py.File(tmp_path / "evil.h5", "w") as file:
        file.create_dataset("x", own.x.shape, np.uint8, external=[(str(tmp_path / "private"), 0, own.x.nbytes)])
        file["y"] = own.y
    with pytest.raises(DataError, match=r"no pictures.*“x” is in another file"):
        opened(tmp_path / "evil.h5")


def test_what_claims_to_be_enormous_is_refused(own, tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("x", (1 << 30, 28, 28), "u1", chunks=(1, 28, 28))
        file["y"] = own.y
    with pytest.raises(DataError, match="too large"):
        opened(tmp_path / "a.h5")
