"""Asking for the values of several runs."""

import pytest
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QPushButton, QSpinBox

from engine import TrainingConfig
from minigrad_gui.widgets.several_dialog import SETTINGS, SeveralDialog, configs_of

CONFIG = TrainingConfig(epochs=3)


def test_a_list_of_values_becomes_configs():
    assert configs_of(CONFIG, "learning_rate", "0.1, 1e-3,") == [
        TrainingConfig(epochs=3, learning_rate=0.1),
        TrainingConfig(epochs=3, learning_rate=0.001),
    ]
    assert [config.hidden for config in configs_of(CONFIG, "hidden", "64, 32; 16;")] == [(64, 32), (16,)]
    assert [config.seed for config in configs_of(CONFIG, "seed", "3; 4")] == [3, 4]
    assert [config.dropout for config in configs_of(CONFIG, "dropout", "0, 10%, 12.5 %, 50")] == [0, 0.1, 0.125, 0.5]


def test_each_value_may_have_several_seeds_and_all_values_come_before_the_next_seed():
    configs = configs_of(TrainingConfig(seed=5), "batch_size", "32, 64", 3)
    pairs = [(config.seed, config.batch_size) for config in configs]
    assert pairs == [(5, 32), (5, 64), (6, 32), (6, 64), (7, 32), (7, 64)]
    with pytest.raises(ValueError, match="not 102"):
        configs_of(CONFIG, "batch_size", "32, 64, 128", 34)


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_example_is_valid(setting):
    configs = configs_of(CONFIG, setting, SETTINGS[setting][2])
    assert len({getattr(config, setting) for config in configs}) == len(configs) >= 3


@pytest.mark.parametrize(
    ("setting", "text", "reason"),
    [
        ("seed", "", "Write some values, such as 0, 1, 2"),
        ("seed", "1, x", "“x” is not a value of this setting"),
        ("seed", "1.5", "“1.5” is not a value"),
        ("label_noise", "10%%", "“10%%” is not a value of this setting; it is like 0%, 10%, 30%."),
        ("label_noise", "101%", "“101%” is not a value of this setting"),
        ("learning_rate", "0", "The learning rate is above 0"),
        ("learning_rate", "nan", "The learning rate is above 0"),
        ("hidden", "64, ; 3", "comma without a number"),
        ("optimizer", "lion", "The optimizer is one of"),
        ("seed", ",".join(["1"] * 101), "At most 100 runs, not 101."),
    ],
)
def test_invalid_values_get_a_sentence(setting, text, reason):
    with pytest.raises(ValueError, match=reason):
        configs_of(CONFIG, setting, text)


def test_the_dialog_tells_how_many_runs_there_will_be(qtbot):
    dialog = SeveralDialog(CONFIG)
    qtbot.addWidget(dialog)
    told, start = dialog.findChild(QLabel, "severalLabel"), dialog.findChild(QPushButton, "severalStartButton")
    assert told.text() == "5 runs"
    dialog.findChild(QComboBox, "severalSettingCombo").setCurrentIndex(2)
    assert [config.batch_size for config in dialog.configs] == [32, 128, 512]
    seeds = dialog.findChild(QSpinBox, "severalSeedsSpin")
    seeds.setValue(3)
    assert told.text() == "9 runs"
    assert dialog.has_means
    dialog.findChild(QComboBox, "severalSettingCombo").setCurrentIndex(0)
    assert not seeds.isEnabled()  # the seeds are the values
    assert told.text() == "5 runs"
    assert dialog.has_means
    dialog.findChild(QComboBox, "severalSettingCombo").setCurrentIndex(2)
    seeds.lineEdit().setText("0")
    assert told.text().startswith("Enter a number from 1 to 100")
    assert not start.isEnabled()
    seeds.setValue(1)
    assert not dialog.has_means
    dialog.findChild(QLineEdit, "severalValuesEdit").setText("nothing")
    assert not start.isEnabled()
    assert "is not a value" in told.text()
    dialog.findChild(QLineEdit, "severalValuesEdit").setText("64")
    assert told.text() == "1 run"
    start.click()
    assert dialog.result() == dialog.DialogCode.Accepted
    assert dialog.configs == [TrainingConfig(epochs=3, batch_size=64)]
