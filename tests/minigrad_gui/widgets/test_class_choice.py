"""The reading or one of the classes; other classes bring back the reading."""

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
