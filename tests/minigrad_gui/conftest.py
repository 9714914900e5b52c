"""For every test of the app: fresh settings, and no thread, timer or dialog left behind."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, repeat
from pathlib import Path
from time import monotonic

import numpy as np
import pytest
from leaks import Leaks
from mnist_digits import first_digits, mnist, replace_mnist
from pretrained import copy_or_load
from PySide6.QtCore import QLocale, QPoint, QPointF, QSettings, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QFileDialog, QMessageBox, QWidget
from pytestqt.exceptions import TimeoutError
from pytestqt.qtbot import QtBot
from some_views import PANELS, some_views

from engine import calibration
from minigrad_gui import data, handwriting, worker
from minigrad_gui.exchange import measuring
from minigrad_gui.insight import prototypes
from minigrad_gui.layer_sizes import parse_hidden
from minigrad_gui.main_window import MainWindow
from minigrad_gui.reader import Prediction
from minigrad_gui.session import facade, network
from minigrad_gui.views import VIEWS
from minigrad_gui.views.view import Docked, View


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """No thread, timer, job, dialog or other window outlives its test (autouse fixtures are the last to end)."""
    leaks = Leaks()
    yield
    assert leaks.found() == []


@pytest.fixture(autouse=True)
def fresh_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(tmp_path / "settings"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@pytest.fixture(autouse=True)
def one_mnist(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever loads MNIST gets the arrays that this process has read once."""
    replace_mnist(monkeypatch, mnist)


