"""Bitmaps in text become pictures with the digits below them."""

import numpy as np
import pytest
from own_files import assert_same, opened

from minigrad_gui.data import DataError

HEAD = "1.00\nentwidth 28\n  entheight 28\nencoded on\n\n"


def text(x: np.ndarray, y: np.ndarray) -> str:
    pictures = ("\n".join("".join(map(str, row)) for row in (picture > 127).astype(int)) for picture in x)
    return HEAD + "".join(f"{picture}\n {label}\n" for picture, label in zip(pictures, y, strict=True))


def test_training_and_test_file(own, tmp_path):
    (tmp_path / "optdigits-orig.tra").write_text(text(own.x, own.y))
    (tmp_path / "optdigits-orig.tes").write_text(text(own.tx, own.ty))
    black = [np.where(x > 127, 255, 0).astype(np.uint8) for x in (own.x, own.tx)]
    assert_same(opened(tmp_path / "optdigits-orig.tra"), type(own)(x=black[0], y=own.y, tx=black[1], ty=own.ty))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda t: t[: t.rindex("\n", 0, -3)], "ends too early"),
        (lambda t: t.replace("0\n0", "\n0", 1), "not of one length"),
    ],
)
def test_incomplete_pictures_are_refused(own, tmp_path, change, reason):
    (tmp_path / "a.txt").write_text(change(text(own.x[:9], own.y[:9])))
    with pytest.raises(DataError, match=reason):
        opened(tmp_path / "a.txt")
