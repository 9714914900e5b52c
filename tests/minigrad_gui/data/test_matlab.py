"""MATLAB's files as EMNIST, SVHN, USPS and MNIST were published."""

import numpy as np
import pytest
from own_files import assert_all_there, assert_same, opened
from scipy.io import savemat

from minigrad_gui.data import DataError


def lying(images):
    return images.swapaxes(1, 2).reshape(len(images), -1)


def emnist(own, shift=0, mapping=None):
    parts = {"train": (own.x, own.y), "test": (own.tx, own.ty)}
    structure = {
        split: {"images": lying(x), "labels": y[:, None] + np.uint8(shift), "writers": np.ones((len(y), 1))}
        for split, (x, y) in parts.items()
    }
    return {"dataset": structure | ({} if mapping is None else {"mapping": mapping})}


@pytest.mark.parametrize("compressed", [True, False])
def test_emnist_lies_on_its_side(own, tmp_path, compressed):
    savemat(tmp_path / "digits.mat", emnist(own), do_compression=compressed)
    assert_same(opened(tmp_path / "digits.mat"), own)


def test_emnist_letters_begin_with_1_and_lie_too(own, tmp_path):
    mapping = np.array([[at + 1, 65 + at, 97 + at] for at in range(10)], np.uint8)
    savemat(tmp_path / "letters.mat", emnist(own, 1, mapping))
    dataset = opened(tmp_path / "letters.mat")
    assert dataset.class_names == tuple("ABCDEFGHIJ")
    np.testing.assert_array_equal(dataset.train_images, own.x)
    np.testing.assert_array_equal(dataset.train_labels, own.y)


def test_svhn_has_samples_last_colours_and_10_for_zero(own, tmp_path):
    for split, x, y in (("train", own.x, own.y), ("test", own.tx, own.ty)):
        wide = np.pad(x, ((0, 0), (2, 2), (2, 2)))
        pictures = np.moveaxis(np.stack([wide] * 3, axis=3), 0, 3)
        savemat(tmp_path / f"{split}_32x32.mat", {"X": pictures, "y": np.where(y == 0, 10, y)[:, None]})
    dataset = opened(tmp_path / "train_32x32.mat")
    assert dataset.origin.choices.labels == "10 is zero"
    np.testing.assert_array_equal(dataset.train_labels, own.y)
    np.testing.assert_array_equal(dataset.test_labels, own.ty)
    assert np.median(np.abs(dataset.train_images.astype(int) - own.x).mean(axis=(1, 2))) < 12


def test_usps_has_a_slab_for_each_digit_and_zero_last(own, tmp_path):
    each = [own.x[own.y == digit][:12] for digit in (1, 2, 3, 4, 5, 6, 7, 8, 9, 0)]
    slabs = np.stack([lying(images).T for images in each], axis=2)
    savemat(tmp_path / "usps_all.mat", {"data": slabs})
    assert_all_there(
        opened(tmp_path / "usps_all.mat"), np.concatenate(each), np.repeat([1, 2, 3, 4, 5, 6, 7, 8, 9, 0], 12)
    )


def test_mnist_with_samples_in_columns(own, tmp_path):
    savemat(
        tmp_path / "mnist-original.mat", {"data": own.x.reshape(len(own.x), -1).T, "label": own.y[None].astype(float)}
    )
    assert_all_there(opened(tmp_path / "mnist-original.mat"), own.x, own.y)


def test_mnist_with_labels_that_are_text(own, tmp_path):
    """As scikit-learn's `fetch_openml` gives them, as text or as objects."""
    for labels in (own.y.astype(str), own.y.astype(str).astype(object)):
        savemat(tmp_path / "digits.mat", {"data": own.x.reshape(len(own.x), -1).T, "target": labels})
        assert_all_there(opened(tmp_path / "digits.mat"), own.x, own.y)


def test_pictures_in_cells_with_labels_in_columns(own, tmp_path):
    """As MATLAB's `digitTrainCellArrayData` gives them."""
    cells = np.empty((1, len(own.x)), object)
    cells[0] = list(own.x / 255)
    savemat(tmp_path / "digits.mat", {"xTrainImages": cells, "tTrain": np.eye(10)[own.y].T}, do_compression=True)
    assert_all_there(opened(tmp_path / "digits.mat"), own.x, own.y)


