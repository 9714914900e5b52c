"""The settings: panel -> session, session -> panel, and what is refused."""

from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, QSettings, Qt
from PySide6.QtWidgets import (
    QComboBox,
    QLineEdit,
    QSpinBox,
)
from some_views import every_panel

from engine import Augmentation, TrainingConfig
from minigrad_gui.layer_sizes import parse_hidden
from minigrad_gui.presets import PRESETS
from minigrad_gui.widgets.setting_texts import PRESET_TITLES

pytestmark = pytest.mark.panels("ConfigPanel", "TrainingPanel")


def test_invalid_layers_are_marked_with_the_reason_and_prevent_a_start(user):
    for text in ("256, abc", "0", "256,,128", "100000, 100000", ", ".join(["8"] * 21)):
        user.widget("hiddenLayersEdit").setText(text)
        assert user.widget("hiddenLayersEdit").property("wrong") is True, text
        assert user.widget("hiddenLayersError").isVisible(), text
        assert user.widget("hiddenLayersError").text(), text
        assert not user.widget("trainButton").isEnabled(), text
        assert not user.widget("stepButton").isEnabled(), text
        user.widget("hiddenLayersEdit").setText("32")
        assert user.widget("hiddenLayersEdit").property("wrong") is False, text
        assert not user.widget("hiddenLayersError").isVisible(), text
        assert user.widget("trainButton").isEnabled(), text


def test_typing_a_learning_rate(user, qtbot):
    spin = user.widget("learningRateSpin")
    spin.selectAll()
    qtbot.keyClicks(spin, "0.0005")
    qtbot.keyClick(spin, Qt.Key.Key_Return)
    assert user.session.config.learning_rate == 0.0005
    assert spin.text() == "0.0005"


def test_a_number_out_of_range_is_marked_until_it_is_corrected(user, qtbot):
    for name, typed in (("learningRateSpin", "0"), ("learningRateSpin", "5000"), ("epochsSpin", "0")):
        spin = user.widget(name)
        spin.selectAll()
        qtbot.keyClicks(spin, typed)
        assert spin.property("wrong") is True, (name, typed)
        assert user.widget(f"{name}Error").text().startswith("Enter a number from"), (name, typed)
        assert not user.widget("trainButton").isEnabled(), (name, typed)
        qtbot.keyClick(spin, Qt.Key.Key_Return)
        assert spin.text() == typed, name
        assert spin.property("wrong") is True, (name, typed, "pressing Return corrects nothing")
        user.type_into(spin, "1")
        assert spin.property("wrong") is False, (name, typed)
        assert user.widget(f"{name}Error").text() == "", (name, typed)
        assert user.widget("trainButton").isEnabled(), (name, typed)


def test_all_fields_that_are_wrong_are_marked(user):
    user.type_into(user.widget("validationSpin"), "80")
    user.type_into(user.widget("epochsSpin"), "0")
    assert [user.widget(name).property("wrong") for name in ("validationSpin", "epochsSpin")] == [True, True]
    user.type_into(user.widget("epochsSpin"), "5")
    assert [user.widget(name).property("wrong") for name in ("validationSpin", "epochsSpin")] == [True, False]
    assert not user.widget("trainButton").isEnabled()
    user.type_into(user.widget("validationSpin"), "20")
    assert user.widget("trainButton").isEnabled()
    assert (user.session.config.epochs, user.session.config.validation_share) == (5, 0.2)


def test_setting_all_fields_replaces_an_invalid_one(user):
    user.type_into(user.widget("validationSpin"), "80")
    user.click("defaultsButton")
    assert user.widget("validationSpin").text() == "10%"
    assert user.widget("trainButton").isEnabled()


def test_an_invalid_momentum_can_be_corrected_although_it_is_unused(user, qtbot):
    user.widget("optimizerCombo").setCurrentText("SGD with momentum")
    user.type_into(user.widget("momentumSpin"), "5")
    user.widget("optimizerCombo").setCurrentText("Adam")
    spin = user.widget("momentumSpin")
    assert spin.isEnabled()
    user.window.activateWindow()
    spin.setFocus()
    user.wait(spin.hasFocus)
    user.type_into(spin, "0.5")
    qtbot.keyClick(spin, Qt.Key.Key_Tab)
    assert not spin.isEnabled()
    assert user.session.config.momentum == 0.5


def test_the_number_of_parameters_follows(user):
    user.widget("hiddenLayersEdit").setText("256, 128, 10")
    assert (
        user.widget("parametersLabel").text()
        == f"{784 * 256 + 256 + 256 * 128 + 128 + 128 * 10 + 10 + 110:,} parameters"
    )
    user.widget("receptiveFieldSpin").setValue(14)
    assert (
        user.widget("parametersLabel").text()
        == f"{14 * 14 * 256 + 256 + 256 * 128 + 128 + 128 * 10 + 10 + 110:,} parameters"
    )


