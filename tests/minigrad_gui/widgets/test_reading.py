"""What was read is shown in words or beside the drawing merely scaled down, and nothing moves meanwhile."""

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QLabel

from minigrad_gui.reader import Prediction
from minigrad_gui.widgets.reading import Reading, sureness

BLANK = np.zeros((28, 28), np.float32)
INK = np.eye(28, dtype=np.float32)


def prediction(digit: int, *, recognised: bool = True) -> Prediction:
    probabilities = np.full(10, 0.02, np.float32)
    probabilities[digit] = 0.82
    return Prediction(digit, probabilities, recognised)


@pytest.fixture
def reading(qtbot):
    reading = Reading()
    qtbot.addWidget(reading)
    reading.reserve_width()
    reading.set_pixel_px(3)
    reading.stop_comparing()
    reading.resize(260, reading.height())
    reading.show()
    return reading


def text(reading: Reading, name: str) -> str:
    return reading.findChild(QLabel, name).text()


def is_visible(reading: Reading, name: str) -> bool:
    return reading.findChild(QLabel, name).isVisible()


@pytest.mark.parametrize(("number", "role"), [("7", "digit"), ("42", "digit"), ("1984", "number"), ("31415", "figure")])
def test_a_number_is_shown_as_large_as_fits(reading, number, role):
    reading.show_number(INK, number, "sure")
    assert (text(reading, "predictionLabel"), text(reading, "verdictLabel")) == (number, "sure")
    assert reading.findChild(QLabel, "predictionLabel").property("role") == role


def test_a_hint_is_shown_in_small_print(reading):
    reading.show_number(INK, "7", "sure")
    reading.show_hint(BLANK, "The canvas is blank", "Draw.")
    assert (text(reading, "predictionLabel"), text(reading, "verdictLabel")) == ("The canvas is blank", "Draw.")
    assert reading.findChild(QLabel, "predictionLabel").property("role") == "muted"


def test_a_comparison_takes_the_place_of_the_words(reading):
    reading.compare(prediction(7), INK, prediction(4, recognised=False))
    assert not is_visible(reading, "predictionLabel")
    assert text(reading, "seenCaption") == "As seen\n7, 82.0% sure"
    assert text(reading, "drawnCaption") == "As drawn\n?, 82.0% sure"
    reading.compare(None, BLANK, None)
    assert text(reading, "seenCaption") == "As seen\n–"
    reading.stop_comparing()
    assert is_visible(reading, "predictionLabel")
    assert not is_visible(reading, "drawnCaption")
    assert text(reading, "seenCaption") == "What the network sees"


def test_the_height_stays_whatever_is_said(reading):
    height = reading.height()
    reading.show_number(INK, "12345678", "Not recognised. Closest match: 3\nwith your handwriting")
    assert (reading.height(), reading.minimumHeight()) == (height, height)
    reading.set_pixel_px(10)
    assert reading.minimumHeight() > 280


def test_a_long_name_is_cut_visibly_and_whole_in_its_tip(reading):
    reading.setStyleSheet('QLabel[role="figure"] { font-size: 20px; font-weight: 600 }')
    name = "a very long class name that hardly fits anywhere at all"
    reading.show_number(INK, name, "74.0% sure\nwith your handwriting")
    label = reading.findChild(QLabel, "predictionLabel")
    QCoreApplication.sendPostedEvents()  # lay it out
    assert label.fontMetrics().lineSpacing() * len(label.lines(label.width())) <= label.height()
    assert label.lines(label.width())[-1].endswith("…")
    reading.show_number(INK, "n02085620-Chihuahua", "74.0% sure")
    QCoreApplication.sendPostedEvents()
    shown = label.lines(label.width())
    assert "".join(shown) == "n02085620-Chihuahua"
    assert max(map(label.fontMetrics().horizontalAdvance, shown)) <= label.width()


def test_how_sure_the_network_is_is_said_of_the_digit_it_reads():
    assert sureness(prediction(3)) == "82.0% sure"
