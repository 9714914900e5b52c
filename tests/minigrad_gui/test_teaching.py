"""Teaching drawings with real clicks and keys, reading with and without them, and undoing."""

import json
import shutil
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from mnist_digits import first_digits, replace_mnist
from networks import same
from PySide6.QtCore import QCoreApplication, QEvent, QModelIndex, QPoint, Qt
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QMenu, QMessageBox
from threadpoolctl import threadpool_info

from engine import ModelFileError, TrainingConfig, evaluate, load_model, save_model
from engine.run import TrainingRun
from engine.training import predict
from minigrad_gui import data, handwriting
from minigrad_gui.handwriting import DrawingStore
from minigrad_gui.main_window import MainWindow
from minigrad_gui.resources import asset_path
from minigrad_gui.teaching import TeachingWorker
from minigrad_gui.views.draw_panel import DrawPanel
from minigrad_gui.widgets import digit_keys
from minigrad_gui.widgets.digit_keys import DigitKeys

FLAGGED_ONE = np.array([[0.2, 0.55], [0.55, 0.12], [0.55, 0.88]])
TRIANGLE = np.array([[0.5, 0.15], [0.85, 0.85], [0.15, 0.85], [0.5, 0.15]])
CROSS = np.array([[0.2, 0.2], [0.8, 0.8]]), np.array([[0.8, 0.2], [0.2, 0.8]])
BUTTONS = QMessageBox.StandardButton


@pytest.fixture(scope="module")
def mnist() -> data.Dataset:
    """Only as many digits as these tests need."""
    return first_digits(20_000, 2_000)


@pytest.fixture(scope="module")
def small_file(mnist, tmp_path_factory) -> Path:
    """A small network that reads digits, but not a flagged one; the accuracy in its file is made up."""
    config = TrainingConfig(hidden=(64,), epochs=1, batch_size=32, learning_rate=3e-3, validation_share=0)
    run = TrainingRun(config, mnist.train_images, mnist.train_labels, 10)
    list(run)
    path = tmp_path_factory.mktemp("models") / "small.npz"
    save_model(path, run.model, {"test_accuracy": 0.5})
    return path


@pytest.fixture(autouse=True)
def preloaded_digits(mnist, monkeypatch):
    """Load the digits once, not for each window, and make fewer variations."""
    replace_mnist(monkeypatch, lambda: mnist)
    monkeypatch.setattr(digit_keys, "QUIET_MS", 400)  # sent keys follow each other faster than typed ones
    monkeypatch.setattr(handwriting, "TAUGHT_VARIATIONS", 400)
    monkeypatch.setattr(handwriting, "REPLAYED_VARIATIONS", 800)


@pytest.fixture
def user(user, small_file):
    """A user whose window has the small network and uses taught drawings for reading."""
    user.window.open(small_file)
    click_check(user)
    user.window.activateWindow()
    user.wait(user.window.isActiveWindow)
    return user


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "data" / "minigrad" / "handwriting"


def files(folder: Path) -> list[dict]:
    return [json.loads(file.read_text()) for file in sorted(folder.iterdir())] if folder.exists() else []


def stored(user, folder: Path) -> list[dict]:
    """The files in the folder, once everything taught so far has been written."""
    user.session.drawing_store.flush()
    return files(folder)


def draw(user, *strokes: np.ndarray) -> None:
    """Draw on a new sheet, and wait for the reading."""
    user.click("clearButton")
    user.wait(lambda: user.session.prediction is None)
    for stroke in strokes:
        user.stroke(stroke)
    user.wait(lambda: user.session.prediction is not None)


