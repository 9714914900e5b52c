"""Teaching drawings, with real clicks and keys, reading with them or without, and taking them back."""

import json
import shutil
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QModelIndex, QPoint, Qt
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QMenu, QMessageBox
from threadpoolctl import threadpool_info

from engine import MLP, ModelFileError, TrainingConfig, evaluate, load_model, save_model
from engine.training import TrainingRun, predict
from minigrad_gui import data, handwriting
from minigrad_gui.handwriting import Drawing, Notebook
from minigrad_gui.main_window import MainWindow
from minigrad_gui.teaching import TeachingWorker
from minigrad_gui.views.draw_panel import DrawPanel
from minigrad_gui.widgets.digit_keys import DigitKeys

FLAGGED_ONE = np.array([[0.2, 0.55], [0.55, 0.12], [0.55, 0.88]])
TRIANGLE = np.array([[0.5, 0.15], [0.85, 0.85], [0.15, 0.85], [0.5, 0.15]])
CROSS = np.array([[0.2, 0.2], [0.8, 0.8]]), np.array([[0.8, 0.2], [0.2, 0.8]])
BUTTONS = QMessageBox.StandardButton


@pytest.fixture(scope="module")
def mnist() -> data.Dataset:
    """As many digits as it takes here, and no more."""
    whole = data.load_mnist()
    training = whole.train_images[:20000], whole.train_labels[:20000]
    tests = whole.test_images[:2000], whole.test_labels[:2000]
    return data.Dataset(*training, *tests, whole.name, whole.class_names)


@pytest.fixture(scope="module")
def small_file(mnist, tmp_path_factory) -> Path:
    """A small network that reads digits, but no flagged one; the accuracy in its file is not the true one."""
    config = TrainingConfig(hidden=(64,), epochs=1, batch_size=32, learning_rate=3e-3, validation_share=0)
    run = TrainingRun(config, mnist.train_images, mnist.train_labels, 10)
    list(run)
    path = tmp_path_factory.mktemp("models") / "small.npz"
    save_model(path, run.model, {"test_accuracy": 0.5})
    return path


@pytest.fixture(autouse=True)
def digits_at_hand(mnist, monkeypatch):
    """They are read from their file once, not for each window; and fewer variations are made of each."""
    monkeypatch.setattr(data, "load_mnist", lambda: mnist)
    monkeypatch.setattr(handwriting, "TAUGHT_VARIATIONS", 400)
    monkeypatch.setattr(handwriting, "REPLAYED_VARIATIONS", 800)


@pytest.fixture
def hand(hand, small_file):
    """The hand, in a window with the small network; drawings that are taught are used for reading."""
    hand.window.open(small_file)
    click_check(hand)
    hand.window.activateWindow()
    hand.wait(hand.window.isActiveWindow)
    return hand


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "data" / "minigrad" / "handwriting"


def files(folder: Path) -> list[dict]:
    return [json.loads(file.read_text()) for file in sorted(folder.iterdir())] if folder.exists() else []


