"""What the child process takes from an HDF5 file."""

import numpy as np
import pytest

from minigrad_gui.data import hdf5_child
from minigrad_gui.data.guarded_child import Saver

h5py = pytest.importorskip("h5py")


def taken(folder, source):
    saver = Saver(str(folder), 1 << 20)
    attributes = hdf5_child.read(str(source), saver)
    return attributes, {name: np.load(folder / f"array{at}.npy") for at, name in enumerate(saver.names)}


def test_attributes_and_arrays_come_by_path(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.attrs["model_config"] = b"{}"
        file["b/c"] = np.arange(6.0).reshape(2, 3)
        file["b/step"] = 3
        file["b"].attrs["weight_names"] = [b"c", b"d"]
        file["b"].attrs["other"] = 1
        file["optimizer_weights/b/c"] = np.ones(3)
    attributes, arrays = taken(tmp_path, tmp_path / "a.h5")
    assert attributes == {"": {"model_config": "{}"}, "b": {"weight_names": ["c", "d"]}, "b/c": {}, "b/step": {}}
    assert list(arrays) == ["b/c"]
    np.testing.assert_array_equal(arrays["b/c"], np.arange(6.0).reshape(2, 3))


def test_other_files_are_not_followed(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["secret"] = np.ones(3)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["link"] = h5py.ExternalLink("other.h5", "secret")
        file.create_dataset("outside", (3,), "f4", external=[(str(tmp_path / "other.h5"), 0, 12)])
        layout = h5py.VirtualLayout((3,), "f8")
        layout[:] = h5py.VirtualSource(tmp_path / "other.h5", "secret", (3,))
        file.create_virtual_dataset("virtual", layout)
        inside = file.create_dataset("optimizer/inside", (3, 1), "f4")
        outside = file.create_dataset("optimizer/outside", (3, 1), "f4", external=[(str(tmp_path / "other.h5"), 0, 12)])
        for name, held in {"first": (outside, inside), "last": (inside, outside), "both": (inside, inside)}.items():
            file.create_dataset(name, data=[cell.ref for cell in held], dtype=h5py.ref_dtype)
    assert list(taken(tmp_path, tmp_path / "a.h5")[1]) == ["both"]


def test_what_is_empty_in_matlab_is_no_array(tmp_path):
    with h5py.File(tmp_path / "a.mat", "w") as file:
        file["x"] = np.ones((2, 3))
        file["nothing"] = np.array([0, 5], np.uint64)  # its dimensions
        file["nothing"].attrs["MATLAB_empty"] = np.uint8(1)
        file.create_dataset("cells", data=[file["nothing"].ref] * 3, dtype=h5py.ref_dtype)
    assert list(taken(tmp_path, tmp_path / "a.mat")[1]) == ["x"]


def test_a_circle_and_what_claims_to_be_enormous_end(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["a/b"] = np.ones(3)
        file["a/again"] = file["/"]
    taken(tmp_path, tmp_path / "a.h5")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file.create_dataset("a", (1 << 40,), "f4", chunks=(1024,))
    with pytest.raises(MemoryError):
        taken(tmp_path, tmp_path / "b.h5")


def test_of_a_table_numbers_and_short_texts_are_taken(tmp_path):
    """Complex numbers, as MATLAB has them, are no table."""
    with h5py.File(tmp_path / "a.mat", "w") as file:
        file["x"] = np.zeros((3, 4), [("real", "f8"), ("imag", "f8")])
        file.create_dataset("y", (3,), [("label", "i8"), ("of", h5py.ref_dtype), ("text", "S999")])
    arrays = taken(tmp_path, tmp_path / "a.mat")[1]
    assert {name: array.dtype for name, array in arrays.items()} == {"y": np.dtype([("label", "i8"), ("text", "S200")])}


@pytest.mark.parametrize("is_keras", [True, False])
def test_many_weights_are_no_pictures(tmp_path, is_keras):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        if is_keras:
            file.attrs["model_config"] = "{}"
        for at in range(70):
            file[f"layer_{at}/kernel"] = np.ones((8, 8), np.float32)
            if not is_keras:
                file[f"layer_{at}/bias"] = np.ones(8, np.float32)
    arrays = taken(tmp_path, tmp_path / "a.h5")[1]
    assert len(arrays) == (70 if is_keras else 140)
    assert arrays["layer_69/kernel"].shape == (8, 8)
