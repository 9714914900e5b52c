"""Starts Qt and shows the window until it is closed or a signal ends the program.

Qt is imported inside the functions: the other commands work where it cannot start.
"""

import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from minigrad_gui.headless import UsageError, complain

if TYPE_CHECKING:
    from minigrad_gui.main_window import MainWindow

LIBRARIES = (
    "libegl1 libgl1 libglib2.0-0 libdbus-1-3 libfontconfig1 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 "
    "libxcb-keysyms1 libxcb-randr0 libxcb-shape0 libxcb-xfixes0 fonts-dejavu-core"
)
LIBRARIES_HINT = f"on Debian or Ubuntu: sudo apt install {LIBRARIES}"
INVISIBLE = ("offscreen", "minimal")
"""Platforms of Qt without a screen. PySide6's wheel for arm64 Linux (6.8) takes the first one where it cannot connect
to a display, and says nothing; those for x86-64 stop."""


def run(model: Path | None) -> int:
    """Open the window, with the model file or checkpoint `model` if one is given; returns the exit status.

    Raises UsageError, a line for the person, if `model` does not exist, there is no display, or Qt cannot start.
    """
    if model is not None and not model.exists():
        raise UsageError(f"there is no file and no command “{model}”; try minigrad-gui --help.")
    if _has_no_display():
        raise UsageError("there is no display to open a window on; minigrad-gui train works without one.")
    try:
        from PySide6.QtCore import QTimer, qInstallMessageHandler
        from PySide6.QtWidgets import QApplication
    except ImportError as error:
        raise UsageError(f"Qt cannot start: {error} ({LIBRARIES_HINT}). minigrad-gui train needs no Qt.") from None
    from minigrad_gui import plain_imports  # noqa: F401  the sooner, the better

    previous = qInstallMessageHandler(_refuse_on_fatal)
    app = QApplication(["minigrad-gui"])
    qInstallMessageHandler(previous)
    if app.platformName() in INVISIBLE and not os.environ.get("QT_QPA_PLATFORM"):
        _refuse()
    app.setApplicationName("minigrad")
    app.setApplicationDisplayName("minigrad")
    app.setDesktopFileName("minigrad")

    from minigrad_gui.garbage import collected_later

    with collected_later():
        from minigrad_gui.incidents import Incidents

        incidents = Incidents()
        incidents.install()

        from minigrad_gui.main_window import MainWindow

        window = MainWindow()
        window.show()
    QTimer.singleShot(0, window.session.prepare_machine_code)
    if model is not None:
        QTimer.singleShot(0, partial(window.open, model))
    with _leaving_on_signals(window):
        status = int(app.exec())
    incidents.uninstall()
    if not window.has_ended:  # a step of a very large network is still under way; all that matters is on disk
        sys.stderr.flush()
        os._exit(status)
    return status


@contextmanager
def _leaving_on_signals(window: "MainWindow") -> Iterator[None]:
    """Ctrl+C in the terminal and the end of the desktop session close the window without asking; the run is kept."""
    from PySide6.QtCore import QSocketNotifier

    # Python runs no signal handlers while Qt waits for events; the byte that a signal writes wakes it up.
    reading, writing = socket.socketpair()
    reading.setblocking(False)
    writing.setblocking(False)
    notifier = QSocketNotifier(reading.fileno(), QSocketNotifier.Type.Read, window)

    def leave() -> None:
        reading.recv(64)  # otherwise it would wake up forever
        window.leave()

    notifier.activated.connect(leave)
    wakeup_before = signal.set_wakeup_fd(writing.fileno())
    names = [name for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {name: signal.signal(getattr(signal, name), lambda *_: None) for name in names}
    try:
        yield
    finally:
        notifier.setEnabled(False)
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)
        signal.set_wakeup_fd(wakeup_before)
        reading.close()
        writing.close()


def _has_no_display() -> bool:
    asked_for = os.environ.get("QT_QPA_PLATFORM")
    has_one = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return sys.platform.startswith("linux") and not asked_for and not has_one


def _refuse_on_fatal(kind: Any, context: Any, message: str) -> None:  # noqa: ARG001
    """While Qt starts: instead of letting it print a paragraph and abort, print one line and exit."""
    if kind.name == "QtFatalMsg":
        _refuse()


def _refuse() -> NoReturn:
    complain(f"no window can be opened on this display ({LIBRARIES_HINT}); minigrad-gui train works without one.")
    os._exit(2)  # Qt aborts the process once its message handler returns