@pytest.mark.parametrize("are_rows", [True, False])
@pytest.mark.parametrize("compressed", [True, False])
def test_each_row_of_cells_has_a_label(mnist, tmp_path, are_rows, compressed):
    """As binaryalphadigs.mat has 36 x 39 pictures of 20 x 16 pixels, and 36 labels."""
    names, cells, counts = np.empty((1, 10), object), np.empty((10, 39), object), np.empty((1, 10), object)
    names[0], counts[0] = [f"digit {digit}" for digit in range(10)], [39.0] * 10
    for digit in range(10):
        chosen = mnist.train_images[mnist.train_labels == digit][:39]
        cells[digit] = list((chosen[:, 4:24, 6:22] > 127).astype(np.uint8))
    arrays = {"dat": cells if are_rows else cells.T, "numclasses": 10, "classcounts": counts, "classlabels": names}
    savemat(tmp_path / "alphadigs.mat", arrays, do_compression=compressed)
    np.savez(tmp_path / "a.npz", x=np.stack([*cells.ravel()]), y=np.repeat(np.arange(10), 39))
    dataset, wanted = opened(tmp_path / "alphadigs.mat"), opened(tmp_path / "a.npz")
    assert dataset.class_names == tuple(names[0])
    images = np.concatenate([wanted.train_images, wanted.test_images])
    assert_all_there(dataset, images, np.concatenate([wanted.train_labels, wanted.test_labels]))


@pytest.mark.parametrize("program", ["Platform: PCWIN64, Created on: Mon Jan 1 2007", "written by Octave 8.4.0"])
@pytest.mark.parametrize("columns", [False, True])
def test_rows_of_pixels_are_column_after_column_if_matlab_wrote_them(own, tmp_path, program, columns):
    """Faces do not tell how they lie, as digits do. SciPy's files have rows as NumPy has them."""
    faces, rows = np.char.add("face ", own.y.astype(str)).astype(object), lying(own.x)
    path = tmp_path / "faces.mat"
    savemat(path, {"fea": rows.T if columns else rows, "gnd": faces[:, None]})
    assert opened(path).origin.choices.orientation == "upright"
    digits = {"fea": own.x.reshape(len(own.x), -1), "gnd": own.y[:, None]}
    for arrays in ({"fea": rows.T if columns else rows, "gnd": faces[:, None]}, {"fea": own.x, "gnd": faces}, digits):
        savemat(path, arrays)
        path.write_bytes(f"MATLAB 5.0 MAT-file, {program}".encode().ljust(116) + path.read_bytes()[116:])
        assert_all_there(opened(path), own.x, own.y)


def test_mnist_with_an_array_for_each_digit(own, tmp_path):
    arrays = {f"train{digit}": own.x[own.y == digit].reshape(-1, 784) for digit in range(10)}
    tests = {f"test{digit}": own.tx[own.ty == digit].reshape(-1, 784) for digit in range(10)}
    savemat(tmp_path / "mnist_all.mat", arrays | tests)
    dataset = opened(tmp_path / "mnist_all.mat")
    order = np.argsort(own.y, kind="stable")
    np.testing.assert_array_equal(dataset.train_images, own.x[order])
    np.testing.assert_array_equal(dataset.test_labels, np.sort(own.ty))


def test_an_enormous_variable_is_refused(own, tmp_path):
    savemat(tmp_path / "a.mat", {"x": own.x[:2], "y": own.y[:2]})
    content = (tmp_path / "a.mat").read_bytes()
    (tmp_path / "a.mat").write_bytes(content[:132] + b"\xff\xff\xff\xff" + content[136:])
    with pytest.raises(DataError, match="is damaged"):
        opened(tmp_path / "a.mat")


@pytest.mark.parametrize("length", [100, 3000])
def test_a_cut_file_is_refused(own, tmp_path, length):
    savemat(tmp_path / "a.mat", emnist(own))
    (tmp_path / "a.mat").write_bytes((tmp_path / "a.mat").read_bytes()[:length])
    with pytest.raises(DataError, match=r"ends too early|is damaged|no pictures"):
        opened(tmp_path / "a.mat")
