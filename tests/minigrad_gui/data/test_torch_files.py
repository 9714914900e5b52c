"""Files as torch.save writes them, written here without torch; nothing in them is ever run."""

import pickle
import struct

import numpy as np
import pytest
from own_files import assert_same, opened
from torch_bytes import KINDS, numbers, pair, pt_bytes, tensor, text

from minigrad_gui.data import DataError
from minigrad_gui.data.torch_files import LEGACY_MAGIC, arrays_in


def write(path, description, arrays):
    path.write_bytes(pt_bytes(description, arrays, path.stem))
    return path


def write_both(folder, own):
    for name, x, y in (("training", own.x, own.y), ("test", own.tx, own.ty)):
        arrays = x, y.astype(np.int64)
        write(folder / f"{name}.pt", pair(*arrays), arrays)
    return folder / "training.pt"


def test_torchvisions_files(own, tmp_path):
    path = write_both(tmp_path, own)
    assert_same(opened(path), own)
    assert opened(path).origin.format == "PyTorch .pt"


def test_the_folder_of_torchvision(own, tmp_path):
    write_both(tmp_path, own)
    assert_same(opened(tmp_path), own)


def test_files_of_old_versions(own, tmp_path):
    for name, x, y in (("training", own.x, own.y), ("test", own.tx, own.ty)):
        y = y.astype(np.int64)
        description = b"\x80\x02(" + tensor("94", x, extra=b"N") + tensor("95", y, extra=b"N") + b"t."
        head = LEGACY_MAGIC + pickle.dumps(1001, 2) + pickle.dumps({"little_endian": True}, 2)
        stored = b"".join(struct.pack("<q", array.size) + array.tobytes() for array in (x, y))
        (tmp_path / f"{name}.pt").write_bytes(head + description + pickle.dumps(["94", "95"], 2) + stored)
    assert_same(opened(tmp_path / "training.pt"), own)


def test_a_dict_of_views(own, tmp_path):
    """Tensors by name, the pictures transposed by their strides, and split by name."""
    x, y = own.x.swapaxes(1, 2).copy(), own.y.astype(np.int64)
    tx, ty = own.tx.astype(np.float32) / 255, own.ty.astype(np.int64)
    turned = tensor("0", own.x, strides=[784, 1, 28])
    parts = {"x_train": turned, "y_train": tensor("1", y), "x_test": tensor("2", tx), "y_test": tensor("3", ty)}
    description = b"}(" + b"".join(text(name) + code for name, code in parts.items()) + b"u"
    write(tmp_path / "all.pt", description, [x, y, tx, ty])
    with pytest.raises(AssertionError):  # the one scale is 0 to 255, of which the test pictures use 1
        assert_same(opened(tmp_path / "all.pt"), own)
    write(tmp_path / "all.pt", description.replace(KINDS["f4"], KINDS["u1"]), [x, y, own.tx, ty])
    assert_same(opened(tmp_path / "all.pt"), own)


def test_the_keys_of_pictures_are_their_classes(own, tmp_path):
    pictures = own.x[own.y == 3], own.x[own.y == 5]
    description = b"}(" + text("cat") + tensor("0", pictures[0]) + text("dog") + tensor("1", pictures[1]) + b"u"
    assert opened(write(tmp_path / "animals.pt", description, pictures)).class_names == ("cat", "dog")


class Evil:
    def __reduce__(self):
        return print, ("it ran",)


X = np.zeros((4, 28, 28), np.uint8)
Y = np.arange(4)
REFUSED = {
    "code": (pickle.dumps(Evil(), 2)[2:-1], "could run code"),
    "object": (b"ctorch.nn\nLinear\n)\x81}b", "could run code"),
    "beyond": (pair(X, Y).replace(numbers([0]) + b"(" + numbers([4]), numbers([3]) + b"(" + numbers([4])), "a tensor"),
    "larger": (pair(X, Y).replace(numbers([4, 28, 28]), numbers([400, 28, 28])), "a tensor is damaged"),
    "negative": (pair(X, Y).replace(numbers([4, 28, 28]), numbers([-4, 28, -28])), "a tensor is damaged"),
    "cut": (pair(X, Y)[:-40], "cannot be opened: it is damaged"),
    "complex": (pair(X, Y).replace(b"ByteStorage", b"ComplexFloatStorage"), "of a kind that is not read"),
    "no-pictures": (tensor("0", Y), "it holds no pictures"),
    "loop": (b"]q\0h\0a", "it holds no pictures"),
    "slow-to-hash": (b"}" + b")\x85" * 30 + b"K\1s", "could run code"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_whatever_is_not_a_tensor_is_refused(tmp_path, capfd, name):
    description, told = REFUSED[name]
    path = write(tmp_path / "a.pt", description, [X, Y])
    with pytest.raises(DataError, match=told) as refusal:
        opened(path)
    assert str(refusal.value).endswith(".")
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_other_pickles_are_refused_with_what_to_do(tmp_path, capfd, protocol):
    (tmp_path / "mnist.pkl").write_bytes(pickle.dumps(Evil(), protocol))
    with pytest.raises(DataError, match=r"pickle .* save its arrays with numpy\.savez"):
        opened(tmp_path / "mnist.pkl")
    assert capfd.readouterr().out == ""


def test_bfloat16_is_read_as_float32(tmp_path):
    """In order, and as a view."""
    numbers = np.random.default_rng(0).normal(size=(4, 6)).astype("<f4")
    upper = (numbers.view(np.uint32) >> 16).astype("<u2")
    description = b"}(" + text("plain") + tensor("0", upper) + text("turned") + tensor("0", upper.T, strides=[1, 6])
    found = dict(arrays_in(write(tmp_path / "half.pt", description + b"u", [upper])))
    assert {name: array.dtype for name, array in found.items()} == {"plain": np.float32, "turned": np.float32}
    np.testing.assert_allclose(found["plain"].whole(), numbers, rtol=0.01)
    np.testing.assert_array_equal(found["turned"].whole(), found["plain"].whole().T)


def test_attributes_are_left_out_of_dicts_alone(tmp_path):
    array = np.ones((2, 3), "f4")
    attributes = b"}" + text("_metadata") + b"}sb"
    description = b"}(" + text("w") + tensor("0", array) + b"u"
    assert [name for name, _ in arrays_in(write(tmp_path / "a.pt", description + attributes, [array]))] == ["w"]
    with pytest.raises(DataError, match="could run code"):
        list(arrays_in(write(tmp_path / "b.pt", tensor("0", array) + attributes, [array])))
