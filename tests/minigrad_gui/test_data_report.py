"""A dataset is described before it is trained on."""

from dataclasses import replace

import numpy as np
from PIL import Image

from minigrad_gui.data import Choices, Dataset, Origin
from minigrad_gui.data_report import contact_sheet, describe, write_sheet


def dataset() -> Dataset:
    images, labels = np.full((6, 28, 28), 255, np.uint8), np.array([0, 0, 0, 0, 1, 1], np.uint8)
    origin = Origin("zip", Choices("transposed", "dark ink", "as they are", "scaled"), ("Hm.",))
    return Dataset(images, labels, images[:2], labels[3:5], "own.zip", ("cat", "dög"), origin=origin)


def test_description():
    assert list(describe(dataset())) == [
        "own.zip: 6 pictures to train on, 2 to test on",
        "format: zip",
        "orientation: transposed; polarity: dark ink",
        "labels: as they are; sizing: scaled",
        "cat        4        1 ##############################",
        "dög        2        1 ###############",
        "Hm.",
    ]


def test_description_of_one_of_several_files():
    one = dataset()
    several = replace(one, origin=replace(one.origin, choices=replace(one.origin.choices, files="alone")))
    assert list(describe(several))[3] == "labels: as they are; sizing: scaled; files: alone"


def test_the_sheet_has_a_row_for_each_class(tmp_path):
    sheet = contact_sheet(dataset())
    assert sheet.shape == (60, 690)
    ink = (sheet[:, 90:] == 0).sum(axis=1)
    assert ink[5] == 4 * 28
    assert ink[35] == 2 * 28
    write_sheet(dataset(), tmp_path / "sheet")
    with Image.open(tmp_path / "sheet") as image:
        assert image.format == "PNG"
        np.testing.assert_array_equal(np.asarray(image), sheet)
