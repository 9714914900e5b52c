"""Ten bars, each as long as the probability of its digit."""

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QHelpEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolTip

from minigrad_gui import theme
from minigrad_gui.widgets.accessibility import plain
from minigrad_gui.widgets.probability_bars import LEAST_BAR_PX, ProbabilityBars

pytestmark = pytest.mark.panels("DrawPanel")


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


def test_a_name_that_is_cut_is_whole_in_its_tip(qtbot):
    name = "a <b>very</b> long name of a class that fits nowhere"
    bars = ProbabilityBars((name, "short"))
    qtbot.addWidget(bars)
    bars.resize(240, 60)
    bars.setToolTip("Click the class.")
    with qtbot.waitExposed(bars):
        bars.show()
    for row, tip in enumerate((f"{name}. Click the class.", "Click the class.")):
        spot = QPoint(5, 15 + 30 * row)
        QApplication.sendEvent(bars, QHelpEvent(QEvent.Type.ToolTip, spot, bars.mapToGlobal(spot)))
        assert plain(QToolTip.text()) == tip
    QToolTip.hideText()


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
    rows, columns = range(image.height() // 7), range(int(bars.track().left()) - 2)
    paper = image.pixelColor(0, 0)
    inked = [x for x in columns if any(image.pixelColor(x, y) != paper for y in rows)]
    assert inked[-1] - inked[0] + 1 == pytest.approx(wanted.width(), abs=1.5)


@pytest.fixture
def letters(qtbot):
    """The bars of 26 classes."""
    bars = ProbabilityBars(tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    qtbot.addWidget(bars)
    bars.resize(300, 200)
    bars.show()
    return bars


def shown(bars: ProbabilityBars) -> list[str]:
    return [bar.text() for bar in bars._buttons.buttons()]


def test_of_many_classes_the_likeliest_are_shown_and_can_be_chosen(letters, qtbot):
    chosen = []
    letters.chosen.connect(chosen.append)
    letters.set_choosable(True)
    values = np.zeros(26)
    values[[25, 3, 7]] = 0.7, 0.2, 0.1
    letters.set_probabilities(values)
    assert shown(letters) == ["Z", "D", "H", "A", "B", "C", "E"]
    assert letters.accessibleDescription() == "most likely Z, 70.0%"
    qtbot.mouseClick(letters, Qt.MouseButton.LeftButton, pos=QPoint(20, 5))
    assert chosen == [25]


def test_other_classes_have_other_bars(letters):
    letters.set_classes(("ankle boot", "a name so long that it is cut"))
    assert shown(letters) == ["ankle boot", "a name so long that it is cut"]
    assert letters.track().left() < 0.5 * letters.width()
    letters.set_probabilities(np.full(26, 1 / 26))
    assert letters.probabilities is None, "these are of a network that has been replaced"
    letters.set_probabilities(np.array([0.25, 0.75]))
    assert letters.accessibleDescription() == "most likely a name so long that it is cut, 75.0%"
    assert letters.grab().toImage().height() <= letters.maximumHeight()


def test_few_bars_are_not_crowded(qtbot):
    bars = ProbabilityBars(("a", "b", "c"))
    qtbot.addWidget(bars)
    assert bars.minimumSizeHint().height() >= 3 * 20


def test_the_least_width_has_room_for_usual_names_and_a_bar(qtbot):
    for names in (("0", "1"), ("Ankle boot", "T-shirt/top"), ("a name of a class that fits nowhere", "b")):
        bars = ProbabilityBars(names)
        qtbot.addWidget(bars)
        bars.resize(bars.minimumSizeHint())
        assert bars.track().width() >= LEAST_BAR_PX
        if names[0] == "Ankle boot":
            assert bars.track().left() > QFontMetricsF(bars.font()).horizontalAdvance("Ankle boot")
        assert bars.width() < 260
