"""The canvas: no point of the pointer is lost, each pen movement is one stroke, and the eraser works."""

import os
import shutil
import subprocess
import sys
from itertools import permutations
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QCursor, QMouseEvent, QPointingDevice, QTabletEvent, QTouchEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from minigrad_gui import theme
from minigrad_gui.widgets import pointers
from minigrad_gui.widgets.canvas import Canvas

pytestmark = pytest.mark.panels("DrawPanel")

SIDE_PX = 300
ROOT = Path(__file__).resolve().parents[3]
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
TIP, ERASER = QPointingDevice.PointerType.Pen, QPointingDevice.PointerType.Eraser
PATH = [QPoint(60, 60), QPoint(60, 150), QPoint(60, 240)]


@pytest.fixture
def canvas(qtbot):
    canvas = Canvas()
    canvas.resize(SIDE_PX, SIDE_PX)
    qtbot.addWidget(canvas)
    with qtbot.waitExposed(canvas):
        canvas.show()
    return canvas


class Device:
    """Presses, moves and releases on a canvas, at points of PATH given by their index."""

    def __init__(self, canvas: Canvas, path: list[QPoint] = PATH) -> None:
        self.canvas, self.path = canvas, path

    def draw(self) -> None:
        self.press()
        self.move()
        self.release()


class Mouse(Device):
    source = Qt.MouseEventSource.MouseEventNotSynthesized

    def send(self, kind: QEvent.Type, at: QPoint, button: Qt.MouseButton, buttons: Qt.MouseButton) -> None:
        where, everywhere = QPointF(at), QPointF(self.canvas.mapToGlobal(at))
        keys, device = Qt.KeyboardModifier.NoModifier, QPointingDevice.primaryPointingDevice()
        event = QMouseEvent(kind, where, where, everywhere, button, buttons, keys, self.source, device)
        QApplication.sendEvent(self.canvas, event)

    def press(self) -> None:
        self.send(QEvent.Type.MouseButtonPress, self.path[0], LEFT, LEFT)

    def move(self) -> None:
        self.send(QEvent.Type.MouseMove, self.path[1], NONE, LEFT)
        self.send(QEvent.Type.MouseMove, self.path[2], NONE, LEFT)

    def release(self) -> None:
        self.send(QEvent.Type.MouseButtonRelease, self.path[2], LEFT, NONE)

    def hover(self) -> None:
        self.send(QEvent.Type.MouseMove, self.path[1], NONE, NONE)


class SynthesizedMouse(Mouse):
    source = Qt.MouseEventSource.MouseEventSynthesizedBySystem


class Pen(Device):
    def __init__(self, canvas: Canvas, path: list[QPoint] = PATH, pointer=TIP, number: int = 1) -> None:
        super().__init__(canvas, path)
        kind, can = QPointingDevice.DeviceType.Stylus, QPointingDevice.Capability.Position
        self.device = QPointingDevice("pen", number, kind, pointer, can, 1, 3)

    def send(self, kind: QEvent.Type, at: QPoint, button: Qt.MouseButton, buttons: Qt.MouseButton) -> None:
        where, everywhere = QPointF(at), QPointF(self.canvas.mapToGlobal(at))
        keys = Qt.KeyboardModifier.NoModifier
        event = QTabletEvent(kind, self.device, where, everywhere, 0.5, 0, 0, 0, 0, 0, keys, button, buttons)
        QApplication.sendEvent(self.canvas, event)
        assert event.isAccepted()

    def press(self, button: Qt.MouseButton = LEFT) -> None:
        self.send(QEvent.Type.TabletPress, self.path[0], button, button)

    def move(self, button: Qt.MouseButton = LEFT) -> None:
        self.send(QEvent.Type.TabletMove, self.path[1], NONE, button)
        self.send(QEvent.Type.TabletMove, self.path[2], NONE, button)

    def release(self, button: Qt.MouseButton = LEFT) -> None:
        self.send(QEvent.Type.TabletRelease, self.path[2], button, NONE)

    def hover(self) -> None:
        self.send(QEvent.Type.TabletMove, self.path[1], NONE, NONE)


@pytest.fixture(scope="module")
def screen():
    return QTest.createTouchDevice()


class Finger(Device):
    def __init__(self, canvas: Canvas, path: list[QPoint], screen) -> None:
        super().__init__(canvas, path)
        self.screen = screen

    def touch(self):
        return QTest.touchEvent(self.canvas.windowHandle(), self.screen)

    def press(self) -> None:
        self.touch().press(0, self.path[0], self.canvas.windowHandle()).commit()

    def move(self) -> None:
        for point in self.path[1:]:
            self.touch().move(0, point, self.canvas.windowHandle()).commit()

    def release(self) -> None:
        self.touch().release(0, self.path[2], self.canvas.windowHandle()).commit()


