"""Strokes become a picture, and the picture a prediction."""

import numpy as np
import pytest

from minigrad_gui.digits import rasterize
from minigrad_gui.reader import Prediction
from minigrad_gui.session.drawing import Drawing

ONE = np.array([[0.5, 0.1], [0.5, 0.9]])


class Reader:
    """Reads a 1 wherever there is ink, and knows what it was asked."""

    def __init__(self):
        self.pictures = []

    def __call__(self, picture):
        self.pictures.append(picture)
        return Prediction(1, np.eye(10)[1]) if picture.any() else None


@pytest.fixture
def reader():
    return Reader()


@pytest.fixture
def drawing(reader):
    drawing = Drawing(reader)
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


def test_many_changes_at_once_are_read_once(drawing, reader, qtbot):
    with qtbot.waitSignal(drawing.predictionChanged):
        for end in range(2, 30):
            drawing.set_strokes([ONE * end / 30])
    assert len(reader.pictures) == 1


def test_another_network_reads_the_same_picture_again(drawing, reader, qtbot):
    with qtbot.waitSignal(drawing.predictionChanged):
        drawing.set_strokes([ONE])
    with qtbot.waitSignal(drawing.predictionChanged):
        drawing.read_again()
    assert reader.pictures[0] is reader.pictures[1]


def test_a_blank_sheet_is_not_told_of_again(drawing, reader, qtbot):
    with qtbot.assertNotEmitted(drawing.predictionChanged, wait=50):
        drawing.read_again()
    assert len(reader.pictures) == 1


def test_what_is_closed_reads_nothing(drawing, reader, qtbot):
    drawing.set_strokes([ONE])
    drawing.close()
    qtbot.wait(50)
    assert reader.pictures == []


def test_the_sheet_can_be_read_as_it_was_drawn(drawing):
    assert drawing.read_as_drawn()[1] is None
    drawing.set_strokes([ONE])
    picture, prediction = drawing.read_as_drawn()
    assert prediction.digit == 1
    assert picture.shape == (28, 28)
