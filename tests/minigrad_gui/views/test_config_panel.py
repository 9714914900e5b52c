"""The settings: panel -> session, session -> panel, and what is refused."""

from dataclasses import replace

import pytest
from PySide6.QtCore import QEvent, QLocale, QPoint, QSettings, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDoubleSpinBox,
    QLabel,
    QLineEdit,
    QSlider,
    QSpinBox,
)

from engine import Augmentation, ConfigError, TrainingConfig
from minigrad_gui import theme
from minigrad_gui.layer_sizes import parse_hidden
from minigrad_gui.presets import PRESETS


@pytest.mark.parametrize(
    ("text", "sizes"),
    [("256, 128", (256, 128)), ("64", (64,)), ("", ()), ("  ", ()), ("8 8;8", (8, 8, 8)), ("12,34", (12, 34))],
)
def test_hidden_layers_are_read(text, sizes):
    assert parse_hidden(text) == sizes


@pytest.mark.parametrize("text", ["abc", "256, 12x", "1.5", "-3", "256,,128", ",", "12,", "٣", "9" * 13])
def test_what_is_no_list_of_layers_is_refused(text):
    with pytest.raises(ConfigError) as refusal:
        parse_hidden(text)
    assert refusal.value.field == "hidden"
    assert str(refusal.value).endswith(".")


@pytest.mark.parametrize("text", ["256, abc", "0", "256,,128", "100000, 100000", ", ".join(["8"] * 20)])
def test_wrong_layers_are_marked_with_the_reason_and_nothing_can_start(user, text):
    user.widget("hiddenLayersEdit").setText(text)
    assert user.widget("hiddenLayersEdit").property("wrong") is True
    assert user.widget("hiddenLayersError").isVisible()
    assert user.widget("hiddenLayersError").text()
    assert not user.widget("trainButton").isEnabled()
    assert not user.widget("stepButton").isEnabled()
    user.widget("hiddenLayersEdit").setText("32")
    assert user.widget("hiddenLayersEdit").property("wrong") is False
    assert not user.widget("hiddenLayersError").isVisible()
    assert user.widget("trainButton").isEnabled()


def test_the_panel_fills_the_config(user):
    user.widget("hiddenLayersEdit").setText("30, 20")
    for name, text in (("activationCombo", "Tanh"), ("optimizerCombo", "SGD with momentum")):
        user.widget(name).setCurrentText(text)
    for name, value in {
        "learningRateSpin": 0.02,
        "momentumSpin": 0.8,
        "weightDecaySpin": 0.01,
        "batchSizeSpin": 64,
        "epochsSpin": 3,
        "seedSpin": 7,
        "validationSpin": 20,
    }.items():
        user.widget(name).setValue(value)
    assert user.session.config == TrainingConfig((30, 20), "tanh", "momentum", 0.02, 0.8, 0.01, 64, 3, 7, 0.2)


def test_typing_a_learning_rate(user, qtbot):
    spin = user.widget("learningRateSpin")
    spin.selectAll()
    qtbot.keyClicks(spin, "0.0005")
    qtbot.keyClick(spin, Qt.Key.Key_Return)
    assert user.session.config.learning_rate == 0.0005
    assert spin.text() == "0.0005"


@pytest.mark.parametrize("language", [QLocale.Language.C, QLocale.Language.German, QLocale.Language.French])
@pytest.mark.parametrize(("typed", "value"), [("0.005", 0.005), ("0,005", 0.005), ("5e-3", 0.005), ("1", 1.0)])
def test_a_learning_rate_is_understood_in_every_language(make_window, qtbot, language, typed, value):
    before = QLocale()
    QLocale.setDefault(QLocale(language))
    try:
        spin = make_window().findChild(QDoubleSpinBox, "learningRateSpin")
        qtbot.keyClick(spin, Qt.Key.Key_Return)
        assert spin.value() == 0.0005, "an untouched field keeps its value"
        spin.selectAll()
        qtbot.keyClicks(spin, typed)
        qtbot.keyClick(spin, Qt.Key.Key_Return)
        assert spin.value() == value
    finally:
        QLocale.setDefault(before)


def type_into(qtbot, spin, typed):
    """Replace all that stands there, key by key, and press Return."""
    spin.selectAll()
    qtbot.keyClicks(spin, typed)
    qtbot.keyClick(spin, Qt.Key.Key_Return)


