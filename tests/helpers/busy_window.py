"""Opens the real window on an X server, makes its event loop busy, and draws a circle with the real pointer.

Usage: busy_window.py MILLISECONDS_PER_TURN. Prints the number of points of each stroke.
"""

import math
import sys
import time
from threading import Event, Thread

from PySide6.QtCore import QObject, QPoint, QTimer, Slot
from x_pointer import XPointer

from minigrad_gui import cli, main_window
from minigrad_gui.widgets.canvas import Canvas

MOVES = 100
LONGEST_WAIT_S = 20


class Person(Thread):
    """Moves the mouse in real time, whatever the window is doing."""

    def __init__(self, centre: QPoint, radius: int) -> None:
        super().__init__()
        self.centre, self.radius = centre, radius
        self.is_under_mouse, self.is_pressed = Event(), Event()

    def run(self) -> None:
        pointer = XPointer()
        pointer.move(self.centre.x(), self.centre.y() - self.radius)
        if self.is_under_mouse.wait(LONGEST_WAIT_S):
            pointer.press()
            self.is_pressed.wait(LONGEST_WAIT_S)
            for move in range(1, MOVES + 1):
                angle = 2 * math.pi * move / MOVES
                x, y = self.radius * math.sin(angle), self.radius * math.cos(angle)
                pointer.move(self.centre.x() + round(x), self.centre.y() - round(y))
                time.sleep(0.005)
            pointer.release()
        pointer.close()


class Driver(QObject):
    def __init__(self, window: main_window.MainWindow, turn_ms: int) -> None:
        super().__init__(window)
        self.window, self.turn_ms = window, turn_ms
        self.canvas = window.findChild(Canvas)
        self.canvas.undoChanged.connect(self.on_lifted)
        self.has_ended = False
        self.person: Person | None = None
        self.turns = QTimer(self, interval=0)
        self.turns.timeout.connect(self.turn)
        self.turns.start()

    @Slot()
    def on_lifted(self) -> None:
        self.has_ended = True

    @Slot()
    def turn(self) -> None:
        canvas = self.canvas
        if self.person is None:
            if canvas.isVisible() and self.window.is_complete:
                radius = min(canvas.width(), canvas.height()) // 3
                self.person = Person(canvas.mapToGlobal(canvas.rect().center()), radius)
                self.person.start()
            return
        time.sleep(self.turn_ms / 1000)
        if canvas.underMouse():
            self.person.is_under_mouse.set()
        if canvas.strokes:
            self.person.is_pressed.set()
        if not self.person.is_alive() and self.has_ended:
            self.turns.stop()
            sys.stdout.write(" ".join(str(len(stroke)) for stroke in canvas.strokes))
            self.window.leave()


class Window(main_window.MainWindow):
    def __init__(self) -> None:
        super().__init__()
        self.driver = Driver(self, int(sys.argv[1]))


main_window.MainWindow = Window
sys.exit(cli.main([]))
