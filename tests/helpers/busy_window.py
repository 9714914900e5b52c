"""Opens the real window on an X server, makes its event loop busy, and draws circles with the real pointer.

Usage: busy_window.py MILLISECONDS_PER_TURN ... Prints the number of points of each circle, of which there is one for
each number of milliseconds.
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
    def __init__(self, window: main_window.MainWindow, turns_ms: list[int]) -> None:
        super().__init__(window)
        self.window, self.turns_ms = window, turns_ms
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
        time.sleep(self.turns_ms[0] / 1000)
        if canvas.underMouse():
            self.person.is_under_mouse.set()
        if canvas.strokes:
            self.person.is_pressed.set()
        if not self.person.is_alive() and self.has_ended:
            (circle,) = canvas.strokes
            sys.stdout.write(f"{len(circle)} ")
            canvas.clear()
            self.person, self.has_ended = None, False
            self.turns_ms.pop(0)
            if not self.turns_ms:
                self.turns.stop()
                self.window.leave()


class Window(main_window.MainWindow):
    def __init__(self) -> None:
        super().__init__()
        self.driver = Driver(self, [int(each) for each in sys.argv[1:]])


main_window.MainWindow = Window
sys.exit(cli.main([]))
