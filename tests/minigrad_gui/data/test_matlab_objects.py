"""MATLAB's categories and strings are read as mat-io writes them, and damage costs a sentence."""

import struct
from dataclasses import replace

import numpy as np
import pytest
from own_files import assert_all_there, mat_element, mat_file

from minigrad_gui import data
from minigrad_gui.data import DataError
from minigrad_gui.data.matlab_objects import REFERENCE, Objects

SIGNS = {"little": "<", "big": ">"}
ORDERS = pytest.mark.parametrize("order", ["little", "big"])


def first_cell(order, kind, properties, is_saved_as_other=False):
    """What the first cell says of one object of a class. properties: (1, cell) or (2, value), by name."""
    text = b"".join(name.encode() + b"\0" for name in (kind, *properties))
    text += bytes(-len(text) % 8)
    block = [len(properties)]
    for number, (held, value) in enumerate(properties.values()):
        block += [number + 2, held, value]
    nothing, of_object = [0, 0], [0, 0, *block, *[0] * (len(block) % 2)]
    others, same = (of_object, nothing) if is_saved_as_other else (nothing, of_object)
    objects = [*[0] * 6, 1, 0, 0, int(is_saved_as_other), int(not is_saved_as_other), 1]
    regions = [0, 0, 0, 0, 0, 1, 0, 0], others, objects, same
    starts = np.cumsum([40 + len(text), *(4 * len(region) for region in regions)]).tolist()
    offsets = [*starts, *starts[-1:] * 3]
    numbers = [number for region in regions for number in region]
    header = struct.pack(f"{SIGNS[order]}10I", 4, 1 + len(properties), *offsets)
    return header + text + struct.pack(f"{SIGNS[order]}{len(numbers)}I", *numbers)


def reference(number=1, kind=1, dimensions=(1, 1)):
    return np.array([REFERENCE, len(dimensions), *dimensions, *[number] * int(np.prod(dimensions)), kind], np.uint32)


def categories(codes, names=("three", "zero"), order="little"):
    cells = {2: np.asarray(codes, np.uint8), 3: list(names)}
    properties = {"isOrdinal": (2, 0), "codes": (1, 0), "categoryNames": (1, 1)}
    return Objects(first_cell(order, "categorical", properties), order, cells.__getitem__, cells.__getitem__)


def strings(words, order="little"):
    text = "".join(words).encode(f"utf-16-{order[0]}e")
    numbers = struct.pack(f"{SIGNS[order]}{4 + len(words)}Q", 1, 2, len(words), 1, *map(len, words))
    cell = np.frombuffer(numbers + text + bytes(-len(text) % 8), f"{SIGNS[order]}u8")
    properties = {"any": (1, 0)}
    return Objects(first_cell(order, "string", properties, True), order, {2: cell}.__getitem__, {}.__getitem__)


@ORDERS
def test_categories(order):
    found = categories([[2, 1, 1]], order=order).labels(reference())
    assert found.whole().tolist() == [b"zero", b"three", b"three"]


@ORDERS
def test_strings(order):
    words = ["zero", "drei", "ноль", "7"]
    assert strings(words, order).labels(reference()).whole().tolist() == [word.encode() for word in words]


def test_other_objects_and_several_are_no_labels():
    dates = Objects(first_cell("little", "datetime", {"data": (1, 0)}), "little", {}.__getitem__, {}.__getitem__)
    assert dates.labels(reference()) is None
    assert categories([1, 2]).labels(reference(dimensions=(2, 1))) is None
    assert categories([1, 2]).labels(np.array([7, 2, 1, 1, 2, 1])) is None
    assert strings([str(number) for number in range(200)]).labels(reference()) is None


@pytest.mark.parametrize("objects", [categories([1, 0, 2]), strings(["a", "", "b"])], ids=["category", "string"])
def test_what_is_undefined_is_told_when_it_is_used(objects):
    found = objects.labels(reference())
    assert found.shape == (3,)
    with pytest.raises(DataError, match=r"some of its labels are undefined\."):
        found.whole()


