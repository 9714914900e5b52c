"""ARFF, dense and sparse, as OpenML and Weka write it."""

import numpy as np
import pytest
from own_files import assert_all_there, opened

from minigrad_gui.data import DataError


def header(class_at_end: bool = True) -> str:
    pixels = "".join(f"@ATTRIBUTE pixel{at} real\n" for at in range(784))
    label = "@ATTRIBUTE class {0,1,2,3,4,5,6,7,8,9}\n"
    return f"% MNIST\n@RELATION mnist_784\n\n{pixels + label if class_at_end else label + pixels}\n@DATA\n"


def test_dense_rows_of_which_one_lacks_the_class(own, tmp_path):
    rows = own.x.reshape(len(own.x), -1)
    lines = [f"{','.join(map(str, row))},{label}\n" for row, label in zip(rows, own.y, strict=True)]
    (tmp_path / "mnist_784.arff").write_text(header() + "".join([*lines[:-1], f"{lines[-1][:-2]}?\n"]))
    dataset = opened(tmp_path / "mnist_784.arff")
    assert_all_there(dataset, own.x[:-1], own.y[:-1])
    assert "Pictures without a label are left out: 1." in dataset.origin.remarks


@pytest.mark.parametrize("class_at_end", [True, False])
def test_sparse_rows_leave_out_digit_0(own, tmp_path, class_at_end):
    lines = []
    for row, label in zip(own.x.reshape(len(own.x), -1), own.y, strict=True):
        shift = 0 if class_at_end else 1
        cells = [f"{at + shift} {row[at]}" for at in np.flatnonzero(row)]
        own_cell = [f"{784 if class_at_end else 0} '{label}'"] if label else []
        lines.append("{" + ",".join(cells + own_cell if class_at_end else own_cell + cells) + "}\n")
    (tmp_path / "mnist.arff").write_text(header(class_at_end) + "".join(lines))
    assert_all_there(opened(tmp_path / "mnist.arff"), own.x, own.y)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ("1,2,3\n", "do not all hold as many"),
        ("{900 1}\n", "do not all hold as many"),
        ("{x}\n", "do not all hold as many"),
        ("", "no pictures"),
        (",".join(["x"] * 785) + "\n", "hold something else"),
    ],
)
def test_unsuitable_rows_are_refused(tmp_path, rows, reason):
    (tmp_path / "a.arff").write_text(header() + rows)
    with pytest.raises(DataError, match=reason):
        opened(tmp_path / "a.arff")


def test_a_header_without_a_label_is_refused(tmp_path):
    (tmp_path / "a.arff").write_text("@relation a\n@attribute b real\n@data\n1\n")
    with pytest.raises(DataError, match="not clear which column is the label"):
        opened(tmp_path / "a.arff")
