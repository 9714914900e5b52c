"""NumPy's files as Keras, MedMNIST and KMNIST write them."""

import zipfile

import numpy as np
import pytest
from own_files import assert_all_there, assert_same, opened

from minigrad_gui.data import DataError


def test_keras_file(own, tmp_path):
    np.savez_compressed(tmp_path / "mnist.npz", x_train=own.x, y_train=own.y, x_test=own.tx, y_test=own.ty)
    assert_same(opened(tmp_path / "mnist.npz"), own)


def test_medmnist_has_labels_in_a_column_and_validation_pictures_to_train_on(own, tmp_path):
    arrays = {"train_images": own.x[:150], "train_labels": own.y[:150, None], "test_images": own.tx}
    arrays |= {"val_images": own.x[150:], "val_labels": own.y[150:, None], "test_labels": own.ty[:, None]}
    np.savez(tmp_path / "med.npz", **arrays)
    dataset = opened(tmp_path / "med.npz")
    assert_same(dataset, own)
    assert "50 validation pictures are also trained on" in dataset.origin.remarks[0]


def test_kmnist_has_a_file_for_each_array(own, tmp_path):
    for name, array in {"train-imgs": own.x, "train-labels": own.y, "test-imgs": own.tx, "test-labels": own.ty}.items():
        np.savez_compressed(tmp_path / f"kmnist-{name}.npz", array)
    assert_same(opened(tmp_path / "kmnist-train-imgs.npz"), own)
    assert_same(opened(tmp_path / "kmnist-test-labels.npz"), own)


@pytest.mark.parametrize("names", ["XTrain YTrain XTest YTest", "X_tr y_tr X_ts y_ts", "xtrain ytrain xdev ydev"])
def test_names_as_in_matlab(own, tmp_path, names):
    arrays = dict(zip(names.split(), (own.x, own.y, own.tx, own.ty), strict=True))
    np.savez(tmp_path / "a.npz", **arrays)
    assert_same(opened(tmp_path / "a.npz"), own)
    for name, array in arrays.items():
        np.save(tmp_path / name, array)
    assert_same(opened(tmp_path / f"{names.split()[0]}.npy"), own)


@pytest.mark.parametrize("order", ["C", "F"])
def test_one_pair_of_any_name_and_order_is_split(own, tmp_path, order):
    np.savez(tmp_path / "mine.npz", a=np.asarray(own.x.reshape(-1, 784), order=order), b=np.eye(10)[own.y])
    assert_all_there(opened(tmp_path / "mine.npz"), own.x, own.y)


def test_npy_files_beside_each_other(own, tmp_path):
    for name, array in {"X_train": own.x, "y_train": own.y, "X_test": own.tx, "y_test": own.ty}.items():
        np.save(tmp_path / f"{name}.npy", array)
    assert_same(opened(tmp_path / "y_test.npy"), own)


@pytest.mark.parametrize("kind", ["pictures", "pixels"])
def test_records(own, tmp_path, kind):
    """Also as pandas' `to_records` makes them, with a field for each pixel."""
    pixels = [(f"pixel{at}", "u1") for at in range(784)]
    fields = [("index", "i8"), ("label", "i8"), *([("image", "u1", (28, 28))] if kind == "pictures" else pixels)]
    records = np.zeros(len(own.y), fields)
    records["index"], records["label"] = np.arange(len(own.y)), own.y
    for at in range(784) if kind == "pixels" else ():
        records[f"pixel{at}"] = own.x.reshape(-1, 784)[:, at]
    if kind == "pictures":
        records["image"] = own.x
    np.save(tmp_path / "digits.npy", records)
    np.savez(tmp_path / "a.npz", records)
    for name in ("digits.npy", "a.npz"):
        assert_all_there(opened(tmp_path / name), own.x, own.y)


def test_quickdraw_has_a_file_for_each_class(own, tmp_path):
    for label, name in enumerate(("airplane", "cat")):
        np.save(tmp_path / f"full_numpy_bitmap_{name}.npy", own.x[own.y % 2 == label].reshape(-1, 784))
    for source in (tmp_path, tmp_path / "full_numpy_bitmap_cat.npy"):
        dataset = opened(source)
        assert dataset.class_names == ("airplane", "cat")
        assert_all_there(dataset, own.x, own.y % 2)


def test_a_single_file_of_pictures_has_no_labels(own, tmp_path):
    np.save(tmp_path / "a.npy", own.x)
    with pytest.raises(DataError, match="no labels"):
        opened(tmp_path / "a.npy")


def test_pickled_arrays_are_never_loaded(own, tmp_path):
    np.savez(tmp_path / "evil.npz", x=own.x, y=np.array([{}] * len(own.x), object))
    with pytest.raises(DataError, match="no labels"):
        opened(tmp_path / "evil.npz")


