"""Drawing with real mouse, pen and touch events, and the reading."""

import numpy as np
import pytest
from layout import resized
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QPointingDevice, QTabletEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QTabBar
from some_views import every_panel, every_view

from engine import load_model, save_model
from minigrad_gui import theme
from minigrad_gui.digits import as_drawn
from minigrad_gui.resources import asset_path

pytestmark = pytest.mark.panels("DrawPanel")

LINE = np.array([[0.3, 0.5], [0.5, 0.5], [0.7, 0.5]])


@pytest.fixture
def canvas(user):
    return user.widget("drawingCanvas")


def test_a_drawn_digit_is_read(user):
    for digit in (0, 1, 3, 7):
        user.click("clearButton")
        user.wait(lambda: user.session.prediction is None)
        user.draw(digit)
        prediction = user.reading()
        assert prediction.digit == digit
        assert prediction.probabilities.shape == (10,)
        assert prediction.probabilities.sum() == pytest.approx(1, abs=1e-5)
        assert user.widget("predictionLabel").text() == str(digit)
        assert np.array_equal(user.widget("probabilityBars").probabilities, prediction.probabilities)


def test_a_blank_canvas_shows_no_digit(user):
    assert user.session.prediction is None
    assert user.widget("predictionLabel").text() == "The canvas is blank"
    assert user.widget("probabilityBars").probabilities is None
    user.draw(1)
    user.reading()
    user.click("clearButton")
    user.wait(lambda: user.session.prediction is None)
    assert user.widget("predictionLabel").text() == "The canvas is blank"


@pytest.fixture
def open_doubtful(user, tmp_path):
    """`open_doubtful(**calibration)`: open the pretrained network with another calibration."""

    def open_it(**calibration: float) -> None:
        model, meta = load_model(asset_path("pretrained.npz"))
        save_model(tmp_path / "doubtful.npz", model, {**meta, "calibration": calibration})
        before = user.session.model
        user.window.open(tmp_path / "doubtful.npz")
        assert user.session.model is not before

    return open_it


def test_an_unrecognised_drawing_is_not_presented_as_a_digit(user, open_doubtful):
    user.draw(3)
    user.reading()
    for calibration in ({"least_evidence": 1e5}, {"threshold": 1.0, "temperature": 20.0}):
        open_doubtful(**calibration)
        user.wait(lambda: user.widget("predictionLabel").text() == "?")
        doubtful = user.session.prediction
        assert (doubtful.digit, doubtful.recognised) == (3, False)
        assert user.widget("verdictLabel").text() == "Not recognised. Closest match: 3"
        assert np.array_equal(user.widget("probabilityBars").probabilities, doubtful.probabilities)
        open_doubtful(least_evidence=-1e5)
        user.wait(lambda: user.widget("predictionLabel").text() == "3")
        assert user.widget("verdictLabel").text().endswith("sure")


def test_a_higher_temperature_is_less_sure(user, open_doubtful):
    user.draw(3)
    open_doubtful(temperature=1.0)
    user.wait(lambda: user.session.prediction is not None)
    sure = user.session.prediction.probabilities[3]
    open_doubtful(temperature=10.0)
    user.wait(lambda: user.session.prediction.probabilities[3] < sure)


def test_compare_shows_what_was_drawn_beside_what_the_network_sees(user):
    drawn, captions = user.widget("drawnPicture"), [user.widget(name) for name in ("drawnCaption", "seenCaption")]
    assert not drawn.isVisible()
    assert not captions[0].isVisible()
    assert captions[1].text() == "What the network sees"
    user.click("compareButton")
    assert drawn.isVisible()
    assert [each.text() for each in captions] == ["As drawn\n–", "As seen\n–"]
    assert not drawn.picture.any()

    user.stroke(np.array([[0.1, 0.1], [0.1, 0.3]]))
    user.reading()
    session = user.session
    assert np.array_equal(drawn.picture, as_drawn(user.widget("drawingCanvas").strokes))
    assert drawn.picture[:12, :8].any(), "a small stroke in the corner stays small and in the corner"
    assert not drawn.picture[12:].any()
    assert np.array_equal(user.widget("networkPicture").picture, session.picture)
    assert session.picture[12:20].any(), "and the network sees it large and centred"
    for each, start, prediction in zip(
        captions, ("As drawn", "As seen"), (session.read_as_drawn()[1], session.prediction), strict=True
    ):
        first, second = each.text().split("\n")
        assert first == start
        assert second.startswith(f"{prediction.digit}, " if prediction.recognised else "?, ")
        assert second.endswith("% sure")
    assert session.prediction.digit == session.predict(session.picture).digit

    user.click("compareButton")
    assert not drawn.isVisible()
    assert captions[1].text() == "What the network sees"


