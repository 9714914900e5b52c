"""Number fields: input in every language, and invalid input."""

import pytest
from PySide6.QtCore import QEvent, QLocale, QSignalBlocker, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QLabel,
    QLineEdit,
    QWidget,
)
from some_views import every_panel

from engine import TrainingConfig
from minigrad_gui.widgets.building import row
from minigrad_gui.widgets.setting_table import SETTINGS

pytestmark = pytest.mark.panels("ConfigPanel", "TrainingPanel")


@pytest.fixture
def field(qtbot):
    """`field("epochsSpin")`: a field of the settings, with the focus, in a window where Tab leaves it."""
    windows = []

    def make(name: str):
        made = (setting.make().widget for group in SETTINGS.values() for setting in group)
        spin = next(widget for widget in made if widget.objectName() == name)
        window = QWidget()
        qtbot.addWidget(window)
        windows.append(window)
        row(spin, QLineEdit(), parent=window)
        with qtbot.waitExposed(window):
            window.show()
        window.activateWindow()
        spin.setFocus()
        qtbot.waitUntil(spin.hasFocus)
        return spin

    return make


@pytest.mark.parametrize("language", [QLocale.Language.C, QLocale.Language.German, QLocale.Language.French])
def test_a_learning_rate_is_understood_in_every_language(field, qtbot, language):
    before = QLocale()
    QLocale.setDefault(QLocale(language))
    try:
        spin = field("learningRateSpin")
        spin.setValue(0.0005)
        qtbot.keyClick(spin, Qt.Key.Key_Return)
        assert spin.value() == 0.0005, "an untouched field has the same value as before"
        for typed, value in (("0.005", 0.005), ("1", 1.0), ("0,005", 0.005), ("2", 2.0), ("5e-3", 0.005)):
            spin.selectAll()
            qtbot.keyClicks(spin, typed)
            qtbot.keyClick(spin, Qt.Key.Key_Return)
            assert spin.value() == value, typed
    finally:
        QLocale.setDefault(before)


UNFIT = [
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
]


