"""Drawings are taught to a copy of the network, without a window."""

import numpy as np
import pytest
from PySide6.QtCore import QDeadlineTimer

from engine import MLP
from minigrad_gui import handwriting as teaching_module
from minigrad_gui.session.handwriting import Handwriting

ONE = [np.array([[0.5, 0.1], [0.5, 0.9]])]
TRIANGLE = [np.array([[0.5, 0.1], [0.9, 0.9], [0.1, 0.9], [0.5, 0.1]])]
DOT = [np.array([[0.5, 0.5]])]

pytestmark = pytest.mark.usefixtures("few_digits", "quick_lessons")


@pytest.fixture
def quick_lessons(monkeypatch):
    for name, value in {"STEPS": 10, "TAUGHT_VARIATIONS": 100, "REPLAYED_VARIATIONS": 200}.items():
        monkeypatch.setattr(teaching_module, name, value)


@pytest.fixture
def make_handwriting(tmp_path):
    made = []

    def make():
        made.append(Handwriting(tmp_path / "handwriting"))
        return made[-1]

    yield make
    for handwriting in made:
        handwriting.quit()
        assert handwriting.wait(QDeadlineTimer(30_000))


@pytest.fixture
def handwriting(make_handwriting):
    return make_handwriting()


@pytest.fixture
def network():
    return MLP(784, [16], 10, dtype=np.float32, rng=np.random.default_rng(0))


def labels(handwriting):
    return [drawing.label for drawing in handwriting.drawings.drawings]


def wait_until_learnt(handwriting, qtbot):
    qtbot.waitUntil(lambda: handwriting.state == "on", timeout=30_000)


def test_a_drawing_is_learnt_by_a_copy(handwriting, network, qtbot):
    handwriting.set_network(network, is_wanted=True)
    before = network.layers[0].W.data.copy()
    handwriting.teach(ONE, 7)
    assert handwriting.state == "learning"
    assert (handwriting.reading_model, handwriting.accuracy) == (network, None)
    wait_until_learnt(handwriting, qtbot)
    assert handwriting.reading_model is handwriting.copy.model is not network
    assert [drawing.label for drawing in handwriting.copy.job.drawings] == [7]
    assert 0 <= handwriting.accuracy == handwriting.copy.test[1] <= 1
    np.testing.assert_array_equal(network.layers[0].W.data, before)


def test_removing_a_drawing_restores_the_network(handwriting, network, qtbot):
    handwriting.set_network(network, is_wanted=True)
    handwriting.teach(ONE, 7)
    wait_until_learnt(handwriting, qtbot)
    handwriting.undo()
    handwriting.undo()  # nothing to undo
    assert labels(handwriting) == []
    assert (handwriting.copy, handwriting.reading_model) == (None, network)
    assert handwriting.state == "off"


def test_a_second_label_corrects_the_first(handwriting, network):
    handwriting.set_network(network, is_wanted=False)
    handwriting.teach(ONE, 7)
    handwriting.teach(ONE, 1)
    assert labels(handwriting) == [1]
    assert handwriting.taught(ONE).label == 1
    assert handwriting.taught([stroke.copy() for stroke in ONE]) is None, "it was drawn again"
    handwriting.teach(TRIANGLE, 4)
    assert labels(handwriting) == [1, 4]
    handwriting.undo()
    assert labels(handwriting) == [1]
    handwriting.teach(TRIANGLE, 4)
    assert handwriting.taught(ONE).label == 1, "a sheet may have several digits"
    assert handwriting.taught([*ONE, *TRIANGLE]) is None


def test_dots_and_blank_sheets_are_not_taught(handwriting, network):
    assert not handwriting.can_teach(ONE), "there is no network"
    handwriting.set_network(network, is_wanted=False)
    handwriting.teach(DOT, 1)
    handwriting.teach([], 1)
    assert labels(handwriting) == []


def test_nothing_is_learnt_unless_wanted(handwriting, network, qtbot):
    handwriting.set_network(network, is_wanted=False)
    handwriting.teach(ONE, 7)
    assert not handwriting.is_learning
    assert handwriting.state == "off"
    handwriting.set_wanted(True)
    wait_until_learnt(handwriting, qtbot)
    handwriting.set_wanted(False)
    assert handwriting.copy is None


def test_a_network_in_training_reads_by_itself(handwriting, network, qtbot):
    handwriting.set_network(network, is_wanted=True)
    handwriting.teach(ONE, 7)
    wait_until_learnt(handwriting, qtbot)
    handwriting.set_training(True)
    assert (handwriting.copy, handwriting.state) == (None, "off")
    assert (handwriting.reading_model, handwriting.accuracy) == (network, None)
    handwriting.teach(TRIANGLE, 4)
    assert not handwriting.is_learning
    handwriting.set_training(False)
    handwriting.learn()
    wait_until_learnt(handwriting, qtbot)
    assert len(handwriting.copy.job.drawings) == 2


def test_another_network_learns_the_drawings_again(handwriting, network, qtbot):
    handwriting.set_network(network, is_wanted=True)
    handwriting.teach(ONE, 7)
    other = network.copy()
    handwriting.set_network(other, is_wanted=True)
    wait_until_learnt(handwriting, qtbot)
    assert handwriting.copy.job.model is other


def test_the_next_session_knows_what_was_taught(make_handwriting, network, qtbot):
    first = make_handwriting()
    first.set_network(network, is_wanted=False)
    first.teach(ONE, 7)
    first.quit()
    second = make_handwriting()
    second.set_network(network, is_wanted=True)
    assert second.is_learning, "it reads the drawings"
    wait_until_learnt(second, qtbot)
    assert labels(second) == [7]
    second.forget()
    second.drawings.flush()
    assert make_handwriting().drawings.unread == ()


def test_only_drawings_of_the_networks_classes_are_learnt(handwriting):
    letters = MLP(784, [16], 2, dtype=np.float32, rng=np.random.default_rng(0))
    handwriting.set_network(letters, ("7", "B"), is_wanted=False)
    for strokes, label in ((ONE, 7), ([ONE[0] * 0.9], "B"), ([ONE[0] * 0.8], "C")):
        handwriting.teach(strokes, label)
    assert labels(handwriting) == [7, "B", "C"]
    assert [drawing.label for drawing in handwriting.usable] == [7, "B"]
    handwriting.set_network(letters, is_wanted=False)
    assert [drawing.label for drawing in handwriting.usable] == [7]
