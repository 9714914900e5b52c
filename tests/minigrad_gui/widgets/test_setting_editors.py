"""Editors of settings are exact, even if the field shows a rounded number."""

from dataclasses import replace

import pytest

from engine import TrainingConfig

pytestmark = pytest.mark.panels("ConfigPanel")


def test_a_setting_finer_than_its_field_stays_when_another_is_edited(user):
    fine = TrainingConfig(learning_rate=0.0000123456, momentum=0.9999999, weight_decay=1e-9, validation_share=0.125)
    user.session.set_config(fine, "mnist")
    user.type_into(user.widget("epochsSpin"), "3")
    assert user.session.config == replace(fine, epochs=3)