def same(first: MLP, second: MLP) -> bool:
    return all(np.array_equal(a.data, b.data) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def draw(hand, *strokes: np.ndarray) -> None:
    """Draw on a new sheet, and wait for the reading."""
    hand.click("clearButton")
    hand.wait(lambda: hand.session.prediction is None)
    for stroke in strokes:
        hand.stroke(stroke)
    hand.wait(lambda: hand.session.prediction is not None)


def click_bar(hand, digit: int) -> None:
    bars = hand.widget("probabilityBars")
    at = QPoint(bars.width() // 2, round((digit + 0.5) * bars.height() / 10))
    hand.qtbot.mouseClick(bars, Qt.MouseButton.LeftButton, pos=at)


def click_check(hand) -> None:
    """Click the check button "With your handwriting"."""
    check = hand.widget("handwritingCheck")
    hand.qtbot.mouseClick(check, Qt.MouseButton.LeftButton, pos=QPoint(8, check.height() // 2))


def press(hand, keys: str) -> None:
    """Type where the focus is, and wait until it is clear whether that was an answer."""
    hand.qtbot.keyClicks(QApplication.focusWidget() or hand.window, keys)
    quiet = hand.window.findChild(DigitKeys)._quiet
    hand.wait(lambda: not quiet.isActive())


def wait_until_learnt(hand, digit: int | None = None) -> None:
    """Wait until no lesson goes on and, if a digit is given, the drawing is read as it."""
    hand.wait(lambda: not hand.session.is_learning)
    if digit is not None:
        hand.wait(lambda: hand.session.prediction is not None and hand.session.prediction.digit == digit)


def taught(hand) -> list[int]:
    return [drawing.label for drawing in hand.session.notebook.drawings]


def learnt(hand) -> int:
    """How many drawings the copy that reads has learnt."""
    return len(hand.session._reading_aid.lesson.drawings)


def text(hand, name: str) -> str:
    return hand.widget(name).text()


# ---------------------------------------------------------------- teaching


@pytest.mark.parametrize("way", ["bar", "key"])
def test_a_wrong_reading_is_put_right(hand, folder, mnist, way):
    before = hand.session.model
    assert text(hand, "accuracyLabel") == "50.00%"
    weights = [parameter.data.copy() for parameter in before.parameters()]
    draw(hand, FLAGGED_ONE)
    assert hand.session.prediction.digit != 1
    digit = hand.session.prediction.digit
    asked = f"Is it a {digit}?" if hand.session.prediction.recognised else "Which digit is it?"
    assert text(hand, "taughtLabel") == f"{asked} Press its key or click its bar."
    if way == "bar":
        click_bar(hand, 1)
    else:
        press(hand, "1")
    assert hand.session.handwriting_state == "learning"
    assert text(hand, "taughtLabel") == "Taught as a 1."
    assert text(hand, "handwritingCheck") == "Learning your handwriting…"
    assert hand.session.reading_model is before, "the window goes on with the network it has"
    wait_until_learnt(hand, 1)
    assert text(hand, "predictionLabel") == "1"
    assert text(hand, "verdictLabel").endswith("sure\nwith your handwriting")
    assert text(hand, "handwritingCheck") == "With your handwriting (1)"
    assert hand.session.reading_model is not before
    assert hand.session.model is before
    assert all(np.array_equal(old, p.data) for old, p in zip(weights, before.parameters(), strict=True))
    (kept,) = files(folder)
    assert kept["label"] == 1
    np.testing.assert_allclose(kept["strokes"][0], hand.widget("drawingCanvas").strokes[0], atol=1e-4)

    tested = evaluate(hand.session.reading_model, mnist.test_images, mnist.test_labels)
    assert hand.session.handwriting_accuracy == pytest.approx(tested[1], abs=1e-4)
    assert f"{tested[1]:.2%} of MNIST's test digits" in hand.widget("handwritingCheck").toolTip()
    assert hand.session.meta["test_accuracy"] == 0.5
    assert text(hand, "accuracyLabel") == "50.00%", "that of the network itself"


def test_the_pretrained_network_learns_too(hand):
    hand.session.open_pretrained()
    draw(hand, *CROSS)
    wrong = next(digit for digit in (9, 6) if digit != hand.session.prediction.digit)
    click_bar(hand, wrong)
    wait_until_learnt(hand, wrong)
    assert hand.session.handwriting_accuracy > 0.97
    assert text(hand, "accuracyLabel") == "99.50%"


def test_several_drawings_are_learnt_together(hand, folder):
    for stroke, digit in ((FLAGGED_ONE, 1), (TRIANGLE, 6), (FLAGGED_ONE * 0.9, 1)):
        draw(hand, stroke)
        click_bar(hand, digit)
    wait_until_learnt(hand, 1)
    assert text(hand, "handwritingCheck") == "With your handwriting (3)"
    assert [each["label"] for each in files(folder)] == [1, 6, 1]
    draw(hand, TRIANGLE)
    assert hand.session.prediction.digit == 6
    assert "taught_drawings" not in hand.session.meta


def test_a_second_label_corrects_the_first(hand, folder):
    draw(hand, TRIANGLE)
    click_bar(hand, 6)
    press(hand, "8")
    assert taught(hand) == [8]
    wait_until_learnt(hand, 8)
    assert [each["label"] for each in files(folder)] == [8]
    assert text(hand, "taughtLabel") == "Taught as an 8."
    model = hand.session.reading_model
    click_bar(hand, 8)
    assert not hand.session.is_learning, "it is known already"
    assert taught(hand) == [8]
    assert hand.session.reading_model is model
    click_bar(hand, 5)
    wait_until_learnt(hand, 5)
    assert [each["label"] for each in files(folder)] == [5]


def test_a_stroke_more_makes_it_another_drawing(hand):
    draw(hand, CROSS[0])
    click_bar(hand, 7)
    hand.stroke(CROSS[1])
    click_bar(hand, 9)
    assert taught(hand) == [7, 9]
    wait_until_learnt(hand, 9)


def test_a_blank_canvas_teaches_nothing(hand, folder):
    bars = hand.widget("probabilityBars")

    def nothing_happens() -> None:
        assert bars.cursor().shape() == Qt.CursorShape.ArrowCursor
        assert bars.toolTip() == ""
        click_bar(hand, 3)
        press(hand, "3")
        hand.trigger("teach3Action")
        assert taught(hand) == []
        assert not hand.session.is_learning

    nothing_happens()
    draw(hand, FLAGGED_ONE)
    assert bars.cursor().shape() == Qt.CursorShape.PointingHandCursor
    assert bars.toolTip()
    hand.click("clearButton")
    click_bar(hand, 3)
    assert taught(hand) == [], "not even before the empty sheet is read"
    hand.wait(lambda: hand.session.prediction is None)
    nothing_happens()
    assert files(folder) == []


def test_a_digit_typed_into_a_field_teaches_nothing(hand):
    draw(hand, FLAGGED_ONE)
    for name in ("hiddenLayersEdit", "batchSizeSpin", "epochsSpin"):
        field = hand.widget(name)
        field.setFocus()
        field.selectAll()
        press(hand, "7")
        assert field.text() == "7"
        assert taught(hand) == []
    hand.stroke(TRIANGLE)
    press(hand, "6")
    assert field.text() == "7", "whoever has drawn is no longer in the field"
    assert taught(hand) == [6]
    wait_until_learnt(hand)


# ---------------------------------------------------------------- keys


@pytest.mark.parametrize("typed", ["0.05", "128", "10", ".5", "1e-4", "8 ", "-1", "88", "a1"])
def test_a_number_or_a_word_typed_at_the_canvas_teaches_nothing(hand, typed):
    draw(hand, FLAGGED_ONE)
    press(hand, typed)
    assert taught(hand) == []
    assert text(hand, "taughtLabel") == "Nothing taught. Press one digit alone."
    assert not hand.widget("eraserButton").isChecked(), "the e of a number is no shortcut"
    press(hand, "1")
    assert taught(hand) == [1]
    wait_until_learnt(hand, 1)


def test_typed_at_the_plot_a_digit_teaches_nothing(hand):
    draw(hand, FLAGGED_ONE)
    hand.widget("lossPlot").setFocus()
    assert text(hand, "taughtLabel").endswith(" Click its bar."), "a key would not be heard"
    press(hand, "5")
    assert taught(hand) == []
    keys = {action.shortcut().toString() for action in hand.window.findChildren(QAction)}
    assert not keys & set("0123456789"), "a digit alone is nobody's shortcut"


def test_a_key_that_is_held_down_is_one_answer(hand):
    draw(hand, FLAGGED_ONE)
    canvas = hand.widget("drawingCanvas")
    press_1 = QEvent.Type.KeyPress, Qt.Key.Key_1, Qt.KeyboardModifier.NoModifier, "1"
    for repeats in (False, True, True):
        QApplication.sendEvent(canvas, QKeyEvent(*press_1, repeats))
    assert text(hand, "taughtLabel") == "Teaching it as a 1… Esc stops it."
    press(hand, "")
    assert taught(hand) == [1]
    wait_until_learnt(hand, 1)


def test_the_numeric_keypad_answers_too(hand):
    draw(hand, FLAGGED_ONE)
    hand.qtbot.keyClick(hand.widget("drawingCanvas"), Qt.Key.Key_1, Qt.KeyboardModifier.KeypadModifier)
    press(hand, "")
    assert taught(hand) == [1]
    wait_until_learnt(hand, 1)


def test_enter_confirms_at_once_and_escape_takes_it_back(hand):
    draw(hand, FLAGGED_ONE)
    canvas = hand.widget("drawingCanvas")
    hand.qtbot.keyClicks(canvas, "7")
    hand.qtbot.keyClick(canvas, Qt.Key.Key_Escape)
    press(hand, "")
    assert taught(hand) == []
    hand.qtbot.keyClicks(canvas, "1")
    hand.qtbot.keyClick(canvas, Qt.Key.Key_Return)
    assert taught(hand) == [1]
    wait_until_learnt(hand, 1)


def test_with_control_a_digit_is_no_answer(hand):
    draw(hand, FLAGGED_ONE)
    hand.qtbot.keyClick(hand.widget("drawingCanvas"), Qt.Key.Key_1, Qt.KeyboardModifier.ControlModifier)
    press(hand, "")
    assert taught(hand) == []


def test_long_after_drawing_only_the_bars_answer(hand):
    draw(hand, FLAGGED_ONE)
    asking = hand.window.findChild(DrawPanel)._asking
    assert asking.isActive()
    asking.start(0)  # as if the time was over
    hand.wait(lambda: not asking.isActive())
    assert text(hand, "taughtLabel") == "Wrong? Click the bar of the right digit."
    press(hand, "1")
    assert taught(hand) == []
    click_bar(hand, 1)
    assert taught(hand) == [1]
    wait_until_learnt(hand, 1)


def test_an_answer_is_for_the_drawing_that_was_there(hand):
    draw(hand, FLAGGED_ONE)
    hand.qtbot.keyClicks(hand.widget("drawingCanvas"), "1")
    hand.click("clearButton")
    hand.stroke(TRIANGLE)
    hand.qtbot.keyClicks(hand.widget("drawingCanvas"), "6")
    press(hand, "")
    assert taught(hand) == [1, 6]
    assert [len(drawing.strokes[0]) for drawing in hand.session.notebook.drawings] == [3, 4]
    wait_until_learnt(hand)


def test_whoever_turns_to_a_field_has_not_answered(hand):
    draw(hand, FLAGGED_ONE)
    hand.qtbot.keyClicks(hand.widget("drawingCanvas"), "1")
    hand.widget("epochsSpin").setFocus()
    press(hand, "2")
    assert taught(hand) == []


def test_while_the_pen_is_down_a_key_answers_nothing(hand):
    draw(hand, FLAGGED_ONE)
    canvas = hand.widget("drawingCanvas")
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=QPoint(40, 40))
    press(hand, "1")
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=QPoint(60, 90))
    assert taught(hand) == []


@pytest.mark.parametrize("dots", [1, 3])
def test_a_dot_is_no_digit(hand, dots):
    for number in range(dots):
        hand.stroke(np.array([[0.3 + number / 5, 0.5]]))
    hand.wait(lambda: hand.session.prediction is not None)
    assert text(hand, "taughtLabel") == "A dot is no digit: it is not taught."
    click_bar(hand, 3)
    press(hand, "3")
    hand.session.teach(3)
    assert taught(hand) == []


def test_a_or_an(hand):
    texts = [hand.window.findChild(QAction, f"teach{digit}Action").text() for digit in (7, 8)]
    assert texts == ["It is a &7", "It is an &8"]


def test_only_a_left_click_on_a_bar_teaches(hand):
    draw(hand, FLAGGED_ONE)
    bars = hand.widget("probabilityBars")
    for button in (Qt.MouseButton.RightButton, Qt.MouseButton.MiddleButton):
        hand.qtbot.mouseClick(bars, button, pos=bars.rect().center())
    QTest.mousePress(bars, Qt.MouseButton.LeftButton, pos=bars.rect().center())
    QTest.mouseRelease(bars, Qt.MouseButton.LeftButton, pos=QPoint(bars.width() // 2, -30))
    assert taught(hand) == []


def test_each_bar_is_its_digit(hand):
    draw(hand, FLAGGED_ONE)
    bars = hand.widget("probabilityBars")
    for y in range(bars.height()):
        hand.qtbot.mouseClick(bars, Qt.MouseButton.LeftButton, pos=QPoint(5, y))
        assert taught(hand) == [y * 10 // bars.height()]
    wait_until_learnt(hand)


# ---------------------------------------------------------------- taking it back


def test_take_back(hand, folder):
    untaught, meta = hand.session.model, hand.session.meta
    before = [parameter.data.copy() for parameter in untaught.parameters()]
    assert not hand.widget("undoTeachingButton").isEnabled()
    draw(hand, FLAGGED_ONE)
    wrong = hand.session.prediction.probabilities
    click_bar(hand, 1)
    wait_until_learnt(hand, 1)
    first = hand.session.reading_model
    draw(hand, TRIANGLE)
    click_bar(hand, 6)
    wait_until_learnt(hand, 6)
    assert not same(hand.session.reading_model, first)

    hand.click("undoTeachingButton")
    assert taught(hand) == [1]
    wait_until_learnt(hand)
    assert same(hand.session.reading_model, first), "as if the second had never been"
    keys = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    hand.qtbot.keyClick(QApplication.focusWidget() or hand.window, Qt.Key.Key_T, keys)
    assert hand.session.reading_model is hand.session.model is untaught
    assert hand.session.meta == meta
    assert all(np.array_equal(old, p.data) for old, p in zip(before, hand.session.model.parameters(), strict=True))
    assert text(hand, "handwritingCheck") == "With your handwriting (none yet)"
    assert text(hand, "accuracyLabel") == "50.00%"
    assert not hand.widget("undoTeachingButton").isEnabled()
    assert files(folder) == []
    draw(hand, FLAGGED_ONE)
    assert np.array_equal(hand.session.prediction.probabilities, wrong)


def test_taken_back_while_it_is_learnt(hand, folder):
    untaught = hand.session.model
    draw(hand, FLAGGED_ONE)
    click_bar(hand, 1)
    hand.click("undoTeachingButton")
    wait_until_learnt(hand)
    assert hand.session.reading_model is untaught
    assert files(folder) == []
    click_bar(hand, 1)
    wait_until_learnt(hand, 1)
    assert taught(hand) == [1], "the same drawing can be taught again"


def test_my_hand_is_forgotten_if_i_say_so(hand, answer, folder):
    untaught = hand.session.model
    for stroke, digit in ((FLAGGED_ONE, 1), (TRIANGLE, 6)):
        draw(hand, stroke)
        click_bar(hand, digit)
    wait_until_learnt(hand, 6)
    model = hand.session.reading_model
    hand.click("handButton")

    questions = answer(BUTTONS.Cancel)
    hand.click("handForgetButton")
    assert len(questions) == 1
    assert "2 drawings" in questions[0]
    assert taught(hand) == [1, 6]
    assert hand.session.reading_model is model
    assert len(files(folder)) == 2

    answer(BUTTONS.Discard)
    hand.click("handForgetButton")
    assert taught(hand) == []
    assert hand.session.reading_model is untaught
    assert files(folder) == []
    assert labels(hand.widget("handList")) == []
    assert not hand.widget("handForgetButton").isEnabled()
    hand.click("handCloseButton")
    assert not hand.widget("handList").isVisible()


# ---------------------------------------------------------------- the list


@pytest.fixture
def listed(hand):
    """The list of three drawings, taught as 1, 6 and 9; the newest stands first."""
    for strokes, digit in (([FLAGGED_ONE], 1), ([TRIANGLE], 6), (CROSS, 9)):
        draw(hand, *strokes)
        click_bar(hand, digit)
    hand.click("handButton")
    found = hand.widget("handList")
    hand.wait(found.window().isActiveWindow)
    assert labels(found) == ["9", "6", "1"]
    return found


def labels(found) -> list[str]:
    return [index.data() for index in rows(found)]


def rows(found) -> list[QModelIndex]:
    return [found.model().index(row, 0) for row in range(found.model().rowCount())]


def choose(hand, found, row: int, key=Qt.KeyboardModifier.NoModifier) -> None:
    at = found.visualRect(rows(found)[row]).center()
    hand.qtbot.mouseClick(found.viewport(), Qt.MouseButton.LeftButton, key, at)


def test_the_chosen_drawings_are_deleted(hand, listed, folder):
    assert not hand.widget("handDeleteButton").isEnabled()
    strokes = hand.widget("drawingCanvas").strokes
    hand.qtbot.keyClick(listed, Qt.Key.Key_Delete)
    hand.click("handDeleteButton")
    assert taught(hand) == [1, 6, 9], "none was chosen"
    choose(hand, listed, 0)
    hand.click("handDeleteButton")
    assert labels(listed) == ["6", "1"]
    assert taught(hand) == [1, 6]
    assert [each["label"] for each in files(folder)] == [1, 6]
    choose(hand, listed, 0)
    choose(hand, listed, 1, Qt.KeyboardModifier.ControlModifier)
    hand.qtbot.keyClick(listed, Qt.Key.Key_Delete)
    assert labels(listed) == []
    assert taught(hand) == []
    assert files(folder) == []
    assert not hand.widget("handDeleteButton").isEnabled()
    assert hand.widget("drawingCanvas").strokes == strokes, "the drawing on the canvas stays"
    wait_until_learnt(hand)


def test_a_choice_in_the_list_outlives_the_end_of_a_lesson(hand, listed):
    assert hand.session.is_learning
    choose(hand, listed, 2)
    wait_until_learnt(hand)
    assert [index.data() for index in listed.selectedIndexes()] == ["1"]
    assert hand.widget("handDeleteButton").isEnabled()
    hand.qtbot.keyClicks(listed, "3")
    assert taught(hand) == [1, 6, 9], "a digit pressed there teaches nothing"


@pytest.mark.parametrize("way", ["button", "key", "right click"])
def test_a_label_is_corrected_in_the_list(hand, listed, folder, way):
    wait_until_learnt(hand)
    choose(hand, listed, 1)
    if way == "key":
        hand.qtbot.keyClick(listed, Qt.Key.Key_F2)
    elif way == "button":
        hand.click("handCorrectButton")
    else:
        listed.customContextMenuRequested.emit(listed.visualRect(rows(listed)[1]).center())
    hand.wait(lambda: isinstance(QApplication.activePopupWidget(), QMenu))
    menu = QApplication.activePopupWidget()
    if way == "key":
        hand.qtbot.keyClick(menu, Qt.Key.Key_8)
    else:
        eight = menu.actions()[8]
        assert eight.text() == "It is an &8"
        hand.qtbot.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(eight).center())
    assert taught(hand) == [1, 8, 9]
    assert labels(listed) == ["9", "8", "1"]
    assert [index.data() for index in listed.selectedIndexes()] == ["8"], "it stays chosen"
    assert [each["label"] for each in files(folder)] == [1, 8, 9]
    assert hand.session.is_learning, "it is learnt anew"
    wait_until_learnt(hand)
    hand.window.activateWindow()
    draw(hand, TRIANGLE)
    hand.wait(lambda: hand.session.prediction.digit == 8)


@pytest.mark.usefixtures("listed")
def test_a_drawing_corrected_in_the_list_is_still_that_on_the_canvas(hand):
    hand.session.relabel(hand.session.notebook.drawings[-1:], 4)
    assert hand.session.taught_label == 4
    click_bar(hand, 5)
    assert taught(hand) == [1, 6, 5]
    wait_until_learnt(hand)


def test_the_list_follows_what_is_taught(hand, listed):
    hand.window.activateWindow()
    hand.wait(hand.window.isActiveWindow)
    draw(hand, FLAGGED_ONE * 0.8)
    click_bar(hand, 4)
    assert labels(listed) == ["4", "9", "6", "1"]
    hand.click("undoTeachingButton")
    assert labels(listed) == ["9", "6", "1"]
    hand.click("handCloseButton")
    hand.click("undoTeachingButton")
    hand.click("handButton")
    assert labels(listed) == ["6", "1"]
    wait_until_learnt(hand)


def test_the_list_shows_each_drawing(listed):
    pictures = [index.data(Qt.ItemDataRole.DecorationRole).toImage() for index in rows(listed)]
    assert pictures[0] != pictures[1] != pictures[2] != pictures[0]
    middles = [picture.pixelColor(picture.rect().center()).lightness() for picture in pictures]
    assert middles[0] > 150, "the cross has ink in its middle"
    assert middles[1] < 50, "the triangle has none"


def test_the_list_says_how_many_are_taught(hand, monkeypatch):
    for module in ("session", "views.draw_panel", "widgets.hand_dialog"):
        monkeypatch.setattr(f"minigrad_gui.{module}.MAX_DRAWINGS", 2)
    hand.click("handButton")
    assert "No drawing has been taught yet" in text(hand, "handCountLabel")
    for stroke, digit in ((FLAGGED_ONE, 1), (TRIANGLE, 6), (TRIANGLE * 0.9, 6)):
        draw(hand, stroke)
        click_bar(hand, digit)
    wait_until_learnt(hand, 6)
    assert text(hand, "handwritingCheck") == "With your handwriting (2)"
    assert learnt(hand) == 2
    assert text(hand, "handCountLabel").startswith("Of these 3 drawings")
    assert len(labels(hand.widget("handList"))) == 3
    hand.click("undoTeachingButton")
    wait_until_learnt(hand)
    assert text(hand, "handCountLabel").startswith("These drawings were taught")
    assert learnt(hand) == 2, "the oldest is taught again"


def test_thousands_of_drawings_are_listed_and_forgotten_in_a_moment(hand, folder, answer):
    stroke = np.array([[0.5, 0.1], [0.5, 0.9]])
    drawings = [Drawing((stroke,), number % 10, f"{number:05d}.json") for number in range(5000)]
    folder.mkdir(parents=True)
    for drawing in drawings:
        (folder / drawing.name).write_text(json.dumps({"label": drawing.label, "strokes": [stroke.tolist()]}))
    hand.session.notebook.drawings = drawings
    hand.session.state = "training"  # so that nothing is learnt
    started = time.perf_counter()
    hand.click("handButton")
    found = hand.widget("handList")
    QApplication.processEvents()
    found.scrollToBottom()
    QApplication.processEvents()
    assert len(rows(found)) == 5000
    assert time.perf_counter() - started < 3, "as long as making all pictures would take is far too long"
    assert sum(bool(drawing._made) for drawing in drawings) < 500
    questions = answer(BUTTONS.Discard)
    started = time.perf_counter()
    hand.click("handForgetButton")
    assert time.perf_counter() - started < 3
    assert "5,000 drawings" in questions[0]
    assert files(folder) == []
    hand.session.state = "idle"


# ---------------------------------------------------------------- while the drawings are read


@pytest.fixture
def slow_reading(monkeypatch, folder):
    """Two drawings are there, and are not read before `slow_reading.set()`."""
    for label in (1, 7):
        Notebook(folder).add([FLAGGED_ONE * (0.5 + label / 20)], label)
    go_on, read = threading.Event(), handwriting._read_drawing

    def wait_and_read(file: Path) -> handwriting.Drawing | None:
        go_on.wait(60)
        return read(file)

    monkeypatch.setattr(handwriting, "_read_drawing", wait_and_read)
    yield go_on
    go_on.set()


def test_the_window_can_be_used_while_the_drawings_are_read(slow_reading, hand, monkeypatch, folder):
    lessons: list[list[int]] = []
    learn = handwriting.teach
    monkeypatch.setattr(
        "minigrad_gui.teaching.teach", lambda *given, **more: (lessons.append(given[2]), learn(*given, **more))[1]
    )
    hand.click("handButton")
    assert text(hand, "handCountLabel") == "Your drawings are being read…"
    assert not hand.widget("handForgetButton").isEnabled()
    hand.window.activateWindow()
    hand.wait(hand.window.isActiveWindow)
    draw(hand, TRIANGLE)
    click_bar(hand, 6)
    draw(hand, *CROSS)
    click_bar(hand, 9)
    hand.click("undoTeachingButton")
    assert taught(hand) == [6]
    assert not hand.widget("handForgetButton").isEnabled(), "what is not known yet would stay"
    assert hand.session.is_learning
    assert hand.session._lesson is None, "it would have to be begun anew"

    slow_reading.set()
    wait_until_learnt(hand)
    assert taught(hand) == [1, 7, 6]
    assert lessons == [[1, 7, 6]], "it learns once, and all of them"
    assert text(hand, "handwritingCheck") == "With your handwriting (3)"
    assert labels(hand.widget("handList")) == ["6", "7", "1"]
    assert hand.widget("handForgetButton").isEnabled()
    assert [each["label"] for each in files(folder)] == [1, 7, 6]
    draw(hand, *CROSS)
    click_bar(hand, 6)
    press(hand, "9")
    assert taught(hand) == [1, 7, 6, 9]
    wait_until_learnt(hand)


def test_the_hand_can_be_forgotten_while_the_drawings_are_read(slow_reading, hand, folder):
    untaught = hand.session.model
    started = threading.Timer(0.1, slow_reading.set)  # forgetting looks at each drawing, too
    started.start()
    hand.session.forget_hand()
    started.join()
    hand.session._teaching_thread.quit()
    assert hand.session._teaching_thread.wait(10_000)
    QCoreApplication.sendPostedEvents()
    QApplication.processEvents()
    assert taught(hand) == []
    assert hand.session.model is untaught
    assert files(folder) == []


def test_the_window_can_be_closed_while_the_drawings_are_read(make_hand, folder, monkeypatch):
    for label in (1, 7, 3):
        Notebook(folder).add([FLAGGED_ONE], label)
    reading, read = [threading.Event(), threading.Event()], handwriting._read_drawing
    seen: list[str] = []

    def wait_and_read(file: Path) -> handwriting.Drawing | None:
        seen.append(file.name)
        reading[0].set()
        reading[1].wait(60)
        return read(file)

    monkeypatch.setattr(handwriting, "_read_drawing", wait_and_read)
    hand = make_hand()
    hand.wait(reading[0].is_set)
    threading.Timer(0.1, reading[1].set).start()
    hand.window.close()
    assert hand.window.has_ended
    assert len(seen) == 1, "the others are not read any more"
    QCoreApplication.sendPostedEvents()
    QApplication.processEvents()
    assert taught(hand) == []
    assert len(files(folder)) == 3


def test_a_window_that_is_closed_before_it_was_shown_reads_nothing(qtbot, folder):
    Notebook(folder).add([FLAGGED_ONE], 1)
    window = MainWindow()
    qtbot.addWidget(window)
    window.close()
    QApplication.processEvents()
    assert not window.session._teaching_thread.isRunning()


# ---------------------------------------------------------------- the next time, other networks, training


def test_the_next_window_knows_my_hand(hand, make_window, folder):
    draw(hand, FLAGGED_ONE)
    click_bar(hand, 1)
    hand.window.close()  # at once: learning was not waited for
    assert len(files(folder)) == 1

    hand = type(hand)(make_window(), hand.qtbot)
    hand.wait(lambda: hand.session.handwriting_state == "on")
    draw(hand, FLAGGED_ONE)
    assert hand.session.prediction.with_handwriting, "the pretrained network is read with my handwriting by default"
    assert hand.session.prediction.digit == 1
    assert text(hand, "accuracyLabel") == "99.50%"
    hand.click("undoTeachingButton")
    assert same(hand.session.reading_model, load_model(data.asset_path("pretrained.npz"))[0])


def test_what_is_saved_is_what_was_trained(hand, small_file, tmp_path):
    draw(hand, FLAGGED_ONE)
    click_bar(hand, 1)
    wait_until_learnt(hand, 1)
    hand.session.save(tmp_path / "mine.npz")
    model, meta = load_model(tmp_path / "mine.npz")
    assert same(model, load_model(small_file)[0])
    assert meta == {"test_accuracy": 0.5}


def test_my_handwriting_is_saved_when_i_ask_for_it_and_the_file_says_so(hand, tmp_path, monkeypatch, mnist):
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "mine.npz"), ""))
    save = hand.window.findChild(QAction, "saveWithHandwritingAction")
    assert not save.isEnabled()
    draw(hand, FLAGGED_ONE)
    click_bar(hand, 1)
    assert not save.isEnabled(), "it has not been learnt yet"
    wait_until_learnt(hand, 1)
    before, path = hand.session.model, hand.session.path
    save.trigger()
    assert hand.session.model is before
    assert hand.session.path == path
    assert not hand.session.modified
    model, meta = load_model(tmp_path / "mine.npz")
    assert same(model, hand.session.reading_model)
    assert predict(model, hand.session.picture[np.newaxis]).argmax() == 1
    assert meta["taught_drawings"] == 1
    assert meta["test_accuracy"] == evaluate(model, mnist.test_images, mnist.test_labels)[1] > 0.5

    hand.window.open(tmp_path / "mine.npz")
    assert text(hand, "accuracyLabel") == f"{meta['test_accuracy']:.2%}"
    assert captions(hand, "test accuracy, 1 drawing learnt")
    assert not hand.widget("handwritingCheck").isChecked()
    hand.click("keepWeightsCheck")
    hand.train(hidden="64")
    assert hand.session.meta["taught_drawings"] == 1, "what goes on from it began with my handwriting"
    hand.session.save(tmp_path / "later.npz")
    assert load_model(tmp_path / "later.npz")[1]["taught_drawings"] == 1


def test_my_handwriting_saved_over_the_network_leaves_that_unsaved(hand, small_file, tmp_path):
    shutil.copy(small_file, tmp_path / "mine.npz")
    hand.window.open(tmp_path / "mine.npz")
    click_check(hand)
    draw(hand, FLAGGED_ONE)
    click_bar(hand, 1)
    wait_until_learnt(hand, 1)
    hand.session.save_with_handwriting(tmp_path / "mine.npz")
    assert hand.window.isWindowModified(), "the network as it was trained is in no file now"
    hand.session.save(tmp_path / "mine.npz")
    assert same(load_model(tmp_path / "mine.npz")[0], load_model(small_file)[0])


def test_without_my_handwriting_there_is_nothing_to_save_with_it(hand, tmp_path):
    with pytest.raises(ModelFileError, match="has not been learnt"):
        hand.session.save_with_handwriting(tmp_path / "mine.npz")
    assert not (tmp_path / "mine.npz").exists()


@pytest.mark.parametrize("told", ["3", 2.5, -1, True, None, [1]])
def test_a_file_that_tells_nonsense_of_drawings_tells_nothing(hand, tmp_path, small_file, told):
    save_model(tmp_path / "odd.npz", load_model(small_file)[0], {"taught_drawings": told, "test_accuracy": 0.5})
    hand.window.open(tmp_path / "odd.npz")
    assert captions(hand, "test accuracy")


def captions(hand, wanted: str) -> list[QLabel]:
    return [label for label in hand.window.findChildren(QLabel) if label.text() == wanted]


# ---------------------------------------------------------------- experiments stay what they are


def test_three_steps_of_training_stay_what_they_are(hand):
    """What was taught lies beside the network: neither its weights nor its accuracy change."""
    for _ in range(3):
        steps = len(hand.session.history)
        hand.click("stepButton")
        hand.wait(lambda steps=steps: len(hand.session.history) > steps)
    hand.click("stopButton")
    hand.wait(lambda: hand.session.state == "idle")
    trained, losses = hand.session.model, hand.session.history.losses.tolist()
    weights = [parameter.data.copy() for parameter in trained.parameters()]
    accuracy = text(hand, "accuracyLabel")
    assert float(accuracy.rstrip("%")) < 50
    assert not hand.widget("handwritingCheck").isChecked(), "nobody has asked for it with this network"
    draw(hand, FLAGGED_ONE)
    click_bar(hand, 1)
    assert taught(hand) == [1]
    assert not hand.session.is_learning
    assert text(hand, "taughtLabel") == "Kept as a 1. Tick “With your handwriting” to read with it."
    assert not hand.session.prediction.with_handwriting

    click_check(hand)
    hand.wait(lambda: hand.session.handwriting_state == "on")
    hand.wait(lambda: hand.session.prediction.with_handwriting)
    assert hand.session.handwriting_accuracy > float(accuracy.rstrip("%")) / 100 + 0.1
    assert hand.session.model is trained
    assert all(np.array_equal(old, p.data) for old, p in zip(weights, trained.parameters(), strict=True))
    assert text(hand, "accuracyLabel") == accuracy
    assert hand.session.history.losses.tolist() == losses
    click_check(hand)
    hand.wait(lambda: not hand.session.prediction.with_handwriting)
    assert hand.session.reading_model is trained


def test_an_opened_file_is_not_taught_unasked(hand, small_file):
    draw(hand, FLAGGED_ONE)
    click_bar(hand, 1)
    wait_until_learnt(hand, 1)
    hand.window.open(small_file)
    assert not hand.session.is_learning
    assert hand.session.reading_model is hand.session.model
    assert not hand.widget("handwritingCheck").isChecked()
    assert text(hand, "handwritingCheck") == "With your handwriting (1)"
    hand.wait(lambda: not hand.session.prediction.with_handwriting)
    assert "with" not in text(hand, "verdictLabel")


def test_switching_on_and_off_learns_once(hand):
    draw(hand, FLAGGED_ONE)
    click_bar(hand, 1)
    wait_until_learnt(hand, 1)
    copy = hand.session.reading_model
    hand.trigger("handwritingAction")
    assert not hand.widget("handwritingCheck").isChecked()
    assert hand.session.reading_model is hand.session.model
    hand.wait(lambda: hand.session.prediction.digit != 1)
    check = hand.widget("handwritingCheck")
    check.setFocus()
    hand.qtbot.keyClick(check, Qt.Key.Key_Space)
    assert hand.session.reading_model is copy
    assert hand.session.handwriting_state == "on"
    assert not hand.session.is_learning
    hand.wait(lambda: hand.session.prediction.digit == 1)


def test_switched_off_while_it_learns_nothing_comes_of_it(hand):
    draw(hand, FLAGGED_ONE)
    click_bar(hand, 1)
    click_check(hand)
    wait_until_learnt(hand)
    assert hand.session.handwriting_state == "off"
    assert hand.session.reading_model is hand.session.model
    click_check(hand)
    wait_until_learnt(hand, 1)


def test_the_choice_for_the_pretrained_network_is_remembered(make_hand):
    hand = make_hand()
    assert hand.widget("handwritingCheck").isChecked()
    click_check(hand)
    hand.window.close()
    hand = make_hand()
    assert not hand.widget("handwritingCheck").isChecked()
    click_check(hand)
    hand.window.close()
    assert make_hand().widget("handwritingCheck").isChecked()


def test_a_network_in_training_reads_by_itself(hand):
    draw(hand, FLAGGED_ONE)
    hand.configure(hidden="32", epochs=1000)
    hand.click("trainButton")
    hand.wait(lambda: len(hand.session.history) > 0 and hand.session.model.sizes == (784, 32, 10))
    assert not hand.widget("handwritingCheck").isChecked(), "it is another network"
    click_bar(hand, 1)
    assert taught(hand) == [1]
    assert text(hand, "taughtLabel") == "Kept as a 1. A network in training reads by itself."
    click_check(hand)
    assert not hand.session.is_learning
    assert text(hand, "handwritingCheck") == "Your handwriting, after the run"
    before = len(hand.session.history)
    hand.wait(lambda: len(hand.session.history) > before + 100)
    assert hand.session.state == "training"
    assert hand.session.reading_model is hand.session.model
    assert not hand.session.prediction.with_handwriting
    hand.click("stopButton")
    hand.wait(lambda: hand.session.state == "idle")
    assert hand.session.is_learning
    trained = hand.session.model
    wait_until_learnt(hand, 1)
    assert hand.session.model is trained
    hand.click("undoTeachingButton")
    assert hand.session.reading_model is trained


def test_a_run_that_comes_to_nothing_leaves_my_handwriting_on(hand, monkeypatch, warnings):
    draw(hand, FLAGGED_ONE)
    click_bar(hand, 1)
    wait_until_learnt(hand, 1)
    copy = hand.session.reading_model

    def fail(*_: object) -> None:
        raise data.DataError("The digits are gone.")

    monkeypatch.setattr(data, "load", fail)
    hand.click("trainButton")
    hand.wait(lambda: len(warnings) == 1)
    assert hand.session.reading_model is copy
    hand.wait(lambda: hand.session.prediction.with_handwriting)


def test_training_begun_during_a_lesson_goes_its_way(hand):
    """The same mini-batches have the same losses with a lesson and without."""

    def losses() -> list[float]:
        hand.train(hidden="16")
        return hand.session.history.losses.tolist()

    alone = losses()
    click_check(hand)
    draw(hand, FLAGGED_ONE)
    click_bar(hand, 1)
    assert hand.session.is_learning
    with_a_lesson = losses()
    assert not hand.session.uses_handwriting
    if hand.session.preparation.blas_threads == 1:  # it decides the last digit of a sum
        assert with_a_lesson == alone
    np.testing.assert_allclose(with_a_lesson, alone, rtol=1e-2)
    wait_until_learnt(hand)


def test_a_run_goes_on_from_the_network_without_my_handwriting(hand):
    untaught = hand.session.model
    draw(hand, FLAGGED_ONE)
    click_bar(hand, 1)
    wait_until_learnt(hand, 1)
    hand.click("keepWeightsCheck")
    hand.configure(hidden="64")
    hand.click("stepButton")
    assert hand.session._job.start_from is untaught
    hand.click("stopButton")
    hand.wait(lambda: hand.session.state == "idle")
    assert "taught_drawings" not in hand.session.meta


def test_the_network_from_before_a_run_learns_again(hand):
    draw(hand, FLAGGED_ONE)
    click_bar(hand, 1)
    wait_until_learnt(hand, 1)
    copy = hand.session.reading_model
    hand.train(hidden="8")
    assert not hand.session.is_learning
    assert hand.session.model.sizes == (784, 8, 10)
    hand.trigger("backAction")
    assert hand.widget("handwritingCheck").isChecked()
    wait_until_learnt(hand, 1)
    assert same(hand.session.reading_model, copy)
    hand.trigger("backAction")
    assert not hand.widget("handwritingCheck").isChecked()
    assert hand.session.reading_model is hand.session.model


# ---------------------------------------------------------------- impatience, and what goes wrong


def test_ten_clicks_in_a_row_settle_with_the_last(hand, folder):
    draw(hand, TRIANGLE)
    for digit in (0, 1, 2, 3, 4, 5, 6, 7, 9, 8):
        click_bar(hand, digit)
    assert taught(hand) == [8]
    wait_until_learnt(hand, 8)
    assert [each["label"] for each in files(folder)] == [8]
    assert text(hand, "handwritingCheck") == "With your handwriting (1)"


@pytest.mark.parametrize("clicks", [1, 10])
def test_the_window_can_be_closed_while_it_learns(hand, monkeypatch, clicks):
    monkeypatch.setattr(handwriting, "STEPS", 20_000)  # far longer than anybody would wait
    draw(hand, TRIANGLE)
    started = threading.Event()
    hand.session._teacher._digits = lambda: (started.set(), TeachingWorker._digits(hand.session._teacher))[1]
    for digit in range(clicks):
        click_bar(hand, digit)
    hand.wait(started.is_set)
    begun = time.perf_counter()
    hand.window.close()
    assert time.perf_counter() - begun < 2
    assert not hand.session._teaching_thread.isRunning()
    QCoreApplication.sendPostedEvents()
    QApplication.processEvents()
    assert not hand.session._teaching_thread.isRunning(), "what was left to learn is not begun"


def test_a_lesson_that_fails_is_told_and_the_network_stays(hand, warnings, monkeypatch):
    errors = [MemoryError(), ZeroDivisionError("by zero"), data.DataError("The digits are gone.")]

    def fail(*_: object, **__: object) -> None:
        raise errors[len(warnings)]

    before = hand.session.model
    draw(hand, TRIANGLE)
    with monkeypatch.context() as broken:
        broken.setattr("minigrad_gui.teaching.teach", fail)
        for count in (1, 2, 3):
            click_bar(hand, count)
            wait_until_learnt(hand)
            hand.wait(lambda count=count: len(warnings) == count)
            assert hand.session.reading_model is before
            assert text(hand, "handwritingCheck") == "With your handwriting (not learnt)"
    assert ["memory" in warnings[0], "by zero" in warnings[1], warnings[2]] == [True, True, "The digits are gone."]
    assert all(warning.endswith(".") for warning in warnings)
    click_bar(hand, 6)
    wait_until_learnt(hand, 6)
    assert len(warnings) == 3


@pytest.fixture
def no_folder(tmp_path, monkeypatch):
    """Nothing can be written where drawings are kept."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file" / "data"))


@pytest.mark.usefixtures("no_folder")
def test_where_drawings_cannot_be_kept_they_are_learnt_all_the_same(hand, warnings):
    untaught = hand.session.model
    draw(hand, FLAGGED_ONE)
    click_bar(hand, 1)
    assert len(warnings) == 1
    assert "will be forgotten when you leave" in warnings[0]
    wait_until_learnt(hand, 1)
    assert text(hand, "handwritingCheck") == "With your handwriting (1)"
    hand.click("undoTeachingButton")
    assert hand.session.reading_model is untaught
    assert text(hand, "handwritingCheck") == "With your handwriting (none yet)"
    assert len(warnings) == 1


def test_damaged_files_do_not_keep_the_window_from_opening(make_window, folder, qtbot):
    folder.mkdir(parents=True)
    (folder / "1.json").write_text('{"label": 1, "strokes": [[[1' + 400 * "0" + ", 0]]]}")
    (folder / "2.json").write_text('{"label": 1, "strokes": [[[-1e308, 0], [1e308, 1]]]}')
    window = make_window()
    qtbot.waitUntil(lambda: not window.session.is_learning, timeout=30_000)
    assert window.session.notebook.drawings == []
    assert len(list(folder.iterdir())) == 2


def test_two_windows_share_the_drawings(hand, make_window, small_file, folder):
    first, second = hand, type(hand)(make_window(), hand.qtbot)
    second.window.open(small_file)
    for hand, digit in ((first, 1), (second, 7)):
        draw(hand, FLAGGED_ONE)
        click_bar(hand, digit)
    assert [drawing.label for drawing in Notebook(folder).read()] == [1, 7]
    first.click("undoTeachingButton")
    assert [drawing.label for drawing in Notebook(folder).read()] == [7]
    assert taught(second) == [7]
    for hand in (first, second):
        wait_until_learnt(hand)


def test_two_windows_that_learn_at_once_leave_the_blas_threads_as_they_were(make_window, qtbot):
    def threads() -> list[int]:
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    before = threads()
    sessions = [make_window().session for _ in range(2)]
    for session in sessions:
        session.set_drawing([FLAGGED_ONE])
        session.teach(1)
    qtbot.waitUntil(lambda: not any(session.is_learning for session in sessions), timeout=20_000)
    assert threads() == before


def test_a_drawing_that_was_undone_and_redone_is_still_the_same(hand):
    draw(hand, FLAGGED_ONE)
    hand.session.teach(3)
    hand.trigger("undoAction")
    hand.trigger("redoAction")
    hand.session.teach(1)
    assert taught(hand) == [1]


def test_a_correction_that_cannot_be_made_leaves_the_first_label(hand, warnings, monkeypatch):
    draw(hand, FLAGGED_ONE)
    hand.session.teach(3)

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(handwriting, "replacing", refuse)
    hand.session.teach(1)
    assert taught(hand) == [3]
    assert "could not be corrected" in warnings[0]
    assert len(warnings) == 1
    wait_until_learnt(hand)


def test_return_forgets_nothing(hand, monkeypatch):
    draw(hand, FLAGGED_ONE)
    click_bar(hand, 1)
    wait_until_learnt(hand, 1)
    monkeypatch.setattr(QMessageBox, "exec", lambda box: box.defaultButton().click())
    hand.click("handButton")
    hand.click("handForgetButton")
    assert taught(hand) == [1]