OBJECTS = (
    "holds Python objects, which could run code, so that they are not read; save arrays of numbers with numpy.savez."
)


def test_python_objects_are_called_so(own, tmp_path):
    """As np.save makes them of a dict, and np.savez of labels that pandas holds as text."""
    words = np.array([f"digit {label}" for label in own.y], object)
    np.save(tmp_path / "dict.npy", {"x": own.x}, allow_pickle=True)
    np.savez(tmp_path / "dict.npz", {"x": own.x})
    np.savez(tmp_path / "words.npz", x=own.x, y=words)
    np.save(tmp_path / "x.npy", own.x)
    np.save(tmp_path / "y.npy", words)
    for name, told in (
        ("dict.npy", f"it {OBJECTS}"),
        ("dict.npz", f"it holds no pictures; “arr_0” {OBJECTS}"),
        ("words.npz", f"its pictures have no labels; “y” {OBJECTS}"),
        ("x.npy", f"its pictures have no labels; with y.npy, it {OBJECTS}"),
    ):
        with pytest.raises(DataError) as caught:
            opened(tmp_path / name)
        assert str(caught.value) == f"{tmp_path / name} cannot be opened: {told}"


@pytest.mark.parametrize("save", [np.save, np.savez])
def test_labels_without_pictures_are_left_out_and_told(own, tmp_path, save):
    """As of Kannada MNIST, if only the test pictures were downloaded."""
    suffix = ".npy" if save is np.save else ".npz"
    for name, array in (("X_test", own.tx), ("y_test", own.ty), ("y_train", own.y)):
        save(tmp_path / f"{name.replace('_', '_kannada_MNIST_')}{suffix}", array)
    dataset = opened(tmp_path / f"X_kannada_MNIST_test{suffix}")
    assert_all_there(dataset, own.tx, own.ty)
    together = f"X_kannada_MNIST_test{suffix} and y_kannada_MNIST_test{suffix}"
    left_out = f"The labels “y_kannada_MNIST_train{suffix}” belong to no pictures and are left out."
    assert dataset.origin.remarks[:2] == (left_out, f"Read together: {together}.")


def test_several_labels_to_a_picture_are_refused(own, tmp_path):
    np.savez(tmp_path / "chest.npz", x=own.x, y=np.ones((len(own.x), 14), np.uint8))
    with pytest.raises(DataError, match="exactly one class"):
        opened(tmp_path / "chest.npz")


def test_a_cut_file_is_refused(own, tmp_path):
    np.savez(tmp_path / "whole.npz", x=own.x, y=own.y)
    (tmp_path / "cut.npz").write_bytes((tmp_path / "whole.npz").read_bytes()[:9000])
    with pytest.raises(DataError, match="it is cut"):
        opened(tmp_path / "cut.npz")


def test_an_array_that_claims_to_be_enormous_is_refused_without_memory(tmp_path):
    header = repr({"descr": "|u1", "fortran_order": False, "shape": (10**12, 28, 28)}).encode().ljust(117) + b"\n"
    with zipfile.ZipFile(tmp_path / "huge.npz", "w") as archive:
        archive.writestr("x.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    with pytest.raises(DataError, match="too large"):
        opened(tmp_path / "huge.npz")


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("colours", [False, True])
@pytest.mark.parametrize("many", [90, 200])
def test_samples_may_be_in_the_last_dimension(own, tmp_path, flat, colours, many):
    """As those who come from MATLAB have them. Only that dimension is as long as there are labels."""
    x, tx = (np.stack([each] * 3, axis=3) if colours else each for each in (own.x[:many], own.tx))
    arrays = {"x_train": x, "x_test": tx}
    arrays = {name: np.moveaxis(each, 0, -1) for name, each in arrays.items()}
    if flat:
        arrays = {name: each.reshape(-1, each.shape[-1]) for name, each in arrays.items()}
    np.savez_compressed(tmp_path / "a.npz", **arrays, y_train=own.y[:many], y_test=own.ty)
    dataset = opened(tmp_path / "a.npz")
    np.testing.assert_array_equal(dataset.train_images, own.x[:many])
    np.testing.assert_array_equal(dataset.train_labels, own.y[:many])
    np.testing.assert_array_equal(dataset.test_images, own.tx)


def test_means_of_pixels_are_no_labels(own, tmp_path):
    """Though there are as many as the last dimension is long; 100 pictures could be one of 10 x 10."""
    flat = own.x[:100].reshape(100, -1)
    np.savez(tmp_path / "a.npz", x=flat, y=np.eye(10)[own.y[:100]], mean=flat.mean(axis=0))
    assert_all_there(opened(tmp_path / "a.npz"), own.x[:100], own.y[:100])
