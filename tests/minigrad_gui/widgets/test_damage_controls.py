"""The sliders show the damage of the layer that is chosen, and ask for more."""

import pytest
from PySide6.QtWidgets import QComboBox

from minigrad_gui.insight.damage import Damage
from minigrad_gui.widgets.amount_slider import AmountSlider
from minigrad_gui.widgets.damage_controls import DamageControls


@pytest.fixture
def controls(qtbot):
    controls = DamageControls()
    qtbot.addWidget(controls)
    controls.show_damage(Damage().with_noise(1, 0.5).with_scale(0, 2.0), 3)
    return controls


def amounts(controls):
    return [slider.amount for slider in controls.findChildren(AmountSlider)]


def choose(controls, layer):
    controls.findChild(QComboBox).setCurrentIndex(layer)


def test_each_layer_has_its_amounts(controls):
    assert amounts(controls) == [0, 2.0]
    choose(controls, 1)
    assert amounts(controls) == [0.5, 1.0]
    choose(controls, 2)
    assert amounts(controls) == [0, 1.0]
    assert controls.findChild(QComboBox).currentText() == "Output"


def test_a_slider_asks_for_an_amount_in_the_layer_that_is_chosen(controls):
    asked = []
    controls.noiseWanted.connect(lambda *wanted: asked.append(("noise", *wanted)))
    controls.scaleWanted.connect(lambda *wanted: asked.append(("scale", *wanted)))
    noise, scale = controls.findChildren(AmountSlider)
    noise.setValue(10)
    choose(controls, 1)
    scale.setValue(0)
    assert asked == [("noise", 0, 0.5), ("scale", 1, 0.0)]


def test_another_network_has_other_layers(controls):
    choose(controls, 2)
    controls.show_damage(Damage(), 1)
    combo = controls.findChild(QComboBox)
    assert [combo.itemText(index) for index in range(combo.count())] == ["Output"]
    assert amounts(controls) == [0, 1.0]
    controls.show_damage(Damage(), 0)
    assert combo.count() == 0
