"""The network's view follows the pen, the run and the damage that is done to the network."""

import numpy as np
import pytest
from mnist_digits import first_digits
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from engine import MLP
from minigrad_gui import exciting
from minigrad_gui.analysis import Answer
from minigrad_gui.insight import activations
from minigrad_gui.insight.damage import Damage
from minigrad_gui.insight.glance import glance
from minigrad_gui.insight.neurons import most_exciting
from minigrad_gui.insight.readings import confusion
from minigrad_gui.views import network

pytestmark = [
    pytest.mark.usefixtures("few_digits"),
    pytest.mark.tabs("networkView"),
    pytest.mark.panels("TrainingPanel", "DrawPanel"),
]


@pytest.fixture(scope="module")
def few():
    """Fewer than for others, as those that excite each neuron are looked for in each test."""
    return first_digits(1500, 200)


@pytest.fixture
def view(user):
    """In front, with a digit drawn."""
    user.draw(7)
    user.reading()
    user.trigger("showNetworkAction")
    view = user.widget("networkView")
    user.wait(lambda: view._glance is not None)
    return view


@pytest.fixture
def diagram(user, view):  # noqa: ARG001
    return user.widget("networkDiagram")


def shown_outputs(view):
    return [each.copy() for each in view._glance.outputs]


def agree(view, model, picture):
    return all(np.array_equal(*pair) for pair in zip(shown_outputs(view), activations(model, picture), strict=True))


def test_it_follows_the_pen(user, view):
    session = user.session
    assert agree(view, session.model, session.picture)
    before = session.picture
    user.draw(1)
    user.wait(lambda: session.picture is not before)
    user.wait(lambda: agree(view, session.model, session.picture))
    user.click("clearButton")
    user.wait(lambda: "Draw something" in user.widget("networkDiagram")._message)


def test_it_follows_a_run_and_another_network(user, view):
    first = user.session.model
    user.train(hidden="8, 4")
    model = user.session.model
    assert model is not first
    user.wait(lambda: len(view._glance.outputs[0]) == 8 and agree(view, model, user.session.picture))
    combo = user.widget("damageLayerCombo")
    assert [combo.itemText(index) for index in range(combo.count())] == ["Layer 1", "Layer 2", "Output"]


def test_a_neuron_that_is_pointed_at_is_explained(user, view, diagram, few_digits, monkeypatch):
    monkeypatch.setattr(exciting, "PRODUCTS_AT_ONCE", 700_000_000)  # about 1,000 digits
    told = []
    user.session.analysed.connect(lambda answer: told.append(answer.result))
    user.session.open_pretrained()
    user.wait(lambda: view._excitement is not None and view._excitement.model is user.session.model)
    user.wait(lambda: any(isinstance(each, exciting.Excitement) and each.seen < 1100 for each in told))
    QTest.mouseMove(diagram, diagram.place_of((0, 100)).toPoint())
    user.wait(lambda: "Layer 1, neuron 101" in user.widget("neuronTitle").text())
    sums = {line.name: line.value for line in user.widget("neuronSum").lines()}
    layer, x = user.session.model.layers[0], user.session.picture.ravel()
    assert sums["sum"] == pytest.approx(float(layer.W.data[100] @ x + layer.b.data[100]), rel=1e-4)
    user.wait(lambda: has_seen_all(view))
    digits = view._excitement.digits
    assert digits.images is few_digits.train_images
    best = most_exciting(user.session.model, digits.images[digits.indices], 8)[0].indices[100]
    assert sorted(view._excitement.best[0].indices[100]) == sorted(best)
    assert user.widget("excitingCaption").text() == f"Best of {len(digits.indices):,}"


def test_reading_and_accuracy_follow_the_damage_and_its_repair(user, view, diagram, few_digits):
    session, label = user.session, user.widget("damageAccuracy")
    model, before = session.model, session.prediction.probabilities

    def accuracy(network):
        counts = confusion(network, few_digits.test_images, few_digits.test_labels)
        return f"{counts.trace() / counts.sum():.2%}"

    user.wait(lambda: label.text() == f"Test: {accuracy(model)}")
    user.widget("damageLayerCombo").setCurrentIndex(2)
    user.widget("damageNoiseSlider").setValue(40)
    user.wait(lambda: session.damage == Damage().with_noise(2, 2.0))
    unit = int(view._glance.outputs[1].argmax())
    QTest.mouseDClick(diagram, Qt.MouseButton.LeftButton, pos=diagram.place_of((1, unit)).toPoint())
    damage = Damage().with_noise(2, 2.0).toggled(1, unit)
    user.wait(lambda: session.damage == damage)
    damaged = damage.apply(model)
    user.wait(lambda: agree(view, damaged, session.picture))
    user.wait(lambda: "damaged" in user.widget("verdictLabel").text())
    assert not np.allclose(session.prediction.probabilities, before)
    user.wait(lambda: label.text() == f"Test: {accuracy(model)} → {accuracy(damaged)}")
    assert session.model is model
    user.click("undoDamageButton")
    user.wait(lambda: session.damage == Damage().with_noise(2, 2.0))
    user.click("repairButton")
    user.wait(lambda: not session.damage and np.array_equal(session.prediction.probabilities, before))
    assert user.widget("damageNoiseSlider").value() == 0
    assert label.text() == f"Test: {accuracy(model)}"
    assert "damaged" not in user.widget("verdictLabel").text()


