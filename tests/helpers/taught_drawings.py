"""What tests of taught drawings do with the window and look at."""

import json
from pathlib import Path

import numpy as np
from PySide6.QtCore import QModelIndex, QPoint, Qt
from PySide6.QtWidgets import QApplication, QLabel, QMessageBox

from minigrad_gui.widgets.digit_keys import DigitKeys

FLAGGED_ONE = np.array([[0.2, 0.55], [0.55, 0.12], [0.55, 0.88]])
TRIANGLE = np.array([[0.5, 0.15], [0.85, 0.85], [0.15, 0.85], [0.5, 0.15]])
CROSS = np.array([[0.2, 0.2], [0.8, 0.8]]), np.array([[0.8, 0.2], [0.2, 0.8]])
BUTTONS = QMessageBox.StandardButton


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
    """Type into the focused widget, and no more for a moment: it is decided whether that was an answer."""
    user.qtbot.keyClicks(QApplication.focusWidget() or user.window, keys)
    pass_a_moment(user)


def pass_a_moment(user) -> None:
    """As if a moment had passed since the last key."""
    quiet = user.window.findChild(DigitKeys)._quiet
    if quiet.isActive():
        quiet.start(0)
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


def captions(user, wanted: str) -> list[QLabel]:
    return [label for label in user.window.findChildren(QLabel) if label.text() == wanted]


def labels(found) -> list[str]:
    return [index.data() for index in rows(found)]


def rows(found) -> list[QModelIndex]:
    return [found.model().index(row, 0) for row in range(found.model().rowCount())]