@pytest.mark.parametrize(
    ("name", "typed"), [("learningRateSpin", "0"), ("learningRateSpin", "5000"), ("epochsSpin", "0")]
)
def test_a_number_out_of_range_is_marked_until_it_is_mended(user, qtbot, name, typed):
    spin = user.widget(name)
    spin.selectAll()
    qtbot.keyClicks(spin, typed)
    assert spin.property("wrong") is True
    assert user.widget(f"{name}Error").text().startswith("Enter a number from")
    assert not user.widget("trainButton").isEnabled()
    qtbot.keyClick(spin, Qt.Key.Key_Return)
    assert spin.text() == typed
    assert spin.property("wrong") is True, "pressing Return mends nothing"
    type_into(qtbot, spin, "1")
    assert spin.property("wrong") is False
    assert user.widget(f"{name}Error").text() == ""
    assert user.widget("trainButton").isEnabled()


@pytest.mark.parametrize(
    ("name", "typed", "reason"),
    [
        ("validationSpin", "80", "Enter a number from 0 to 50."),
        ("validationSpin", "12.25", "Enter at most 1 decimal."),
        ("validationSpin", "", "Enter a number from 0 to 50."),
        ("epochsSpin", "-3", "Enter a number from 1 to 100,000."),
        ("epochsSpin", "ten", "Enter a whole number from 1 to 100,000."),
        ("batchSizeSpin", "100001", "Enter a number from 1 to 100,000."),
        ("seedSpin", "4294967296", "Enter a number from 0 to 2,147,483,647."),
        ("learningRateSpin", "0", "Enter a number from 0.000001 to 1,000."),
        ("learningRateSpin", "1.2.3", "Enter a number from 0.000001 to 1,000."),
        ("learningRateSpin", "nan", "Enter a number from 0.000001 to 1,000."),
        ("learningRateSpin", "0.00012345678", "Enter at most 6 decimals."),
        ("weightDecaySpin", "-0.1", "Enter a number from 0 to 100."),
    ],
)
@pytest.mark.parametrize("pastes", [False, True])
def test_what_cannot_be_taken_stays_as_it_was_typed_and_is_marked_with_the_reason(
    user, qtbot, name, typed, reason, pastes
):
    spin, before = user.widget(name), user.session.config
    user.window.activateWindow()
    spin.setFocus()
    user.wait(spin.hasFocus)
    spin.selectAll()
    if pastes:
        QApplication.clipboard().setText(typed)
        qtbot.keyClick(spin, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    else:
        qtbot.keyClick(spin, Qt.Key.Key_Delete)
        qtbot.keyClicks(spin, typed)
    if not (pastes and not typed):  # there is no pasting nothing
        for leave in (lambda: None, lambda: qtbot.keyClick(spin, Qt.Key.Key_Tab)):
            leave()
            assert spin.text().removesuffix(spin.suffix()) == typed
            assert spin.property("wrong") is True
            assert user.widget(f"{name}Error").text() == reason
            assert not user.widget("trainButton").isEnabled()
            assert not pastes or user.session.config == before  # on the way to 80 is an 8


def test_all_fields_that_are_wrong_are_marked(user, qtbot):
    type_into(qtbot, user.widget("validationSpin"), "80")
    type_into(qtbot, user.widget("epochsSpin"), "0")
    assert [user.widget(name).property("wrong") for name in ("validationSpin", "epochsSpin")] == [True, True]
    type_into(qtbot, user.widget("epochsSpin"), "5")
    assert [user.widget(name).property("wrong") for name in ("validationSpin", "epochsSpin")] == [True, False]
    assert not user.widget("trainButton").isEnabled()
    type_into(qtbot, user.widget("validationSpin"), "20")
    assert user.widget("trainButton").isEnabled()
    assert (user.session.config.epochs, user.session.config.validation_share) == (5, 0.2)


@pytest.mark.parametrize(("typed", "key", "lands"), [("80", Qt.Key.Key_Down, 50), ("-5", Qt.Key.Key_Up, 0)])
def test_an_arrow_leads_from_out_of_range_to_the_end_of_the_range(user, qtbot, typed, key, lands):
    spin = user.widget("validationSpin")
    type_into(qtbot, spin, typed)
    qtbot.keyClick(spin, key)
    assert (spin.value(), spin.text()) == (lands, f"{lands} %")
    assert spin.property("wrong") is False
    assert user.session.config.validation_share == lands / 100


def test_a_wrong_field_is_filled_by_what_sets_all_fields(user, qtbot):
    type_into(qtbot, user.widget("validationSpin"), "80")
    user.click("defaultsButton")
    assert user.widget("validationSpin").text() == "10 %"
    assert user.widget("trainButton").isEnabled()


@pytest.mark.parametrize(("typed", "value"), [("100,000", 100_000), ("60 000", 60_000), ("007", 7)])
def test_a_whole_number_may_be_written_in_groups(user, qtbot, typed, value):
    type_into(qtbot, user.widget("batchSizeSpin"), typed)
    assert user.session.config.batch_size == value
    assert user.widget("batchSizeSpin").text() == str(value)


def test_a_momentum_that_is_wrong_can_be_mended_though_it_is_not_used(user, qtbot):
    user.widget("optimizerCombo").setCurrentText("SGD with momentum")
    type_into(qtbot, user.widget("momentumSpin"), "5")
    user.widget("optimizerCombo").setCurrentText("Adam")
    spin = user.widget("momentumSpin")
    assert spin.isEnabled()
    user.window.activateWindow()
    spin.setFocus()
    user.wait(spin.hasFocus)
    type_into(qtbot, spin, "0.5")
    qtbot.keyClick(spin, Qt.Key.Key_Tab)
    assert not spin.isEnabled()
    assert user.session.config.momentum == 0.5


def test_a_setting_finer_than_its_field_stays_when_another_is_edited(user, qtbot):
    fine = TrainingConfig(learning_rate=0.0000123456, momentum=0.9999999, weight_decay=1e-9, validation_share=0.125)
    user.session.set_config(fine, "mnist")
    type_into(qtbot, user.widget("epochsSpin"), "3")
    assert user.session.config == replace(fine, epochs=3)


def contrast(first, second):
    """As the Web Content Accessibility Guidelines 2.1 define it, from 1 to 21."""

    def luminance(color):
        parts = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in color.getRgbF()[:3])
        return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True))

    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_every_row_of_an_open_list_can_be_read(user, dark):
    theme.apply(QApplication.instance(), dark=dark)
    combo = user.widget("activationCombo")
    combo.showPopup()
    rows = combo.view()
    user.wait(rows.isVisible)
    for row in range(combo.count()):
        rows.setCurrentIndex(rows.model().index(row, 0))
        image = rows.viewport().grab().toImage()
        place = rows.visualRect(rows.currentIndex()) & image.rect()
        behind = image.pixelColor(place.right() - 3, place.center().y())
        pixels = [image.pixelColor(x, y) for x in range(place.width()) for y in range(place.top(), place.bottom())]
        assert max(contrast(behind, pixel) for pixel in pixels) >= 4.5
        assert behind.name() == theme.colors().accent, "the row that is chosen is the one that was looked at"
    combo.hidePopup()