@every_panel
def test_compare_moves_and_shrinks_nothing(user, canvas):
    def places():
        QApplication.processEvents()
        parts = (canvas, user.widget("clearButton"), user.widget("probabilityBars"))
        return [(part.mapTo(user.window, QPoint()), part.size()) for part in parts]

    user.draw(3)
    user.reading()
    for size in ((1024, 540), (1366, 728), (1920, 1040)):
        resized(user.window, *size)
        before = places()
        user.click("compareButton")
        assert places() == before, size
        for name in ("drawnCaption", "seenCaption"):
            label = user.widget(name)
            for line in label.text().split("\n"):
                assert label.fontMetrics().horizontalAdvance(line) <= label.width(), (size, line)
        user.click("compareButton")
        assert places() == before, size


@every_panel
def test_no_reading_moves_the_canvas_or_the_bars(user, canvas, open_doubtful):
    def places():
        QApplication.processEvents()
        return [(part.mapTo(user.window, QPoint()), part.size()) for part in (canvas, user.widget("probabilityBars"))]

    blank = places()
    user.draw(3)
    user.reading()
    assert places() == blank
    open_doubtful(least_evidence=1e5)
    user.wait(lambda: user.widget("predictionLabel").text() == "?")
    assert places() == blank


def test_the_comparison_follows_the_network(user, open_doubtful):
    user.click("compareButton")
    user.draw(3)
    user.reading()
    before = [user.widget(name).text() for name in ("drawnCaption", "seenCaption")]
    open_doubtful(temperature=20.0)
    user.wait(
        lambda: all(user.widget(n).text() != b for n, b in zip(("drawnCaption", "seenCaption"), before, strict=True))
    )


def test_the_reading_changes_while_the_pen_is_down(user, canvas):
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=QPoint(80, 60))
    first = user.reading().probabilities
    QTest.mouseMove(canvas, QPoint(80, 200))
    user.wait(
        lambda: user.session.prediction is not None and not np.array_equal(user.session.prediction.probabilities, first)
    )
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=QPoint(80, 200))


@pytest.mark.panels("TrainingPanel", "DrawPanel")
def test_the_reading_changes_while_the_network_trains(user):
    user.draw(3)
    before = user.reading().probabilities
    user.configure(hidden="32", epochs=1000)
    user.click("trainButton")
    user.wait(
        lambda: len(user.session.history) > 0 and not np.array_equal(user.session.prediction.probabilities, before)
    )
    during = user.session.prediction.probabilities
    user.wait(lambda: not np.array_equal(user.session.prediction.probabilities, during))


def test_undo_and_redo(user, canvas):
    assert not user.widget("undoButton").isEnabled()
    user.stroke(LINE)
    user.stroke(LINE[:, ::-1])
    user.click("undoButton")
    assert len(canvas.strokes) == 1
    user.trigger("redoAction")
    assert len(canvas.strokes) == 2
    user.trigger("undoAction")
    user.trigger("undoAction")
    assert canvas.strokes == ()
    assert not user.widget("undoButton").isEnabled()
    user.click("redoButton")
    user.stroke(LINE)
    assert not user.widget("redoButton").isEnabled()


def test_clear_can_be_undone(user, canvas):
    user.stroke(LINE)
    user.trigger("clearAction")
    assert canvas.strokes == ()
    user.trigger("undoAction")
    assert len(canvas.strokes) == 1


def test_clearing_a_blank_sheet_cannot_be_undone(user):
    user.click("clearButton")
    assert not user.widget("undoButton").isEnabled()