def click_bar(user, digit: int) -> None:
    bars = user.widget("probabilityBars")
    at = QPoint(bars.width() // 2, round((digit + 0.5) * bars.height() / 10))
    user.qtbot.mouseClick(bars, Qt.MouseButton.LeftButton, pos=at)


def click_check(user) -> None:
    """Click the check button "With your handwriting"."""
    check = user.widget("handwritingCheck")
    user.qtbot.mouseClick(check, Qt.MouseButton.LeftButton, pos=QPoint(8, check.height() // 2))


def press(user, keys: str) -> None:
    """Type into the focused widget, and wait until it is decided whether that was an answer."""
    user.qtbot.keyClicks(QApplication.focusWidget() or user.window, keys)
    quiet = user.window.findChild(DigitKeys)._quiet
    user.wait(lambda: not quiet.isActive())


def wait_until_learnt(user, digit: int | None = None) -> None:
    """Wait until nothing is being learnt and, if a digit is given, the drawing is read as it."""
    user.wait(lambda: not user.session.is_learning)
    if digit is not None:
        user.wait(lambda: user.session.prediction is not None and user.session.prediction.digit == digit)


def taught(user) -> list[int]:
    return [drawing.label for drawing in user.session.drawing_store.drawings]


def learnt(user) -> int:
    """The number of drawings that the copy in use has learnt."""
    return len(user.session._handwriting.copy.job.drawings)


def text(user, name: str) -> str:
    return user.widget(name).text()


# ---------------------------------------------------------------- teaching


@pytest.mark.parametrize("way", ["bar", "key"])
def test_a_wrong_reading_is_corrected(user, folder, mnist, way):
    before = user.session.model
    assert text(user, "accuracyLabel") == "50.00%"
    weights = [parameter.data.copy() for parameter in before.parameters()]
    draw(user, FLAGGED_ONE)
    assert user.session.prediction.digit != 1
    digit = user.session.prediction.digit
    asked = f"Is it a {digit}?" if user.session.prediction.recognised else "Which digit is it?"
    assert text(user, "taughtLabel") == f"{asked} Press its key or click its bar."
    if way == "bar":
        click_bar(user, 1)
    else:
        press(user, "1")
    assert user.session.handwriting_state == "learning"
    assert text(user, "taughtLabel") == "Taught as a 1."
    assert text(user, "handwritingCheck") == "Learning your handwriting…"
    assert user.session.reading_model is before, "the window still uses the network it has"
    wait_until_learnt(user, 1)
    assert text(user, "predictionLabel") == "1"
    assert text(user, "verdictLabel").endswith("sure\nwith your handwriting")
    assert text(user, "handwritingCheck") == "With your handwriting (1)"
    assert user.session.reading_model is not before
    assert user.session.model is before
    assert all(np.array_equal(old, p.data) for old, p in zip(weights, before.parameters(), strict=True))
    (drawing,) = stored(user, folder)
    assert drawing["label"] == 1
    np.testing.assert_allclose(drawing["strokes"][0], user.widget("drawingCanvas").strokes[0], atol=1e-4)

    tested = evaluate(user.session.reading_model, mnist.test_images, mnist.test_labels)
    assert user.session.handwriting_accuracy == pytest.approx(tested[1], abs=1e-4)
    assert f"{tested[1]:.2%} of the MNIST test digits" in user.widget("handwritingCheck").toolTip()
    assert user.session.record.test_accuracy == 0.5
    assert text(user, "accuracyLabel") == "50.00%", "that of the network itself"


def test_the_pretrained_network_learns_too(user):
    user.session.open_pretrained()
    draw(user, *CROSS)
    wrong = next(digit for digit in (9, 6) if digit != user.session.prediction.digit)
    click_bar(user, wrong)
    wait_until_learnt(user, wrong)
    assert user.session.handwriting_accuracy > 0.97
    assert text(user, "accuracyLabel") == "99.32%"


def test_several_drawings_are_learnt_together(user, folder):
    for stroke, digit in ((FLAGGED_ONE, 1), (TRIANGLE, 6), (FLAGGED_ONE * 0.9, 1)):
        draw(user, stroke)
        click_bar(user, digit)
    wait_until_learnt(user, 1)
    assert text(user, "handwritingCheck") == "With your handwriting (3)"
    assert [each["label"] for each in stored(user, folder)] == [1, 6, 1]
    draw(user, TRIANGLE)
    assert user.session.prediction.digit == 6
    assert user.session.taught_drawings == 0


def test_a_second_label_corrects_the_first(user, folder):
    draw(user, TRIANGLE)
    click_bar(user, 6)
    press(user, "8")
    assert taught(user) == [8]
    wait_until_learnt(user, 8)
    assert [each["label"] for each in stored(user, folder)] == [8]
    assert text(user, "taughtLabel") == "Taught as an 8."
    model = user.session.reading_model
    click_bar(user, 8)
    assert not user.session.is_learning, "it is recognised"
    assert taught(user) == [8]
    assert user.session.reading_model is model
    click_bar(user, 5)
    wait_until_learnt(user, 5)
    assert [each["label"] for each in stored(user, folder)] == [5]


def test_an_additional_stroke_makes_another_drawing(user):
    draw(user, CROSS[0])
    click_bar(user, 7)
    user.stroke(CROSS[1])
    click_bar(user, 9)
    assert taught(user) == [7, 9]
    wait_until_learnt(user, 9)


def test_a_blank_canvas_teaches_nothing(user, folder):
    bars = user.widget("probabilityBars")

    def nothing_happens() -> None:
        assert bars.cursor().shape() == Qt.CursorShape.ArrowCursor
        assert bars.toolTip() == ""
        click_bar(user, 3)
        press(user, "3")
        user.trigger("teach3Action")
        assert taught(user) == []
        assert not user.session.is_learning

    nothing_happens()
    draw(user, FLAGGED_ONE)
    assert bars.cursor().shape() == Qt.CursorShape.PointingHandCursor
    assert bars.toolTip()
    user.click("clearButton")
    click_bar(user, 3)
    assert taught(user) == [], "not even before the blank sheet has been read"
    user.wait(lambda: user.session.prediction is None)
    nothing_happens()
    assert stored(user, folder) == []


def test_a_digit_typed_into_a_field_teaches_nothing(user):
    draw(user, FLAGGED_ONE)
    for name in ("hiddenLayersEdit", "batchSizeSpin", "epochsSpin"):
        field = user.widget(name)
        field.setFocus()
        field.selectAll()
        press(user, "7")
        assert field.text() == "7"
        assert taught(user) == []
    user.stroke(TRIANGLE)
    press(user, "6")
    assert field.text() == "7", "drawing moves the focus out of the field"
    assert taught(user) == [6]
    wait_until_learnt(user)


# ---------------------------------------------------------------- keys


@pytest.mark.parametrize("typed", ["0.05", "1e-4", "a1"])
def test_a_number_or_a_word_typed_at_the_canvas_teaches_nothing(user, typed):
    draw(user, FLAGGED_ONE)
    press(user, typed)
    assert taught(user) == []
    assert text(user, "taughtLabel") == "Nothing taught. Press a single digit."
    assert not user.widget("eraserButton").isChecked(), "the e of a number is not a shortcut"
    press(user, "1")
    assert taught(user) == [1]
    wait_until_learnt(user, 1)


def test_a_digit_typed_at_the_plot_teaches_nothing(user):
    draw(user, FLAGGED_ONE)
    user.widget("lossPlot").setFocus()
    assert text(user, "taughtLabel").endswith(" Click its bar."), "a key would have no effect"
    press(user, "5")
    assert taught(user) == []
    keys = {action.shortcut().toString() for action in user.window.findChildren(QAction)}
    assert not keys & set("0123456789"), "a digit alone is not a shortcut"


def test_a_key_held_down_is_one_answer(user):
    draw(user, FLAGGED_ONE)
    canvas = user.widget("drawingCanvas")
    press_1 = QEvent.Type.KeyPress, Qt.Key.Key_1, Qt.KeyboardModifier.NoModifier, "1"
    for repeats in (False, True, True):
        QApplication.sendEvent(canvas, QKeyEvent(*press_1, repeats))
    assert text(user, "taughtLabel") == "Teaching it as a 1… Esc cancels."
    press(user, "")
    assert taught(user) == [1]
    wait_until_learnt(user, 1)


def test_the_numeric_keypad_answers_too(user):
    draw(user, FLAGGED_ONE)
    user.qtbot.keyClick(user.widget("drawingCanvas"), Qt.Key.Key_1, Qt.KeyboardModifier.KeypadModifier)
    press(user, "")
    assert taught(user) == [1]
    wait_until_learnt(user, 1)


def test_enter_confirms_at_once_and_escape_cancels(user):
    draw(user, FLAGGED_ONE)
    canvas = user.widget("drawingCanvas")
    user.qtbot.keyClicks(canvas, "7")
    user.qtbot.keyClick(canvas, Qt.Key.Key_Escape)
    press(user, "")
    assert taught(user) == []
    user.qtbot.keyClicks(canvas, "1")
    user.qtbot.keyClick(canvas, Qt.Key.Key_Return)
    assert taught(user) == [1]
    wait_until_learnt(user, 1)


def test_a_digit_with_control_is_not_an_answer(user):
    draw(user, FLAGGED_ONE)
    user.qtbot.keyClick(user.widget("drawingCanvas"), Qt.Key.Key_1, Qt.KeyboardModifier.ControlModifier)
    press(user, "")
    assert taught(user) == []


def test_long_after_drawing_only_the_bars_answer(user):
    draw(user, FLAGGED_ONE)
    asking = user.window.findChild(DrawPanel)._asking
    assert asking.isActive()
    asking.start(0)  # as if the time had passed
    user.wait(lambda: not asking.isActive())
    assert text(user, "taughtLabel") == "Wrong? Click the bar of the right digit."
    press(user, "1")
    assert taught(user) == []
    click_bar(user, 1)
    assert taught(user) == [1]
    wait_until_learnt(user, 1)


def test_an_answer_is_for_the_drawing_that_was_there(user):
    draw(user, FLAGGED_ONE)
    user.qtbot.keyClicks(user.widget("drawingCanvas"), "1")
    user.click("clearButton")
    user.stroke(TRIANGLE)
    user.qtbot.keyClicks(user.widget("drawingCanvas"), "6")
    press(user, "")
    assert taught(user) == [1, 6]
    assert [len(drawing.strokes[0]) for drawing in user.session.drawing_store.drawings] == [3, 4]
    wait_until_learnt(user)


def test_moving_to_a_field_cancels_the_answer(user):
    draw(user, FLAGGED_ONE)
    user.qtbot.keyClicks(user.widget("drawingCanvas"), "1")
    user.widget("epochsSpin").setFocus()
    press(user, "2")
    assert taught(user) == []


def test_while_the_pen_is_down_a_key_answers_nothing(user):
    draw(user, FLAGGED_ONE)
    canvas = user.widget("drawingCanvas")
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=QPoint(40, 40))
    press(user, "1")
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=QPoint(60, 90))
    assert taught(user) == []


@pytest.mark.parametrize("dots", [1, 3])
def test_a_dot_is_not_a_digit(user, dots):
    for number in range(dots):
        user.stroke(np.array([[0.3 + number / 5, 0.5]]))
    user.wait(lambda: user.session.prediction is not None)
    assert text(user, "taughtLabel") == "A dot is not a digit, so it is not taught."
    click_bar(user, 3)
    press(user, "3")
    user.session.teach(3)
    assert taught(user) == []


def test_a_or_an(user):
    texts = [user.window.findChild(QAction, f"teach{digit}Action").text() for digit in (7, 8)]
    assert texts == ["It is a &7", "It is an &8"]


def test_only_a_left_click_on_a_bar_teaches(user):
    draw(user, FLAGGED_ONE)
    bars = user.widget("probabilityBars")
    for button in (Qt.MouseButton.RightButton, Qt.MouseButton.MiddleButton):
        user.qtbot.mouseClick(bars, button, pos=bars.rect().center())
    QTest.mousePress(bars, Qt.MouseButton.LeftButton, pos=bars.rect().center())
    QTest.mouseRelease(bars, Qt.MouseButton.LeftButton, pos=QPoint(bars.width() // 2, -30))
    assert taught(user) == []


def test_each_bar_is_its_digit(user):
    draw(user, FLAGGED_ONE)
    bars = user.widget("probabilityBars")
    for y in range(bars.height()):
        user.qtbot.mouseClick(bars, Qt.MouseButton.LeftButton, pos=QPoint(5, y))
        assert taught(user) == [y * 10 // bars.height()]
    wait_until_learnt(user)


# ---------------------------------------------------------------- undoing


def test_teaching_can_be_undone(user, folder):
    untaught, record = user.session.model, user.session.record
    before = [parameter.data.copy() for parameter in untaught.parameters()]
    assert not user.widget("undoTeachingButton").isEnabled()
    draw(user, FLAGGED_ONE)
    wrong = user.session.prediction.probabilities
    click_bar(user, 1)
    wait_until_learnt(user, 1)
    first = user.session.reading_model
    draw(user, TRIANGLE)
    click_bar(user, 6)
    wait_until_learnt(user, 6)
    assert not same(user.session.reading_model, first)

    user.click("undoTeachingButton")
    assert taught(user) == [1]
    wait_until_learnt(user)
    assert same(user.session.reading_model, first), "as if the second had never been taught"
    keys = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    user.qtbot.keyClick(QApplication.focusWidget() or user.window, Qt.Key.Key_T, keys)
    assert user.session.reading_model is user.session.model is untaught
    assert user.session.record == record
    assert all(np.array_equal(old, p.data) for old, p in zip(before, user.session.model.parameters(), strict=True))
    assert text(user, "handwritingCheck") == "With your handwriting (none yet)"
    assert text(user, "accuracyLabel") == "50.00%"
    assert not user.widget("undoTeachingButton").isEnabled()
    assert stored(user, folder) == []
    draw(user, FLAGGED_ONE)
    assert np.array_equal(user.session.prediction.probabilities, wrong)


def test_teaching_can_be_undone_while_it_is_learnt(user, folder):
    untaught = user.session.model
    draw(user, FLAGGED_ONE)
    click_bar(user, 1)
    user.click("undoTeachingButton")
    wait_until_learnt(user)
    assert user.session.reading_model is untaught
    assert stored(user, folder) == []
    click_bar(user, 1)
    wait_until_learnt(user, 1)
    assert taught(user) == [1], "the same drawing can be taught again"


def test_the_handwriting_is_forgotten_on_request(user, answer, folder):
    untaught = user.session.model
    for stroke, digit in ((FLAGGED_ONE, 1), (TRIANGLE, 6)):
        draw(user, stroke)
        click_bar(user, digit)
    wait_until_learnt(user, 6)
    model = user.session.reading_model
    user.click("handwritingButton")

    questions = answer(BUTTONS.Cancel)
    user.click("handwritingForgetButton")
    assert len(questions) == 1
    assert "2 drawings" in questions[0]
    assert taught(user) == [1, 6]
    assert user.session.reading_model is model
    assert len(stored(user, folder)) == 2

    answer(BUTTONS.Discard)
    user.click("handwritingForgetButton")
    assert taught(user) == []
    assert user.session.reading_model is untaught
    assert stored(user, folder) == []
    assert labels(user.widget("handwritingList")) == []
    assert not user.widget("handwritingForgetButton").isEnabled()
    user.click("handwritingCloseButton")
    assert not user.widget("handwritingList").isVisible()


# ---------------------------------------------------------------- the list


@pytest.fixture
def listed(user):
    """A list of three drawings, taught as 1, 6 and 9, newest first."""
    for strokes, digit in (([FLAGGED_ONE], 1), ([TRIANGLE], 6), (CROSS, 9)):
        draw(user, *strokes)
        click_bar(user, digit)
    user.click("handwritingButton")
    found = user.widget("handwritingList")
    user.wait(found.window().isActiveWindow)
    assert labels(found) == ["9", "6", "1"]
    return found


def labels(found) -> list[str]:
    return [index.data() for index in rows(found)]


def rows(found) -> list[QModelIndex]:
    return [found.model().index(row, 0) for row in range(found.model().rowCount())]


def choose(user, found, row: int, key=Qt.KeyboardModifier.NoModifier) -> None:
    at = found.visualRect(rows(found)[row]).center()
    user.qtbot.mouseClick(found.viewport(), Qt.MouseButton.LeftButton, key, at)


def test_the_chosen_drawings_are_deleted(user, listed, folder):
    assert not user.widget("handwritingDeleteButton").isEnabled()
    strokes = user.widget("drawingCanvas").strokes
    user.qtbot.keyClick(listed, Qt.Key.Key_Delete)
    user.click("handwritingDeleteButton")
    assert taught(user) == [1, 6, 9], "none was selected"
    choose(user, listed, 0)
    user.click("handwritingDeleteButton")
    assert labels(listed) == ["6", "1"]
    assert taught(user) == [1, 6]
    assert [each["label"] for each in stored(user, folder)] == [1, 6]
    choose(user, listed, 0)
    choose(user, listed, 1, Qt.KeyboardModifier.ControlModifier)
    user.qtbot.keyClick(listed, Qt.Key.Key_Delete)
    assert labels(listed) == []
    assert taught(user) == []
    assert stored(user, folder) == []
    assert not user.widget("handwritingDeleteButton").isEnabled()
    assert user.widget("drawingCanvas").strokes == strokes, "the drawing on the canvas stays"
    wait_until_learnt(user)


def test_a_selection_in_the_list_survives_the_end_of_a_job(user, listed):
    assert user.session.is_learning
    choose(user, listed, 2)
    wait_until_learnt(user)
    assert [index.data() for index in listed.selectedIndexes()] == ["1"]
    assert user.widget("handwritingDeleteButton").isEnabled()
    user.qtbot.keyClicks(listed, "3")
    assert taught(user) == [1, 6, 9], "a digit pressed there teaches nothing"


@pytest.mark.parametrize("way", ["button", "key", "right click"])
def test_a_label_is_corrected_in_the_list(user, listed, folder, way):
    wait_until_learnt(user)
    choose(user, listed, 1)
    if way == "key":
        user.qtbot.keyClick(listed, Qt.Key.Key_F2)
    elif way == "button":
        user.click("handwritingCorrectButton")
    else:
        listed.customContextMenuRequested.emit(listed.visualRect(rows(listed)[1]).center())
    user.wait(lambda: isinstance(QApplication.activePopupWidget(), QMenu))
    menu = QApplication.activePopupWidget()
    if way == "key":
        user.qtbot.keyClick(menu, Qt.Key.Key_8)
    else:
        eight = menu.actions()[8]
        assert eight.text() == "It is an &8"
        user.qtbot.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(eight).center())
    assert taught(user) == [1, 8, 9]
    assert labels(listed) == ["9", "8", "1"]
    assert [index.data() for index in listed.selectedIndexes()] == ["8"], "it stays selected"
    assert [each["label"] for each in stored(user, folder)] == [1, 8, 9]
    assert user.session.is_learning, "it is learnt again"
    wait_until_learnt(user)
    user.window.activateWindow()
    draw(user, TRIANGLE)
    user.wait(lambda: user.session.prediction.digit == 8)


@pytest.mark.usefixtures("listed")
def test_a_drawing_corrected_in_the_list_is_still_recognised_on_the_canvas(user):
    user.session.relabel(user.session.drawing_store.drawings[-1:], 4)
    assert user.session.taught_label == 4
    click_bar(user, 5)
    assert taught(user) == [1, 6, 5]
    wait_until_learnt(user)


def test_the_list_follows_what_is_taught(user, listed):
    user.window.activateWindow()
    user.wait(user.window.isActiveWindow)
    draw(user, FLAGGED_ONE * 0.8)
    click_bar(user, 4)
    assert labels(listed) == ["4", "9", "6", "1"]
    user.click("undoTeachingButton")
    assert labels(listed) == ["9", "6", "1"]
    user.click("handwritingCloseButton")
    user.click("undoTeachingButton")
    user.click("handwritingButton")
    assert labels(listed) == ["6", "1"]
    wait_until_learnt(user)


def test_the_list_shows_each_drawing(listed):
    pictures = [index.data(Qt.ItemDataRole.DecorationRole).toImage() for index in rows(listed)]
    assert pictures[0] != pictures[1] != pictures[2] != pictures[0]
    middles = [picture.pixelColor(picture.rect().center()).lightness() for picture in pictures]
    assert middles[0] > 150, "the cross has ink in its middle"
    assert middles[1] < 50, "the triangle has none"


def test_the_list_says_how_many_are_taught(user, monkeypatch):
    for module in ("session.handwriting", "views.draw_panel", "widgets.handwriting_dialog"):
        monkeypatch.setattr(f"minigrad_gui.{module}.MAX_DRAWINGS", 2)
    user.click("handwritingButton")
    assert "No drawings yet" in text(user, "handwritingCountLabel")
    for stroke, digit in ((FLAGGED_ONE, 1), (TRIANGLE, 6), (TRIANGLE * 0.9, 6)):
        draw(user, stroke)
        click_bar(user, digit)
    wait_until_learnt(user, 6)
    assert text(user, "handwritingCheck") == "With your handwriting (2)"
    assert learnt(user) == 2
    assert text(user, "handwritingCountLabel").startswith("The newest 2 of these 3 drawings")
    assert len(labels(user.widget("handwritingList"))) == 3
    user.click("undoTeachingButton")
    wait_until_learnt(user)
    assert text(user, "handwritingCountLabel").startswith("These drawings are used")
    assert learnt(user) == 2, "the oldest is taught again"


def test_thousands_of_drawings_are_listed_and_deleted_quickly(make_user, folder, answer):
    folder.mkdir(parents=True)
    for number in range(5000):
        drawing = {"label": number % 10, "strokes": [[[0.5, 0.1], [0.5, 0.9]]]}
        (folder / f"{number:05d}.json").write_text(json.dumps(drawing))
    user = make_user()
    user.session.use_handwriting(False)  # so that nothing is learnt
    user.wait(lambda: len(taught(user)) == 5000)
    started = time.thread_time()
    user.click("handwritingButton")
    found = user.widget("handwritingList")
    QApplication.processEvents()
    found.scrollToBottom()
    QApplication.processEvents()
    assert len(rows(found)) == 5000
    assert time.thread_time() - started < 3, "all pictures would take far longer"
    assert sum(bool(drawing._made) for drawing in user.session.drawing_store.drawings) < 500
    questions = answer(BUTTONS.Discard)
    started = time.thread_time()
    user.click("handwritingForgetButton")
    assert stored(user, folder) == []
    assert time.thread_time() - started < 3
    assert "5,000 drawings" in questions[0]


# ---------------------------------------------------------------- while drawings are loaded


@pytest.fixture
def slow_reading(monkeypatch, folder):
    """There are two drawings, which are not loaded before `slow_reading.set()`."""
    for label in (1, 7):
        DrawingStore(folder).add([FLAGGED_ONE * (0.5 + label / 20)], label)
    go_on, read = threading.Event(), handwriting._read_drawing

    def wait_and_read(file: Path) -> handwriting.Drawing | None:
        go_on.wait(60)
        return read(file)

    monkeypatch.setattr(handwriting, "_read_drawing", wait_and_read)
    yield go_on
    go_on.set()


def test_the_window_can_be_used_while_the_drawings_are_loaded(slow_reading, user, monkeypatch, folder):
    lessons: list[list[int]] = []
    learn = handwriting.teach
    monkeypatch.setattr(
        "minigrad_gui.teaching.teach", lambda *given, **more: (lessons.append(given[2]), learn(*given, **more))[1]
    )
    user.click("handwritingButton")
    assert text(user, "handwritingCountLabel") == "Loading your drawings…"
    assert not user.widget("handwritingForgetButton").isEnabled()
    user.window.activateWindow()
    user.wait(user.window.isActiveWindow)
    draw(user, TRIANGLE)
    click_bar(user, 6)
    draw(user, *CROSS)
    click_bar(user, 9)
    user.click("undoTeachingButton")
    assert taught(user) == [6]
    assert not user.widget("handwritingForgetButton").isEnabled(), "drawings not loaded yet would remain"
    assert user.session.is_learning
    assert user.session._handwriting._job is None, "learning would have to start again"

    slow_reading.set()
    wait_until_learnt(user)
    assert taught(user) == [1, 7, 6]
    assert lessons == [[1, 7, 6]], "all of them are learnt at once"
    assert text(user, "handwritingCheck") == "With your handwriting (3)"
    assert labels(user.widget("handwritingList")) == ["6", "7", "1"]
    assert user.widget("handwritingForgetButton").isEnabled()
    assert [each["label"] for each in stored(user, folder)] == [1, 7, 6]
    draw(user, *CROSS)
    click_bar(user, 6)
    press(user, "9")
    assert taught(user) == [1, 7, 6, 9]
    wait_until_learnt(user)


def test_the_handwriting_can_be_forgotten_while_it_is_loaded(slow_reading, user, folder):
    untaught = user.session.model
    user.session.forget_handwriting()  # which reads each drawing, too
    assert taught(user) == []
    with user.qtbot.waitSignal(user.session._handwriting._teacher.drawingsRead):
        slow_reading.set()
    assert stored(user, folder) == []
    assert taught(user) == []
    assert user.session.model is untaught


def test_the_window_can_be_closed_while_the_drawings_are_loaded(make_user, folder, monkeypatch):
    for label in (1, 7, 3):
        DrawingStore(folder).add([FLAGGED_ONE], label)
    reading, read = [threading.Event(), threading.Event()], handwriting._read_drawing
    seen: list[str] = []

    def wait_and_read(file: Path) -> handwriting.Drawing | None:
        seen.append(file.name)
        reading[0].set()
        reading[1].wait(60)
        return read(file)

    monkeypatch.setattr(handwriting, "_read_drawing", wait_and_read)
    user = make_user()
    user.wait(reading[0].is_set)
    threading.Timer(0.1, reading[1].set).start()
    user.window.close()
    assert user.window.has_ended
    assert len(seen) == 1, "the others are no longer loaded"
    QCoreApplication.sendPostedEvents()
    QApplication.processEvents()
    assert taught(user) == []
    assert len(files(folder)) == 3


def test_a_window_closed_before_it_was_shown_loads_nothing(qtbot, folder):
    DrawingStore(folder).add([FLAGGED_ONE], 1)
    window = MainWindow()
    qtbot.addWidget(window)
    window.close()
    QApplication.processEvents()
    assert not window.session._handwriting._teacher._thread.isRunning()


# ---------------------------------------------------------------- the next window, other networks, training


def test_the_next_window_knows_the_handwriting(user, make_window, folder):
    draw(user, FLAGGED_ONE)
    click_bar(user, 1)
    user.window.close()  # at once, without waiting for learning
    assert len(files(folder)) == 1

    user = type(user)(make_window(), user.qtbot)
    user.wait(lambda: user.session.handwriting_state == "on")
    draw(user, FLAGGED_ONE)
    assert user.session.prediction.with_handwriting, "the pretrained network uses handwriting by default"
    assert user.session.prediction.digit == 1
    assert text(user, "accuracyLabel") == "99.32%"
    user.click("undoTeachingButton")
    assert same(user.session.reading_model, load_model(asset_path("pretrained.npz"))[0])


def test_the_network_is_saved_as_it_was_trained(user, small_file, tmp_path):
    draw(user, FLAGGED_ONE)
    click_bar(user, 1)
    wait_until_learnt(user, 1)
    user.session.save(tmp_path / "mine.npz")
    model, meta = load_model(tmp_path / "mine.npz")
    assert same(model, load_model(small_file)[0])
    assert meta == {"test_accuracy": 0.5}


def test_the_taught_copy_is_saved_on_request_and_its_file_says_so(user, tmp_path, monkeypatch, mnist):
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "mine.npz"), ""))
    save = user.window.findChild(QAction, "saveWithHandwritingAction")
    assert not save.isEnabled()
    draw(user, FLAGGED_ONE)
    click_bar(user, 1)
    assert not save.isEnabled(), "it has not been learnt yet"
    wait_until_learnt(user, 1)
    before, path = user.session.model, user.session.path
    save.trigger()
    assert user.session.model is before
    assert user.session.path == path
    assert not user.session.modified
    model, meta = load_model(tmp_path / "mine.npz")
    assert same(model, user.session.reading_model)
    assert predict(model, user.session.picture[np.newaxis]).argmax() == 1
    assert meta["taught_drawings"] == 1
    assert meta["test_accuracy"] == evaluate(model, mnist.test_images, mnist.test_labels)[1] > 0.5

    user.window.open(tmp_path / "mine.npz")
    assert text(user, "accuracyLabel") == f"{meta['test_accuracy']:.2%}"
    assert captions(user, "test accuracy, 1 drawing learnt")
    assert not user.widget("handwritingCheck").isChecked()
    user.click("continueCheck")
    user.train(hidden="64")
    assert user.session.taught_drawings == 1, "training continued from it starts with the handwriting"
    user.session.save(tmp_path / "later.npz")
    assert load_model(tmp_path / "later.npz")[1]["taught_drawings"] == 1


