"""A picture is shown with its digits in boxes, and read again where the user drags one."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPushButton

from minigrad_gui.analysis import Answer
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


class Reader:
    """Reads when the test wants it."""

    def __init__(self, read=bars) -> None:
        self.read, self.asked, self.withdrawn = read, [], []

    def ask(self, key: str, pixels: np.ndarray) -> None:
        self.asked.append((key, pixels))

    def answer(self, dialog: PictureDialog, index: int = -1) -> None:
        key, pixels = self.asked[index]
        dialog.take_reading(Answer(key, self.read(pixels)))


@pytest.fixture
def reader():
    return Reader()


@pytest.fixture
def dialog(qtbot, reader):
    made = PictureDialog(PIXELS, "bars.png", reader.ask, reader.withdrawn.append)
    qtbot.addWidget(made)
    made.resize(700, 600)
    with qtbot.waitExposed(made):
        made.show()
    reader.answer(made)
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
    assert text(dialog, "pictureNote") == "All 2 recognised"
    assert [picture.isVisible() for picture in dialog.findChildren(DigitPicture)].count(True) == 2


def test_a_drawn_box_is_read_separately_and_can_be_moved(dialog, reader):
    drag(dialog, (30, 20), (150, 180))
    reader.answer(dialog)
    assert text(dialog, "pictureNumber") == "1"
    assert text(dialog, "pictureNote") == "100.0% sure"
    drag(dialog, (90, 100), (170, 100))  # to an empty place
    reader.answer(dialog)
    assert text(dialog, "pictureNumber") == "Nothing"
    drag(dialog, (170, 100), (290, 100))
    reader.answer(dialog)
    assert text(dialog, "pictureNumber") == "1"
    drag(dialog, (10, 10), (10, 10))
    reader.answer(dialog)
    assert text(dialog, "pictureNumber") == "1 1"


def test_boxes_are_painted_around_digits(dialog):
    view = dialog.view
    plain = view.grab().toImage()
    view.show_digits([])
    assert view.grab().toImage() != plain


def test_an_unrecognised_digit_is_reported(qtbot):
    unsure = Prediction(3, np.eye(10)[3], recognised=False)
    blank = np.zeros((28, 28), np.float32)
    reader = Reader(lambda _: [ReadDigit((0, 0, 9, 9), blank, unsure)])
    dialog = PictureDialog(PIXELS, "x", reader.ask, reader.withdrawn.append)
    qtbot.addWidget(dialog)
    reader.answer(dialog)
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


def test_what_was_asked_before_the_box_moved_is_not_shown(dialog, reader):
    drag(dialog, (30, 20), (150, 180))
    assert text(dialog, "pictureNote") == "Reading…"
    assert reader.withdrawn[-1] == reader.asked[-2][0]
    reader.answer(dialog, -2)
    assert text(dialog, "pictureNote") == "Reading…"
    reader.answer(dialog)
    assert text(dialog, "pictureNumber") == "1"


def test_closing_withdraws_what_is_being_read(dialog, reader):
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)  # the fixture deletes it
    drag(dialog, (30, 20), (150, 180))
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()
    assert reader.withdrawn[-1] == reader.asked[-1][0]


def test_a_picture_that_cannot_be_read_is_told(dialog, reader):
    dialog.read_in(QRect())
    dialog.take_reading(Answer(reader.asked[-1][0], error="no memory"))
    assert text(dialog, "pictureNote") == "The picture could not be read: no memory"


def test_the_picture_can_be_turned(dialog, reader):
    QTest.mouseClick(dialog.findChild(QPushButton, "pictureTurnButton"), Qt.MouseButton.LeftButton)
    turned = reader.asked[-1][1]
    assert turned.shape == (400, 200, 3)
    assert turned[70, 100].tolist() == [0, 0, 0]  # the left bar is on top
    assert turned[330, 100].tolist() == [255, 255, 255]
    reader.answer(dialog)
    assert dialog.view.scale == pytest.approx(min(dialog.view.width() / 200, dialog.view.height() / 400))


def asked_shape(reader: Reader) -> tuple[int, int]:
    return reader.asked[-1][1].shape[:2]


def test_the_arrow_keys_put_a_box_move_it_and_change_its_size(dialog, reader):
    view = dialog.view
    view.setFocus()
    QTest.keyClick(view, Qt.Key.Key_Right)
    assert asked_shape(reader) == (100, 200)  # in the middle
    for _ in range(5):
        QTest.keyClick(view, Qt.Key.Key_Left)
    for _ in range(5):
        QTest.keyClick(view, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert asked_shape(reader) == (100, 100)
    reader.answer(dialog)
    assert text(dialog, "pictureNumber") == "1"
    for _ in range(40):
        QTest.keyClick(view, Qt.Key.Key_Up)
        QTest.keyClick(view, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert 0 < asked_shape(reader)[1] <= 20
    QTest.keyClick(view, Qt.Key.Key_Escape)
    assert dialog.isVisible()
    assert asked_shape(reader) == (200, 400)


LEFT_BAR = PIXELS.copy()
LEFT_BAR[:, 200:] = 255


def on_the_left_only(pixels: np.ndarray) -> list[ReadDigit]:
    """Recognises an upright bar on the left, and doubts anything else."""
    height, width = pixels.shape[:2]
    is_known = width > height and pixels[:, : width // 2].min() == 0
    return [ReadDigit((0, 0, 9, 9), np.full((28, 28), 0.5, np.float32), Prediction(1, np.eye(10)[1], is_known))]


@pytest.mark.parametrize(("quarters", "way"), [(1, "clockwise"), (-1, "counterclockwise")])
def test_a_picture_on_its_side_is_offered_turned(qtbot, quarters, way):
    reader = Reader(on_the_left_only)
    dialog = PictureDialog(np.rot90(LEFT_BAR, quarters), "x", reader.ask, reader.withdrawn.append)
    qtbot.addWidget(dialog)
    reader.answer(dialog)
    assert len(reader.asked) == 3
    for index in (1, 2):
        reader.answer(dialog, index)
    assert text(dialog, "pictureNote") == f"Turned {way}, it reads 1."
    QTest.mouseClick(dialog.findChild(QPushButton, "pictureTurnButton"), Qt.MouseButton.LeftButton)
    assert np.array_equal(reader.asked[-1][1], LEFT_BAR)
    reader.answer(dialog)
    assert text(dialog, "pictureNote") == "100.0% sure"
    assert len(reader.asked) == 4


def test_a_picture_that_turning_does_not_help_is_left_as_it_is(qtbot):
    reader = Reader(lambda _: [])
    dialog = PictureDialog(PIXELS, "x", reader.ask, reader.withdrawn.append)
    qtbot.addWidget(dialog)
    for index in range(3):
        reader.answer(dialog, index)
    assert "Turned" not in text(dialog, "pictureNote")


def test_a_part_of_the_picture_is_not_read_turned(dialog, reader):
    reader.read = lambda _: []
    drag(dialog, (30, 20), (150, 180))
    asked = len(reader.asked)
    reader.answer(dialog)
    assert len(reader.asked) == asked