def replace_text(spin, typed: str, pastes: bool) -> None:
    spin.selectAll()
    if pastes:
        QApplication.clipboard().setText(typed)
        QTest.keyClick(spin, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    else:
        QTest.keyClick(spin, Qt.Key.Key_Delete)
        QTest.keyClicks(spin, typed)


@pytest.mark.parametrize("pastes", [False, True])
def test_invalid_text_stays_as_typed_and_is_marked_with_the_reason(user, qtbot, pastes):
    before = user.session.config
    user.window.activateWindow()
    for name, typed, reason in UNFIT:
        user.session.set_config(before, "mnist")
        spin = user.widget(name)
        value = spin.value()
        spin.setFocus()
        user.wait(spin.hasFocus)
        replace_text(spin, typed, pastes)
        if pastes and not typed:  # nothing can be pasted here
            continue
        for leave in (lambda: None, lambda spin=spin: qtbot.keyClick(spin, Qt.Key.Key_Tab)):
            leave()
            assert spin.text().removesuffix(spin.suffix()) == typed, name
            assert spin.property("wrong") is True, (name, typed)
            assert spin.complaint() == user.widget(f"{name}Error").text() == reason
            assert not user.widget("trainButton").isEnabled(), (name, typed)
            if pastes:  # typing 80 begins with 8
                assert (spin.value(), user.session.config) == (value, before), (name, typed)
        assert not spin.hasFocus(), (name, typed)


def test_an_arrow_leads_from_out_of_range_to_the_end_of_the_range(user, qtbot):
    spin = user.widget("validationSpin")
    for typed, key, lands in (("80", Qt.Key.Key_Down, 50), ("-5", Qt.Key.Key_Up, 0)):
        user.type_into(spin, typed)
        qtbot.keyClick(spin, key)
        assert (spin.value(), spin.text()) == (lands, f"{lands}%")
        assert spin.property("wrong") is False, typed
        assert user.session.config.validation_share == lands / 100


def test_a_whole_number_may_be_written_in_groups(user):
    for typed, value in (("100,000", 100_000), ("60 000", 60_000), ("007", 7)):
        user.type_into(user.widget("batchSizeSpin"), typed)
        assert user.session.config.batch_size == value
        assert user.widget("batchSizeSpin").text() == str(value)


@pytest.mark.parametrize(
    ("name", "typed", "shown"),
    [
        ("dropoutSpin", "50%", "50%"),
        ("dropoutSpin", "12,5 %", "12.5%"),
        ("elasticSigmaSpin", "7 px", "7 px"),
        ("elasticSigmaSpin", "7px", "7 px"),
    ],
)
@pytest.mark.parametrize("pastes", [False, True])
def test_a_number_may_be_typed_with_its_suffix(field, name, typed, shown, pastes):
    spin = field(name)
    replace_text(spin, typed, pastes)
    assert spin.complaint() == ""
    assert spin.text() == shown.replace(".", "," if "," in typed else ".")
    QTest.keyClick(spin, Qt.Key.Key_Return)
    assert spin.text() == shown


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


@every_panel
def test_numbers_read_alike_in_every_locale(locale, make_user):
    user = make_user()
    user.widget("rotationSlider").setValue(8)
    shown = [spin.text() for spin in user.window.findChildren(QAbstractSpinBox)]
    shown += [label.text() for label in user.window.findChildren(QLabel)]
    assert not [text for text in shown if any(sign.isdecimal() and not sign.isascii() for sign in text)], locale
    assert user.widget("learningRateSpin").text() == "0.0005"
    assert user.widget("parametersLabel").text() == "235,146 parameters"


def test_a_decimal_is_accepted_as_people_type_it_in_every_locale(locale, field):
    spin = field("learningRateSpin")
    for typed in ("0.02", "0,02", "2e-2", "\u06f0.\u06f0\u06f2", "\u0660,\u0660\u0662"):
        spin.setValue(0.5)
        spin.selectAll()
        for sign in typed:  # QTest.keyClicks only supports English digits
            QApplication.sendEvent(spin, QKeyEvent(QEvent.Type.KeyPress, 0, Qt.KeyboardModifier.NoModifier, sign))
        QTest.keyClick(spin, Qt.Key.Key_Return)
        assert (spin.value(), spin.text()) == (0.02, "0.02"), (locale, typed)


def test_a_validation_share_between_two_percent_is_shown_as_it_is(user):
    user.session.set_config(TrainingConfig(validation_share=0.125), "mnist")
    assert user.widget("validationSpin").text() == "12.5%"


def test_an_accuracy_to_stop_at_may_have_two_decimals_as_those_that_are_told(user):
    user.type_into(user.widget("stopAccuracySpin"), "99.45")
    assert user.session.config.stop_accuracy == 0.9945
    assert user.widget("stopAccuracySpin").text() == "99.45%"


@pytest.mark.parametrize(
    ("name", "at_zero", "typed", "shown", "value"),
    [
        ("receptiveFieldSpin", "0 px (off)", "14", "14 px", 14),
        ("patienceSpin", "0 (off)", "10", "10", 10),
        ("clipNormSpin", "0 (off)", "0.05", "0.05", 0.05),
        ("stopAccuracySpin", "0% (off)", "98.5", "98.5%", 98.5),
        ("trainingSamplesSpin", "0 (all)", "500", "500", 500),
    ],
)
def test_what_zero_means_stands_behind_it(field, qtbot, name, at_zero, typed, shown, value):
    spin = field(name)
    assert spin.text() == at_zero
    spin.selectAll()
    qtbot.keyClicks(spin, typed)
    assert (spin.text(), spin.value()) == (shown, value)
    for wrong in ("?", "-1"):
        for before in (value, 0):
            spin.setValue(before)
            spin.selectAll()
            qtbot.keyClicks(spin, wrong)
            qtbot.keyClick(spin, Qt.Key.Key_Return)
            assert spin.complaint(), "nothing that is typed is replaced"
            assert spin.text().startswith(wrong)
    spin.selectAll()
    qtbot.keyClicks(spin, "0")
    assert (spin.text(), spin.value(), spin.complaint()) == (at_zero, 0, "")
    with QSignalBlocker(spin):
        spin.setValue(value)
        assert spin.text() == shown
        spin.setValue(0)
    assert spin.text() == at_zero