def test_saving_the_taught_copy_over_the_network_leaves_that_unsaved(user, small_file, tmp_path):
    shutil.copy(small_file, tmp_path / "mine.npz")
    user.window.open(tmp_path / "mine.npz")
    click_check(user)
    draw(user, FLAGGED_ONE)
    click_bar(user, 1)
    wait_until_learnt(user, 1)
    user.session.save_with_handwriting(tmp_path / "mine.npz")
    assert user.window.isWindowModified(), "no file holds the network as it was trained any more"
    user.session.save(tmp_path / "mine.npz")
    assert same(load_model(tmp_path / "mine.npz")[0], load_model(small_file)[0])


def test_without_handwriting_there_is_no_taught_copy_to_save(user, tmp_path):
    with pytest.raises(ModelFileError, match="has not learnt"):
        user.session.save_with_handwriting(tmp_path / "mine.npz")
    assert not (tmp_path / "mine.npz").exists()


@pytest.mark.parametrize("told", ["3", 2.5, -1, True, None, [1]])
def test_an_invalid_number_of_drawings_in_a_file_is_ignored(user, tmp_path, small_file, told):
    save_model(tmp_path / "odd.npz", load_model(small_file)[0], {"taught_drawings": told, "test_accuracy": 0.5})
    user.window.open(tmp_path / "odd.npz")
    assert captions(user, "test accuracy")


