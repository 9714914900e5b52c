"""Helpers for building views: names and tips, rows and columns, menu entries."""

import pytest
from PySide6.QtCore import QObject
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QLabel, QPushButton, QWidget

from minigrad_gui.widgets.building import action, caption, column, named, restyled, row, styled


def test_a_name_and_a_tip_are_given(qtbot):
    button = named(QPushButton(), "stopButton", "<b>Stop</b><br>Ends the run.")
    qtbot.addWidget(button)
    assert button.objectName() == "stopButton"
    assert button.toolTip().startswith("<b>Stop</b>")
    assert button.accessibleDescription() == "Ends the run."


@pytest.mark.parametrize("build", [row, column])
def test_items_are_laid_out_in_order_and_a_number_is_a_stretch(qtbot, build):
    parent, labels = QWidget(), [QLabel("a"), QLabel("b"), QLabel("c")]
    qtbot.addWidget(parent)
    layout = build(labels[0], 2, row(labels[1]), labels[2], spacing=3, margin=5, parent=parent)
    assert parent.layout() is layout
    assert [layout.stretch(index) for index in range(4)] == [0, 2, 0, 0]
    assert layout.itemAt(2).layout().itemAt(0).widget() is labels[1]
    assert layout.spacing() == 3
    assert layout.contentsMargins().left() == 5
    parent.resize(400, 400)
    parent.show()
    corners = [(label.x(), label.y()) for label in labels]
    assert corners == sorted(corners)


def test_a_role_selects_a_style(qtbot):
    label = caption("Loss", "muted")
    qtbot.addWidget(label)
    label.setStyleSheet('QLabel[role="muted"] { color: #123456 } QLabel[role="error"] { color: #654321 }')
    label.ensurePolished()
    assert label.palette().windowText().color().name() == "#123456"
    restyled(label, "role", "error")
    assert label.palette().windowText().color().name() == "#654321"
    assert styled(label, "title").property("role") == "title"


def test_a_caption_shows_tags_as_they_are(qtbot):
    label = caption("<b>seven</b>")
    qtbot.addWidget(label)
    tagged = label.sizeHint().width()
    label.setText("seven")
    assert tagged > 1.5 * label.sizeHint().width()


def test_an_action_has_its_keys_and_calls_its_slot(qapp):  # noqa: ARG001
    parent, pressed = QObject(), []
    made = action(parent, "&Stop", "stopAction", lambda: pressed.append(made), "Ctrl+.", checkable=True)
    assert made.objectName() == "stopAction"
    assert made.shortcut() == QKeySequence("Ctrl+.")
    made.trigger()
    assert pressed == [made]
    assert made.isChecked()
    saving = action(parent, "&Save", "saveAction", key=QKeySequence.StandardKey.Save)
    assert QKeySequence("Ctrl+S") in saving.shortcuts()