def test_momentum_is_shown_only_where_it_is_used(user):
    assert not user.widget("momentumSpin").isEnabled()
    user.widget("optimizerCombo").setCurrentText("SGD with momentum")
    assert user.widget("momentumSpin").isEnabled()


def test_defaults_can_be_restored(user):
    user.configure(hidden="3", epochs=99)
    user.click("defaultsButton")
    assert user.session.config == TrainingConfig()


def test_defaults_replace_an_invalid_field_too(user):
    user.widget("hiddenLayersEdit").setText("abc")
    user.click("defaultsButton")
    assert user.widget("hiddenLayersEdit").text() == "256, 128"
    assert user.widget("trainButton").isEnabled()


def test_settings_are_restored_in_the_next_window(make_window):
    first = make_window()
    first.findChild(QLineEdit, "hiddenLayersEdit").setText("77")
    first.findChild(QSpinBox, "epochsSpin").setValue(3)
    first.close()
    assert make_window().session.config == TrainingConfig(hidden=(77,), epochs=3)


@every_panel
@pytest.mark.parametrize(
    "garbage", ["{", "[]", '{"config": {"hidden": "x"}, "source": "mnist"}', '{"config": {}}', "\0"]
)
def test_invalid_stored_settings_give_the_defaults(make_window, garbage):
    settings = QSettings(QSettings.Format.IniFormat, QSettings.Scope.UserScope, "minigrad", "minigrad")
    for key in ("config", "geometry", "columns", "theme", "recent", "plot/log"):
        settings.setValue(key, garbage)
    settings.sync()
    assert make_window().session.config == TrainingConfig()


FIELDS = {
    "learningRateSpin": "learning_rate",
    "momentumSpin": "momentum",
    "weightDecaySpin": "weight_decay",
    "batchSizeSpin": "batch_size",
    "epochsSpin": "epochs",
    "seedSpin": "seed",
}


def choose_preset(user, name):
    combo = user.widget("presetCombo")
    user.qtbot.keyClick(combo, Qt.Key.Key_Home)
    for _ in range(list(PRESETS).index(name)):
        user.qtbot.keyClick(combo, Qt.Key.Key_Down)


def shown_preset(user):
    return user.widget("presetCombo").currentText()


def test_a_preset_fills_every_field(user):
    other = TrainingConfig(
        (3,), "tanh", "sgd", 0.5, 0.5, 0.5, 5, 5, 5, 0.5, "cosine", Augmentation(1, 1, 0.1, 0.1, 1, 1, 2)
    )
    for name, title, source in (
        ("quick", "Quick", "ylecun/mnist"),
        ("reference", "Reference setup", "ylecun/mnist"),
        ("best", "Best", "mnist+pen"),
    ):
        user.session.set_config(other, "ylecun/mnist")
        choose_preset(user, name)
        preset = PRESETS[name]
        assert user.session.config == preset
        assert user.session.source == source, "for a preset that trains on MNIST, MNIST from either source will do"
        assert shown_preset(user) == title
        user.widget("datasetCombo").setCurrentIndex(user.widget("datasetCombo").findData("mnist"))
        assert shown_preset(user) == ("Custom" if source == "mnist+pen" else title)
        user.widget("datasetCombo").setCurrentIndex(user.widget("datasetCombo").findData(source))
        assert parse_hidden(user.widget("hiddenLayersEdit").text()) == preset.hidden, name
        assert user.widget("activationCombo").currentData() == preset.activation, name
        assert user.widget("optimizerCombo").currentData() == preset.optimizer, name
        assert user.widget("scheduleCombo").currentData() == preset.schedule, name
        for widget, field in FIELDS.items():
            assert user.widget(widget).value() == getattr(preset, field), (name, field)
        assert user.widget("validationSpin").value() == round(100 * preset.validation_share), name


def test_no_field_rounds_a_preset(user, qtbot):
    for name, preset in PRESETS.items():
        choose_preset(user, name)
        assert user.session.config == preset
        qtbot.keyClick(user.widget("seedSpin"), Qt.Key.Key_Up)
        assert user.session.config == replace(preset, seed=1), "all fields were read"
        assert shown_preset(user) == PRESET_TITLES[name]


def test_editing_a_field_makes_custom_settings_and_undoing_it_a_preset_again(user, qtbot):
    assert shown_preset(user) == "Quick"
    choose_preset(user, "best")
    epochs = user.widget("epochsSpin")
    qtbot.keyClick(epochs, Qt.Key.Key_Up)
    assert shown_preset(user) == "Custom"
    qtbot.keyClick(epochs, Qt.Key.Key_Down)
    assert shown_preset(user) == "Best"
    qtbot.keyClick(user.widget("scheduleCombo"), Qt.Key.Key_Home)
    assert user.session.config.schedule == "constant"
    assert shown_preset(user) == "Custom"


def test_a_preset_with_another_seed_is_still_that_preset(user, qtbot):
    qtbot.keyClick(user.widget("seedSpin"), Qt.Key.Key_Up)
    assert user.session.config.seed == 1
    assert shown_preset(user) == "Quick"