def captions(user, wanted: str) -> list[QLabel]:
    return [label for label in user.window.findChildren(QLabel) if label.text() == wanted]


# ---------------------------------------------------------------- experiments are not affected


def test_teaching_does_not_change_a_trained_network(user):
    """Only a copy is taught: neither the weights nor the accuracy of the network change."""
    for _ in range(3):
        steps = len(user.session.history)
        user.click("stepButton")
        user.wait(lambda steps=steps: len(user.session.history) > steps)
    user.click("stopButton")
    user.wait(lambda: user.session.state == "idle")
    trained, losses = user.session.model, user.session.history.losses.tolist()
    weights = [parameter.data.copy() for parameter in trained.parameters()]
    accuracy = text(user, "accuracyLabel")
    assert float(accuracy.rstrip("%")) < 50
    assert not user.widget("handwritingCheck").isChecked(), "it was not requested for this network"
    draw(user, FLAGGED_ONE)
    click_bar(user, 1)
    assert taught(user) == [1]
    assert not user.session.is_learning
    assert text(user, "taughtLabel") == "Saved as a 1. Tick “With your handwriting” to use it."
    assert not user.session.prediction.with_handwriting

    click_check(user)
    user.wait(lambda: user.session.handwriting_state == "on")
    user.wait(lambda: user.session.prediction.with_handwriting)
    assert user.session.handwriting_accuracy > float(accuracy.rstrip("%")) / 100 + 0.1
    assert user.session.model is trained
    assert all(np.array_equal(old, p.data) for old, p in zip(weights, trained.parameters(), strict=True))
    assert text(user, "accuracyLabel") == accuracy
    assert user.session.history.losses.tolist() == losses
    click_check(user)
    user.wait(lambda: not user.session.prediction.with_handwriting)
    assert user.session.reading_model is trained