def test_the_wheel_turns_only_a_field_that_has_the_cursor(user):
    spin = user.widget("batchSizeSpin")
    user.widget("trainButton").setFocus()
    user.wheel(spin, -120)
    assert spin.value() == 128
    user.window.activateWindow()
    spin.setFocus()
    user.wait(spin.hasFocus)
    user.wheel(spin, -120)
    assert spin.value() == 127


def test_the_session_fills_the_panel(user):
    user.session.set_config(TrainingConfig((5,), "sigmoid", "sgd", 0.5, batch_size=10, validation_share=0.0), "mnist")
    assert user.widget("hiddenLayersEdit").text() == "5"
    assert user.widget("activationCombo").currentText() == "Sigmoid"
    assert user.widget("optimizerCombo").currentText() == "SGD"
    assert user.widget("learningRateSpin").value() == 0.5
    assert user.widget("validationSpin").value() == 0


def test_the_number_of_parameters_follows(user):
    user.widget("hiddenLayersEdit").setText("256, 128, 10")
    assert (
        user.widget("parametersLabel").text()
        == f"{784 * 256 + 256 + 256 * 128 + 128 + 128 * 10 + 10 + 110:,} parameters"
    )


def test_momentum_is_asked_for_where_it_is_used(user):
    assert not user.widget("momentumSpin").isEnabled()
    user.widget("optimizerCombo").setCurrentText("SGD with momentum")
    assert user.widget("momentumSpin").isEnabled()


def test_defaults_come_back(user):
    user.configure(hidden="3", epochs=99)
    user.click("defaultsButton")
    assert user.session.config == TrainingConfig()


def test_defaults_come_back_from_a_wrong_field_too(user):
    user.widget("hiddenLayersEdit").setText("abc")
    user.click("defaultsButton")
    assert user.widget("hiddenLayersEdit").text() == "256, 128"
    assert user.widget("trainButton").isEnabled()


def test_every_control_has_a_tooltip_that_explains_it(user):
    panel = user.widget("hiddenLayersEdit").window()
    for kind in (QSpinBox, QDoubleSpinBox, QComboBox, QSlider):
        for control in panel.findChildren(kind):
            assert len(control.toolTip()) > 30, control.objectName()
    assert len(panel.findChild(QLineEdit, "hiddenLayersEdit").toolTip()) > 30


