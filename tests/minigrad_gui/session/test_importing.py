"""Networks of other programs are read in another thread, and taken when the person agrees."""

import pytest
from foreign import nearest_mean
from PySide6.QtCore import QObject

from minigrad_gui.analysis import Answer
from minigrad_gui.session.importing import KEY, Importing


class Desk(QObject):
    """Does the work when it is told to, in this thread."""

    def __init__(self):
        super().__init__()
        self.work = []
        self.importing = Importing(lambda key, work: self.work.append((key, work)), lambda _: None, self)
        self.said, self.results, self.failures = [], [], []
        self.importing.importing.connect(self.said.append)
        self.importing.imported.connect(self.results.append)
        self.importing.failed.connect(self.failures.append)

    def answer(self):
        key, work = self.work.pop(0)
        assert key == KEY
        self.importing.take(Answer(key, work(None)))


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def path(tmp_path):
    (tmp_path / "turned.pt").write_bytes(nearest_mean(transposed=True))
    return tmp_path / "turned.pt"


def test_what_it_expects_is_told_with_the_network(desk, path):
    desk.importing.read(path, None)
    assert (desk.said, desk.results) == (["turned.pt"], [])
    desk.answer()
    (imported,) = desk.results
    assert desk.said == ["turned.pt", ""]
    assert imported.input == "from 0 to 1, transposed"
    assert imported.is_measured
    assert not imported.is_usual
    assert imported.record.test_accuracy > 0.6


def test_what_is_known_is_not_measured(desk, path):
    desk.importing.read(path, "from 0 to 1")
    desk.answer()
    assert desk.results[0].is_usual
    assert not desk.results[0].is_measured, "it reads no digits so"


def test_a_second_request_takes_the_place_of_the_first(desk, path, tmp_path):
    desk.importing.read(tmp_path / "missing.onnx", None)
    desk.importing.read(path, "from 0 to 1")
    desk.answer()
    assert (desk.results, desk.failures) == ([], [])
    desk.answer()
    assert [each.path for each in desk.results] == [path]


def test_what_cannot_be_read_is_told_in_one_sentence(desk, tmp_path):
    desk.importing.read(tmp_path / "missing.onnx", None)
    desk.answer()
    assert desk.failures == ["missing.onnx could not be opened: no such file or directory."]
    desk.importing.read(tmp_path / "missing.onnx", None)
    desk.importing.take(Answer(KEY, error="MemoryError"))
    assert desk.failures[1:] == ["MemoryError"]
    assert desk.said[-1] == ""