def test_an_opened_network_is_not_taught_without_request(user, small_file):
    draw(user, FLAGGED_ONE)
    click_bar(user, 1)
    wait_until_learnt(user, 1)
    user.window.open(small_file)
    assert not user.session.is_learning
    assert user.session.reading_model is user.session.model
    assert not user.widget("handwritingCheck").isChecked()
    assert text(user, "handwritingCheck") == "With your handwriting (1)"
    user.wait(lambda: not user.session.prediction.with_handwriting)
    assert "with" not in text(user, "verdictLabel")


def test_switching_on_and_off_learns_once(user):
    draw(user, FLAGGED_ONE)
    click_bar(user, 1)
    wait_until_learnt(user, 1)
    copy = user.session.reading_model
    user.trigger("handwritingAction")
    assert not user.widget("handwritingCheck").isChecked()
    assert user.session.reading_model is user.session.model
    user.wait(lambda: user.session.prediction.digit != 1)
    check = user.widget("handwritingCheck")
    check.setFocus()
    user.qtbot.keyClick(check, Qt.Key.Key_Space)
    assert user.session.reading_model is copy
    assert user.session.handwriting_state == "on"
    assert not user.session.is_learning
    user.wait(lambda: user.session.prediction.digit == 1)


def test_switching_off_during_learning_discards_the_result(user):
    draw(user, FLAGGED_ONE)
    click_bar(user, 1)
    click_check(user)
    wait_until_learnt(user)
    assert user.session.handwriting_state == "off"
    assert user.session.reading_model is user.session.model
    click_check(user)
    wait_until_learnt(user, 1)


