"""Impatience, several windows, and what goes wrong."""

import threading
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QApplication, QMessageBox
from taught_drawings import FLAGGED_ONE, TRIANGLE, click_bar, draw, stored, taught, text, wait_until_learnt
from threadpoolctl import threadpool_info

from minigrad_gui import data, handwriting
from minigrad_gui.handwriting import DrawingStore
from minigrad_gui.teaching import TeachingWorker

pytestmark = pytest.mark.panels("DrawPanel")


def test_after_ten_quick_clicks_the_last_one_counts(user, folder):
    draw(user, TRIANGLE)
    for digit in (0, 1, 2, 3, 4, 5, 6, 7, 9, 8):
        click_bar(user, digit)
    assert taught(user) == [8]
    wait_until_learnt(user, 8)
    assert [each["label"] for each in stored(user, folder)] == [8]
    assert text(user, "handwritingCheck") == "With your handwriting (1)"


@pytest.mark.parametrize("clicks", [1, 10])
def test_the_window_can_be_closed_while_it_learns(user, monkeypatch, clicks):
    monkeypatch.setattr(handwriting, "STEPS", 20_000)  # far longer than a person would wait
    draw(user, TRIANGLE)
    started = threading.Event()
    worker = user.session._handwriting._teacher._worker
    worker._digits = lambda: (started.set(), TeachingWorker._digits(worker))[1]
    for digit in range(clicks):
        click_bar(user, digit)
    user.wait(started.is_set)
    user.window.close()
    assert not user.session._handwriting._teacher._thread.isRunning()
    QCoreApplication.sendPostedEvents()
    QApplication.processEvents()
    assert not user.session._handwriting._teacher._thread.isRunning(), "the next job does not begin"


def test_a_failed_job_is_reported_and_the_network_stays(user, warnings, monkeypatch):
    errors = [MemoryError(), ZeroDivisionError("by zero"), data.DataError("The digits are gone.")]

    def fail(*_: object, **__: object) -> None:
        raise errors[len(warnings)]

    before = user.session.model
    draw(user, TRIANGLE)
    with monkeypatch.context() as broken:
        broken.setattr("minigrad_gui.teaching.teach", fail)
        for count in (1, 2, 3):
            click_bar(user, count)
            wait_until_learnt(user)
            user.wait(lambda count=count: len(warnings) == count)
            assert user.session.reading_model is before
            assert text(user, "handwritingCheck") == "With your handwriting (not learnt)"
    assert ["memory" in warnings[0], "by zero" in warnings[1], warnings[2]] == [True, True, "The digits are gone."]
    assert all(warning.endswith(".") for warning in warnings)
    click_bar(user, 6)
    wait_until_learnt(user, 6)
    assert len(warnings) == 3


@pytest.fixture
def no_folder(tmp_path, monkeypatch):
    """The folder of drawings cannot be written to."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file" / "data"))


@pytest.mark.usefixtures("no_folder")
def test_drawings_that_cannot_be_stored_are_learnt(user, warnings):
    untaught = user.session.model
    draw(user, FLAGGED_ONE)
    click_bar(user, 1)
    user.session.drawing_store.flush()
    assert len(warnings) == 1
    assert "will be lost when you quit" in warnings[0]
    wait_until_learnt(user, 1)
    assert text(user, "handwritingCheck") == "With your handwriting (1)"
    user.click("undoTeachingButton")
    assert user.session.reading_model is untaught
    assert text(user, "handwritingCheck") == "With your handwriting (none yet)"
    assert len(warnings) == 1


def test_damaged_files_do_not_stop_the_window_from_opening(make_window, folder, qtbot):
    folder.mkdir(parents=True)
    (folder / "1.json").write_text('{"label": 1, "strokes": [[[1' + 400 * "0" + ", 0]]]}")
    (folder / "2.json").write_text('{"label": 1, "strokes": [[[-1e308, 0], [1e308, 1]]]}')
    window = make_window()
    qtbot.waitUntil(lambda: not window.session.is_learning, timeout=30_000)
    assert window.session.drawing_store.drawings == []
    assert len(list(folder.iterdir())) == 2


def test_two_windows_share_the_drawings(user, make_window, small_file, folder):
    first, second = user, type(user)(make_window(), user.qtbot)
    second.window.open(small_file)
    for person, digit in ((first, 1), (second, 7)):
        draw(person, FLAGGED_ONE)
        click_bar(person, digit)
        person.session.drawing_store.flush()
    assert [drawing.label for drawing in DrawingStore(folder).read()] == [1, 7]
    first.click("undoTeachingButton")
    first.session.drawing_store.flush()
    assert [drawing.label for drawing in DrawingStore(folder).read()] == [7]
    assert taught(second) == [7]
    for person in (first, second):
        wait_until_learnt(person)


def test_two_windows_that_learn_at_once_leave_the_blas_threads_as_they_were(make_window, qtbot):
    def threads() -> dict[str, int]:
        return {pool["filepath"]: pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

    before = threads()
    sessions = [make_window().session for _ in range(2)]
    for session in sessions:
        session.set_drawing([FLAGGED_ONE])
        session.teach(1)
    qtbot.waitUntil(lambda: not any(session.is_learning for session in sessions), timeout=20_000)
    assert before.items() <= threads().items(), "SciPy may have loaded another BLAS meanwhile"


def test_a_drawing_that_was_undone_and_redone_is_still_the_same(user):
    draw(user, FLAGGED_ONE)
    user.session.teach(3)
    user.trigger("undoAction")
    user.trigger("redoAction")
    user.session.teach(1)
    assert taught(user) == [1]


def test_a_correction_that_cannot_be_written_leaves_the_first_label(user, warnings, monkeypatch):
    draw(user, FLAGGED_ONE)
    user.session.teach(3)
    user.session.drawing_store.flush()

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(handwriting, "replacing", refuse)
    user.session.teach(1)
    user.session.drawing_store.flush()
    assert taught(user) == [3]
    assert "could not be corrected" in warnings[0]
    assert len(warnings) == 1
    wait_until_learnt(user)


def test_return_does_not_confirm_forgetting(user, monkeypatch):
    draw(user, FLAGGED_ONE)
    click_bar(user, 1)
    wait_until_learnt(user, 1)
    monkeypatch.setattr(QMessageBox, "exec", lambda box: box.defaultButton().click())
    user.click("handwritingButton")
    user.click("handwritingForgetButton")
    assert taught(user) == [1]