def test_settings_outlast_the_window(make_window):
    first = make_window()
    first.findChild(QLineEdit, "hiddenLayersEdit").setText("77")
    first.findChild(QSpinBox, "epochsSpin").setValue(3)
    first.close()
    assert make_window().session.config == TrainingConfig(hidden=(77,), epochs=3)


@pytest.mark.parametrize(
    "garbage", ["{", "[]", '{"config": {"hidden": "x"}, "source": "mnist"}', '{"config": {}}', "\0"]
)
def test_garbage_in_the_settings_gives_the_defaults(make_window, garbage):
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


@pytest.mark.parametrize(("name", "title"), [("quick", "Quick"), ("reference", "Reference setup"), ("best", "Best")])
def test_a_preset_fills_every_field_but_the_dataset(user, name, title):
    other = TrainingConfig(
        (3,), "tanh", "sgd", 0.5, 0.5, 0.5, 5, 5, 5, 0.5, "cosine", Augmentation(1, 1, 0.1, 0.1, 1, 1)
    )
    user.session.set_config(other, "ylecun/mnist")
    choose_preset(user, name)
    preset = PRESETS[name]
    assert user.session.config == preset
    assert user.session.source == "ylecun/mnist"
    assert shown_preset(user) == title
    assert parse_hidden(user.widget("hiddenLayersEdit").text()) == preset.hidden
    assert user.widget("activationCombo").currentData() == preset.activation
    assert user.widget("optimizerCombo").currentData() == preset.optimizer
    assert user.widget("scheduleCombo").currentData() == preset.schedule
    for widget, field in FIELDS.items():
        assert user.widget(widget).value() == getattr(preset, field), field
    assert user.widget("validationSpin").value() == round(100 * preset.validation_share)


def test_an_edited_field_makes_settings_of_ones_own_and_back_a_preset_again(user, qtbot):
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


def test_settings_of_ones_own_come_back(user, qtbot):
    combo = user.widget("presetCombo")
    qtbot.keyClick(combo, Qt.Key.Key_End)
    assert shown_preset(user) == "Best", "there are none of one's own yet"
    qtbot.keyClick(user.widget("batchSizeSpin"), Qt.Key.Key_Up)
    own = user.session.config
    choose_preset(user, "reference")
    qtbot.keyClick(combo, Qt.Key.Key_End)
    assert shown_preset(user) == "Custom"
    assert user.session.config == own


def test_a_preset_mends_a_wrong_field(user):
    user.widget("hiddenLayersEdit").setText("abc")
    assert shown_preset(user) == "Custom"
    choose_preset(user, "quick")
    assert user.widget("hiddenLayersEdit").text() == "256, 128"
    assert user.widget("trainButton").isEnabled()


def test_each_preset_tells_what_it_is(user):
    combo = user.widget("presetCombo")
    for index in range(combo.count()):
        tip = combo.itemData(index, Qt.ItemDataRole.ToolTipRole)
        assert len(tip) > 30
        assert tip in combo.toolTip()


def test_a_preset_and_its_schedule_outlast_the_window(make_window, qtbot):
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


def test_numbers_read_alike_in_every_locale(locale, make_user):
    user = make_user()
    user.widget("rotationSlider").setValue(8)
    shown = [spin.text() for spin in user.window.findChildren(QAbstractSpinBox)]
    shown += [label.text() for label in user.window.findChildren(QLabel)]
    assert not [text for text in shown if any(sign.isdecimal() and not sign.isascii() for sign in text)], locale
    assert user.widget("learningRateSpin").text() == "0.0005"
    assert user.widget("parametersLabel").text() == "235,146 parameters"


@pytest.mark.parametrize("typed", ["0.02", "0,02", "2e-2", "\u06f0.\u06f0\u06f2", "\u0660,\u0660\u0662"])
def test_a_decimal_is_taken_as_people_type_it_in_every_locale(locale, make_user, typed):
    user = make_user()
    spin = user.widget("learningRateSpin")
    spin.setFocus()
    spin.selectAll()
    for sign in typed:  # QTest.keyClicks knows no other digits than English ones
        QApplication.sendEvent(spin, QKeyEvent(QEvent.Type.KeyPress, 0, Qt.KeyboardModifier.NoModifier, sign))
    QTest.keyClick(spin, Qt.Key.Key_Return)
    assert user.session.config.learning_rate == 0.02, locale
    assert spin.text() == "0.02"


def test_a_validation_share_between_two_percent_is_shown_as_it_is(user):
    user.session.set_config(TrainingConfig(validation_share=0.125), "mnist")
    assert user.widget("validationSpin").text() == "12.5 %"
