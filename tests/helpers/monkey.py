"""A monkey test: clicks, drags, turns the wheel, types and presses keys in a seeded random order.

A timer acts on whichever dialog or menu is in front. After each action the monkey checks the state of the window. The
same seed makes the same choices, provided that training takes the same time.
"""

import math
import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, QEventLoop, QObject, QPoint, QPointF, QRect, Qt, QTimer
from PySide6.QtGui import QAction, QCloseEvent, QGuiApplication, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QLineEdit,
    QMenu,
    QMenuBar,
    QMessageBox,
    QPushButton,
    QSplitterHandle,
    QWidget,
)
from shiboken6 import isValid

from minigrad_gui.main_window import MainWindow
from minigrad_gui.widgets.probability_bars import ProbabilityBars

ANSWER_INTERVAL_MS = 10
MOST_PAUSE_MS = 25
RESPONSE_LIMIT_S = 5.0
REMEMBERED_ACTIONS = 30
SIZES_PX = ((200, 150), (900, 600), (1280, 820), (1900, 1000), (3000, 400))
KEYS = (
    *("Tab", "Shift+Tab", "Return", "Enter", "Esc", "Space", "Backspace", "Del", "Left", "Right", "Up", "Down"),
    *("Home", "End", "PgUp", "PgDown", "F5", "F6", "F7", "F8", "Shift+Down", "Shift+F10", ".", ",", "-"),
    *"ABELTSZ0123456789",
)
HOSTILE_TEXTS = (
    *("", " ", "16", "8, 8", "24 x 12", "0", "-1", "1e-3", "0,5", "abc", "1e999", "nan", "inf", "١٦", "🙂" * 20, "\0"),
    *("9" * 400, "16, " * 200, "<b>16</b>", "%s%n", "'; drop", "1\n2"),
)
MOUSE_BUTTONS = 3 * (Qt.MouseButton.LeftButton,) + (Qt.MouseButton.RightButton,)
NO_KEYS = Qt.KeyboardModifier.NoModifier


