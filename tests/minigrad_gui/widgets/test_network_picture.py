"""The painted network: what is lit, crossed out, pointed at and heard."""

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QAccessible, QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from engine import MLP
from minigrad_gui import theme
from minigrad_gui.data import DIGIT_NAMES
from minigrad_gui.insight.glance import glance
from minigrad_gui.widgets.network_picture import NetworkPicture

NONE = frozenset()


@pytest.fixture
def model():
    return MLP(784, (40, 12), 10, dtype=np.float32, init="he", rng=np.random.default_rng(1))


@pytest.fixture
def picture(qtbot, qapp, model, mnist):
    theme.apply(qapp, dark=False)
    picture = NetworkPicture()
    qtbot.addWidget(picture)
    picture.resize(440, 220)
    with qtbot.waitExposed(picture):
        picture.show()
    picture.show_network(model.sizes, DIGIT_NAMES)
    picture.show_glance(glance(model, mnist.test_images[0]), NONE)
    return picture


def spot(picture, neuron):
    return picture.place_of(neuron).toPoint()


def color_at(picture, neuron, beside=(0, 0)):
    return QColor(picture.grab().toImage().pixelColor(spot(picture, neuron) + QPoint(*beside)))


def test_neurons_are_lit_by_their_outputs(picture, model, mnist):
    """Without connections over them, when an unlit neuron without any is pointed at."""
    shown = glance(model, mnist.test_images[0])
    dark = int(np.flatnonzero(shown.outputs[0] == 0)[0])
    lit = int(shown.outputs[1].argmax())
    alone = glance(model, mnist.test_images[0], (0, dark))
    picture.show_glance(alone, NONE)
    positive = QColor(theme.colors().positive)
    assert color_at(picture, (1, lit)) == positive
    picture.show_glance(glance(model, mnist.test_images[0], (2, 0)), NONE)
    for unit in (int(shown.outputs[0].argmax()), dark):
        wanted = positive if shown.outputs[0][unit] else QColor(theme.colors().card)
        assert color_at(picture, (0, unit)) == wanted
    picture.show_glance(alone, NONE)
    unlit = int(np.flatnonzero(shown.outputs[1] == 0)[0])
    assert color_at(picture, (1, unlit)) == QColor(theme.colors().card)
    least = int(shown.outputs[2].argmin())
    assert shown.outputs[2][least] < 0
    expected = shown.outputs[2][least] / np.abs(shown.outputs[2]).max()
    negative = QColor(theme.colors().negative)
    assert color_at(picture, (2, least)).blue() == pytest.approx(255 + expected * (255 - negative.blue()), abs=2)


def test_connections_have_the_colour_of_their_sign(picture, model, mnist):
    unit = 3
    for sign, name in ((1, "positive"), (-1, "negative")):
        model.layers[2].W.data[:] = 0
        model.layers[1].b.data[unit] = 50
        model.layers[2].W.data[5, unit] = sign
        picture.show_glance(glance(model, mnist.test_images[0], (1, unit)), NONE)
        start, end = picture.place_of((1, unit)), picture.place_of((2, 5))
        middle = ((start + end) / 2).toPoint()
        seen, wanted = picture.grab().toImage().pixelColor(middle), QColor(getattr(theme.colors(), name))
        assert abs(seen.hue() - wanted.hue()) < 15, name


def test_a_silenced_neuron_is_crossed_out(picture, model, mnist):
    shown = glance(model, mnist.test_images[0], (2, 0))
    picture.show_glance(shown, frozenset({(0, 7)}))
    assert color_at(picture, (0, 7)).red() > 150
    picture.show_glance(shown, NONE)
    assert color_at(picture, (0, 7)) != QColor(theme.colors().error)


def test_the_mouse_points_at_neurons_and_a_click_stays(picture):
    told = []
    picture.pointed.connect(lambda: told.append(picture.neuron))
    QTest.mouseMove(picture, spot(picture, (0, 30)))
    QTest.mouseMove(picture, spot(picture, (1, 4)))
    QTest.mouseClick(picture, Qt.MouseButton.LeftButton, pos=spot(picture, (1, 4)))
    QTest.mouseMove(picture, spot(picture, (2, 9)))
    QApplication.sendEvent(picture, QEvent(QEvent.Type.Leave))
    assert list(dict.fromkeys(told)) == [(0, 30), (1, 4), (2, 9)]
    assert picture.neuron == (1, 4)


def test_a_double_click_and_keys_ask_for_silence(picture):
    asked = []
    picture.silenceAsked.connect(lambda *neuron: asked.append(neuron))
    QTest.mouseDClick(picture, Qt.MouseButton.LeftButton, pos=spot(picture, (0, 30)))
    picture.select((1, 4))
    QTest.keyClick(picture, Qt.Key.Key_S)
    QTest.keyClick(picture, Qt.Key.Key_Delete)
    assert asked == [(0, 30), (1, 4), (1, 4)]


def test_the_keyboard_reaches_every_layer(picture):
    picture.setFocus()
    reached = []
    keys = Qt.Key
    for key in (keys.Key_Down, keys.Key_End, keys.Key_Down, keys.Key_Home, keys.Key_Left):
        QTest.keyClick(picture, key)
        reached.append(picture.neuron)
    assert reached == [(2, 0), (2, 9), (2, 9), (2, 0), (1, 0)]
    while picture.neuron[0]:
        QTest.keyClick(picture, keys.Key_Left)
    for _ in range(50):
        QTest.keyClick(picture, keys.Key_Left)
    assert picture.neuron[0] == 0
    assert picture.neuron[1] < 12, "the first column"
    for _ in range(50):
        QTest.keyClick(picture, keys.Key_Right)
    assert picture.neuron[0] == 2


def test_what_is_pointed_at_can_be_heard(picture):
    picture.describe("Layer 1, neuron 5, output 2.00.")
    node = QAccessible.queryAccessibleInterface(picture)
    assert node.text(QAccessible.Text.Name) == "The network"
    assert node.text(QAccessible.Text.Description) == "Layer 1, neuron 5, output 2.00."
    assert node.role() == QAccessible.Role.Graphic


def test_another_network_takes_the_selection_with_it(picture):
    picture.select((0, 30))
    picture.show_network((784, 4, 10), DIGIT_NAMES)
    assert picture.neuron is None
    picture.grab()
    picture.show_network((), DIGIT_NAMES)
    picture.show_glance(None, NONE, "There is no network yet.")
    picture.grab()
    QTest.keyClick(picture, Qt.Key.Key_Left)
    assert picture.neuron is None


@pytest.mark.parametrize("points", [False, True])
@pytest.mark.parametrize("factor", [0, 1e30, np.nan])
def test_a_network_that_is_dead_or_has_exploded_is_painted(picture, model, mnist, factor, points):
    """Its connections carry nothing, or what is not finite."""
    lit = int(glance(model, mnist.test_images[0]).outputs[0].argmax())
    for layer in model.layers[1:]:
        layer.W.data *= np.float32(factor)
    shown = glance(model, mnist.test_images[0], (0, lit) if points else None)
    picture.show_glance(shown, NONE)
    assert not picture.grab().isNull()