@pytest.fixture(autouse=True)
def short_calibration(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that ends without validation digits, and an import, are calibrated on so few that it takes no time."""
    monkeypatch.setattr(calibration, "MAX_SAMPLES", 300)
    monkeypatch.setattr(measuring, "CALIBRATED", 500)


@pytest.fixture
def patient_closing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A window that is closed waits for its threads for as long as they may take on a busy machine."""
    monkeypatch.setattr(facade, "CLOSING_MS", LONG_MS)


@pytest.fixture
def short_teaching(monkeypatch: pytest.MonkeyPatch) -> None:
    """A taught drawing is learnt from fewer variations, in fewer steps, which are longer."""
    monkeypatch.setattr(handwriting, "TAUGHT_VARIATIONS", 100)
    monkeypatch.setattr(handwriting, "REPLAYED_VARIATIONS", 300)
    monkeypatch.setattr(handwriting, "STEPS", 30)
    monkeypatch.setattr(handwriting, "LEARNING_RATE", 2e-3)


@pytest.fixture
def quick_prototypes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network draws its own picture of a digit in fewer steps."""
    monkeypatch.setattr(prototypes, "STEPS", 4)


@pytest.fixture(autouse=True)
def no_surprise_dialogs(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unexpected dialog fails the test instead of blocking it forever."""

    def refuse(*arguments: object) -> None:
        raise AssertionError(f"unexpected dialog: {arguments[1:]}")

    for kind in ("question", "warning", "critical", "information", "about", "exec"):
        monkeypatch.setattr(QMessageBox, kind, refuse)
    for kind in ("getOpenFileName", "getSaveFileName"):
        monkeypatch.setattr(QFileDialog, kind, refuse)


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The warnings shown so far."""
    shown: list[str] = []
    monkeypatch.setattr(QMessageBox, "warning", lambda *shown_with: shown.append(shown_with[2]))
    return shown


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[[QMessageBox.StandardButton], list[str]]:
    """`answer(button)`: the person presses this button from now on; returns a list that collects the questions."""

    def press(button: QMessageBox.StandardButton) -> list[str]:
        questions: list[str] = []

        def question(*arguments: object) -> QMessageBox.StandardButton:
            questions.append(str(arguments[2]))
            return button

        def execute(box: QMessageBox) -> None:
            questions.append(box.text())
            press_button_like(button, box)

        monkeypatch.setattr(QMessageBox, "question", question)
        monkeypatch.setattr(QMessageBox, "exec", execute)
        return questions

    return press


@pytest.fixture
def choose(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path | None], None]:
    """The person picks this path in the next file dialogs."""

    def pick(path: Path | None) -> None:
        for kind in ("getOpenFileName", "getSaveFileName"):
            monkeypatch.setattr(QFileDialog, kind, lambda *_: (str(path) if path else "", ""))

    return pick


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Where the checkpoints of runs are written."""
    return tmp_path / "data" / "minigrad" / "runs"


ROLES = {
    QMessageBox.StandardButton.Save: QMessageBox.ButtonRole.AcceptRole,
    QMessageBox.StandardButton.Discard: QMessageBox.ButtonRole.DestructiveRole,
    QMessageBox.StandardButton.Cancel: QMessageBox.ButtonRole.RejectRole,
}


def press_button_like(standard: QMessageBox.StandardButton, box: QMessageBox) -> None:
    """Press the button with the same role as this standard button."""
    next(button for button in box.buttons() if box.buttonRole(button) == ROLES[standard]).click()


@pytest.fixture(scope="session")
def few() -> data.Dataset:
    """The first MNIST digits: 3,000 for training, 500 for testing."""
    return first_digits(3000, 500)


@pytest.fixture
def few_digits(few: data.Dataset, monkeypatch: pytest.MonkeyPatch) -> data.Dataset:
    """Everything that loads MNIST gets these few digits."""
    replace_mnist(monkeypatch, lambda: few)
    return few


FIRST_LOOKS_MS = (1, 1, 2, 2, 3, 4, 5, 6, 8)
LATER_LOOKS_MS = 10
PATIENCE = 3
"""A wait ends as soon as it may. What comes in time on an idle machine may take this much longer on a busy one."""


class QuickBot(QtBot):
    """Looks sooner than after 10 ms whether what a test waits for is there."""

    def waitUntil(self, callback: Callable[[], bool], *, timeout: int = 5000) -> None:
        until = monotonic() + PATIENCE * timeout / 1000
        for pause_ms in chain(FIRST_LOOKS_MS, repeat(LATER_LOOKS_MS)):
            if callback():
                return
            if monotonic() > until:
                raise TimeoutError(f"waited {PATIENCE} x {timeout} ms in vain")
            self.wait(pause_ms)


@pytest.fixture
def qtbot(qapp: QApplication, request: pytest.FixtureRequest) -> QuickBot:  # noqa: ARG001
    return QuickBot(request)


@pytest.fixture
def views(request: pytest.FixtureRequest) -> Sequence[type[View] | Docked]:
    """The views of each window: all, or those of the marks `panels` and `tabs`."""
    panels, tabs = (request.node.get_closest_marker(name) for name in ("panels", "tabs"))
    if panels is None and tabs is None:
        return VIEWS
    return some_views(panels.args if panels else PANELS, tabs.args if tabs else ())


@pytest.fixture
def make_window(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, views: Sequence[type[View] | Docked]
) -> Iterator[Callable[..., MainWindow]]:
    windows: list[MainWindow] = []
    monkeypatch.setattr(network, "load_network", copy_or_load)

    def make() -> MainWindow:
        window = MainWindow(views)
        windows.append(window)
        with qtbot.waitExposed(window):
            window.show()
        qtbot.waitUntil(lambda: window.is_complete)
        return window

    yield make
    discard = QMessageBox.StandardButton.Discard
    monkeypatch.setattr(QMessageBox, "question", lambda *_: discard)
    monkeypatch.setattr(QMessageBox, "exec", lambda box: press_button_like(discard, box))
    for window in windows:
        window.close()
        assert window.session.wait(LONG_MS)  # on a busy machine this may take longer than the window waits
        window.deleteLater()


@pytest.fixture
def window(make_window: Callable[..., MainWindow]) -> MainWindow:
    return make_window()


STILL_MS = 200
LONG_MS = 30_000


class User:
    """Acts on a window with mouse and keyboard, as a person does."""

    def __init__(self, window: MainWindow, qtbot: QtBot) -> None:
        self.window = window
        self.session = window.session
        self.qtbot = qtbot

    def widget(self, name: str) -> QWidget:
        found = self.window.findChild(QWidget, name)
        assert found is not None, f"no widget {name}"
        return found

    def click(self, name: str) -> None:
        self.qtbot.mouseClick(self.widget(name), Qt.MouseButton.LeftButton)

    def trigger(self, name: str) -> None:
        from PySide6.QtGui import QAction

        self.window.findChild(QAction, name).trigger()

    def wheel(self, widget: QWidget, turn: int) -> None:
        """Turn the wheel over the middle of a widget, in eighths of a degree: away from the person if positive."""
        middle = QPointF(widget.rect().center())
        buttons, keys = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
        phase = Qt.ScrollPhase.NoScrollPhase
        turned = QWheelEvent(middle, widget.mapToGlobal(middle), QPoint(), QPoint(0, turn), buttons, keys, phase, False)
        QApplication.sendEvent(widget, turned)

    def configure(self, *, hidden: str = "16", epochs: int = 1, batch_size: int = 512, **others: object) -> None:
        """Set up the next run, whether there is a panel for that or not."""
        session, chosen = self.session, {"epochs": epochs, "batch_size": batch_size, **others}
        config = replace(session.config, hidden=parse_hidden(hidden), **chosen)
        session.set_config(config, session.source, session.choices)

    def type_into(self, field: QAbstractSpinBox, typed: str) -> None:
        """Replace the text of a field key by key, and press Return."""
        field.selectAll()
        self.qtbot.keyClicks(field, typed)
        self.qtbot.keyClick(field, Qt.Key.Key_Return)

    def wait(self, condition: Callable[[], bool], timeout: int = 30_000) -> None:
        self.qtbot.waitUntil(condition, timeout=timeout)

    def wait_until_still(self) -> None:
        """Wait until no step has happened for a while; with a running loop that is only after its end."""

        def still() -> bool:
            before = len(self.session.history)
            self.qtbot.wait(STILL_MS)
            return len(self.session.history) == before

        self.wait(still)

    def train(self, **config: object) -> None:
        """Train from the first button to the end."""
        self.configure(**config)
        self.click("trainButton")
        self.wait(lambda: self.session.state == "idle")

    def stroke(self, points: np.ndarray) -> None:
        """Draw a line through these points, (n, 2) in units of the canvas's side."""
        canvas = self.widget("drawingCanvas")
        side = min(canvas.width(), canvas.height())
        corner = np.array([canvas.width() - side, canvas.height() - side]) / 2
        pixels = [QPoint(round(x), round(y)) for x, y in corner + points * side]
        QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=pixels[0])
        for pixel in pixels[1:]:
            QTest.mouseMove(canvas, pixel)
        QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=pixels[-1])

    def reading(self) -> Prediction:
        """The reading of the drawing, once it is there."""
        self.wait(lambda: self.session.prediction is not None)
        return self.session.prediction

    def draw(self, digit: int) -> None:
        for stroke in DRAWINGS[digit]:
            self.stroke(np.array(stroke))


