"""The leak fixture finds each kind of leak, and nothing if there is none."""

import threading

import pytest
from leaks import Leaks
from PySide6.QtCore import QObject, QRunnable, QThread, QThreadPool, QTimer
from PySide6.QtWidgets import QDialog, QLabel


@pytest.fixture
def leaks(qapp):  # noqa: ARG001
    return Leaks()


def test_a_thread_of_python_is_found(leaks, monkeypatch):
    monkeypatch.setattr("leaks.GRACE_S", 0.01)
    may_end = threading.Event()
    thread = threading.Thread(target=may_end.wait, name="forgotten")
    thread.start()
    assert leaks.found() == ["thread forgotten"]
    may_end.set()
    thread.join()
    assert leaks.found() == []


def test_a_thread_of_qt_is_found(leaks, monkeypatch):
    monkeypatch.setattr("leaks.GRACE_S", 0.01)
    thread = QThread(objectName="forgotten")
    thread.start()
    assert leaks.found() == ["QThread 'forgotten'"]
    thread.quit()
    assert thread.wait(30_000)
    assert leaks.found() == []


def test_a_timer_is_found(leaks):
    owner = QObject()
    timer = QTimer(owner, objectName="forgotten", interval=10_000)
    assert leaks.found() == []
    timer.start()
    assert leaks.found() == ["QTimer 'forgotten' of QObject"]
    timer.stop()
    assert leaks.found() == []


def test_a_job_of_a_pool_is_found(leaks):
    pool, may_end = QThreadPool(), threading.Event()
    pool.start(QRunnable.create(may_end.wait))
    assert leaks.found() == ["QThreadPool ''"]
    may_end.set()
    assert pool.waitForDone(30_000)
    assert leaks.found() == []


@pytest.mark.parametrize("kind", [QDialog, QLabel])
def test_a_top_level_widget_is_found(leaks, kind):
    widget = kind(objectName="forgotten")
    assert leaks.found() == [f"{kind.__name__} 'forgotten'"]
    widget.show()
    assert leaks.found() == [f"visible {kind.__name__} 'forgotten'"]
    widget.close()
    widget.deleteLater()
    assert leaks.found() == [], "a widget that is about to be deleted is not a leak"


def test_a_thread_that_is_about_to_end_is_not_a_leak(leaks):
    thread = QThread()
    thread.start()
    thread.quit()
    assert leaks.found() == []
