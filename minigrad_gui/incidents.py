"""Unexpected errors are logged and shown, and the program continues.

Qt, Python's threads and Python itself each have a hook for uncaught errors; `Incidents` installs all of them. A dialog
shows one exception at a time and never the same one twice. Reporting an error must not cause another, so nothing here
raises: if the log fails there is still the dialog, and if that fails the terminal.
"""

import faulthandler
import logging
import os
import platform
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import PySide6
from PySide6.QtCore import (
    QMessageLogContext,
    QObject,
    Qt,
    QTimer,
    QtMsgType,
    Signal,
    Slot,
    qFormatLogMessage,
    qInstallMessageHandler,
    qVersion,
)
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from minigrad_gui import theme
from minigrad_gui.folders import data_folder
from minigrad_gui.version import version
from minigrad_gui.widgets.incident_dialog import IncidentDialog
from minigrad_gui.wording import counted

LOGGER = logging.getLogger("minigrad")
"""For unexpected errors that were caught; they go to the terminal until the log is installed."""
MAX_LOG_BYTES = 1_000_000
LOG_BACKUPS = 3
LOG_INTERVAL_S = 1.0
"""Shortest interval between two records of the same incident; the number left out in between is logged, too."""
MAX_REMEMBERED = 1000
"""Different incidents remembered before all are forgotten: a message may differ every time."""
MAX_DETAILS_CHARS = 50_000
INNERMOST_LINES = 3
"""Exceptions of one type with the same innermost lines count as the same."""
CRASH_NAME, LAST_CRASH_NAME = "crash.log", "last-crash.log"
LOG_LEVELS = {
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}
"""Qt messages below a warning are not logged."""


def log_path() -> Path:
    """The log file; older ones lie beside it. It need not exist."""
    return data_folder() / "log" / "minigrad.log"


class _Log(RotatingFileHandler):
    """A log that never raises: `problem` says why the last record could not be written, or is empty."""

    problem = ""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "a", MAX_LOG_BYTES, LOG_BACKUPS, "utf-8", delay=True, errors="backslashreplace")
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))

    def _open(self) -> TextIOWrapper:
        Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True)
        return super()._open()

    def doRollover(self) -> None:
        with suppress(OSError):  # on Windows a second window has the file open: it then grows for a while
            super().doRollover()

    def emit(self, record: logging.LogRecord) -> None:
        self.problem = ""
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002
        self.problem = str(sys.exc_info()[1])
        self.close()  # the next record opens it anew

    def close(self) -> None:
        with suppress(OSError, ValueError):  # on a full disk, closing is a last attempt to write
            super().close()


@dataclass(frozen=True)
class _Hooks:
    """The hooks that were installed before."""

    exception: Callable[[type[BaseException], BaseException, TracebackType | None], Any]
    thread: Callable[[threading.ExceptHookArgs], Any]
    unraisable: Callable[[Any], Any]
    message: Callable[..., Any] | None


@dataclass
class _Repeats:
    """When an incident was last logged, and how often it has happened since."""

    logged_s: float
    unlogged: int = 0


