"""Uncaught errors are shown once in a dialog and written to a bounded log, and the window survives them."""

import gc
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from forked import Forked
from PySide6.QtCore import (
    QEvent,
    QObject,
    Qt,
    QThread,
    QTimer,
    QUrl,
    Slot,
    qInstallMessageHandler,
    qWarning,
)
from PySide6.QtGui import QDesktopServices, QGuiApplication, QPaintEvent
from PySide6.QtWidgets import QApplication, QLabel, QMessageBox, QPlainTextEdit, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from minigrad_gui import incidents as module
from minigrad_gui.incidents import IncidentDialog, Incidents, log_path
from minigrad_gui.version import version

pytestmark = [pytest.mark.qt_no_exception_capture, pytest.mark.tabs()]  # pytest-qt would replace the hook
watched = pytest.mark.usefixtures("incidents")


@pytest.fixture(autouse=True)
def passed_on(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Records the calls of the former hooks, which print to the terminal."""
    given: list[object] = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, *_: given.append(kind))
    monkeypatch.setattr(threading, "excepthook", lambda happened: given.append(happened.exc_type))
    monkeypatch.setattr(sys, "unraisablehook", lambda happened: given.append(happened.exc_type))
    return given


@pytest.fixture
def install(qtbot: QtBot) -> Iterator[Callable[..., Incidents]]:
    made: list[Incidents] = []

    def install_at(path: Path | None = None) -> Incidents:
        made.append(Incidents(path))
        made[-1].install()
        return made[-1]

    yield install_at
    for each in made:
        each.uninstall()
    close_dialogs(qtbot)


@pytest.fixture
def incidents(install: Callable[..., Incidents]) -> Incidents:
    return install()


def dialogs() -> list[IncidentDialog]:
    return [each for each in QApplication.topLevelWidgets() if isinstance(each, IncidentDialog) and each.isVisible()]


def the_dialog(qtbot: QtBot) -> IncidentDialog:
    qtbot.waitUntil(lambda: len(dialogs()) == 1)
    return dialogs()[0]


def close_dialogs(qtbot: QtBot) -> None:
    for dialog in dialogs():
        with qtbot.waitSignal(dialog.destroyed):
            dialog.findChild(QPushButton, "incidentCloseButton").click()


def details(dialog: IncidentDialog) -> str:
    return dialog.findChild(QPlainTextEdit, "incidentDetails").toPlainText()


def note(dialog: IncidentDialog) -> str:
    return dialog.findChild(QLabel, "incidentNote").text()


def log() -> str:
    return log_path().read_text(encoding="utf-8")


def stumble() -> None:
    raise ValueError("stumbled")


def fall() -> None:
    raise KeyError("fell")


@pytest.fixture
def happen(passed_on: list[object], qtbot: QtBot) -> Callable[..., None]:
    """`happen(*slots)`: lets Qt call these slots and processes the resulting events."""

    def call(*slots: Callable[[], None]) -> None:
        before = len(passed_on)
        for slot in slots:
            QTimer.singleShot(0, slot)
        qtbot.waitUntil(lambda: len(passed_on) == before + len(slots))
        qtbot.wait(0)

    return call


# ---------------------------------------------------------------- sources of errors


@watched
def test_an_exception_in_a_slot_is_shown_and_logged(happen, passed_on, qtbot):
    happen(stumble)
    dialog = the_dialog(qtbot)
    for text in (details(dialog), log()):
        assert "in stumble" in text
        assert "ValueError: stumbled" in text
        assert "PySide6 " in text
    assert passed_on == [ValueError], "the terminal still shows it"
    assert note(dialog) == "The Help menu shows the log."


@watched
def test_an_exception_in_an_event_handler_is_shown(qtbot):
    class Clumsy(QObject):
        def customEvent(self, _: QEvent) -> None:
            raise LookupError("dropped")

    clumsy = Clumsy()
    QApplication.postEvent(clumsy, QEvent(QEvent.Type.User))
    assert "LookupError: dropped" in details(the_dialog(qtbot))


def test_a_repeated_painting_error_is_shown_once(incidents, passed_on, qtbot, monkeypatch):
    monkeypatch.setattr(module, "LOG_INTERVAL_S", 3600.0)

    class Unpaintable(QWidget):
        def paintEvent(self, _: QPaintEvent) -> None:
            raise ArithmeticError("no colour")

    widget = Unpaintable()
    qtbot.addWidget(widget)
    repaint = QTimer(widget, interval=0)
    repaint.timeout.connect(widget.update)
    repaint.start()
    widget.show()
    dialog = the_dialog(qtbot)
    qtbot.waitUntil(lambda: len(passed_on) >= 50)
    assert dialogs() == [dialog]
    qtbot.waitUntil(lambda: " more errors since" in note(dialog))

    close_dialogs(qtbot)
    seen = len(passed_on)
    qtbot.waitUntil(lambda: len(passed_on) >= seen + 50)
    repaint.stop()
    assert dialogs() == []
    assert log().count("ArithmeticError: no colour") == 1
    incidents.uninstall()
    assert f" {len(passed_on) - 1} more: " in log(), "omitted records are counted"


@watched
def test_an_exception_in_a_python_thread_is_shown_in_the_gui_thread(passed_on, qtbot):
    thread = threading.Thread(target=stumble, name="stumbler")
    thread.start()
    thread.join()
    dialog = the_dialog(qtbot)
    assert dialog.thread() is QApplication.instance().thread()
    assert "in the thread stumbler" in details(dialog)
    assert "ValueError: stumbled" in log()
    assert passed_on == [ValueError]


@watched
def test_an_exception_in_a_qthread_is_shown_in_the_gui_thread(qtbot):
    class Worker(QObject):
        @Slot()
        def work(self) -> None:
            stumble()

    thread, worker = QThread(), Worker()
    worker.moveToThread(thread)
    thread.started.connect(worker.work)
    thread.start()
    try:
        dialog = the_dialog(qtbot)
    finally:
        thread.quit()
        assert thread.wait(5000)
    assert dialog.thread() is QApplication.instance().thread()
    assert "in work" in details(dialog)


@watched
def test_exceptions_that_python_ignores_are_only_logged(passed_on, qtbot):
    class Grudging:
        def __del__(self) -> None:
            raise OSError("not yet")

    Grudging()
    gc.collect()
    qtbot.wait(0)
    assert "OSError: not yet" in log()
    assert passed_on == [OSError]
    assert dialogs() == []


@watched
def test_qts_warnings_are_logged_and_passed_on(qtlog):
    qWarning("a timer from another thread")
    assert "WARNING Qt: a timer from another thread" in log()
    assert "a timer from another thread" in [record.message for record in qtlog.records]


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
@watched
def test_exiting_is_not_an_incident(passed_on, qtbot, kind):
    sys.excepthook(kind, kind(), None)
    qtbot.wait(0)
    assert passed_on == [kind]
    assert dialogs() == []
    assert not log_path().exists()


# ---------------------------------------------------------------- the dialog


@watched
def test_the_details_can_be_copied(happen, qtbot):
    happen(stumble)
    dialog = the_dialog(qtbot)
    QGuiApplication.clipboard().clear()
    qtbot.mouseClick(dialog.findChild(QPushButton, "incidentCopyButton"), Qt.MouseButton.LeftButton)
    copied = QGuiApplication.clipboard().text()
    assert copied.rstrip() == details(dialog).rstrip()
    assert "Traceback (most recent call last):" in copied
    assert f"Python {sys.version_info.major}.{sys.version_info.minor}." in copied


@watched
def test_dialogs_do_not_stack(happen, qtbot):
    happen(stumble)
    dialog = the_dialog(qtbot)
    happen(fall)
    assert dialogs() == [dialog]
    qtbot.waitUntil(lambda: note(dialog).startswith("1 more error since. "))
    assert "KeyError: 'fell'" in log()

    close_dialogs(qtbot)
    happen(stumble)
    assert dialogs() == [], "shown before"
    happen(fall)
    dialog = the_dialog(qtbot)
    assert "KeyError: 'fell'" in details(dialog), "only counted before"
    assert " since" not in note(dialog)


@watched
def test_many_at_once_make_one_dialog(passed_on, qtbot):
    threads = [threading.Thread(target=target) for target in (stumble, fall) * 8]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    dialog = the_dialog(qtbot)
    assert len(passed_on) == 16
    assert note(dialog).startswith("15 more errors since. ")


@watched
def test_a_failing_dialog_opens_no_other_dialog(happen, passed_on, qtbot, monkeypatch):
    def refuse(*_: object) -> None:
        raise RuntimeError("no dialog today")

    with monkeypatch.context() as broken:
        broken.setattr(IncidentDialog, "show_note", refuse)
        happen(stumble)
        qtbot.waitUntil(lambda: "RuntimeError: no dialog today" in log())
        assert passed_on == [ValueError]
        assert log().count("no dialog today\n") == 1
    happen(fall)
    assert "KeyError: 'fell'" in details(the_dialog(qtbot))


@watched
def test_an_error_in_the_dialog_is_counted_there(happen, qtbot, monkeypatch):
    monkeypatch.setattr(QGuiApplication, "clipboard", fall)
    happen(stumble)
    dialog = the_dialog(qtbot)
    happen(dialog.findChild(QPushButton, "incidentCopyButton").click)
    assert dialogs() == [dialog]
    qtbot.waitUntil(lambda: note(dialog).startswith("1 more error since. "))


@watched
def test_a_very_long_message_is_cut(happen, qtbot):
    def tell_a_novel() -> None:
        raise ValueError("once upon a time " * 1_000_000)

    happen(tell_a_novel)
    assert len(details(the_dialog(qtbot))) < module.MAX_DETAILS_CHARS + 1000
    assert log_path().stat().st_size < module.MAX_DETAILS_CHARS + 1000


# ---------------------------------------------------------------- the log


def test_the_log_is_rotated_and_bounded(install, monkeypatch):
    monkeypatch.setattr(module, "MAX_LOG_BYTES", 4000)
    monkeypatch.setattr(module, "LOG_INTERVAL_S", 0.0)
    install()
    for number in range(200):
        try:
            raise ValueError(f"number {number}")
        except ValueError:
            sys.excepthook(*sys.exc_info())
    files = sorted(log_path().parent.glob("minigrad.log*"))
    assert [file.name for file in files] == [
        "minigrad.log",
        *(f"minigrad.log.{n + 1}" for n in range(module.LOG_BACKUPS)),
    ]
    assert all(0 < file.stat().st_size <= 4000 for file in files)
    assert "number 199\n" in log()
    assert "number 0\n" not in "".join(file.read_text(encoding="utf-8") for file in files)


@watched
def test_repeated_incidents_are_logged_at_intervals(happen, monkeypatch):
    monkeypatch.setattr(module, "LOG_INTERVAL_S", 3600.0)
    happen(stumble, stumble, stumble, fall)
    assert log().count("ValueError: stumbled") == 1
    assert log().count("KeyError: 'fell'") == 1
    monkeypatch.setattr(module, "LOG_INTERVAL_S", 0.0)
    happen(stumble)
    assert log().count("ValueError: stumbled") == 2
    assert log().rstrip().endswith("(2 more since it was last written)")


def test_ever_different_messages_do_not_fill_the_memory(incidents, monkeypatch):
    monkeypatch.setattr(module, "MAX_REMEMBERED", 10)
    for number in range(100):
        qWarning(f"message {number}")
    assert len(incidents._repeats) <= 10
    assert "message 99" in log()


def test_the_dialog_works_without_a_log(happen, install, qtbot, tmp_path, capfd):
    (tmp_path / "folder").write_text("a file where the folder should be")
    install(tmp_path / "folder" / "log" / "minigrad.log")
    happen(stumble)
    dialog = the_dialog(qtbot)
    assert "ValueError: stumbled" in details(dialog)
    assert note(dialog).startswith("The log cannot be written: ")
    assert "Logging error" not in capfd.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are POSIX")
@watched
def test_the_log_continues_after_a_full_disk(happen, qtbot):
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        happen(stumble)
        assert note(the_dialog(qtbot)).startswith("The log cannot be written: ")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    happen(fall)
    assert "KeyError: 'fell'" in log()
    qtbot.waitUntil(lambda: "The Help menu shows the log." in note(dialogs()[0]))


def test_a_lost_log_is_opened_again(incidents, happen):
    happen(stumble)
    lost = os.open(os.devnull, os.O_RDONLY)
    os.dup2(lost, incidents._log.stream.fileno())  # as if its disk had been removed
    os.close(lost)
    happen(lambda: stumble())
    assert incidents._log.problem
    happen(fall)
    assert not incidents._log.problem
    assert "KeyError: 'fell'" in log()


# ---------------------------------------------------------------- hooks


def test_uninstalling_restores_the_former_hooks():
    def hooks() -> tuple[object, ...]:
        return sys.excepthook, threading.excepthook, sys.unraisablehook

    def handler(*_: object) -> None:
        pass

    before = hooks()
    pytest_qts = qInstallMessageHandler(handler)
    incidents = Incidents()
    incidents.install()
    incidents.install()
    assert not set(hooks()) & set(before)
    incidents.uninstall()
    incidents.uninstall()
    assert hooks() == before
    assert qInstallMessageHandler(pytest_qts) is handler


# ---------------------------------------------------------------- the window


@watched
def test_the_window_survives_an_exception(passed_on, user, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(user.session._drawing, "_read_strokes", lambda _: fall())
        user.draw(1)
        the_dialog(user.qtbot)
        assert set(passed_on) == {KeyError}
        assert user.session.prediction is None
    user.click("clearButton")
    user.draw(1)  # the dialog is still open
    user.wait(lambda: user.session.prediction is not None)
    user.train(hidden="8")
    assert len(user.session.history) > 0


def test_help_shows_the_path_of_the_log(user):
    user.trigger("aboutAction")
    about = user.widget("aboutBox")
    assert isinstance(about, QMessageBox)
    assert str(log_path()) in about.text()
    assert f"</b> {version()}<br>" in about.text()
    flags = Qt.TextInteractionFlag
    for selectable in (flags.TextSelectableByMouse, flags.TextSelectableByKeyboard):
        assert about.textInteractionFlags() & selectable
    with user.qtbot.waitSignal(about.destroyed):
        about.button(QMessageBox.StandardButton.Ok).click()


def test_help_opens_the_folder_of_the_log(user, monkeypatch, warnings):
    opened: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url) or len(opened) == 1)
    user.trigger("logAction")
    assert opened == []
    assert str(log_path().parent) in warnings.pop(), "no log exists yet"
    log_path().parent.mkdir(parents=True)
    user.trigger("logAction")
    assert [Path(url.toLocalFile()) for url in opened] == [log_path().parent]
    assert warnings == []
    user.trigger("logAction")
    assert str(log_path().parent) in warnings.pop(), "no program can show folders"


# ---------------------------------------------------------------- the program itself

forks = pytest.mark.skipif(os.name == "nt", reason="there, no process can be forked")

DRIVER = """
import faulthandler, sys
from PySide6.QtCore import QTimer
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication
from minigrad_gui import cli, incidents, main_window

class Window(main_window.MainWindow):
    def __init__(self):
        if sys.argv[1] == "fail at the start":
            raise RuntimeError("no window")
        super().__init__()
        QTimer.singleShot(0, {"fail": self.fail, "crash": faulthandler._sigsegv, "leave": self.close}[sys.argv[1]])

    def fail(self):
        self.look = QTimer(self, interval=10)
        self.look.timeout.connect(self.go_on)
        self.look.start()
        raise RuntimeError("injected")

    def go_on(self):
        dialogs = self.findChildren(incidents.IncidentDialog)
        if dialogs:
            self.look.stop()
            next(each for each in self.findChildren(QAction) if each.data() == "dark").trigger()
            dialogs[0].grab()
            print("told, and the theme is", self._settings.value("theme"))
            self.close()

main_window.MainWindow = Window
sys.exit(cli.main([]))
"""


def drive(tmp_path: Path, what: str) -> tuple[int, str, str]:
    """How the program ends, and what it has written to stdout and stderr."""
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path / "config")}
    environment.pop("PYTHONFAULTHANDLER", None)
    process = Forked("-c", DRIVER, what, environment=environment)
    out, err = process.communicate(timeout=60)
    return process.wait(), out, err


@forks
def test_the_program_survives_an_exception(tmp_path):
    status, out, err = drive(tmp_path, "fail")
    assert out == "told, and the theme is dark\n"
    assert status == 0
    assert "RuntimeError: injected" in err
    assert "RuntimeError: injected" in log()


@forks
def test_a_program_that_cannot_start_is_in_the_log(tmp_path):
    status, _, err = drive(tmp_path, "fail at the start")
    assert status == 1
    assert err.rstrip().endswith("RuntimeError: no window")
    assert "RuntimeError: no window" in log()


@forks
def test_the_trace_of_a_crash_survives_the_next_start(tmp_path):
    crash, last = (log_path().parent / name for name in (module.CRASH_NAME, module.LAST_CRASH_NAME))
    assert drive(tmp_path, "crash")[0] not in (0, 1)
    assert "most recent call first" in crash.read_text()
    for _ in range(2):
        assert drive(tmp_path, "leave")[0] == 0
        assert "most recent call first" in last.read_text()
        assert crash.read_text() == ""
    assert log().count("An earlier run crashed; its trace is in last-crash.log.") == 1