def _arc(
    centre: tuple[float, float], radii: tuple[float, float], start: float, end: float
) -> list[tuple[float, float]]:
    """Points of an ellipse; angles in degrees, 0 to the right, growing clockwise on the screen."""
    angles = np.radians(np.linspace(start, end, 30))
    return [(centre[0] + radii[0] * np.cos(angle), centre[1] + radii[1] * np.sin(angle)) for angle in angles]


DRAWINGS = {
    0: [_arc((0.5, 0.5), (0.22, 0.34), -90, 270)],
    1: [[(0.5, 0.15), (0.5, 0.5), (0.5, 0.85)]],
    3: [_arc((0.48, 0.32), (0.2, 0.17), -150, 90) + _arc((0.48, 0.68), (0.22, 0.19), -90, 140)],
    7: [[(0.25, 0.2), (0.5, 0.2), (0.75, 0.2), (0.6, 0.5), (0.45, 0.85)]],
}


@pytest.fixture
def make_user(make_window: Callable[..., MainWindow], qtbot: QtBot) -> Callable[[], User]:
    """`make_user()`: a `User` with a new window."""
    return lambda: User(make_window(), qtbot)


@pytest.fixture
def user(window: MainWindow, qtbot: QtBot) -> User:
    return User(window, qtbot)


@pytest.fixture
def explode(monkeypatch: pytest.MonkeyPatch, warnings: list[str]) -> Callable[[User], None]:
    """`explode(user)`: a run with the current settings that diverges before it has produced a network."""

    def run(user: User) -> None:
        exploding = replace(user.session.config, optimizer="sgd", learning_rate=1000.0)
        with monkeypatch.context() as patched:  # the first report comes too late, even on a slow machine
            patched.setattr(worker, "REPORT_INTERVAL_S", LONG_MS / 1000)
            user.session.set_config(exploding, "mnist")
            user.click("trainButton")
            user.wait(lambda: user.session.state == "idle")
        user.wait(lambda: bool(warnings))

    return run


@pytest.fixture(params=["C", "de_DE", "ar_EG", "fa_IR", "hi_IN", "sv_SE"])
def locale(request: pytest.FixtureRequest) -> Iterator[str]:
    """Several locales, whose digits, decimal points and minus signs differ from English."""
    QLocale.setDefault(QLocale(request.param))
    yield request.param
    QLocale.setDefault(QLocale.system())