def test_the_choice_for_the_pretrained_network_is_remembered(make_user):
    user = make_user()
    assert user.widget("handwritingCheck").isChecked()
    click_check(user)
    user.window.close()
    user = make_user()
    assert not user.widget("handwritingCheck").isChecked()
    click_check(user)
    user.window.close()
    assert make_user().widget("handwritingCheck").isChecked()


def test_a_network_in_training_reads_by_itself(user):
    draw(user, FLAGGED_ONE)
    user.configure(hidden="32", epochs=1000)
    user.click("trainButton")
    user.wait(lambda: len(user.session.history) > 0 and user.session.model.sizes == (784, 32, 10))
    assert not user.widget("handwritingCheck").isChecked(), "it is another network"
    click_bar(user, 1)
    assert taught(user) == [1]
    assert text(user, "taughtLabel") == "Saved as a 1. It will be used after the run."
    click_check(user)
    assert not user.session.is_learning
    assert text(user, "handwritingCheck") == "Your handwriting (after the run)"
    before = len(user.session.history)
    user.wait(lambda: len(user.session.history) > before + 100)
    assert user.session.state == "training"
    assert user.session.reading_model is user.session.model
    assert not user.session.prediction.with_handwriting
    user.click("stopButton")
    user.wait(lambda: user.session.state == "idle")
    assert user.session.is_learning
    trained = user.session.model
    wait_until_learnt(user, 1)
    assert user.session.model is trained
    user.click("undoTeachingButton")
    assert user.session.reading_model is trained


