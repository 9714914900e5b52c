"""Which arrays can be pictures, and what are their labels."""

import numpy as np
import pytest

from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.stored import Array, Pictures, Samples, as_labels, as_pictures, labelled, picture_shape


@pytest.mark.parametrize(
    ("shape", "each"),
    [
        ((9, 784), (28, 28)),
        ((9, 3072), (3, 32, 32)),
        ((9, 8, 8), (8, 8)),
        ((9, 1, 28, 28), (28, 28)),
        ((9, 28, 28, 1), (28, 28)),
        ((9, 32, 32, 3), (32, 32, 3)),
        ((9, 3, 32, 32), (3, 32, 32)),
        ((9, 10), None),
        ((9, 28, 5000), None),
        ((9, 5, 28, 28), None),
    ],
)
def test_shapes(shape, each):
    assert picture_shape(shape) == each


def test_every_step_th_picture_is_read_across_blocks():
    numbers = np.arange(10 * 16, dtype=np.uint8).reshape(10, 4, 4)
    pictures = as_pictures(Array(numbers.shape, numbers.dtype, lambda: iter((numbers[:4], numbers[4:5], numbers[5:]))))
    np.testing.assert_array_equal(np.concatenate(list(pictures.blocks(3))), numbers[::3])
    np.testing.assert_array_equal(np.concatenate(list(pictures.blocks(1))), numbers)


@pytest.mark.parametrize("kind", ["U", "S"])
def test_pictures_without_a_label_are_left_out(kind):
    numbers = np.arange(10 * 16, dtype=np.uint8).reshape(10, 4, 4)
    labels = np.array(["a", "", "b", "a", "", "", "c", "a", "b", ""], kind)
    for blocks in (lambda: iter((numbers[:4], numbers[4:])), lambda: iter((list(numbers[:4]), list(numbers[4:])))):
        pictures = Pictures(10, lambda step, blocks=blocks: (block[::step] for block in blocks()))
        found = labelled(Samples(pictures, labels))
        assert found.labels.tolist() == labels[labels != labels.dtype.type()].tolist()
        assert found.pictures.count == 6
        read = np.concatenate([np.stack(block) for block in found.pictures.blocks(1)])
        np.testing.assert_array_equal(read, numbers[[0, 2, 3, 6, 7, 8]])
        assert sum(map(len, found.pictures.blocks(2))) == 4


def test_labels_in_columns_rows_and_one_hot():
    for labels in ([1, 0, 2], [[1], [0], [2]], [[1, 0, 2]], [[0, 1, 0], [1, 0, 0], [0, 0, 1]]):
        np.testing.assert_array_equal(as_labels(Array.of(np.array(labels))), [1, 0, 2])


def test_no_pictures_are_refused():
    with pytest.raises(DataError, match="no pictures"):
        as_pictures(Array.of(np.empty((0, 28, 28), np.uint8)))
