"""Names and shapes tell what belongs together, and what is not clear is refused."""

import numpy as np
import pytest

from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.pairing import (
    in_order,
    in_splits,
    is_called_label,
    joined,
    pair_up,
    split_of,
    together,
    topic_of,
)
from minigrad_gui.data.stored import Array, Found, Samples, as_pictures

X, Y = Array.of(np.zeros((6, 8, 8), np.uint8)), Array.of(np.arange(6))


@pytest.mark.parametrize(
    ("name", "split", "topic"),
    [
        ("train-images-idx3-ubyte", "train", ""),
        ("t10k-labels.idx1-ubyte", "test", ""),
        ("emnist-letters-test-images-idx3-ubyte", "test", "emnist letters"),
        ("xTrain", "train", ""),
        ("XTrain", "train", ""),
        ("MNISTTest_X", "test", "mnist"),
        ("xtest", "test", ""),
        ("trainlabels", "train", ""),
        ("testx", "test", ""),
        ("x_dev", "valid", ""),
        ("y_eval", "test", ""),
        ("X_tr", "train", ""),
        ("teX", "test", ""),
        ("Yts", "test", ""),
        ("t_train", "train", ""),
        ("TTr", "train", ""),
        ("train_feats", "train", "feats"),
        ("csvTrainImages 13440x1024.csv", "train", ""),
        ("csvTestLabel 10k x 1.csv", "test", ""),
        ("train_32x32.mat", "train", "32 32"),
        ("digits640x480", None, "640 480"),
        ("數字", None, ""),
        ("te", None, "te"),
        ("あ", None, ""),
        ("try", None, "try"),
        ("tray", None, "tray"),
        ("xtra", None, "xtra"),
        ("t", None, "t"),
        ("mnist_validate.csv", "valid", "mnist"),
        ("optdigits.tra", "train", "optdigits"),
        ("digits latest", None, "latest"),
        ("test2.csv", "test", "2"),
    ],
)
def test_names(name, split, topic):
    assert (split_of(name), topic_of(name)) == (split, topic)


@pytest.mark.parametrize(
    "names", ["XTrain TTrain XTest TTest", "xtr ytr xte yte", "trainimages trainlabels testx testt"]
)
def test_glued_names(names):
    (x, y, test_x, test_y), one_hot = names.split(), Array.of(np.eye(64))
    wide = Array.of(np.zeros((64, 8, 8)))
    found = pair_up({x: wide, y: one_hot, test_x: wide, test_y: Array.of(np.arange(64))})
    assert [samples.labels.tolist() for samples in (*found.train, *found.test)] == [list(range(64))] * 2


def test_test_pictures_without_labels_are_left_out():
    found = pair_up({"x_train": X, "y_train": Y, "x_test": X})
    assert not found.test
    assert found.remarks == ["The pictures “x_test” have no labels and are left out."]


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"y": Y}, r"no pictures, but arrays of the shape \(6,\)"),
        ({"x": Array.of(np.zeros((6, 16))), "y": Y}, r"no pictures, but arrays of the shape \(6, 16\), \(6,\)"),
        ({"x": X}, "no labels"),
        ({"mnist_x": X, "fashion_x": X, "y": Y}, "several datasets"),
        ({"x": X, "coarse": Y, "fine": Y}, "not clear which of coarse, fine"),
    ],
)
def test_what_is_not_clear_is_refused(arrays, reason):
    with pytest.raises(DataError, match=reason):
        pair_up(arrays)


def test_arrays_that_are_named_after_their_classes():
    found = pair_up({"train_threes": X, "train_fives": X, "test_threes": X, "test_fives": X})
    assert [samples.labels.tolist() for samples in found.train] == [["threes"] * 6, ["fives"] * 6]
    assert [samples.labels.tolist() for samples in found.test] == [["threes"] * 6, ["fives"] * 6]
    assert found.remarks == ["Its arrays are taken for one class each."]
    found = pair_up({"train0": X, "train1": X, "test0": X, "test1": X})
    assert [samples.labels.tolist() for samples in found.test] == [["0"] * 6, ["1"] * 6]


@pytest.mark.parametrize("split", ["train", "valid", "test"])
def test_a_split_alone_is_trained_on(split):
    found = in_splits({split: [Samples(as_pictures(X), np.arange(6))]}, [])
    assert (len(found.train), len(found.test)) == (1, 0)


def test_columns_that_are_called_labels():
    assert all(map(is_called_label, ("Class", "y", "digit_label", "28x28 label", "xLabel", "label 2")))
    assert not any(map(is_called_label, ("y1", "class3", "classic", "x")))


def test_parts_are_joined_by_the_splits_that_they_name():
    def part(labels, *, has_test=False):
        return Found([Samples(as_pictures(X), labels)], [Samples(as_pictures(X), labels)] if has_test else ())

    a, b, c = (np.full(6, number) for number in range(3))
    found = joined({"data_1": part(a), "data_2": part(b), "test": part(c)})
    assert [samples.labels[0] for samples in found.train] == [0, 1]
    assert [samples.labels[0] for samples in found.test] == [2]
    found = joined({"test_1": part(a, has_test=True), "test_2": part(b, has_test=True)})
    assert [samples.labels[0] for samples in found.train] == [samples.labels[0] for samples in found.test] == [0, 1]


@pytest.mark.parametrize("place", ["first", "last"])
def test_labels_among_the_pixels(place):
    pixels, labels = np.arange(6 * 64).reshape(6, 64) % 7 + 0.5, np.arange(6) % 3
    table = np.column_stack([labels, pixels] if place == "first" else [pixels, labels])
    found = pair_up(together({"train.mat": {"tr": Array.of(table)}, "test.mat": {"te": Array.of(table)}}))
    for samples in (*found.train, *found.test):
        assert samples.labels.tolist() == labels.tolist()
        np.testing.assert_array_equal(np.concatenate(list(samples.pictures.blocks(1))).reshape(6, 64), pixels)
    assert len(found.train) == len(found.test) == 1


@pytest.mark.parametrize(
    ("names", "order"),
    [
        (["pixel1", "pixel10", "pixel2"], [0, 2, 1]),
        (["0", "1", "10", "2"], [0, 1, 3, 2]),
        (["1x1", "1x10", "1x2"], [0, 1, 2]),
        (["a2", "b1"], [0, 1]),
        (["red", "green"], [0, 1]),
        ([], []),
    ],
)
def test_columns_are_ordered_by_the_one_number_in_their_names(names, order):
    assert in_order(names) == order