class Monkey(QObject):
    """Plays with a window. exceptions: the list in which the caller collects exceptions raised in slots.

    paths: what it picks in file dialogs. The window stays open until `run` is over: a close without a question is
    refused, and the question before quitting is answered with Cancel.
    """

    def __init__(self, window: MainWindow, seed: int, paths: Sequence[Path], exceptions: Sequence[Any]) -> None:
        super().__init__()
        self.actions_taken = 0
        self.slowest_response_s = 0.0
        self._window, self._session = window, window.session
        self._seed, self._random = seed, random.Random(seed)
        self._paths, self._exceptions = paths, exceptions
        self._told: deque[str] = deque(maxlen=REMEMBERED_ACTIONS)
        self._taught = len(self._session.drawing_store.drawings)
        self._ways: dict[Callable[[], None], int] = {
            self._click_a_button: 10,
            self._click_a_digit: 2,
            self._draw: 6,
            self._click_anywhere: 8,
            self._drag_anywhere: 5,
            self._double_click: 2,
            self._wheel: 4,
            self._press_a_key: 10,
            self._press_a_shortcut: 5,
            self._choose_from_a_menu: 5,
            self._type_into_a_field: 4,
            self._resize: 1,
            self._wait_and_watch: 2,
        }
        self._timer = QTimer(self, singleShot=True, interval=ANSWER_INTERVAL_MS)
        self._timer.timeout.connect(self._answer)

    def run(self, *, actions: float = math.inf, seconds: float = math.inf) -> None:
        """Take so many actions, or play for this long.

        Raises AssertionError with the seed and the last actions if something is wrong.
        """
        self._session.handwritingChanged.connect(self._count_drawings)
        self._window.installEventFilter(self)
        self._timer.start()
        end = time.monotonic() + seconds
        try:
            while self.actions_taken < actions and time.monotonic() < end:
                self._act()
                self._run_event_loop(self._random.randrange(MOST_PAUSE_MS))
                self._check()
        except AssertionError as error:
            last = "\n  ".join(self._told)
            raise AssertionError(f"{error}\nseed {self._seed}, action {self.actions_taken}:\n  {last}") from error
        finally:
            self._leave()

    def _leave(self) -> None:
        """End the run and answer open dialogs."""
        self._session.stop()
        while self._session.state != "idle" or QApplication.activePopupWidget() or QApplication.activeModalWidget():
            self._run_event_loop(ANSWER_INTERVAL_MS)
        self._timer.stop()
        self._window.removeEventFilter(self)
        self._session.handwritingChanged.disconnect(self._count_drawings)

    def _count_drawings(self) -> None:
        self._taught = len(self._session.drawing_store.drawings)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: ARG002
        """Refuse to close the window when it would not ask first."""
        session = self._session
        asks = session.can_keep_run or session.modified or session.previous_is_unsaved
        if isinstance(event, QCloseEvent) and not asks:
            event.ignore()
            return True
        return False

    # ------------------------------------------------------------ checks

    def _run_event_loop(self, milliseconds: int) -> None:
        """Let the window and the training work, and measure how late the window responds."""
        loop, begun = QEventLoop(), time.perf_counter()
        QTimer.singleShot(milliseconds, loop.quit)
        loop.exec()
        self.slowest_response_s = max(self.slowest_response_s, time.perf_counter() - begun - milliseconds / 1000)

    def _check(self) -> None:
        session, window = self._session, self._window
        assert not self._exceptions, f"it raised {self._exceptions[0][:2]}"
        assert self.slowest_response_s < RESPONSE_LIMIT_S, f"no answer for {self.slowest_response_s:.1f} s"
        assert window.isVisible(), "the window is gone"
        assert session.model is not None, "the network is gone"
        assert session.state in ("idle", "training", "paused")
        idle, can_start = session.state == "idle", session.config_error is None
        for name, enabled in {
            "train": idle and can_start,
            "pause": not idle,
            "step": (idle and can_start) or session.state == "paused",
            "stop": not idle,
        }.items():
            button, action = window.findChild(QPushButton, f"{name}Button"), window.findChild(QAction, f"{name}Action")
            assert button.isEnabled() == action.isEnabled() == enabled, f"{name} while {session.state}"
        if session.prediction is not None:
            assert np.isfinite(session.prediction.probabilities).all()
            assert np.isclose(session.prediction.probabilities.sum(), 1, atol=1e-4)
        drawings, folder = session.drawing_store.drawings, session.drawing_store.folder
        assert len(drawings) == self._taught, "drawings changed without a signal"
        session.drawing_store.flush()
        stored = {file.name for file in folder.glob("*.json")}
        assert stored == {drawing.name for drawing in drawings}, "the folder holds other drawings than the window"
        strokes = window.findChild(QWidget, "drawingCanvas").strokes
        assert all((stroke >= 0).all() and (stroke <= 1).all() for stroke in strokes), "ink beyond the paper"

    # ------------------------------------------------------------ acting

    def _act(self) -> None:
        self.actions_taken += 1
        (way,) = self._random.choices([*self._ways], [*self._ways.values()])
        way()

    def _tell(self, what: str) -> None:
        self._told.append(what)

    def _answer(self) -> None:
        """Act on the menu or dialog in front, if there is one."""
        self._timer.start()  # first of all: a click here may open another dialog and return only when that is closed
        front = QApplication.activePopupWidget() or QApplication.activeModalWidget()
        if front is None or not front.isVisible():
            return
        if isinstance(front, QMenu):
            self._answer_menu(front)
        elif isinstance(front, QMessageBox):
            self._answer_question(front)
        elif isinstance(front, QFileDialog):
            self._answer_file_dialog(front)
        else:
            key = self._random.choice((Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Down, Qt.Key.Key_End))
            self._tell(f"  {key.name} in {_named(front)}")
            QTest.keyClick(front, key)

    def _answer_menu(self, menu: QMenu) -> None:
        choices = [action for action in menu.actions() if action.isEnabled() and not action.isSeparator()]
        if not choices or self._random.random() < 0.2:
            self._tell("  Escape from a menu")
            QTest.keyClick(menu, Qt.Key.Key_Escape)
            return
        chosen = self._random.choice(choices)
        self._tell(f"  the menu's {chosen.text()}")
        QTest.mouseClick(menu, Qt.MouseButton.LeftButton, NO_KEYS, menu.actionGeometry(chosen).center())

    def _answer_question(self, question: QMessageBox) -> None:
        buttons = question.buttons()
        text = question.text()
        if text.startswith(("Quit while", "You restored")) or text.endswith("before you quit?"):
            buttons = [each for each in buttons if question.buttonRole(each) == QMessageBox.ButtonRole.RejectRole]
        button = self._random.choice(buttons)
        self._tell(f"  {button.text()} to {question.text()[:60]!r}")
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)

    def _answer_file_dialog(self, dialog: QFileDialog) -> None:
        path = self._random.choice(self._paths)
        field = dialog.findChild(QLineEdit, "fileNameEdit")
        if field is None or self._random.random() < 0.3:
            self._tell("  Escape from the file dialog")
            QTest.keyClick(dialog, Qt.Key.Key_Escape)
            return
        self._tell(f"  {path} in the file dialog")
        field.setText(str(path))
        QTest.keyClick(field, Qt.Key.Key_Return)

    # ------------------------------------------------------------ what a user can do

    def _visible(self, kind: type[QWidget]) -> list[QWidget]:
        """The visible and enabled widgets of all windows, in a deterministic order."""
        windows = [window for window in (self._window, *self._window.findChildren(QWidget)) if window.isWindow()]
        return [
            widget
            for window in windows
            if window.isVisible() and not isinstance(window, QMenu)
            for widget in window.findChildren(kind)
            if widget.isVisible() and widget.isEnabled() and not widget.visibleRegion().isEmpty()
        ]

    def _point(self, widget: QWidget) -> QPoint:
        """A random point on the visible part of a widget, in window coordinates."""
        seen: QRect = widget.visibleRegion().boundingRect()
        at = QPoint(
            self._random.randint(seen.left(), seen.right()),
            self._random.randint(seen.top(), seen.bottom()),
        )
        return widget.mapTo(widget.window(), at)

    def _mouse(self, widget: QWidget, *points: QPoint, button: Qt.MouseButton = Qt.MouseButton.LeftButton) -> None:
        """Press at the first of these window coordinates, move along them, and release at the last."""
        handle = widget.window().windowHandle()
        QTest.mouseMove(handle, points[0])
        QTest.mousePress(handle, button, NO_KEYS, points[0])
        for point in points[1:]:
            QTest.mouseMove(handle, point)
        if isValid(handle):  # else what was pressed has closed its window
            QTest.mouseRelease(handle, button, NO_KEYS, points[-1])

    def _click_a_button(self) -> None:
        self._click(self._random.choice(self._visible(QPushButton) or [self._window]))  # all may be scrolled away

    def _click_a_digit(self) -> None:
        self._click(self._random.choice(self._visible(ProbabilityBars) or [self._window]))

    def _click_anywhere(self) -> None:
        self._click(self._random.choice(self._visible(QWidget)), self._random.choice(MOUSE_BUTTONS))

    def _click(self, widget: QWidget, button: Qt.MouseButton = Qt.MouseButton.LeftButton) -> None:
        point = self._point(widget)
        self._tell(f"click {_named(widget)} at {point.toTuple()}, {button.name}")
        self._mouse(widget, point, button=button)

    def _double_click(self) -> None:
        widget = self._random.choice(self._visible(QWidget))
        point = self._point(widget)
        self._tell(f"double click {_named(widget)} at {point.toTuple()}")
        QTest.mouseDClick(widget.window().windowHandle(), Qt.MouseButton.LeftButton, NO_KEYS, point)

    def _drag_anywhere(self) -> None:
        kind = self._random.choice((QWidget, QWidget, QSplitterHandle))
        widget = self._random.choice(self._visible(kind) or [self._window])
        points = [self._point(widget)] + [self._point(widget.window()) for _ in range(self._random.randint(1, 5))]
        self._tell(f"drag {_named(widget)} along {[point.toTuple() for point in points]}")
        self._mouse(widget, *points)

    def _draw(self) -> None:
        canvas = self._window.findChild(QWidget, "drawingCanvas")
        if not canvas.visibleRegion().isEmpty():
            points = [self._point(canvas) for _ in range(self._random.randint(1, 12))]
            self._tell(f"draw {len(points)} points")
            self._mouse(canvas, *points)

    def _wheel(self) -> None:
        widget = self._random.choice(self._visible(QWidget))
        turn = self._random.choice((-1200, -120, -15, 15, 120, 1200))
        self._tell(f"wheel {turn} over {_named(widget)}")
        QTest.wheelEvent(widget.window().windowHandle(), QPointF(self._point(widget)), QPoint(0, turn))

    def _press_a_key(self) -> None:
        self._press(QKeySequence(self._random.choice(KEYS)))

    def _press_a_shortcut(self) -> None:
        actions = self._window.findChildren(QAction)
        self._press(self._random.choice([keys for action in actions for keys in action.shortcuts()]))

    def _press(self, keys: QKeySequence) -> None:
        self._tell(f"press {keys.toString()} in {_named(QApplication.focusWidget())}")
        target = QGuiApplication.focusWindow() or self._window.windowHandle()
        QTest.keyClick(target, keys[0].key(), keys[0].keyboardModifiers())

    def _choose_from_a_menu(self) -> None:
        """Click a menu title; `_answer` chooses from the menu."""
        bar = self._window.findChild(QMenuBar)
        title = self._random.choice(bar.actions())
        self._tell(f"menu {title.text()}")
        self._mouse(bar, bar.mapTo(self._window, bar.actionGeometry(title).center()))
        self._run_event_loop(2 * ANSWER_INTERVAL_MS)

    def _type_into_a_field(self) -> None:
        fields = self._visible(QLineEdit)
        if not fields:
            return
        field, text = self._random.choice(fields), self._random.choice(HOSTILE_TEXTS)
        self._tell(f"paste {text[:20]!r} into {_named(field)}")
        self._mouse(field, self._point(field))
        QGuiApplication.clipboard().setText(text)
        for key in (Qt.Key.Key_A, Qt.Key.Key_V):
            QTest.keyClick(field, key, Qt.KeyboardModifier.ControlModifier)
        if self._random.random() < 0.5:
            QTest.keyClick(field, Qt.Key.Key_Return)

    def _resize(self) -> None:
        size = self._random.choice(SIZES_PX)
        self._tell(f"resize to {size}")
        self._window.resize(*size)

    def _wait_and_watch(self) -> None:
        """Wait a moment, so that training makes progress."""
        self._tell("wait")
        self._run_event_loop(10 * MOST_PAUSE_MS)


def _named(widget: QWidget | None) -> str:
    return "nothing" if widget is None else widget.objectName() or type(widget).__name__
