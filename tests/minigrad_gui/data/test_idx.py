"""IDX files of the whole family are read, and cut or false ones refused."""

import gzip
from types import SimpleNamespace

import numpy as np
import pytest
from own_files import assert_all_there, assert_same, idx_bytes, opened, write_idx

from minigrad_gui.data import DataError
from minigrad_gui.data.idx import read_array


@pytest.mark.parametrize("packed", [True, False])
def test_any_of_the_four_files_opens_the_dataset(own, tmp_path, packed):
    write_idx(tmp_path, own, packed=packed)
    for path in tmp_path.iterdir():
        assert_same(opened(path), own)


def test_transposed_pictures_are_set_upright(own, tmp_path):
    lying = SimpleNamespace(x=own.x.swapaxes(1, 2), y=own.y, tx=own.tx.swapaxes(1, 2), ty=own.ty)
    dataset = opened(write_idx(tmp_path, lying, "emnist-digits-"))
    assert dataset.origin.choices.orientation == "transposed"
    assert_same(dataset, own)


def test_emnist_letters_begin_with_1_and_lie_on_their_sides(own, tmp_path):
    lying = SimpleNamespace(x=own.x.swapaxes(1, 2), y=own.y + 1, tx=own.tx.swapaxes(1, 2), ty=own.ty + 1)
    path = write_idx(tmp_path, lying, "emnist-letters-")
    (tmp_path / "emnist-letters-mapping.txt").write_text("".join(f"{at + 1} {65 + at} {97 + at}\n" for at in range(10)))
    (tmp_path / "emnist-letters-t10k-images-idx3-ubyte.gz").rename(
        tmp_path / "emnist-letters-test-images-idx3-ubyte.gz"
    )
    dataset = opened(path)
    assert dataset.class_names == tuple("ABCDEFGHIJ")
    np.testing.assert_array_equal(dataset.train_images, own.x)
    np.testing.assert_array_equal(dataset.test_labels, own.ty)


@pytest.mark.parametrize("kind", ["i1", "i2", "i4", "f4", "f8"])
def test_other_numbers_are_big_endian(tmp_path, kind):
    numbers = np.arange(12).reshape(3, 4).astype(kind)
    (tmp_path / "a-idx2").write_bytes(idx_bytes(numbers))
    np.testing.assert_array_equal(read_array(tmp_path / "a-idx2").whole(), numbers)


def test_qmnist_labels_have_eight_columns_of_which_the_first_is_the_digit(own, tmp_path):
    wide = np.full((len(own.ty), 8), 99, np.int32)
    wide[:, 0] = own.ty
    (tmp_path / "qmnist-test-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx_bytes(own.tx)))
    (tmp_path / "qmnist-test-labels-idx2-int.gz").write_bytes(gzip.compress(idx_bytes(wide)))
    assert_all_there(opened(tmp_path / "qmnist-test-images-idx3-ubyte.gz"), own.tx, own.ty)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda content: content[:-1], "ends too early"),
        (lambda content: content + b"\0", "longer than it says"),
        (lambda content: content[:4] + b"\xff" * 12 + content[16:], "too large"),
        (lambda content: content[:0], "is empty"),
    ],
)
def test_false_sizes_are_refused(own, tmp_path, change, reason):
    path = write_idx(tmp_path, own, packed=False)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(DataError, match=reason):
        opened(path)


def test_pictures_without_their_labels_are_refused(own, tmp_path):
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx_bytes(own.x))
    with pytest.raises(DataError, match="have no labels"):
        opened(tmp_path / "train-images-idx3-ubyte")


def test_more_labels_than_pictures_are_refused(own, tmp_path):
    path = write_idx(tmp_path, own, packed=False)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx_bytes(own.y[:-1]))
    with pytest.raises(DataError, match="200 pictures, but 199 labels"):
        opened(path)
