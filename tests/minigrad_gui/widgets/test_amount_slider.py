"""Sliders for amounts: by keyboard, mouse and wheel."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from engine import Augmentation, TrainingConfig

pytestmark = pytest.mark.panels("ConfigPanel", "TrainingPanel")

SLIDERS = {
    "shiftSlider": ("shift_px", 0.25, 4, "0.25 px"),
    "rotationSlider": ("rotation_deg", 1, 45, "1°"),
    "scaleSlider": ("scale", 0.01, 0.5, "1%"),
    "shearSlider": ("shear", 0.01, 0.5, "0.01"),
    "elasticSlider": ("elastic_px", 0.1, 3, "0.1 px"),
    "thicknessSlider": ("thickness_px", 0.05, 2, "0.05 px"),
}
KEYS = Qt.Key


def test_a_slider_by_keyboard_changes_the_config(user, qtbot):
    for name, (field, step, most, shown) in SLIDERS.items():
        slider = user.widget(name)
        qtbot.keyClick(slider, KEYS.Key_Right)
        assert user.session.config == TrainingConfig(augmentation=Augmentation(**{field: step}))
        assert slider.readout.text() == shown
        qtbot.keyClick(slider, KEYS.Key_End)
        assert getattr(user.session.config.augmentation, field) == most, field
        qtbot.keyClick(slider, KEYS.Key_Home)
        assert user.session.config == TrainingConfig(), field


def test_a_slider_by_mouse_changes_the_config(user):
    slider = user.widget("rotationSlider")
    left = Qt.MouseButton.LeftButton
    middle = slider.height() // 2
    QTest.mousePress(slider, left, pos=QPoint(6, middle))
    QTest.mouseMove(slider, QPoint(slider.width() // 2, middle))
    QTest.mouseRelease(slider, left, pos=QPoint(slider.width() // 2, middle))
    assert 15 <= user.session.config.augmentation.rotation_deg <= 30


def test_an_amount_between_two_steps_stays_until_its_slider_moves(user, qtbot):
    user.session.set_config(TrainingConfig(augmentation=Augmentation(shift_px=1.1)), "mnist")
    assert user.widget("shiftSlider").readout.text() == "1.1 px"
    qtbot.keyClick(user.widget("shearSlider"), KEYS.Key_Right)
    assert user.session.config.augmentation == Augmentation(shift_px=1.1, shear=0.01)
    qtbot.keyClick(user.widget("shiftSlider"), KEYS.Key_Right)
    assert user.session.config.augmentation.shift_px == 1.25


def test_the_wheel_turns_only_a_slider_that_has_the_focus(user):
    slider = user.widget("elasticSlider")
    user.widget("trainButton").setFocus()
    user.wheel(slider, 120)
    assert slider.value() == 0
    user.window.activateWindow()
    slider.setFocus()
    user.wait(slider.hasFocus)
    user.wheel(slider, 120)
    assert slider.value() > 0
