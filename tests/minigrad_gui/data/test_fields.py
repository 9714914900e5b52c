"""Which fields and columns of a table become arrays."""

import numpy as np

from minigrad_gui.data.fields import columns_of, fields_of
from minigrad_gui.data.stored import Array

NAMES = [f"p{at}" for at in range(64)]


def whole(arrays):
    return {name: array.whole().tolist() for name, array in arrays.items()}


def test_what_has_no_fields_stays():
    array = Array.of(np.arange(3))
    assert fields_of("a", array) == {"a": array}


def test_each_field_is_an_array():
    records = np.array([(0, 5, [1, 2]), (1, 6, [3, 4])], [("id", "i8"), ("label", ">i2"), ("image", "u1", (2,))])
    assert whole(fields_of("a", Array.of(records))) == {"a/label": [5, 6], "a/image": [[1, 2], [3, 4]]}


def test_many_numbers_are_pixels():
    records = np.zeros(2, [("label", "i8"), *((name, "u1") for name in NAMES)])
    records["label"], records["p63"] = [5, 6], [7, 8]
    found = fields_of("a", Array.of(records))
    assert (found["a/pixels"].shape, found["a/pixels"].dtype) == ((2, 64), np.uint8)
    assert whole(found) == {"a/label": [5, 6], "a/pixels": [[0] * 63 + [7], [0] * 63 + [8]]}


def test_columns_by_name():
    table = Array.of(np.arange(2 * 66).reshape(2, 66))
    expected = {"a/label": [[1], [67]], "a/pixels": [list(range(2, 66)), list(range(68, 132))]}
    assert whole(columns_of("a", table, ["index", "label", *NAMES])) == expected
    assert columns_of("a", table, [*NAMES, "u", "v"]) == {"a/pixels": table}


def test_pixels_come_in_the_order_of_their_numbers():
    """As `sort_index` of pandas leaves them, p10 is before p2."""
    names = sorted(NAMES)
    numbers = np.array([[int(name[1:]) for name in names]], np.uint8)
    assert whole(columns_of("a", Array.of(numbers), names)) == {"a/pixels": [list(range(64))]}
    records = numbers.view([(name, "u1") for name in names]).reshape(-1)
    assert whole(fields_of("a", Array.of(records))) == {"a/pixels": [list(range(64))]}
    assert whole(columns_of("a", Array.of(numbers), [f"{name}_{name}" for name in names])) == {
        "a/pixels": numbers.tolist()
    }


def test_few_columns_stay_together():
    """They may be one-hot."""
    table = Array.of(np.eye(3))
    assert columns_of("a", table, ["x", "y0", "z"]) == {"a/x y0 z": table}
    assert columns_of("a", table, ["label_0", "label_1", "label_2"]) == {"a/label": table}
