"""The drawing: strokes, their reading and the selected digit."""

import numpy as np
import pytest

from minigrad_gui.digits import rasterize
from minigrad_gui.reader import Number, Prediction, ReadDigit
from minigrad_gui.session.drawing import Drawing

ONE = np.array([[0.5, 0.1], [0.5, 0.9]])


class Reader:
    """Reads each stroke as a 1, and records its calls."""

    def __init__(self):
        self.drawings = []

    def predict(self, picture):
        return Prediction(1, np.eye(10)[1]) if picture.any() else None

    def read(self, strokes):
        self.drawings.append(strokes)
        pictures = [rasterize([stroke]) for stroke in strokes]
        digits = [
            ReadDigit((0, 0, 1, 1), each, self.predict(each), (at,), (strokes[at],)) for at, each in enumerate(pictures)
        ]
        return Number(tuple(digits))


@pytest.fixture
def reader():
    return Reader()


@pytest.fixture
def drawing(reader):
    drawing = Drawing(reader.read, reader.predict)
    yield drawing
    drawing.close()


def test_strokes_are_read(drawing, qtbot):
    with qtbot.waitSignal(drawing.predictionChanged):
        drawing.set_strokes([ONE])
    assert drawing.prediction.digit == 1
    np.testing.assert_array_equal(drawing.picture, rasterize([ONE]))
    with qtbot.waitSignal(drawing.predictionChanged):
        drawing.set_strokes([])
    assert drawing.prediction is None


def test_quick_changes_are_read_together(drawing, reader, qtbot):
    with qtbot.waitSignal(drawing.predictionChanged):
        for end in range(2, 30):
            drawing.set_strokes([ONE * end / 30])
    assert len(reader.drawings) == 1


def test_the_same_strokes_can_be_read_again(drawing, reader, qtbot):
    with qtbot.waitSignal(drawing.predictionChanged):
        drawing.set_strokes([ONE])
    with qtbot.waitSignal(drawing.predictionChanged):
        drawing.read_again()
    assert [len(strokes) for strokes in reader.drawings] == [1, 1]
    assert reader.drawings[0][0] is reader.drawings[1][0] is ONE


def test_reading_a_blank_sheet_again_emits_nothing(drawing, reader, qtbot):
    with qtbot.assertNotEmitted(drawing.predictionChanged, wait=50):
        drawing.read_again()
    assert len(reader.drawings) == 1


def test_a_closed_drawing_reads_nothing(drawing, reader, qtbot):
    drawing.set_strokes([ONE])
    drawing.close()
    qtbot.wait(50)
    assert reader.drawings == []


def test_the_sheet_can_be_read_as_drawn(drawing):
    assert drawing.read_as_drawn()[1] is None
    drawing.set_strokes([ONE])
    picture, prediction = drawing.read_as_drawn()
    assert prediction.digit == 1
    assert picture.shape == (28, 28)


@pytest.fixture
def three(drawing, qtbot):
    """A drawing of three digits that has been read."""
    with qtbot.waitSignal(drawing.predictionChanged):
        drawing.set_strokes([ONE, ONE + 1, ONE[::-1] * [-1, 1]])
    return drawing


def test_the_last_digit_is_selected_unless_another_is_chosen(three, qtbot):
    assert three.number.text == "111"
    assert three.pointed == 2
    assert [id(stroke) for stroke in three.pointed_strokes] == [id(three.strokes[2])]
    with qtbot.waitSignal(three.predictionChanged):
        three.point_at(0)
    assert three.picture is three.number.digits[0].picture
    assert three.prediction is three.number.digits[0].prediction
    assert [id(stroke) for stroke in three.pointed_strokes] == [id(three.strokes[0])]
    with qtbot.waitSignal(three.predictionChanged):
        three.read_again()
    assert three.pointed == 0, "reading again does not change the selection"
    with qtbot.waitSignal(three.predictionChanged):
        three.set_strokes([*three.strokes, ONE + 9])
    assert three.pointed == 3


@pytest.mark.parametrize(("wish", "pointed"), [(-5, 0), (1, 1), (9, 2)])
def test_the_selected_index_is_clipped(three, wish, pointed):
    three.point_at(wish)
    assert three.pointed == pointed


def test_nothing_is_selected_on_a_blank_sheet(drawing):
    assert drawing.pointed == -1
    drawing.point_at(0)
    assert (drawing.pointed, drawing.prediction) == (-1, None)
    assert not drawing.picture.any()


def test_unread_strokes_are_selected_together(three):
    more = [*three.strokes, ONE + 9]
    three.set_strokes(more)
    assert len(three.pointed_strokes) == 4
    three.settle()
    assert [id(stroke) for stroke in three.pointed_strokes] == [id(more[3])]


def test_a_digit_that_was_just_drawn_can_be_selected(three):
    three.point_at(0)
    three.set_strokes([*three.strokes, ONE + 9])
    three.point_at(3)
    assert three.pointed == 3
    assert len(three.number.digits) == 4


PICTURE = rasterize([ONE * 0.5])


def test_a_picture_is_read_in_place_of_the_drawing_until_the_next_strokes(three, qtbot):
    with qtbot.waitSignal(three.predictionChanged):
        three.show_picture(PICTURE, "Test digit 7")
    assert three.shown == (PICTURE, "Test digit 7")
    assert three.picture is PICTURE
    assert three.prediction.digit == 1
    assert three.number.text == "1"
    assert three.read_as_drawn()[0] is PICTURE
    assert three.pointed_strokes == three.strokes == []
    with qtbot.waitSignal(three.predictionChanged):
        three.set_strokes([ONE])
        assert three.shown is None
    np.testing.assert_array_equal(three.picture, rasterize([ONE]))


def test_a_shown_picture_goes_when_nothing_is_drawn(drawing, qtbot):
    drawing.show_picture(PICTURE, "Test digit 7")
    with qtbot.waitSignal(drawing.predictionChanged):
        drawing.set_strokes([])
    assert drawing.prediction is None


def test_another_network_reads_the_shown_picture_again(drawing, qtbot):
    drawing.show_picture(PICTURE, "Test digit 7")
    before = drawing.prediction
    with qtbot.waitSignal(drawing.predictionChanged):
        drawing.read_again()
    assert drawing.picture is PICTURE
    assert drawing.prediction is not before


def test_strokes_that_wait_to_be_read_do_not_replace_a_picture_that_came_later(drawing, reader, qtbot):
    drawing.set_strokes([ONE])
    drawing.show_picture(PICTURE, "Test digit 7")
    with qtbot.assertNotEmitted(drawing.predictionChanged, wait=50):
        assert drawing.picture is PICTURE
    assert reader.drawings == []
