"""The thread that learns handwriting: it starts when needed and ends on request."""

import numpy as np
import pytest
from PySide6.QtCore import QDeadlineTimer, QThread

from engine import MLP
from minigrad_gui import handwriting
from minigrad_gui.handwriting import Drawing
from minigrad_gui.session.teacher import Teacher
from minigrad_gui.teaching import TeachingJob

ONE = (np.array([[0.5, 0.1], [0.5, 0.9]]),)

pytestmark = pytest.mark.usefixtures("few_digits")


@pytest.fixture
def teacher(monkeypatch):
    for name, value in {"STEPS": 10, "TAUGHT_VARIATIONS": 100, "REPLAYED_VARIATIONS": 200}.items():
        monkeypatch.setattr(handwriting, name, value)
    teacher = Teacher()
    yield teacher
    teacher.quit()
    assert teacher.wait(QDeadlineTimer(30_000))


def job() -> TeachingJob:
    model = MLP(784, [16], 10, dtype=np.float32, rng=np.random.default_rng(0))
    return TeachingJob(model, (Drawing(ONE, 7, "one.json"),))


def test_a_job_gives_a_taught_copy_and_does_not_change_the_network(teacher, qtbot):
    asked = job()
    before = asked.model.layers[0].W.data.copy()
    with qtbot.waitSignal(teacher.taught, timeout=30_000) as taught:
        teacher.teach(asked)
    (result,) = taught.args
    assert result.job is asked
    assert result.error is None
    assert 0 <= result.test[1] <= 1
    assert not np.array_equal(result.model.layers[0].W.data, before)
    np.testing.assert_array_equal(asked.model.layers[0].W.data, before)


def test_a_cancelled_job_gives_no_network(teacher, qtbot):
    asked = job()
    asked.cancelled.set()
    with qtbot.waitSignal(teacher.taught, timeout=30_000) as taught:
        teacher.teach(asked)
    assert (taught.args[0].model, taught.args[0].error) == (None, None)


def test_drawings_are_read_in_another_thread(teacher, qtbot):
    threads = []

    def read(is_closing):
        threads.append(QThread.currentThread().objectName())
        assert not is_closing()
        return ["a drawing"]

    with qtbot.waitSignal(teacher.drawingsRead, timeout=30_000) as drawings:
        teacher.read(read)
    assert drawings.args == [["a drawing"]]
    assert threads == ["teaching"]


def test_quitting_interrupts_loading(teacher, qtbot):
    received = []
    teacher.drawingsRead.connect(received.append)

    def read(is_closing):
        teacher.quit()
        assert is_closing()
        return []

    teacher.read(read)
    assert teacher.wait(QDeadlineTimer(30_000))
    qtbot.wait(0)
    assert received == []


def test_a_thread_that_was_never_started_has_ended(teacher):
    assert teacher.wait(QDeadlineTimer(0))