def test_damage_leaves_no_labels_or_others():
    rng = np.random.default_rng(0)
    for whole in (categories([2, 1, 1]), strings(["zero", "one", "one"])):
        for place in range(len(whole.first_cell)):
            damaged = bytearray(whole.first_cell)
            damaged[place] = rng.integers(256)
            for cell in (whole.first_cell[:place], bytes(damaged)):
                found = replace(whole, first_cell=cell).labels(reference())
                assert found is None or found.shape == (3,)
    assert categories([1, 3]).labels(reference()) is None


def matrix(held, *contents, name=b"", shape=(1, 1)):
    """An element that is a matrix: its class, its dimensions unless it is an object, its name, and what it holds."""
    dimensions = mat_element(5, np.array(shape, "<i4").tobytes()) if held != 17 else b""
    start = mat_element(6, np.array([held, 0], "<u4").tobytes()) + dimensions + mat_element(1, name)
    return mat_element(14, start + b"".join(contents))


def numbers(array, name=b""):
    return matrix(9, mat_element(2, array.astype(np.uint8).T.tobytes()), name=name, shape=array.shape)


def with_objects(own, cell):
    """A file with pictures, labels that are categories, and, as the first of its cells, this one."""
    kinds = [mat_element(1, b"MCOS"), mat_element(1, b"categorical")]
    labels = matrix(17, *kinds, matrix(13, mat_element(6, reference().tobytes()), shape=(6, 1)), name=b"YTrain")
    words = [matrix(4, mat_element(16, f"digit {n}".encode()), shape=(1, 7)) for n in range(10)]
    cells = [numbers(np.frombuffer(cell, np.uint8)[:, np.newaxis]), matrix(9, mat_element(2, b""), shape=(0, 0))]
    cells += [numbers(own.y[:, np.newaxis] + 1), matrix(1, *words, shape=(10, 1))]
    kinds = [mat_element(1, b"MCOS"), mat_element(1, b"FileWrapper__")]
    wrapper = matrix(17, *kinds, matrix(1, *cells, shape=(len(cells), 1)))
    fields = mat_element(5, np.array([5], "<i4").tobytes()) + mat_element(1, b"MCOS\0")
    subsystem = np.frombuffer(b"\0\1IM\0\0\0\0" + matrix(2, fields, wrapper), np.uint8)
    pictures = matrix(9, mat_element(2, own.x.tobytes("C")), name=b"XTrain", shape=(28, 28, len(own.x)))
    return mat_file(pictures + labels + numbers(subsystem[np.newaxis]))


def test_categories_in_a_file(own, tmp_path):
    properties = {"codes": (1, 0), "categoryNames": (1, 1)}
    whole = with_objects(own, first_cell("little", "categorical", properties))
    (tmp_path / "digits.mat").write_bytes(whole)
    dataset = data.open_dataset(tmp_path / "digits.mat", data.Choices(orientation="transposed"))
    assert_all_there(dataset, own.x, own.y)
    assert dataset.class_names == tuple(f"digit {number}" for number in range(10))
    size_at = whole.rindex(b"\0\1IM") + 12
    for damaged in (with_objects(own, b""), whole[:size_at] + b"\xff\xff" + whole[size_at + 2 :]):
        (tmp_path / "digits.mat").write_bytes(damaged)
        with pytest.raises(DataError, match=r"its pictures have no labels\."):
            data.open_dataset(tmp_path / "digits.mat")


@pytest.mark.parametrize("version", ["v7", "v7.3"])
@pytest.mark.parametrize("kind", ["categorical", "string"])
def test_labels_that_mat_io_wrote(own, tmp_path, version, kind):
    matio = pytest.importorskip("matio")
    pandas = pytest.importorskip("pandas")
    words = [f"digit {label}" for label in own.y]
    labels = pandas.Categorical(words) if kind == "categorical" else np.array(words, np.dtypes.StringDType())
    pictures = np.moveaxis(own.x, 0, -1)[:, :, np.newaxis]
    matio.save_to_mat(str(tmp_path / "digits.mat"), {"XTrain": pictures, "YTrain": labels}, version=version)
    dataset = data.open_dataset(tmp_path / "digits.mat")
    pictures = np.concatenate([dataset.train_images, dataset.test_images])
    labels = np.concatenate([dataset.train_labels, dataset.test_labels])
    for picture, label in zip(pictures, labels, strict=True):
        index = np.flatnonzero((own.x == picture).all(axis=(1, 2)))[0]
        assert dataset.class_names[label] == words[index]