def test_a_failed_run_leaves_the_handwriting_switched_on(user, monkeypatch, warnings):
    draw(user, FLAGGED_ONE)
    click_bar(user, 1)
    wait_until_learnt(user, 1)
    copy = user.session.reading_model

    def fail(*_: object) -> None:
        raise data.DataError("The digits are gone.")

    monkeypatch.setattr(data, "load", fail)
    user.click("trainButton")
    user.wait(lambda: len(warnings) == 1)
    assert user.session.reading_model is copy
    user.wait(lambda: user.session.prediction.with_handwriting)


def test_training_is_not_affected_by_a_running_teaching_job(user):
    """The same mini-batches have the same losses with and without a teaching job."""

    def losses() -> list[float]:
        user.train(hidden="16")
        return user.session.history.losses.tolist()

    alone = losses()
    click_check(user)
    draw(user, FLAGGED_ONE)
    click_bar(user, 1)
    assert user.session.is_learning
    with_a_lesson = losses()
    assert not user.session.uses_handwriting
    if user.session.preparation.blas_threads == 1:  # it affects the last digit of a sum
        assert with_a_lesson == alone
    np.testing.assert_allclose(with_a_lesson, alone, rtol=1e-2)
    wait_until_learnt(user)


def test_a_run_continues_from_the_network_without_handwriting(user):
    untaught = user.session.model
    draw(user, FLAGGED_ONE)
    click_bar(user, 1)
    wait_until_learnt(user, 1)
    user.click("continueCheck")
    user.configure(hidden="64")
    user.click("stepButton")
    assert user.session._training.job.start_from is untaught
    user.click("stopButton")
    user.wait(lambda: user.session.state == "idle")
    assert user.session.taught_drawings == 0


def test_a_restored_network_learns_the_handwriting_again(user):
    draw(user, FLAGGED_ONE)
    click_bar(user, 1)
    wait_until_learnt(user, 1)
    copy = user.session.reading_model
    user.train(hidden="8")
    assert not user.session.is_learning
    assert user.session.model.sizes == (784, 8, 10)
    user.trigger("backAction")
    assert user.widget("handwritingCheck").isChecked()
    wait_until_learnt(user, 1)
    assert same(user.session.reading_model, copy)
    user.trigger("backAction")
    assert not user.widget("handwritingCheck").isChecked()
    assert user.session.reading_model is user.session.model


# ---------------------------------------------------------------- impatience, and what goes wrong


