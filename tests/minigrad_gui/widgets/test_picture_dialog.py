"""A picture is shown with its digits in boxes, and read again where the user drags one."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from minigrad_gui.reader import Prediction, ReadDigit
from minigrad_gui.widgets.digit_picture import DigitPicture
from minigrad_gui.widgets.picture_dialog import PictureDialog, image_of, pixels_of

PIXELS = np.full((200, 400, 3), 255, np.uint8)
PIXELS[40:160, 60:80] = 0
PIXELS[40:160, 260:280] = 0


def bars(pixels: np.ndarray) -> list[ReadDigit]:
    """Reads a 1 in each black column."""
    dark = np.flatnonzero((pixels.min(axis=2) == 0).any(axis=0))
    starts = [x for x in dark if x - 1 not in dark]
    picture = np.full((28, 28), 0.5, np.float32)
    return [ReadDigit((int(x), 0, int(x) + 20, 100), picture, Prediction(1, np.eye(10)[1])) for x in starts]


@pytest.fixture
def dialog(qtbot):
    made = PictureDialog(PIXELS, "bars.png", bars)
    qtbot.addWidget(made)
    made.resize(700, 600)
    with qtbot.waitExposed(made):
        made.show()
    return made


def text(dialog: PictureDialog, name: str) -> str:
    return dialog.findChild(QLabel, name).text()


def drag(dialog: PictureDialog, start: tuple[int, int], end: tuple[int, int]) -> None:
    """Drag between two points of the picture."""
    view = dialog.view
    corner = QPoint(round((view.width() - 400 * view.scale) / 2), round((view.height() - 200 * view.scale) / 2))
    ends = [QPoint(round(x * view.scale), round(y * view.scale)) + corner for x, y in (start, end)]
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=ends[0])
    QTest.mouseMove(view, ends[1])
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=ends[1])


def test_the_number_is_shown_with_each_digit_as_the_network_sees_it(dialog):
    assert text(dialog, "pictureNumber") == "1 1"
    assert text(dialog, "pictureNote") == "2 digits, all recognised"
    assert [picture.isVisible() for picture in dialog.findChildren(DigitPicture)].count(True) == 2


def test_a_drawn_box_is_read_separately_and_can_be_moved(dialog):
    drag(dialog, (30, 20), (150, 180))
    assert text(dialog, "pictureNumber") == "1"
    assert text(dialog, "pictureNote") == "100.0% sure"
    drag(dialog, (90, 100), (170, 100))  # to an empty place
    assert text(dialog, "pictureNumber") == "No digit"
    drag(dialog, (170, 100), (290, 100))
    assert text(dialog, "pictureNumber") == "1"
    drag(dialog, (10, 10), (10, 10))
    assert text(dialog, "pictureNumber") == "1 1"


def test_boxes_are_painted_around_digits(dialog):
    view = dialog.view
    plain = view.grab().toImage()
    view.show_digits([])
    assert view.grab().toImage() != plain


def test_an_unrecognised_digit_is_reported(qtbot):
    unsure = Prediction(3, np.eye(10)[3], recognised=False)
    blank = np.zeros((28, 28), np.float32)
    dialog = PictureDialog(PIXELS, "x", lambda _: [ReadDigit((0, 0, 9, 9), blank, unsure)])
    qtbot.addWidget(dialog)
    assert text(dialog, "pictureNumber") == "?"
    assert text(dialog, "pictureNote") == "1 of 1 not recognised"


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3), (5, 7, 4)])
def test_images_and_pixels_are_the_same(shape):
    pixels = np.random.default_rng(0).integers(1, 255, shape, np.uint8)
    image = image_of(pixels)
    assert image.size().toTuple() == (7, 5)
    back = pixels_of(image)
    expected = pixels if pixels.ndim == 3 else pixels[..., np.newaxis].repeat(3, axis=2)
    assert np.array_equal(back[..., : expected.shape[2]], expected)


def test_padded_rows_are_handled():
    image = QImage(3, 2, QImage.Format.Format_RGB888)
    image.fill(Qt.GlobalColor.red)
    assert pixels_of(image).tolist() == [[[255, 0, 0, 255]] * 3] * 2


def test_an_empty_box_reads_the_whole_picture(dialog):
    dialog.read_in(QRect())
    assert text(dialog, "pictureNumber") == "1 1"
