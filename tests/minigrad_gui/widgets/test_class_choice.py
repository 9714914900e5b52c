"""The reading or one of the classes; other classes bring back the reading."""

import pytest
from PySide6.QtWidgets import QStyleOptionComboBox

from minigrad_gui.widgets.class_choice import ClassChoice


def test_a_class_or_the_reading_is_chosen(qtbot):
    choice = ClassChoice()
    qtbot.addWidget(choice)
    changed = []
    choice.show_classes(("a", "b"))
    choice.currentIndexChanged.connect(changed.append)
    assert choice.chosen(7) == 7
    choice.setCurrentText("a")
    assert choice.chosen(7) == 0
    choice.show_classes(["a", "b"])
    assert choice.chosen(7) == 0
    choice.show_classes(("c", "d", "e"))
    assert choice.chosen(7) == 7
    assert [choice.itemText(index) for index in range(choice.count())] == ["The reading", "c", "d", "e"]
    assert changed == [1]


def test_a_long_name_asks_for_no_width_and_is_cut(qtbot):
    choice, name = ClassChoice(), "a very long class name that hardly fits anywhere at all"
    qtbot.addWidget(choice)
    choice.show_classes(("a", "b"))
    least = choice.minimumSizeHint()
    choice.show_classes((name, "b"))
    assert choice.minimumSizeHint().width() == pytest.approx(least.width(), abs=1)
    assert choice.sizeHint().width() > 2 * least.width()
    choice.setCurrentText(name)
    for width in (least.width(), choice.sizeHint().width()):
        choice.resize(width, least.height())
        option = QStyleOptionComboBox()
        choice.initStyleOption(option)
        assert (option.currentText == name) == (width > least.width())
        assert choice.fontMetrics().horizontalAdvance(option.currentText) < width
    assert choice.currentText() == name