def test_after_ten_quick_clicks_the_last_one_counts(user, folder):
    draw(user, TRIANGLE)
    for digit in (0, 1, 2, 3, 4, 5, 6, 7, 9, 8):
        click_bar(user, digit)
    assert taught(user) == [8]
    wait_until_learnt(user, 8)
    assert [each["label"] for each in stored(user, folder)] == [8]
    assert text(user, "handwritingCheck") == "With your handwriting (1)"


@pytest.mark.parametrize("clicks", [1, 10])
def test_the_window_can_be_closed_while_it_learns(user, monkeypatch, clicks):
    monkeypatch.setattr(handwriting, "STEPS", 20_000)  # far longer than a person would wait
    draw(user, TRIANGLE)
    started = threading.Event()
    worker = user.session._handwriting._teacher._worker
    worker._digits = lambda: (started.set(), TeachingWorker._digits(worker))[1]
    for digit in range(clicks):
        click_bar(user, digit)
    user.wait(started.is_set)
    user.window.close()
    assert not user.session._handwriting._teacher._thread.isRunning()
    QCoreApplication.sendPostedEvents()
    QApplication.processEvents()
    assert not user.session._handwriting._teacher._thread.isRunning(), "the next job does not begin"


def test_a_failed_job_is_reported_and_the_network_stays(user, warnings, monkeypatch):
    errors = [MemoryError(), ZeroDivisionError("by zero"), data.DataError("The digits are gone.")]

    def fail(*_: object, **__: object) -> None:
        raise errors[len(warnings)]

    before = user.session.model
    draw(user, TRIANGLE)
    with monkeypatch.context() as broken:
        broken.setattr("minigrad_gui.teaching.teach", fail)
        for count in (1, 2, 3):
            click_bar(user, count)
            wait_until_learnt(user)
            user.wait(lambda count=count: len(warnings) == count)
            assert user.session.reading_model is before
            assert text(user, "handwritingCheck") == "With your handwriting (not learnt)"
    assert ["memory" in warnings[0], "by zero" in warnings[1], warnings[2]] == [True, True, "The digits are gone."]
    assert all(warning.endswith(".") for warning in warnings)
    click_bar(user, 6)
    wait_until_learnt(user, 6)
    assert len(warnings) == 3


@pytest.fixture
def no_folder(tmp_path, monkeypatch):
    """The folder of drawings cannot be written to."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file" / "data"))


@pytest.mark.usefixtures("no_folder")
def test_drawings_that_cannot_be_stored_are_learnt(user, warnings):
    untaught = user.session.model
    draw(user, FLAGGED_ONE)
    click_bar(user, 1)
    user.session.drawing_store.flush()
    assert len(warnings) == 1
    assert "will be lost when you quit" in warnings[0]
    wait_until_learnt(user, 1)
    assert text(user, "handwritingCheck") == "With your handwriting (1)"
    user.click("undoTeachingButton")
    assert user.session.reading_model is untaught
    assert text(user, "handwritingCheck") == "With your handwriting (none yet)"
    assert len(warnings) == 1


def test_damaged_files_do_not_stop_the_window_from_opening(make_window, folder, qtbot):
    folder.mkdir(parents=True)
    (folder / "1.json").write_text('{"label": 1, "strokes": [[[1' + 400 * "0" + ", 0]]]}")
    (folder / "2.json").write_text('{"label": 1, "strokes": [[[-1e308, 0], [1e308, 1]]]}')
    window = make_window()
    qtbot.waitUntil(lambda: not window.session.is_learning, timeout=30_000)
    assert window.session.drawing_store.drawings == []
    assert len(list(folder.iterdir())) == 2


def test_two_windows_share_the_drawings(user, make_window, small_file, folder):
    first, second = user, type(user)(make_window(), user.qtbot)
    second.window.open(small_file)
    for person, digit in ((first, 1), (second, 7)):
        draw(person, FLAGGED_ONE)
        click_bar(person, digit)
        person.session.drawing_store.flush()
    assert [drawing.label for drawing in DrawingStore(folder).read()] == [1, 7]
    first.click("undoTeachingButton")
    first.session.drawing_store.flush()
    assert [drawing.label for drawing in DrawingStore(folder).read()] == [7]
    assert taught(second) == [7]
    for person in (first, second):
        wait_until_learnt(person)


def test_two_windows_that_learn_at_once_leave_the_blas_threads_as_they_were(make_window, qtbot):
    def threads() -> dict[str, int]:
        return {pool["filepath"]: pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

    before = threads()
    sessions = [make_window().session for _ in range(2)]
    for session in sessions:
        session.set_drawing([FLAGGED_ONE])
        session.teach(1)
    qtbot.waitUntil(lambda: not any(session.is_learning for session in sessions), timeout=20_000)
    assert before.items() <= threads().items(), "SciPy may have loaded another BLAS meanwhile"


def test_a_drawing_that_was_undone_and_redone_is_still_the_same(user):
    draw(user, FLAGGED_ONE)
    user.session.teach(3)
    user.trigger("undoAction")
    user.trigger("redoAction")
    user.session.teach(1)
    assert taught(user) == [1]


def test_a_correction_that_cannot_be_written_leaves_the_first_label(user, warnings, monkeypatch):
    draw(user, FLAGGED_ONE)
    user.session.teach(3)
    user.session.drawing_store.flush()

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(handwriting, "replacing", refuse)
    user.session.teach(1)
    user.session.drawing_store.flush()
    assert taught(user) == [3]
    assert "could not be corrected" in warnings[0]
    assert len(warnings) == 1
    wait_until_learnt(user)


def test_return_does_not_confirm_forgetting(user, monkeypatch):
    draw(user, FLAGGED_ONE)
    click_bar(user, 1)
    wait_until_learnt(user, 1)
    monkeypatch.setattr(QMessageBox, "exec", lambda box: box.defaultButton().click())
    user.click("handwritingButton")
    user.click("handwritingForgetButton")
    assert taught(user) == [1]
