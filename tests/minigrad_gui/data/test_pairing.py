"""Names and shapes tell what belongs together, and what is not clear is refused."""

import numpy as np
import pytest

from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.pairing import pair_up, split_of, topic_of
from minigrad_gui.data.stored import Array

X, Y = Array.of(np.zeros((6, 8, 8), np.uint8)), Array.of(np.arange(6))


@pytest.mark.parametrize(
    ("name", "split", "topic"),
    [
        ("train-images-idx3-ubyte", "train", ""),
        ("t10k-labels.idx1-ubyte", "test", ""),
        ("emnist-letters-test-images-idx3-ubyte", "test", "emnist letters"),
        ("xTrain", "train", ""),
        ("optdigits.tra", "train", "optdigits"),
        ("digits latest", None, "latest"),
    ],
)
def test_names(name, split, topic):
    assert (split_of(name), topic_of(name)) == (split, topic)


def test_test_pictures_without_labels_are_left_out():
    found = pair_up({"x_train": X, "y_train": Y, "x_test": X})
    assert not found.test
    assert found.remarks == ["The pictures “x_test” have no labels and are left out."]


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"y": Y}, "no pictures"),
        ({"x": X}, "no labels"),
        ({"mnist_x": X, "fashion_x": X, "y": Y}, "several datasets"),
        ({"x": X, "coarse": Y, "fine": Y}, "not clear which of coarse, fine"),
    ],
)
def test_what_is_not_clear_is_refused(arrays, reason):
    with pytest.raises(DataError, match=reason):
        pair_up(arrays)