def test_custom_settings_can_be_chosen_again(user, qtbot):
    combo = user.widget("presetCombo")
    qtbot.keyClick(combo, Qt.Key.Key_End)
    assert shown_preset(user) == PRESET_TITLES[list(PRESETS)[-1]], "there are no custom settings yet"
    qtbot.keyClick(user.widget("batchSizeSpin"), Qt.Key.Key_Up)
    own = user.session.config
    choose_preset(user, "reference")
    qtbot.keyClick(combo, Qt.Key.Key_End)
    assert shown_preset(user) == "Custom"
    assert user.session.config == own


def test_a_preset_replaces_an_invalid_field(user):
    user.widget("hiddenLayersEdit").setText("abc")
    assert shown_preset(user) == "Custom"
    choose_preset(user, "quick")
    assert user.widget("hiddenLayersEdit").text() == "256, 128"
    assert user.widget("trainButton").isEnabled()


def test_a_preset_and_its_schedule_are_restored_in_the_next_window(make_window, qtbot):
    first = make_window()
    qtbot.keyClicks(first.findChild(QComboBox, "presetCombo"), "B")
    first.close()
    second = make_window()
    assert second.session.config == PRESETS["best"]
    assert second.findChild(QComboBox, "presetCombo").currentText() == "Best"
    assert second.findChild(QComboBox, "scheduleCombo").currentData() == "cosine"


def test_the_tab_key_goes_down_the_panel(user, qtbot):
    user.window.activateWindow()
    start = user.widget("presetCombo")
    start.setFocus()
    user.wait(start.hasFocus)
    visited = [start.objectName()]
    while visited[-1] != "defaultsButton" and len(visited) < 30:
        qtbot.keyClick(user.window.focusWidget(), Qt.Key.Key_Tab)
        visited.append(user.window.focusWidget().objectName())
    heights = [user.widget(name).mapTo(user.window, QPoint()).y() for name in visited]
    assert len(visited) >= 18
    assert heights == sorted(heights), visited


# ---------------------------------------------------------------- other languages


def test_settings_that_are_seldom_used_are_shown_on_request_or_when_they_are_used(user):
    fold, patience = user.widget("endingFold"), user.widget("patienceSpin")
    assert not patience.isVisible()
    fold.click()
    assert patience.isVisible()
    fold.click()
    assert not patience.isVisible()
    user.session.set_config(replace(user.session.config, averaging="ema"), "mnist")
    assert patience.isVisible()
    assert user.widget("averagedEpochsSpin").isEnabled()


def test_what_judges_by_validation_pictures_needs_some(user):
    fields = [user.widget(name) for name in ("patienceSpin", "stopAccuracySpin", "keepBestCombo")]
    assert all(field.isEnabled() for field in fields)
    user.widget("validationSpin").setValue(0)
    assert not any(field.isEnabled() for field in fields)


def test_no_grey_field_is_why_a_committee_cannot_be_trained(user):
    user.widget("membersSpin").setValue(3)
    user.widget("patienceSpin").setValue(5)
    assert "A committee is trained to the end" in user.widget("membersSpinError").text()
    assert user.widget("patienceSpin").isEnabled()
    user.widget("validationSpin").setValue(0)
    assert not user.widget("patienceSpin").isEnabled()
    assert user.widget("trainButton").isEnabled()
    assert not user.widget("membersSpinError").isVisible()


def test_the_schedule_is_drawn_unless_it_is_constant(user):
    preview = user.widget("schedulePreview")
    assert not preview.isVisible()
    user.widget("scheduleCombo").setCurrentText("One cycle")
    assert preview.isVisible()
    assert preview.schedule == "one-cycle"


def test_pixels_that_no_neuron_will_see_are_told(user):
    user.session.set_config(TrainingConfig(hidden=(16,), receptive_field_px=5), "mnist")
    assert user.widget("receptiveFieldSpinError").text() == "No neuron will see 384 pixels of the picture."
    assert user.widget("trainButton").isEnabled(), "it may be what somebody wants"
    for config in (
        TrainingConfig(hidden=(36,), receptive_field_px=10),
        TrainingConfig(hidden=(), receptive_field_px=5),
    ):
        user.session.set_config(config, "mnist")
        assert not user.widget("receptiveFieldSpinError").isVisible()


def test_variations_that_plain_epochs_leave_no_time_for_are_told(user):
    best = PRESETS["best"]
    user.session.set_config(replace(best, epochs=4), "mnist")
    assert user.widget("plainEpochsSpinError").text() == "No picture will vary: no other epochs are left."
    assert user.widget("plainEpochsSpinError").isVisible()
    assert user.widget("trainButton").isEnabled(), "it may be what somebody wants"
    for config in (replace(best, epochs=5), replace(best, epochs=4, augmentation=Augmentation())):
        user.session.set_config(config, "mnist")
        assert not user.widget("plainEpochsSpinError").isVisible()
