"""Every control is explained."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QLineEdit,
    QSlider,
    QSpinBox,
)
from some_views import every_panel

pytestmark = pytest.mark.panels("ConfigPanel")


@every_panel
def test_every_control_has_a_tooltip_that_explains_it(user):
    panel = user.widget("hiddenLayersEdit").window()
    for kind in (QSpinBox, QDoubleSpinBox, QComboBox, QSlider):
        for control in panel.findChildren(kind):
            assert len(control.toolTip()) > 30, control.objectName()
    assert len(panel.findChild(QLineEdit, "hiddenLayersEdit").toolTip()) > 30


def test_each_preset_tells_what_it_is(user):
    combo = user.widget("presetCombo")
    for index in range(combo.count()):
        tip = combo.itemData(index, Qt.ItemDataRole.ToolTipRole)
        assert len(tip) > 30
        assert tip in combo.toolTip()
