"""JSON in columns."""

import json

import numpy as np
import pytest

from minigrad_gui.data import DataError, columns
from minigrad_gui.data.json_columns import read_columns


def arrays(folder, held):
    """What is found in a file, by the names of its columns."""
    (folder / "a.json").write_text(json.dumps(held))
    found = read_columns(folder / "a.json")
    return found and {key: column.whole() for key, column in found.items()}


def by_row(column):
    return {f"row {at}": cell for at, cell in enumerate(column)}


PICTURES = np.arange(5 * 4).reshape(5, 2, 2)
LABELS = [3, 1, 4, 1, 5]


@pytest.mark.parametrize("wrapped", [list, by_row])
def test_pictures_and_labels(tmp_path, wrapped):
    found = arrays(tmp_path, {"label": wrapped(LABELS), "image": wrapped(PICTURES.tolist())})
    assert found["label"].astype(int).tolist() == LABELS
    np.testing.assert_array_equal(found["image"], PICTURES)
    assert found["image"].dtype == np.uint8


@pytest.mark.parametrize("number", [0.5, -1, 256])
@pytest.mark.parametrize("at", [0, 2, 3])
def test_pixels_are_bytes_while_all_of_them_are(tmp_path, number, at):
    """Those of earlier columns are stored anew once a column holds other numbers."""
    pixels = PICTURES.reshape(5, 4).astype(float)
    pixels[1, at] = number
    columns = [[int(cell) if cell == int(cell) else cell for cell in column] for column in pixels.T.tolist()]
    held = {"a": by_row(columns[0]), "label": by_row(LABELS), **{f"b{at}": by_row(columns[at]) for at in (1, 2, 3)}}
    found = arrays(tmp_path, held)
    np.testing.assert_array_equal(found["pictures"], pixels)
    assert found["label"].tolist() == list(map(str, LABELS))
    del held["a"], held[f"b{at or 1}"]
    assert arrays(tmp_path, held)["pictures"].dtype == np.uint8


def test_splits(tmp_path):
    held = {"train": {"x": PICTURES.tolist(), "y": LABELS}, "test": {"x": PICTURES[:2].tolist(), "y": LABELS[:2]}}
    found = arrays(tmp_path, held)
    assert {key: len(array) for key, array in found.items()} == {"train x": 5, "train y": 5, "test x": 2, "test y": 2}


@pytest.mark.parametrize("cells", [LABELS, PICTURES.tolist()], ids=["pixels", "pictures"])
def test_columns_of_which_each_has_its_own_rows_are_refused(tmp_path, cells):
    """Otherwise pictures would get the labels of others."""
    turned = dict(reversed(by_row(cells).items()))
    with pytest.raises(DataError, match="different rows"):
        arrays(tmp_path, {"label": by_row(LABELS), "image": turned})


@pytest.mark.parametrize(
    "held",
    [
        {"row": {"label": 5, "a": 1}, "other": {"label": 3, "a": 2}},
        {"columns": ["label", "a"], "data": [[1, 2], [3, 4]]},
        {"image": {"bytes": "abc", "path": None}, "label": 5},
        {"label": by_row(LABELS), "a": by_row(LABELS), "b": by_row(LABELS[1:])},
        {"label": by_row(LABELS), "a": by_row(list("abcde"))},
        {"label": by_row(LABELS)},
        {"a": {"b": {"c": [1, 2]}}},
        {},
        [{"label": 5, "a": 1}],
    ],
)
def test_all_else_is_left_to_others(tmp_path, held):
    assert arrays(tmp_path, held) is None


def test_a_file_holds_no_endless_number_of_columns(tmp_path, monkeypatch):
    monkeypatch.setattr(columns, "MAX_SIDE_PX", 2)
    held = {"label": by_row(LABELS), **{f"pixel{at}": by_row(LABELS) for at in range(5)}}
    assert arrays(tmp_path, held) is None
    del held["pixel4"]
    assert arrays(tmp_path, held)["pictures"].shape == (5, 4)