def test_the_eraser_cuts_a_stroke_in_two(user, canvas):
    user.stroke(LINE)
    user.click("eraserButton")
    user.stroke(np.array([[0.5, 0.3], [0.5, 0.5], [0.5, 0.7]]))
    assert len(canvas.strokes) == 2
    left, right = canvas.strokes
    assert left[:, 0].max() < 0.45 < 0.55 < right[:, 0].min()
    user.click("undoButton")
    assert len(canvas.strokes) == 1
    user.click("eraserButton")
    user.stroke(LINE)
    assert len(canvas.strokes) == 2


def test_erasing_nothing_cannot_be_undone(user):
    user.click("eraserButton")
    user.stroke(LINE)
    assert not user.widget("undoButton").isEnabled()


def test_only_the_left_button_draws(canvas):
    QTest.mousePress(canvas, Qt.MouseButton.RightButton, pos=QPoint(50, 50))
    QTest.mouseMove(canvas, QPoint(90, 90))
    QTest.mouseRelease(canvas, Qt.MouseButton.RightButton, pos=QPoint(90, 90))
    assert canvas.strokes == ()


@every_panel
def test_resizing_does_not_change_the_drawing(user, canvas):
    user.draw(3)
    before = user.reading().probabilities
    user.window.resize(1700, 1000)
    assert np.array_equal(user.session.predict(user.session.picture).probabilities, before)
    assert all(((stroke >= 0) & (stroke <= 1)).all() for stroke in canvas.strokes)


@every_view
def test_a_low_panel_has_the_bars_or_all_of_the_answer_beside_the_canvas(user, canvas):
    parts = [user.widget(name) for name in ("networkPicture", "taughtLabel", "probabilityBars", "handwritingButton")]
    beside = {(1440, 860): "", (1366, 728): "probabilityBars", (1280, 680): "probabilityBars", (1024, 540): "all"}
    for size in (*beside, *reversed(beside)):
        resized(user.window, *size)
        edge = canvas.mapTo(user.window, canvas.rect().topRight()).x()
        lefts = {part.objectName(): part.mapTo(user.window, QPoint()).x() for part in parts}
        right_of = [name for name, left in lefts.items() if left > edge]
        assert right_of == (list(lefts) if beside[size] == "all" else [beside[size]] * bool(beside[size])), size
        tops = [part.mapTo(user.window, QPoint()).y() for part in parts]
        assert beside[size] == "probabilityBars" or tops == sorted(tops)
    resized(user.window, 1366, 728)
    tabs = user.window.findChildren(QTabBar)
    assert any(bar.count() > 8 for bar in tabs)
    assert all(bar.sizeHint().width() <= bar.width() for bar in tabs), "all tabs are seen on a common laptop"


