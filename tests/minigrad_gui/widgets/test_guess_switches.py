"""A switch shows what was guessed or chosen; only a person's choice is told."""

import pytest
from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QComboBox, QStyle, QStyleOptionComboBox

from minigrad_gui.data import Choices
from minigrad_gui.widgets.guess_switches import GuessSwitches

MADE = vars(Choices("transposed", "light ink", "as they are", "as MNIST", ("a", "b")))
"""Of a lone file."""
OF_SEVERAL = MADE | {"files": "its splits"}


@pytest.fixture
def switches(qtbot):
    switches = GuessSwitches()
    qtbot.addWidget(switches)
    switches.resize(430, 80)
    with qtbot.waitExposed(switches):
        switches.show()
    return switches


def combo(switches, field):
    return switches.findChild(QComboBox, f"{field}Combo")


def texts(switches):
    return [each.currentText() for each in shown(switches)]


def shown(switches):
    return [each for each in switches.findChildren(QComboBox) if each.isVisible()]


def test_guesses_and_choices_are_shown_without_being_told(switches):
    told = []
    switches.chosen.connect(told.append)
    switches.show_choices(Choices(), MADE, {})
    assert sorted(texts(switches)) == sorted(
        ["guessed: transposed", "guessed: light ink", "guessed: as they are", "guessed: as MNIST"]
    )
    switches.show_choices(Choices(orientation="mirrored", polarity="dark ink"), MADE, {})
    assert combo(switches, "orientation").currentText() == "mirrored"
    assert combo(switches, "orientation").itemText(0) == "guess"
    assert combo(switches, "polarity").currentText() == "dark ink"
    assert combo(switches, "sizing").currentText() == "guessed: as MNIST"
    switches.show_choices(Choices(), {"polarity": "dark ink"}, {})
    assert combo(switches, "orientation").currentText() == "guess", "it is not known yet"
    assert combo(switches, "polarity").currentText() == "guessed: dark ink"
    assert told == []


def test_a_choice_leaves_the_others_as_they_were(switches):
    told = []
    switches.chosen.connect(told.append)
    wanted = Choices(polarity="dark ink", class_names=("a", "b"))
    switches.show_choices(wanted, MADE, {})
    orientation = combo(switches, "orientation")
    orientation.setCurrentIndex(orientation.findText("upright"))
    combo(switches, "polarity").setCurrentIndex(0)
    assert told == [
        Choices(orientation="upright", polarity="dark ink", class_names=("a", "b")),
        Choices(orientation="upright", class_names=("a", "b")),
    ]


def test_a_switch_that_changes_nothing_is_off_and_says_why(switches):
    switches.show_choices(Choices(), MADE, {"sizing": "It is small."})
    assert not combo(switches, "sizing").isEnabled()
    assert combo(switches, "sizing").toolTip() == combo(switches, "sizing").accessibleDescription() == "It is small."
    switches.show_choices(Choices(), MADE, {})
    assert combo(switches, "sizing").isEnabled()
    assert combo(switches, "sizing").toolTip() != "It is small."


def test_which_files_are_read_can_be_chosen_where_there_are_several(switches):
    files = combo(switches, "files")
    for made, seen in ((MADE, False), ({}, False), (OF_SEVERAL, True), ({}, True), (MADE, False)):
        switches.show_choices(Choices(), made, {})
        assert files.isVisible() == seen, "what is not known yet moves nothing"
    switches.show_choices(Choices(files="alone"), MADE, {})
    assert (files.isVisible(), files.currentText()) == (True, "alone")
    told = []
    switches.chosen.connect(told.append)
    files.setCurrentIndex(files.findText("all alike"))
    assert told == [Choices(files="all alike")]


def text_fits(combo):
    option = QStyleOptionComboBox()
    combo.initStyleOption(option)
    parts, field = QStyle.ComplexControl.CC_ComboBox, QStyle.SubControl.SC_ComboBoxEditField
    room = combo.style().subControlRect(parts, option, field, combo).width()
    return combo.fontMetrics().horizontalAdvance(combo.currentText()) <= room


def test_they_are_in_as_few_rows_as_their_texts_allow_and_do_not_move_with_them(switches):
    switches.setStyleSheet("QComboBox { padding: 0 8px }")
    longest = vars(Choices("upright", "each its own", "10 is zero", "as photographs"))
    sizes = ((345, 4, None), (500, 2, None), (1100, 1, None), (750, 2, None), (500, 2, None))
    of_several = ((345, 5, "alone"), (500, 3, "alone"), (750, 2, "alone"), (1350, 1, "alone"))
    for width, rows, files in sizes + of_several + sizes[2:]:
        switches.resize(width, 200)
        places = []
        for made in (MADE, longest):
            switches.show_choices(Choices(), made | {"files": files}, {})
            QCoreApplication.sendPostedEvents()  # lay them out
            places.append([each.geometry() for each in shown(switches)])
            assert all(map(text_fits, shown(switches))), width
        assert len({place.top() for place in places[0]}) == rows
        assert places[0] == places[1]
        assert all(switches.rect().contains(place) for place in places[0])
        assert len({place.width() for place in places[0]}) <= 2
