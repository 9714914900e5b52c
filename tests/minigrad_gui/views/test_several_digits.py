"""Several digits on the canvas: a box for each, one number, and one selected digit."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from some_views import every_panel
from taught_drawings import pass_a_moment

from minigrad_gui import theme

pytestmark = pytest.mark.panels("DrawPanel")

ONE = np.array([[0.0, 0.0], [0.0, 0.5], [0.0, 1.0]])
SEVEN = np.array([[0.0, 0.0], [0.3, 0.0], [0.6, 0.0], [0.45, 0.5], [0.3, 1.0]])
ACROSS = np.array([[0.2, 0.5], [0.4, 0.5], [0.65, 0.5]])
ROUND = np.linspace(0, 2 * np.pi, 40)
ZERO = np.column_stack([0.3 - 0.3 * np.sin(ROUND), 0.5 - 0.5 * np.cos(ROUND)])
FOUR_LEFT = np.array([[0.1, 0.0], [0.05, 0.3], [0.0, 0.6], [0.3, 0.6], [0.6, 0.58]])
FOUR_RIGHT = np.array([[0.45, 0.3], [0.44, 0.6], [0.42, 1.0]])
SIDE = 0.4


@pytest.fixture
def canvas(user):
    return user.widget("drawingCanvas")


@pytest.fixture
def put(user):
    """`put(x, *strokes)`: draws strokes, in heights of a digit, with their left edge at x on the canvas."""

    def draw(x: float, *strokes: np.ndarray) -> None:
        for stroke in strokes:
            user.stroke(stroke * SIDE + np.array([x, 0.3]))

    return draw


@pytest.fixture
def seventeen(user, put):
    put(0.15, ONE)
    put(0.35, SEVEN, ACROSS)
    user.wait(lambda: user.session.number.text == "17")


@pytest.fixture
def point(canvas):
    """`point(x, y)`: moves the mouse to this position on the canvas."""

    def move(x: float, y: float = 0.5) -> QPoint:
        side = min(canvas.width(), canvas.height())
        corner = QPoint((canvas.width() - side) // 2, (canvas.height() - side) // 2)
        place = corner + QPoint(round(x * side), round(y * side))
        QTest.mouseMove(canvas, place - QPoint(1, 1))
        QTest.mouseMove(canvas, place)
        return place

    return move


def shown(user) -> tuple[str, str]:
    return user.widget("predictionLabel").text(), user.widget("verdictLabel").text()


@pytest.mark.usefixtures("seventeen")
def test_a_number_is_read_and_its_last_digit_shown(user, canvas):
    number, verdict = shown(user)
    assert number == "17"
    assert verdict.startswith("Digit 2 of 2: 7, ")
    session = user.session
    assert (session.pointed, session.prediction.digit, session.prediction.probabilities.shape) == (1, 7, (10,))
    assert np.array_equal(user.widget("probabilityBars").probabilities, session.prediction.probabilities)
    assert np.array_equal(user.widget("networkPicture").picture, session.number.digits[1].picture)
    assert len(canvas.boxes) == 2
    assert "2 digits" in canvas.accessibleDescription()
    user.click("clearButton")
    user.wait(lambda: session.prediction is None)
    assert canvas.boxes == ()
    assert user.widget("predictionLabel").text() == "The canvas is blank"


def test_a_single_digit_has_no_box(user, put, canvas):
    shown_boxes = []
    canvas.strokesChanged.connect(lambda: shown_boxes.append(canvas.boxes))
    put(0.3, FOUR_LEFT, FOUR_RIGHT)
    user.wait(lambda: user.session.number.text == "4")
    assert set(shown_boxes) == {()}
    assert canvas.boxes == ()
    assert "Digit" not in shown(user)[1]


@pytest.mark.usefixtures("seventeen")
def test_boxes_stay_as_they_are_while_the_pen_is_down(user, canvas, qtbot):
    before = canvas.boxes
    place = canvas.rect().center() + QPoint(canvas.height() // 3, 0)
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=place)
    QTest.mouseMove(canvas, place + QPoint(0, 60))
    with qtbot.waitSignal(user.session.predictionChanged):
        QTest.mouseMove(canvas, place + QPoint(0, 80))
    assert canvas.boxes == before
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=place + QPoint(0, 80))
    user.wait(lambda: canvas.boxes != before)


@pytest.mark.usefixtures("seventeen")
def test_the_arrow_keys_move_from_digit_to_digit(user, canvas, qtbot):
    for key, pointed in (("Left", 0), ("Left", 0), ("Right", 1), ("Right", 1)):
        qtbot.keyClick(canvas, getattr(Qt.Key, f"Key_{key}"))
        assert user.session.pointed == pointed
        digit = user.session.number.digits[pointed]
        assert shown(user) == ("17", f"Digit {pointed + 1} of 2: {shown(user)[1].split(': ')[1]}")
        assert np.array_equal(user.widget("probabilityBars").probabilities, digit.prediction.probabilities)
        assert np.array_equal(user.widget("networkPicture").picture, digit.picture)


@pytest.mark.usefixtures("seventeen")
def test_the_mouse_selects_the_digit_where_it_rests(user, canvas, point):
    point(0.15)
    user.wait(lambda: user.session.pointed == 0)
    assert user.session.prediction.digit == 1
    point(0.15, 0.95)
    user.wait(lambda: not canvas._pointing.isActive())
    assert user.session.pointed == 0, "outside the boxes the selection does not change"
    point(0.45)
    point(0.45, 0.95)
    user.wait(lambda: not canvas._pointing.isActive())
    assert user.session.pointed == 0, "the mouse only passed over it"


@pytest.mark.usefixtures("seventeen")
def test_a_tap_on_a_digit_selects_it_and_draws_nothing(user, canvas, point, qtbot):
    before = canvas.strokes
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=point(0.16))
    assert user.session.pointed == 0
    assert canvas.strokes == before
    qtbot.wait(50)
    assert (user.session.pointed, user.session.number.text) == (0, "17")
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=point(0.8, 0.9))
    assert len(canvas.strokes) == len(before) + 1, "outside the boxes a tap is a dot"


@pytest.mark.usefixtures("seventeen", "few_digits", "short_teaching")
def test_teaching_corrects_the_selected_digit(user, canvas, qtbot):
    qtbot.keyClick(canvas, Qt.Key.Key_Left)
    qtbot.keyClick(canvas, Qt.Key.Key_7)
    pass_a_moment(user)
    user.wait(lambda: user.session.taught_label == 7)
    qtbot.keyClick(canvas, Qt.Key.Key_Right)
    assert user.session.taught_label is None
    bars = user.widget("probabilityBars")
    row = QPoint(bars.width() // 2, round(bars.height() * 0.15))
    qtbot.mouseClick(bars, Qt.MouseButton.LeftButton, pos=row)
    first, second = user.session.drawing_store.drawings
    assert (first.label, [len(stroke) for stroke in first.strokes]) == (7, [len(canvas.strokes[0])])
    assert (second.label, len(second.strokes)) == (1, 2)
    assert user.session.taught_label == 1
    qtbot.keyClick(canvas, Qt.Key.Key_Left)
    qtbot.keyClick(canvas, Qt.Key.Key_1)
    pass_a_moment(user)
    user.wait(lambda: user.session.taught_label == 1)
    assert [drawing.label for drawing in user.session.drawing_store.drawings] == [1, 1]
    user.wait(lambda: not user.session.is_learning)
    assert user.session.pointed == 0, "the reader has changed, the drawing has not"


@pytest.mark.usefixtures("seventeen")
def test_a_key_applies_to_the_digit_that_was_selected(user, canvas, qtbot):
    qtbot.keyClick(canvas, Qt.Key.Key_4)
    qtbot.keyClick(canvas, Qt.Key.Key_Left)
    (drawing,) = user.session.drawing_store.drawings
    assert (drawing.label, len(drawing.strokes)) == (4, 2)


@pytest.mark.usefixtures("seventeen")
def test_the_pointed_box_stands_out(canvas, qtbot):
    def accented() -> list[int]:
        image = canvas.grab().toImage()
        return [x for x in range(image.width()) if image.pixelColor(x, image.height() // 2) == accent]

    accent = QColor(theme.colors().accent)
    canvas.clearFocus()
    right = accented()
    canvas.setFocus()
    qtbot.keyClick(canvas, Qt.Key.Key_Left)
    canvas.clearFocus()
    left = accented()
    assert right
    assert left
    assert max(left) < min(right)


@every_panel
def test_a_long_number_moves_nothing(user, put):
    label = user.widget("predictionLabel")
    put(0.02, ONE)
    user.wait(lambda: user.session.number.text == "1")
    geometry = [user.widget(name).geometry() for name in ("verdictLabel", "probabilityBars", "networkPicture")]
    width = label.parentWidget().width()
    for place in range(1, 12):
        put(0.02 + 0.085 * place, ONE)
    user.wait(lambda: len(user.session.number.digits) == 12)
    assert label.text() == user.session.number.text
    assert label.fontMetrics().horizontalAdvance(label.text()) <= label.width()
    assert label.parentWidget().width() == width
    assert [user.widget(name).geometry() for name in ("probabilityBars", "networkPicture")] == geometry[1:]


def test_small_digits_have_a_thin_pen(user, put, canvas):
    def ink() -> int:
        image = canvas.grab().toImage()
        colors = [image.pixelColor(x, image.height() // 2) for x in range(image.width())]
        return sum(color == QColor(theme.colors().ink) for color in colors)

    put(0.2, ONE)
    user.wait(lambda: user.session.number.text == "1")
    alone = ink()
    put(0.4, ONE)
    user.wait(lambda: len(canvas.boxes) == 2)
    assert alone < ink() < 2 * alone
    user.click("clearButton")
    user.wait(lambda: canvas.boxes == ())
    put(0.2, ONE)
    assert ink() == alone


def test_boxes_of_neighbours_meet_and_do_not_overlap(user, put, canvas):
    put(0.1, ZERO)
    put(0.1 + 0.6 * SIDE + 0.02, ZERO)
    user.wait(lambda: user.session.number.text == "00")
    left, right = canvas.boxes
    assert left.right() == right.left()
    for box, digit in zip(canvas.boxes, user.session.number.digits, strict=True):
        assert box.left() < digit.box[0]
        assert box.right() > digit.box[2]
