"""Finds what a test leaves behind: threads, timers, pool jobs, dialogs and other top-level widgets."""

import threading
from functools import cache

import shiboken6
from PySide6.QtCore import QCoreApplication, QEvent, QObject, QThread, QThreadPool, QTimer
from PySide6.QtWidgets import QApplication, QWidget

GRACE_S = 5.0
"""How long a thread may take to end after it was asked to."""


class Leaks:
    """Remembers what exists at its creation; `found` lists what has been created since and still exists."""

    def __init__(self) -> None:
        self._threads = set(threading.enumerate())
        self._objects = {id(each): each for each in _live_objects()}

    def found(self) -> list[str]:
        """One line for each leak, after deferred deletions and after ending threads have ended."""
        if QCoreApplication.instance() is not None:
            for _ in range(2):  # a deletion may schedule another one
                QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        threads = [each for each in threading.enumerate() if each not in self._threads and _counts(each)]
        for thread in threads:
            thread.join(GRACE_S)
        objects = [each for each in _live_objects() if self._objects.get(id(each)) is not each]
        for each in objects:
            if isinstance(each, QThread):
                each.wait(round(GRACE_S * 1000))
        still = [each for each in _live_objects() if any(each is one for one in objects)] if objects else []
        return [f"thread {each.name}" for each in threads if each.is_alive()] + [_described(each) for each in still]


def _counts(thread: threading.Thread) -> bool:
    """Ignore Python's dummies for Qt threads, and tqdm's monitor, which lives as long as the process."""
    return not isinstance(thread, threading._DummyThread) and not type(thread).__module__.startswith("tqdm")


def _live_objects() -> list[QObject]:
    """Running threads except this one, active timers, busy pools, and top-level widgets."""
    if QCoreApplication.instance() is None:
        return []
    here = QThread.currentThread()
    wrapped = [each for each in shiboken6.getAllValidWrappers() if _may_be_active(type(each))]
    found: list[QObject] = [each for each in wrapped if each is not here and _is_active(each)]
    return found + [each for each in QApplication.topLevelWidgets() if each.parent() is None]


@cache
def _may_be_active(kind: type) -> bool:
    return issubclass(kind, (QThread, QTimer, QThreadPool))


def _is_active(thing: QObject) -> bool:
    match thing:
        case QThread():
            return thing.isRunning()
        case QTimer():
            return thing.isActive()
        case QThreadPool():
            return thing.activeThreadCount() > 0
    return False


def _described(thing: QObject) -> str:
    owner = thing.parent()
    of = f" of {type(owner).__name__}" if owner is not None else ""
    what = "visible " if isinstance(thing, QWidget) and thing.isVisible() else ""
    return f"{what}{type(thing).__name__} {thing.objectName()!r}{of}"
