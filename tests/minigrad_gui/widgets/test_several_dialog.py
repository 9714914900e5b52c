"""Asking for the values of several runs."""

from dataclasses import replace

import pytest
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QPushButton, QSpinBox

from engine import Augmentation, TrainingConfig
from minigrad_gui.widgets.several_dialog import EXAMPLES, SeveralDialog, configs_of

pytestmark = pytest.mark.usefixtures("qapp")  # values are read as the fields of the settings read them
CONFIG = TrainingConfig(epochs=3)
VARIED = Augmentation(elastic_px=1)


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


@pytest.mark.parametrize("setting", EXAMPLES)
def test_every_example_is_valid(setting):
    configs = configs_of(replace(CONFIG, augmentation=VARIED), setting, EXAMPLES[setting])
    values = {getattr(config, setting, getattr(config.augmentation, setting, None)) for config in configs}
    assert len(values) == len(configs) >= (2 if setting == "normalization" else 3)  # which has no third choice


def test_a_number_is_read_as_in_the_settings():
    assert [config.dropout for config in configs_of(CONFIG, "dropout", "0,5")] == [0.005]
    assert [config.dropout for config in configs_of(CONFIG, "dropout", "0,5; 10,0")] == [0.005, 0.1]
    assert [config.training_samples for config in configs_of(CONFIG, "training_samples", "60,000, 500")] == [
        60_000,
        500,
    ]
    assert [config.seed for config in configs_of(CONFIG, "seed", "0,1,2")] == [0, 1, 2], "which is no number"
    assert [config.batch_size for config in configs_of(CONFIG, "batch_size", "32,128,512")] == [32, 128, 512]
    varied = configs_of(replace(CONFIG, augmentation=VARIED), "elastic_sigma_px", "3 px, 4")
    assert [config.augmentation for config in varied] == [replace(VARIED, elastic_sigma_px=value) for value in (3, 4)]


@pytest.mark.parametrize(
    ("setting", "text", "name"),
    [
        ("elastic_sigma_px", "3, 4", "Elastic bumps"),
        ("plain_epochs", "1, 2", "Plain epochs"),
        ("keep_best", "loss", "Keep best"),
        ("normalization", "none, batch", "Normalization"),
        ("receptive_field_px", "0, 7", "Window"),
    ],
)
def test_runs_that_would_be_the_same_are_refused(setting, text, name):
    with pytest.raises(ValueError, match=f"“{name}” makes no difference"):
        configs_of(replace(CONFIG, validation_share=0, hidden=()), setting, text)


@pytest.mark.parametrize(
    ("setting", "text", "reason"),
    [
        ("seed", "", "Write some values, such as 0, 1, 2"),
        ("seed", "1, x", "“x” does not fit. Enter a whole number from 0 to 2,147,483,647."),
        ("seed", "1.5", "“1.5” does not fit"),
        ("seed", "1,2,x", "“x” does not fit. .* Write values like 0, 1, 2, 3, 4."),
        ("label_noise", "10%x", "“10%x” does not fit. .* Write values like 0%, 10%, 30%."),
        ("label_noise", "101%", "“101%” does not fit. Enter a number from 0 to 100."),
        ("learning_rate", "0", "“0” does not fit. Enter a number from 0.000001 to 1,000."),
        ("learning_rate", "nan", "“nan” does not fit"),
        ("members", "2, 4", "A committee has 1 to 16 networks, and an epoch or more for each."),
        ("hidden", "64, ; 3", "comma without a number"),
        ("optimizer", "lion", "The optimizer is one of"),
        ("seed", ", ".join(["1"] * 101), "At most 100 runs, not 101."),
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
    assert "does not fit" in told.text()
    dialog.findChild(QLineEdit, "severalValuesEdit").setText("64")
    assert told.text() == "1 run"
    start.click()
    assert dialog.result() == dialog.DialogCode.Accepted
    assert dialog.configs == [TrainingConfig(epochs=3, batch_size=64)]