class Incidents(QObject):
    """Handles uncaught errors between `install` and `uninstall`. Lives in the GUI thread.

    path: the log; None is the one in the user's data folder.
    """

    _happened = Signal(str)

    def __init__(self, path: Path | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._log = _Log(path or log_path())
        self._former: _Hooks | None = None
        self._crash_file: TextIOWrapper | None = None
        self._dialog: IncidentDialog | None = None
        self._lock = threading.RLock()  # a hook may run inside another, when garbage is collected
        self._repeats: dict[str, _Repeats] = {}
        self._shown: set[str] = set()
        self._is_showing = False
        self._unshown = 0
        self._timer = QTimer(self, interval=theme.REFRESH_INTERVAL_MS)
        self._timer.timeout.connect(self._show_note)
        # Queued: an exception may come from any thread, and from the middle of painting.
        self._happened.connect(self._show, Qt.ConnectionType.QueuedConnection)

    def install(self) -> None:
        """Install the hooks. The former ones are still called, so that the terminal shows what it always did."""
        if self._former is None:
            message = qInstallMessageHandler(self._on_message)
            self._former = _Hooks(sys.excepthook, threading.excepthook, sys.unraisablehook, message)
            sys.excepthook = self._on_exception
            threading.excepthook = self._on_thread_exception
            sys.unraisablehook = self._on_unraisable
            LOGGER.addHandler(self._log)
            self._watch_for_crashes()

    def uninstall(self) -> None:
        """Restore the former hooks, and close the log and the dialog."""
        if self._former is None:
            return
        former, self._former = self._former, None
        LOGGER.removeHandler(self._log)
        qInstallMessageHandler(former.message)
        sys.excepthook, threading.excepthook, sys.unraisablehook = former.exception, former.thread, former.unraisable
        if self._crash_file is not None:
            faulthandler.disable()
            self._crash_file.close()
            self._crash_file = None
        with self._lock:
            seen, self._repeats = self._repeats, {}
        for what, repeats in seen.items():
            if repeats.unlogged:
                self._write(logging.ERROR, f"{repeats.unlogged} more: {what}")
        self._log.close()
        if self._dialog is not None:
            self._dialog.close()

    # ------------------------------------------------------------ the hooks

    def _on_exception(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, Exception):  # KeyboardInterrupt and SystemExit are intended
            self._take(error, threading.current_thread().name)
        if self._former is not None:
            self._former.exception(kind, error, trace)

    def _on_thread_exception(self, happened: threading.ExceptHookArgs) -> None:
        if isinstance(happened.exc_value, Exception):
            self._take(happened.exc_value, happened.thread.name if happened.thread else "a thread that has ended")
        if self._former is not None:
            self._former.thread(happened)

    def _on_unraisable(self, happened: Any) -> None:
        """Errors that Python itself ignores, in `__del__` for instance: logged, but not shown."""
        with suppress(Exception):
            error = happened.exc_value
            where = f"and ignored, in {happened.object!r}"
            self._note(logging.ERROR, f"ignored {_place(error)}", lambda: _details(error, where))
        if self._former is not None:
            self._former.unraisable(happened)

    def _on_message(self, kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
        if kind in LOG_LEVELS:
            with suppress(Exception):
                self._note(LOG_LEVELS[kind], f"Qt: {message}", lambda: f"Qt: {message}")
        if self._former is not None and self._former.message is not None:
            self._former.message(kind, context, message)
        elif sys.stderr is not None:
            with suppress(OSError, ValueError):  # the terminal is gone
                sys.stderr.write(f"{qFormatLogMessage(kind, context, message)}\n")

    def _watch_for_crashes(self) -> None:
        """Let a hard crash leave its trace in a file beside the log, and keep the trace of the last one."""
        if faulthandler.is_enabled():
            return  # PYTHONFAULTHANDLER wants the traces on the terminal
        folder = Path(self._log.baseFilename).parent
        crash, last = folder / CRASH_NAME, folder / LAST_CRASH_NAME
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            if crash.exists() and crash.stat().st_size:
                os.replace(crash, last)
                self._write(logging.CRITICAL, f"An earlier run crashed; its trace is in {last.name}.")
        with suppress(OSError):
            self._crash_file = open(crash, "a", encoding="utf-8")  # noqa: SIM115
            faulthandler.enable(self._crash_file)

    # ------------------------------------------------------------ log and dialog

    def _take(self, error: BaseException, thread: str) -> None:
        """Log an exception, and show it unless it was shown before or another one is being shown."""
        with suppress(Exception):
            what, where = _place(error), f"in the thread {thread}"
            self._note(logging.ERROR, what, lambda: _details(error, where))
            with self._lock:
                if self._is_showing:
                    self._unshown += 1
                    return
                if what in self._shown:
                    return
                self._shown.add(what)
                self._is_showing, self._unshown = True, 0
            self._happened.emit(_details(error, where))

    def _note(self, level: int, what: str, text: Callable[[], str]) -> None:
        """Log a text unless `what` was logged a moment ago."""
        now = time.monotonic()
        with self._lock:
            repeats = self._repeats.get(what)
            if repeats is not None and now - repeats.logged_s < LOG_INTERVAL_S:
                repeats.unlogged += 1
                return
            if len(self._repeats) >= MAX_REMEMBERED:
                self._repeats.clear()
            self._repeats[what] = _Repeats(now)
        unlogged = repeats.unlogged if repeats is not None else 0
        more = f"\n({unlogged} more since it was last written)" if unlogged else ""
        self._write(level, text() + more)

    def _write(self, level: int, text: str) -> None:
        self._log.handle(logging.LogRecord("minigrad", level, "", 0, text, None, None))

    @Slot(str)
    def _show(self, details: str) -> None:
        try:
            parent = QApplication.activeModalWidget() or QApplication.activeWindow()
            self._dialog = IncidentDialog(details, parent)
            self._dialog.destroyed.connect(self._on_closed)
            self._show_note()
            self._timer.start()
            self._dialog.show()
        except Exception as error:  # re-raised, it would end up here again
            self._on_closed()
            with suppress(Exception):
                text = _details(error, "while reporting another")
                self._note(logging.ERROR, _place(error), lambda: text)

    @Slot()
    def _show_note(self) -> None:
        if self._dialog is not None:
            more = f"{counted(self._unshown, 'more error')} since. " if self._unshown else ""
            problem = self._log.problem
            log = f"The log cannot be written: {problem}" if problem else "The Help menu shows the log."
            self._dialog.show_note(more + log)

    @Slot()
    def _on_closed(self) -> None:
        self._timer.stop()
        self._dialog = None
        self._is_showing = False


def _place(error: BaseException) -> str:
    """What was raised, and where: the same for the same bug."""
    innermost = deque(traceback.walk_tb(error.__traceback__), INNERMOST_LINES)
    lines = [f"{Path(frame.f_code.co_filename).name}:{line}" for frame, line in innermost]
    return f"{type(error).__qualname__} at {' > '.join(lines)}"


def _details(error: BaseException, where: str) -> str:
    text = "".join(traceback.format_exception(error))
    if len(text) > MAX_DETAILS_CHARS:
        half = MAX_DETAILS_CHARS // 2
        text = f"{text[:half]}\n[…]\n{text[-half:]}"
    return f"Unexpected, {where}\n{text}\n{_versions()}"


@cache
def _versions() -> str:
    return (
        f"minigrad {version()}, Python {platform.python_version()}, NumPy {np.__version__}, "
        f"PySide6 {PySide6.__version__}, Qt {qVersion()}, {platform.platform()}, {QGuiApplication.platformName()}"
    )
