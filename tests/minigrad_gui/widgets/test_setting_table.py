"""The table of settings fills the panel, and its widgets fill the config."""

import pytest
from layout import has_room
from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QApplication
from some_views import every_panel

from engine import Augmentation, TrainingConfig
from minigrad_gui.widgets.setting_table import FOLDED

pytestmark = pytest.mark.panels("ConfigPanel")


def test_the_panel_fills_the_config(user):
    user.widget("hiddenLayersEdit").setText("30, 20")
    for name, text in (
        ("activationCombo", "Tanh"),
        ("optimizerCombo", "SGD with momentum"),
        ("averagingCombo", "Moving average"),
        ("keepBestCombo", "Highest accuracy"),
        ("normalizationCombo", "Over each mini-batch"),
    ):
        user.widget(name).setCurrentText(text)
    for name, value in {
        "learningRateSpin": 0.02,
        "momentumSpin": 0.8,
        "weightDecaySpin": 0.01,
        "batchSizeSpin": 64,
        "epochsSpin": 3,
        "seedSpin": 7,
        "validationSpin": 20,
        "trainingSamplesSpin": 500,
        "labelNoiseSpin": 12.5,
        "plainEpochsSpin": 2,
        "averagedEpochsSpin": 2.5,
        "patienceSpin": 4,
        "stopAccuracySpin": 98.5,
        "dropoutSpin": 25,
        "labelSmoothingSpin": 10,
        "l1Spin": 0.001,
        "l2Spin": 0.002,
        "clipNormSpin": 1.5,
        "receptiveFieldSpin": 14,
        "elasticSigmaSpin": 6.5,
    }.items():
        user.widget(name).setValue(value)
    assert user.session.config == TrainingConfig(
        (30, 20),
        "tanh",
        "momentum",
        0.02,
        0.8,
        0.01,
        64,
        3,
        7,
        0.2,
        averaging="ema",
        averaged_epochs=2.5,
        patience=4,
        stop_accuracy=0.985,
        keep_best="accuracy",
        dropout=0.25,
        label_smoothing=0.1,
        normalization="batch",
        l1=0.001,
        l2=0.002,
        clip_norm=1.5,
        receptive_field_px=14,
        training_samples=500,
        label_noise=0.125,
        plain_epochs=2,
        augmentation=Augmentation(elastic_sigma_px=6.5),
    )


def test_the_session_fills_the_panel(user):
    user.session.set_config(
        TrainingConfig((5,), "sigmoid", "sgd", 0.5, batch_size=10, validation_share=0.0, label_noise=0.3), "mnist"
    )
    assert user.widget("hiddenLayersEdit").text() == "5"
    assert user.widget("activationCombo").currentText() == "Sigmoid"
    assert user.widget("optimizerCombo").currentText() == "SGD"
    assert user.widget("learningRateSpin").value() == 0.5
    assert user.widget("validationSpin").value() == 0
    assert user.widget("labelNoiseSpin").value() == 30


@every_panel
def test_labels_leave_room_to_read_each_choice(user):
    user.window.resize(1366, 768)
    for heading in FOLDED.values():
        user.widget(f"{heading}Fold").setChecked(True)
    QApplication.processEvents()
    for name in ("activation", "optimizer", "schedule", "keepBest", "averaging", "normalization"):
        combo = user.widget(f"{name}Combo")
        for index in range(combo.count()):
            with QSignalBlocker(combo):
                combo.setCurrentIndex(index)
            assert has_room(combo), combo.currentText()