def assert_drawn_once(canvas: Canvas) -> None:
    assert len(canvas.strokes) == 1
    assert len(canvas.strokes[0]) == len(PATH)
    canvas.undo()
    assert canvas.strokes == (), "one stroke, one step to undo"


# ---------------------------------------------------------------- every point


TURNS_MS = "50", "150"
"""How long the event loop is busy in each turn, one circle after the other."""


def on_x_server(*command: str) -> list[str]:
    """Run this command on the current X server or a new one; skip the test if there is none."""
    if os.environ.get("DISPLAY"):
        return [*command]
    if shutil.which("xvfb-run") is None:
        pytest.skip("there is no X server here")
    return ["xvfb-run", "-a", "-s", "-screen 0 1440x900x24", *command]


@pytest.mark.skipif(sys.platform != "linux", reason="X servers are for Linux")
def test_a_busy_window_loses_no_point_of_a_circle(tmp_path):
    """The real application on a real X server: drawing continues while each iteration of the event loop is slow."""
    command = on_x_server(sys.executable, str(ROOT / "tests/helpers/busy_window.py"), *TURNS_MS)
    ours = {"QT_QPA_PLATFORM": "xcb", "XDG_CONFIG_HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}
    ours["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(command, env=os.environ | ours, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    points = [int(each) for each in done.stdout.split()]
    assert len(points) == len(TURNS_MS)
    assert min(points) >= 98, "the press and a hundred moves, two of which may share a pixel"


# ---------------------------------------------------------------- one stroke


@pytest.mark.parametrize("order", list(permutations(["pen", "mouse", "finger"])))
def test_a_stroke_reported_by_three_devices_at_once_is_drawn_once(canvas, screen, order):
    devices = {"pen": Pen(canvas), "mouse": Mouse(canvas), "finger": Finger(canvas, PATH, screen)}
    for step in ("press", "move", "release"):
        for name in order:
            getattr(devices[name], step)()
    assert_drawn_once(canvas)


@pytest.mark.parametrize("order", list(permutations(["pen", "mouse"])))
def test_a_stroke_reported_by_two_devices_in_turn_is_drawn_once(canvas, order):
    for name in order:
        {"pen": Pen(canvas), "mouse": Mouse(canvas)}[name].draw()
    assert_drawn_once(canvas)


def test_a_finger_that_is_also_reported_as_a_mouse_draws_once(canvas, screen):
    Finger(canvas, PATH, screen).draw()
    Mouse(canvas).draw()
    assert_drawn_once(canvas)


def test_a_mouse_synthesised_from_a_pen_draws_nothing_even_later_and_elsewhere(canvas, monkeypatch):
    monkeypatch.setattr(pointers, "ECHO_S", 0)
    Pen(canvas).draw()
    SynthesizedMouse(canvas, [point + QPoint(150, 0) for point in PATH]).draw()
    assert_drawn_once(canvas)


def test_a_mouse_synthesised_from_an_unreported_device_draws(canvas):
    SynthesizedMouse(canvas).draw()
    assert_drawn_once(canvas)


@pytest.mark.parametrize(("echo_s", "aside"), [(0, 0), (1e6, 150)])
def test_a_mouse_draws_after_a_pen_later_or_elsewhere(canvas, monkeypatch, echo_s, aside):
    monkeypatch.setattr(pointers, "ECHO_S", echo_s)
    Pen(canvas).draw()
    Mouse(canvas, [point + QPoint(aside, 0) for point in PATH]).draw()
    assert len(canvas.strokes) == 2


def test_a_pen_draws_in_spite_of_a_palm(canvas, screen):
    palm = Finger(canvas, [point + QPoint(120, 0) for point in PATH], screen)
    pen = Pen(canvas)
    palm.press()
    pen.press()
    palm.move()
    pen.move()
    palm.release()
    pen.release()
    assert_drawn_once(canvas)


def test_the_eraser_end_erases_even_if_a_mouse_is_reported_first(canvas, monkeypatch):
    Mouse(canvas).draw()
    monkeypatch.setattr(pointers, "ECHO_S", 0)
    across = [QPoint(20, 150), QPoint(60, 150), QPoint(100, 150)]
    mouse, eraser = Mouse(canvas, across), Pen(canvas, across, ERASER)
    for step in ("press", "move", "release"):
        getattr(mouse, step)()
        getattr(eraser, step)()
    assert len(canvas.strokes) == 2, "the line is cut in two and nothing was drawn"
    canvas.undo()
    assert len(canvas.strokes) == 1


@pytest.mark.parametrize("device", [Mouse, Pen])
def test_after_a_lost_release_the_stroke_ends_when_the_pointer_returns(canvas, device):
    steps: list[bool] = []
    canvas.undoChanged.connect(lambda can_undo, _: steps.append(can_undo))
    pointer = device(canvas)
    pointer.press()
    pointer.move()
    assert steps == []
    pointer.hover()
    assert len(steps) == 1
    pointer.move()
    assert_drawn_once(canvas)
    pointer.draw()
    pointer.press()
    pointer.press()
    pointer.release()
    assert len(canvas.strokes) == 3, "a second press is a second stroke"


def test_a_pen_whose_release_was_lost_does_not_stop_others_from_drawing(canvas, monkeypatch):
    lost, other = Pen(canvas), Pen(canvas, [point + QPoint(120, 0) for point in PATH], number=2)
    lost.press()
    lost.move()
    other.draw()
    assert len(canvas.strokes) == 1, "a second pen cannot draw meanwhile"
    monkeypatch.setattr(pointers, "SILENT_S", 0)
    other.draw()
    assert [len(stroke) for stroke in canvas.strokes] == [3, 3]


def test_the_buttons_on_a_pen_do_not_draw(canvas):
    pen = Pen(canvas)
    for step in (pen.press, pen.move, pen.release):
        step(Qt.MouseButton.RightButton)
    assert canvas.strokes == ()
    pen.press()
    pen.press(Qt.MouseButton.RightButton)
    pen.release(Qt.MouseButton.RightButton)
    pen.move()
    pen.release()
    assert_drawn_once(canvas)


def test_a_cancelled_touch_leaves_nothing(canvas, screen):
    finger = Finger(canvas, PATH, screen)
    finger.press()
    finger.move()
    assert len(canvas.strokes) == 1
    QApplication.sendEvent(canvas, QTouchEvent(QEvent.Type.TouchCancel, screen))
    assert canvas.strokes == ()
    finger.release()
    assert canvas.strokes == ()


def test_a_canvas_that_is_hidden_lifts_the_pen(canvas):
    mouse = Mouse(canvas)
    mouse.press()
    canvas.hide()
    canvas.show()
    mouse.move()
    assert len(canvas.strokes[0]) == 1


def test_a_stroke_continues_outside_the_canvas_and_back(canvas):
    outside = [QPoint(60, 60), QPoint(-200, 900), QPoint(200, 200)]
    Mouse(canvas, outside).draw()
    (stroke,) = canvas.strokes
    assert len(stroke) == 3
    assert stroke[1].tolist() == [0, 1]


def test_a_single_click_paints_a_dot(canvas):
    QTest.mouseClick(canvas, LEFT, pos=PATH[0])
    assert [stroke.shape for stroke in canvas.strokes] == [(1, 2)]
    image = canvas.grab().toImage()
    assert image.pixelColor(PATH[0] * image.devicePixelRatio()) == QColor(theme.colors().ink)


# ---------------------------------------------------------------- the eraser


def test_a_quick_eraser_leaves_no_gaps(canvas):
    Mouse(canvas).draw()
    canvas.set_erasing(True)
    swept = Mouse(canvas, [PATH[0], PATH[2], PATH[2]])
    swept.draw()
    assert canvas.strokes == ()


def rub_out(canvas: Canvas) -> None:
    canvas.set_erasing(True)
    Mouse(canvas).draw()


@pytest.mark.parametrize("empty", [Canvas.clear, Canvas.undo, rub_out])
def test_an_empty_sheet_switches_back_to_drawing(canvas, qtbot, empty):
    Mouse(canvas).draw()
    canvas.set_erasing(True)
    with qtbot.waitSignal(canvas.erasingChanged, check_params_cb=lambda erasing: not erasing):
        empty(canvas)
    assert canvas.strokes == ()
    Mouse(canvas).draw()
    assert len(canvas.strokes) == 1


def test_the_eraser_of_the_panel_follows(user):
    user.draw(1)
    user.click("eraserButton")
    assert user.widget("drawingCanvas").erasing
    user.click("clearButton")
    assert not user.widget("eraserButton").isChecked()
    user.draw(1)
    assert len(user.widget("drawingCanvas").strokes) == 1


def test_the_eraser_is_shown_where_it_is_as_soon_as_it_is_chosen(canvas):
    QCursor.setPos(canvas.mapToGlobal(PATH[1]))
    Mouse(canvas, [point + QPoint(150, 0) for point in PATH]).draw()
    Mouse(canvas).hover()
    before = canvas.grab().toImage()
    canvas.set_erasing(True)
    Mouse(canvas).hover()
    assert canvas.grab().toImage() != before
    canvas.set_erasing(False)
    assert canvas.grab().toImage() == before


def test_the_eraser_end_of_a_pen_is_shown_where_it_is(canvas):
    before = canvas.grab().toImage()
    Pen(canvas, pointer=ERASER).hover()
    assert canvas.grab().toImage() != before
    Pen(canvas).hover()
    assert canvas.grab().toImage() == before
