"""Buttons, the slider and `go` lead through the steps and stop at both ends."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton, QSlider

from minigrad_gui.widgets.step_player import StepPlayer


@pytest.fixture
def player(qtbot):
    player = StepPlayer("test")
    qtbot.addWidget(player)
    player.set_count(3)
    player.show()
    player.restyle()
    return player


def part(player, name, kind=QPushButton):
    return player.findChild(kind, f"test{name}")


def test_buttons_and_keys_lead_through_the_steps(player, qtbot):
    moves = []
    player.moved.connect(moves.append)
    back, forward, slider = part(player, "BackButton"), part(player, "ForwardButton"), part(player, "Slider", QSlider)
    assert not back.isEnabled()
    for _ in range(3):
        qtbot.mouseClick(forward, Qt.MouseButton.LeftButton)
    assert not forward.isEnabled()
    qtbot.mouseClick(back, Qt.MouseButton.LeftButton)
    qtbot.keyClick(slider, Qt.Key.Key_Left)
    player.go(100)
    player.go(1)
    player.go(-100)
    assert moves == [1, 2, 3, 2, 1, 3, 0]
    assert player.done == 0


def test_it_says_how_far_it_is_and_stays_there_if_it_can(player):
    moves = []
    player.go(2)
    player.moved.connect(moves.append)
    label = part(player, "Label", QLabel)
    player.set_count(5)
    assert (player.done, label.text()) == (2, "2 / 5")
    player.set_count(1)
    assert (player.done, label.text()) == (1, "1 / 1")
    player.set_count(9, 4)
    assert (player.done, label.text()) == (4, "4 / 9")
    player.set_count(0)
    assert not part(player, "Slider", QSlider).isEnabled()
    assert moves == []  # the person has not moved
