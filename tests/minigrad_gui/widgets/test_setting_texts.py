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

from minigrad_gui.widgets.setting_table import BY_FIELD
from minigrad_gui.widgets.setting_texts import TIPS

pytestmark = pytest.mark.panels("ConfigPanel")


@every_panel
def test_every_control_has_a_tooltip_that_explains_it(user):
    panel = user.widget("hiddenLayersEdit").window()
    for kind in (QSpinBox, QDoubleSpinBox, QComboBox, QSlider):
        for control in panel.findChildren(kind):
            assert len(control.toolTip()) > 30, control.objectName()
    assert len(panel.findChild(QLineEdit, "hiddenLayersEdit").toolTip()) > 30


@pytest.mark.parametrize("setting", BY_FIELD.values(), ids=lambda setting: setting.field)
def test_the_tip_of_a_setting_begins_with_its_label(setting):
    assert TIPS[setting.field].startswith(f"<b>{setting.name}")


def test_each_preset_tells_what_it_is(user):
    combo = user.widget("presetCombo")
    for index in range(combo.count()):
        tip = combo.itemData(index, Qt.ItemDataRole.ToolTipRole)
        assert len(tip) > 30
        assert tip in combo.toolTip()