def test_strokes_are_painted(user, canvas):
    user.stroke(LINE)
    image = canvas.grab().toImage()
    middle = QPoint(image.width() // 2, image.height() // 2)
    assert image.pixelColor(middle) == QColor(theme.colors().ink)
    assert image.pixelColor(middle + QPoint(0, image.height() // 5)) == QColor(theme.colors().paper)


def test_a_touch_draws_once(user, canvas):
    device, handle = QTest.createTouchDevice(), user.window.windowHandle()
    for kind, y in (("press", 60), ("move", 160), ("release", 160)):
        finger = QTest.touchEvent(handle, device)
        getattr(finger, kind)(0, canvas.mapTo(user.window, QPoint(60, y)), handle).commit()
    assert len(canvas.strokes) == 1
    assert len(canvas.strokes[0]) == 2


def test_other_fingers_draw_nothing(user, canvas):
    device, handle = QTest.createTouchDevice(), user.window.windowHandle()

    def at(x: int, y: int) -> QPoint:
        return canvas.mapTo(user.window, QPoint(x, y))

    QTest.touchEvent(handle, device).press(0, at(60, 60), handle).commit()
    QTest.touchEvent(handle, device).stationary(0).press(1, at(200, 200), handle).commit()
    QTest.touchEvent(handle, device).release(0, at(60, 60), handle).stationary(1).commit()
    QTest.touchEvent(handle, device).move(1, at(220, 220), handle).commit()
    QTest.touchEvent(handle, device).release(1, at(220, 220), handle).commit()
    assert len(canvas.strokes) == 1
    assert canvas.strokes[0].max() < 0.5


def test_ink_stays_on_the_paper(user, canvas):
    user.stroke(np.array([[0.5, 0.5], [3.0, 0.5], [0.5, -2.0]]))
    assert canvas.strokes[0].min() >= 0
    assert canvas.strokes[0].max() <= 1


def test_a_dialog_during_a_stroke_lifts_the_pen(canvas):
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=QPoint(80, 60))
    QApplication.sendEvent(canvas, QEvent(QEvent.Type.WindowDeactivate))
    QTest.mouseMove(canvas, QPoint(90, 200))
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=QPoint(90, 200))
    assert len(canvas.strokes[0]) == 1


def test_a_pen_draws_once_and_its_other_end_erases(canvas):
    def pen(kind: QEvent.Type, x: float, y: float, pointer: QPointingDevice.PointerType) -> None:
        device = QPointingDevice(
            "pen", 1, QPointingDevice.DeviceType.Stylus, pointer, QPointingDevice.Capability.Position, 1, 1
        )
        at, buttons = QPointF(x, y), Qt.MouseButton.LeftButton
        event = QTabletEvent(
            kind,
            device,
            at,
            canvas.mapToGlobal(at),
            0.5,
            0,
            0,
            0,
            0,
            0,
            Qt.KeyboardModifier.NoModifier,
            buttons,
            buttons,
        )
        QApplication.sendEvent(canvas, event)
        assert event.isAccepted()

    tip, eraser = QPointingDevice.PointerType.Pen, QPointingDevice.PointerType.Eraser
    pen(QEvent.Type.TabletPress, 60, 60, tip)
    pen(QEvent.Type.TabletMove, 60, 200, tip)
    pen(QEvent.Type.TabletRelease, 60, 200, tip)
    assert len(canvas.strokes) == 1
    pen(QEvent.Type.TabletPress, 60, 130, eraser)
    pen(QEvent.Type.TabletRelease, 60, 130, eraser)
    assert len(canvas.strokes) == 2


# ---------------------------------------------------------------- a picture that was not drawn


@pytest.fixture
def shown(user, few):
    """A test digit is shown in place of a drawing."""
    user.draw(1)
    user.reading()
    picture = few.test_images[0] / np.float32(255)
    user.session.show_picture(picture, "Test digit 0, labelled 7")
    return picture


def ink_of(canvas):
    image = canvas.grab().toImage()
    paper = QColor(theme.colors().paper)
    return sum(image.pixelColor(x, y) != paper for x in range(20, image.width() - 20, 4) for y in range(20, 200, 4))


def test_a_shown_picture_is_read_and_named_in_place_of_the_drawing(user, canvas, shown):
    assert user.widget("predictionLabel").text() == "7"
    assert np.array_equal(user.widget("networkPicture").picture, shown)
    assert np.array_equal(user.widget("probabilityBars").probabilities, user.session.prediction.probabilities)
    assert user.widget("taughtLabel").text().startswith("Test digit 0, labelled 7.")
    assert canvas.strokes == ()
    assert canvas.accessibleDescription().startswith("A picture.")
    assert ink_of(canvas) > 100
    assert not user.session.can_teach
    user.click("compareButton")
    assert np.array_equal(user.widget("drawnPicture").picture, shown)


@pytest.mark.usefixtures("shown")
def test_the_next_stroke_replaces_a_shown_picture(user, canvas):
    user.draw(3)
    assert user.session.shown is None
    user.wait(lambda: user.widget("predictionLabel").text() == "3")
    assert len(canvas.strokes) == 1
    assert "Test digit" not in user.widget("taughtLabel").text()


@pytest.mark.usefixtures("shown")
def test_clear_removes_a_shown_picture_and_undo_restores_the_drawing(user, canvas):
    user.click("clearButton")
    user.wait(lambda: user.session.prediction is None)
    assert user.session.shown is None
    assert canvas.accessibleDescription().startswith("Blank.")
    assert not user.session.picture.any()
    user.click("undoButton")
    user.wait(lambda: user.session.prediction is not None)
    assert len(canvas.strokes) == 1


@pytest.mark.usefixtures("shown")
def test_undo_replaces_a_shown_picture_by_the_drawing(user, canvas):
    user.click("undoButton")
    user.wait(lambda: user.widget("predictionLabel").text() == "1")
    assert user.session.shown is None
    assert len(canvas.strokes) == 1
