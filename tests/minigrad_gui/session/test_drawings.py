"""Taught drawings show at once and are written to disk in order, without blocking."""

import json
import threading

import numpy as np
import pytest

from minigrad_gui import handwriting
from minigrad_gui.handwriting import DrawingStore
from minigrad_gui.session.drawings import Drawings

ONE = [np.array([[0.5, 0.1], [0.5, 0.9]])]


@pytest.fixture
def drawings(tmp_path):
    drawings = Drawings(tmp_path / "handwriting")
    yield drawings
    drawings.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("drawings")]


def labels(drawings):
    return [drawing.label for drawing in drawings.drawings]


def stored(drawings):
    return [json.loads(file.read_text())["label"] for file in sorted(drawings.folder.iterdir())]


@pytest.fixture
def slow_disk(monkeypatch):
    """Nothing is written before `slow_disk.set()`."""
    ready, replacing = threading.Event(), handwriting.replacing

    def wait(path):
        assert threading.current_thread() is not threading.main_thread()
        assert ready.wait(30)
        return replacing(path)

    monkeypatch.setattr(handwriting, "replacing", wait)
    yield ready
    ready.set()


@pytest.fixture
def refuse(monkeypatch):
    """`refuse()`: from now on no file can be written."""

    def fail(path):
        raise PermissionError(13, "Permission denied", str(path))

    return lambda: monkeypatch.setattr(handwriting, "replacing", fail)


def test_a_drawing_shows_before_it_is_on_disk(drawings, slow_disk):
    drawings.add(ONE, 3)
    assert labels(drawings) == [3]
    assert not drawings.folder.exists() or stored(drawings) == []
    slow_disk.set()
    drawings.flush()
    assert stored(drawings) == [3]


def test_changes_are_written_in_order(drawings, slow_disk):
    first, second, third = (drawings.add(ONE, label) for label in (1, 2, 3))
    drawings.relabel([second], 8)
    drawings.remove([first])
    drawings.remove(drawings.drawings[-1:])
    drawings.add(ONE, 5)
    assert labels(drawings) == [8, 5]
    slow_disk.set()
    drawings.flush()
    assert stored(drawings) == [8, 5]
    assert drawings.drawings[0].name == second.name
    assert third.name not in {file.name for file in drawings.folder.iterdir()}


def test_closing_waits_until_everything_is_on_disk(drawings, slow_disk):
    drawings.add(ONE, 3)
    drawings.add(ONE, 4)
    threading.Timer(0.05, slow_disk.set).start()
    drawings.close()
    assert stored(drawings) == [3, 4]


def test_a_failed_write_is_reported_once_and_the_drawings_stay(drawings, refuse):
    refuse()
    failures = []
    drawings.failed.connect(failures.append)
    drawings.add(ONE, 3)
    drawings.add(ONE, 4)
    drawings.flush()
    assert len(failures) == 1
    assert "will be lost when you quit" in failures[0]
    assert labels(drawings) == [3, 4]


def test_a_failure_during_closing_is_reported(drawings, refuse):
    refuse()
    failures = []
    drawings.failed.connect(failures.append)
    drawings.add(ONE, 3)
    drawings.close()
    assert len(failures) == 1


def test_a_correction_that_cannot_be_written_is_reverted(drawings, refuse, qtbot):
    drawing = drawings.add(ONE, 3)
    drawings.flush()
    refuse()
    failures = []
    drawings.failed.connect(failures.append)
    drawings.relabel([drawing], 8)
    assert labels(drawings) == [8]
    with qtbot.waitSignal(drawings.changed):
        drawings.flush()
    assert labels(drawings) == [3]
    assert len(failures) == 1
    assert "could not be corrected" in failures[0]


def test_loaded_drawings_precede_those_added_meanwhile(tmp_path):
    DrawingStore(tmp_path / "old").add(ONE, 1)
    again = Drawings(tmp_path / "old")
    assert len(again.unread) == 1
    read = again.read(lambda: False)
    again.add(ONE, 2)
    again.include(read)
    assert labels(again) == [1, 2]
    assert again.unread == ()
    again.include(read)
    assert labels(again) == [1, 2], "it is included once"
    again.remove(again.drawings[:1])
    again.close()
    assert stored(again) == [2]


def test_loading_does_not_restore_forgotten_drawings(tmp_path):
    DrawingStore(tmp_path).add(ONE, 1)
    drawings = Drawings(tmp_path)
    read = drawings.read(lambda: False)
    drawings.forget()
    drawings.include(read)
    assert drawings.drawings == []
    drawings.close()
    assert stored(drawings) == []


def test_drawings_loaded_after_closing_are_ignored(tmp_path):
    DrawingStore(tmp_path).add(ONE, 1)
    drawings = Drawings(tmp_path)
    read = drawings.read(lambda: False)
    drawings.close()
    drawings.include(read)
    assert drawings.drawings == []
    assert stored(drawings) == [1]


def test_a_drawing_added_after_closing_is_not_lost(drawings):
    drawings.close()
    drawings.add(ONE, 3)
    assert labels(drawings) == stored(drawings) == [3]
    drawings.flush()


def test_the_same_arrays_are_found_again_and_equal_ones_are_not(drawings):
    first, second = drawings.add(ONE, 1), drawings.add([ONE[0].copy()], 2)
    assert drawings.find(list(ONE)) is first
    assert drawings.find([ONE[0].copy()]) is None
    drawings.relabel([first], 7)
    assert drawings.find(ONE).label == 7
    drawings.remove([first])
    assert drawings.find(ONE) is None
    assert second in drawings.drawings


def test_strokes_that_were_added_twice_are_found_as_the_last(drawings):
    drawings.add(ONE, 1)
    again = drawings.add(ONE, 2)
    assert drawings.find(ONE) is again
