"""Ten bars, each as long as the probability of its digit."""

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint
from PySide6.QtGui import QColor, QFont, QFontMetricsF
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from minigrad_gui import theme
from minigrad_gui.widgets.probability_bars import ProbabilityBars


def test_the_bar_under_the_mouse_stands_out_if_it_can_be_chosen(user):
    bars = user.widget("probabilityBars")

    def picture(digit: int | None):
        if digit is None:
            QApplication.sendEvent(bars, QEvent(QEvent.Type.Leave))
        else:
            QTest.mouseMove(bars, QPoint(5, round((digit + 0.5) * bars.height() / 10)))
        return bars.grab().toImage()

    assert picture(5) == picture(None), "nothing can be chosen on a blank canvas"
    user.draw(3)
    user.reading()
    nothing, two, seven = (picture(digit) for digit in (None, 2, 7))
    assert nothing != two != seven != nothing


def test_each_bar_is_as_long_as_its_probability(user):
    bars, values = user.widget("probabilityBars"), [0.012, 0.031, 0.004, 0.5, 0.453, 0.0, 0.0, 0.0, 0.0, 0.0]
    empty = bars.grab().toImage()
    bars.set_probabilities(np.array(values))
    image = bars.grab().toImage()
    left, right = round(bars.track().left()), round(bars.track().right())
    background, track = (QColor(getattr(theme.colors(), name)) for name in ("muted", "bar_track"))

    def length(row: int) -> float:
        """The length in pixels; a partly covered pixel at the end counts in part."""
        y = round((row + 0.5) * image.height() / 10)
        changed = [x for x in range(left, right) if image.pixelColor(x, y) != empty.pixelColor(x, y)]
        full = track.red() - (QColor(theme.colors().accent) if row == 3 else background).red()
        return sum((track.red() - image.pixelColor(x, y).red()) / full for x in changed)

    for row, value in enumerate(values):
        assert length(row) == pytest.approx(value * (right - left), abs=0.75)


@pytest.mark.parametrize("size_px", [11, 13, 15, 19])
def test_a_short_name_is_written_in_full_also_in_bold(qtbot, size_px):
    bars = ProbabilityBars(tuple(map(str, range(60))))
    qtbot.addWidget(bars)
    font = QFont(bars.font())
    font.setPixelSize(size_px)
    bars.setFont(font)
    bars.resize(240, 320)
    bars.set_probabilities(np.eye(60)[47])
    font.setBold(True)
    image, wanted = bars.grab().toImage(), QFontMetricsF(font).tightBoundingRect("47")
    rows, columns = range(image.height() // 10), range(int(bars.track().left()) - 2)
    paper = image.pixelColor(0, 0)
    inked = [x for x in columns if any(image.pixelColor(x, y) != paper for y in rows)]
    assert inked[-1] - inked[0] + 1 == pytest.approx(wanted.width(), abs=1.5)