def test_damage_rests_while_another_view_is_in_front(user, view):
    view._on_silence(0, 3)
    user.wait(lambda: bool(user.session.damage))
    user.trigger("showCurvesAction")
    user.wait(lambda: not user.session.damage)
    user.trigger("showNetworkAction")
    user.wait(lambda: user.session.damage == Damage().toggled(0, 3))


def test_nothing_is_damaged_during_a_run_and_its_network_is_whole(user, view):
    view._on_silence(0, 3)
    user.wait(lambda: bool(user.session.damage))
    user.configure(epochs=1000)
    user.click("trainButton")
    user.wait(lambda: len(user.session.history) > 0 and not user.session.damage)
    user.wait(lambda: not user.widget("damageNoiseSlider").isEnabled())
    view._on_silence(0, 3)
    assert not view._history.can_undo
    user.click("stopButton")
    user.wait(lambda: user.session.state == "idle")
    user.wait(user.widget("damageNoiseSlider").isEnabled)
    assert not user.session.damage
    assert not user.widget("undoDamageButton").isEnabled()


def test_a_large_network_is_looked_into_in_another_thread(user, view, diagram, monkeypatch):
    monkeypatch.setattr(network, "AT_ONCE_PARAMETERS", 1000)
    session, before = user.session, user.session.picture
    user.draw(1)
    user.wait(lambda: session.picture is not before)
    user.wait(lambda: agree(view, session.model, session.picture))
    diagram.select((1, 30))
    user.wait(lambda: "Layer 2, neuron 31" in user.widget("neuronTitle").text())
    user.wait(lambda: view._excitement is not None and "→" not in user.widget("damageAccuracy").text())
    view._on_silence(0, 3)
    user.wait(lambda: bool(session.damage) and agree(view, session.reading_model, session.picture))
    user.wait(lambda: view._accuracy_of("damaged", session.reading_model) is not None)


def test_a_blank_canvas_says_what_would_light_the_network(user):
    user.trigger("showNetworkAction")
    view, diagram = user.widget("networkView"), user.widget("networkDiagram")
    user.wait(lambda: view._excitement is not None)
    assert diagram._message.startswith("Draw something")
    assert user.widget("neuronExciting").count == 0
    user.click("networkOfferButton")
    user.wait(lambda: diagram._message == "" and agree(view, user.session.model, user.session.picture))
    assert user.session.picture.any()
    assert not user.widget("networkOfferButton").isVisible()


def test_a_digit_that_excites_a_neuron_is_shown_in_place_of_the_drawing(user, view, diagram, few_digits):
    diagram.select((0, 3))
    mosaic = user.widget("neuronExciting")
    user.wait(lambda: "Layer 1, neuron 4" in user.widget("neuronTitle").text() and mosaic.count == 8)
    index, output = view._excitement.of(0, 3)[5]
    QTest.mouseClick(mosaic, Qt.MouseButton.LeftButton, pos=mosaic.rect_of(5).center())
    user.wait(lambda: np.array_equal(user.session.picture, few_digits.train_images[index] / np.float32(255)))
    user.wait(lambda: agree(view, user.session.model, user.session.picture))
    assert view._glance.outputs[0][3] == pytest.approx(output, rel=1e-4)


def test_the_keyboard_reaches_all_of_it_by_name(user, view, diagram):
    diagram.select((0, 3))
    user.wait(lambda: "Layer 1, neuron 4" in diagram.accessibleDescription())
    view._on_silence(0, 3)
    user.wait(user.widget("repairButton").isEnabled)
    user.window.activateWindow()
    user.wait(user.window.isActiveWindow)
    diagram.setFocus()
    reached = {}
    while (focused := QApplication.focusWidget()) not in reached.values():
        name = QAccessible.queryAccessibleInterface(focused).text(QAccessible.Text.Name)
        assert name, focused
        reached[name] = focused
        QTest.keyClick(focused, Qt.Key.Key_Tab)
    expected = "The network", "Layer to damage", "Noise", "Scale", "Undo the last damage", "Repair all", "Export"
    names = {name if name != "Layer 1" else "Layer to damage" for name in reached}
    assert set(expected) <= names


def has_seen_all(view):
    """Whether the digits that excite the neurons most were looked for among all."""
    return view._excitement is not None and view._excitement.is_complete


def test_late_answers_about_other_networks_are_not_shown(user, view):
    label = user.widget("damageAccuracy")
    user.wait(lambda: label.text().startswith("Test: ") and has_seen_all(view))
    told, model = label.text(), user.session.model
    other = MLP(784, (3, 3), 10, dtype=np.float32)
    for kind, result in (("glance", glance(other, user.session.picture)), ("intact", (other, 0.25))):
        view.take(Answer(f"networkView/{kind}", result))
    assert agree(view, model, user.session.picture)
    user.wait(lambda: label.text() == told)


def test_its_table_lists_every_neuron(user, view):
    view._on_silence(1, 4)
    user.wait(lambda: bool(user.session.damage))
    header, *rows = view.table()
    assert header == ("layer", "neuron", "output", "silenced")
    assert len(rows) == sum(user.session.model.sizes[1:])
    assert [row[:2] for row in rows if row[3]] == [(2, 5)]
    outputs = np.concatenate(activations(user.session.reading_model, user.session.picture))
    assert [row[2] for row in rows] == outputs.tolist()
