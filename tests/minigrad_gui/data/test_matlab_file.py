"""The arrays in .mat files are those that SciPy finds or wrote there, and damage costs a sentence."""

import numpy as np
import pytest
from own_files import mat_element, mat_file
from scipy.io import loadmat, savemat

from minigrad_gui.data import matlab_file
from minigrad_gui.data.dataset import DataError
from minigrad_gui.data.matlab import upright
from minigrad_gui.data.matlab_file import arrays_in

KINDS = ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8", "?")
RNG = np.random.default_rng(0)


def in_cells(values):
    cells = np.empty(len(values), object)
    for at, value in enumerate(values):
        cells[at] = value
    return cells


@pytest.fixture(params=[True, False], ids=["packed", "plain"])
def saved(tmp_path, request):
    def save(**variables):
        savemat(tmp_path / "a.mat", variables, do_compression=request.param)
        return tmp_path / "a.mat"

    return save


def test_every_type_and_shape_is_as_scipy_reads_it(saved):
    variables = {kind.replace("?", "b"): RNG.integers(0, 100, (3, 5)).astype(kind) for kind in KINDS}
    variables |= {"long_array": RNG.random((2, 3, 4, 5)), "row": np.arange(7), "flat": np.arange(9).reshape(1, 3, 3)}
    path = saved(**variables)
    theirs = loadmat(path, simplify_cells=True)
    found = arrays_in(path)
    assert sorted(found) == sorted(variables)
    for name, numbers in found.items():
        np.testing.assert_array_equal(numbers.as_it_is().whole(), theirs[name])
        np.testing.assert_array_equal(numbers.last_first().whole(), np.moveaxis(theirs[name], -1, 0))


def test_arrays_in_structures_are_named_by_their_path_and_others_are_left_out(saved):
    x = np.arange(6).reshape(2, 3)
    deep = {"a": {"b": {"c": {"d": {"e": {"f": x}}}}}}
    cells = {"uneven": [x, x[0]], "mixed": ["a", x], "longer": ["a", np.array(["b", "c"])], "one": ["a"], "none": []}
    cells["empty"] = [np.zeros((0, 0)), np.zeros((0, 0))]
    names = np.array([str(number) for number in range(101)])
    path = saved(
        x=x,
        s={"t": {"u": x, "text": "hello"}, "one": 1},
        deep=deep,
        z=x * 1j,
        names=names,
        nothing=np.zeros((0, 5)),
        names_in_cells=names.astype(object),
        nested=in_cells([in_cells([x, x]), in_cells([x, x])]),
        structures=in_cells([{"x": x}, {"x": x}]),
        **{name: in_cells(each) for name, each in cells.items()},
    )
    assert sorted(arrays_in(path)) == ["s t u", "x"]


def test_text_for_each_sample_is_read_from_characters_and_from_cells(saved):
    labels = ["7", "10", "é", "7"]
    path = saved(wide=np.array(labels), s={"cells": in_cells(labels)}, narrow=np.array(["7", "2"]))
    found = arrays_in(path)
    assert [text.decode() for text in found["wide"].whole()] == labels
    assert [text.decode() for text in found["s cells"].whole()] == labels
    assert found["narrow"].whole().tolist() == [b"7", b"2"]


@pytest.mark.parametrize("count", [2, 500])
def test_cells_of_numbers_are_samples(saved, count):
    pictures = RNG.integers(0, 255, (count, 9, 20, 3)).astype(np.uint8)
    found = arrays_in(saved(pictures=in_cells(pictures), numbers=in_cells(range(count))))
    np.testing.assert_array_equal(found["pictures"].whole(), pictures)
    np.testing.assert_array_equal(found["numbers"].whole(), np.arange(count))


@pytest.mark.parametrize("order", ["<", ">"])
def test_both_byte_orders_are_read_and_characters_of_two_bytes(tmp_path, order):
    """As MATLAB itself writes characters; SciPy writes them as UTF-8."""
    numbers = np.arange(300, dtype=f"{order}u2").reshape(3, 100)
    characters = np.array([list("7 "), list("10"), list("é ")])
    codes = np.vectorize(ord)(characters).astype(f"{order}u2")
    variables = mat_element(14, matrix("x", 11, numbers, order), order) + mat_element(
        14, matrix("y", 4, codes, order), order
    )
    (tmp_path / "a.mat").write_bytes(mat_file(variables, order))
    found = arrays_in(tmp_path / "a.mat")
    theirs = loadmat(tmp_path / "a.mat", uint16_codec="utf-16-be" if order == ">" else "utf-16-le")  # else it loses é
    np.testing.assert_array_equal(found["x"].as_it_is().whole(), numbers)
    np.testing.assert_array_equal(theirs["x"], numbers)
    assert [text.decode() for text in found["y"].whole()] == ["7", "10", "é"]
    assert [text.rstrip() for text in theirs["y"]] == ["7", "10", "é"]


def matrix(name, held, array, order):
    """The content of a matrix: its class, dimensions, name, and numbers of two bytes, column by column."""
    parts = (6, np.array([held, 0], f"{order}u4")), (5, np.array(array.shape, f"{order}i4"))
    contents = [(kind, part.tobytes()) for kind, part in parts]
    return b"".join(mat_element(*part, order) for part in (*contents, (1, name.encode()), (4, array.T.tobytes())))


def test_nothing_is_left_in_the_temporary_folder(tmp_path, monkeypatch):
    savemat(tmp_path / "a.mat", {"x": np.eye(9)}, do_compression=True)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    array = arrays_in(tmp_path / "a.mat")["x"].as_it_is()
    assert list(tmp_path.glob("minigrad-*/*"))
    assert array.whole().sum() == 9
    del array
    assert not list(tmp_path.glob("minigrad-*"))


def test_what_unpacks_to_too_much_is_refused_in_time(tmp_path, monkeypatch):
    savemat(tmp_path / "a.mat", {"x": np.zeros((1000, 1000))}, do_compression=True)
    monkeypatch.setattr(matlab_file, "MAX_UNPACKED_BYTES", 1 << 20)
    with pytest.raises(DataError, match="too large"):
        arrays_in(tmp_path / "a.mat")


def test_no_damage_does_anything_but_raise(saved):
    path = saved(
        x=np.arange(40).reshape(5, 8), s={"t": np.eye(3)}, y=np.array(["a", "bc"]), z=in_cells([np.eye(3)] * 3)
    )
    content = path.read_bytes()
    for at in range(128, len(content), 29):
        for value in (0, 1, 0xFF):
            path.write_bytes(content[:at] + bytes([value]) + content[at + 1 :])
            try:
                sizes = [array.whole().nbytes for array in upright(arrays_in(path)).values()]
            except Exception as error:
                assert not isinstance(error, MemoryError | RecursionError)  # noqa: PT017
            else:
                assert sum(sizes) < 10_000
