"""One neuron in detail."""

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from engine import MLP
from minigrad_gui.insight.glance import glance
from minigrad_gui.widgets.building import column
from minigrad_gui.widgets.maps import ink
from minigrad_gui.widgets.neuron_panel import HINT, NeuronPanel


@pytest.fixture
def panel(qtbot):
    panel = NeuronPanel()
    qtbot.addWidget(panel)
    with qtbot.waitExposed(panel):
        panel.show()
    return panel


def test_a_neuron_is_shown_and_leaves_again(panel, mnist, qtbot):
    model = MLP(784, (40,), 10, init="he", rng=np.random.default_rng(1))
    panel.show_neuron(glance(model, mnist.test_images[0], (0, 4)).neuron, "Layer 1, neuron 5", "1 of 2", "ReLU")
    assert (panel._title.text(), panel._share.text()) == ("Layer 1, neuron 5", "1 of 2")
    assert panel._looks_for.count == 1
    assert panel._sum.lines()[-1].name == "ReLU of it"
    panel.show_neuron(glance(model, mnist.test_images[0]).neuron, "Logit of 7", "", "ReLU")
    assert panel._sum.lines()[-1].name == "sum", "nothing is made of a logit"
    assert not panel._offer.isVisible()
    panel.show_none("Train")
    assert (panel._title.text(), panel._looks_for.count, panel._sum.lines()) == (HINT, 0, [])
    with qtbot.waitSignal(panel.accepted):
        QTest.mouseClick(panel._offer, Qt.MouseButton.LeftButton)
    panel.show_none("")
    assert not panel._offer.isVisible()


def test_a_wide_panel_and_long_names_ask_for_no_more_width(mnist, qtbot):
    window, panel = QWidget(), NeuronPanel()
    least = panel.minimumSizeHint().width()
    qtbot.addWidget(window)
    column(panel, parent=window)
    window.resize(800, 200)
    with qtbot.waitExposed(window):
        window.show()
    assert panel._looks_for.scale == 5
    model = MLP(784, (40,), 10, init="he", rng=np.random.default_rng(1))
    panel.show_neuron(glance(model, mnist.test_images[0]).neuron, f"Logit of {'w' * 200}", "adds nothing", "ReLU")
    assert panel.minimumSizeHint().width() == least < 400
    window.resize(window.minimumSizeHint())
    qtbot.waitUntil(lambda: panel._exciting.geometry().right() < panel.width() == least)
    assert panel._looks_for.scale == 2


def test_exciting_digits_can_be_heard(panel, mnist):
    panel.show_exciting("Best of 10 digits", ink(mnist.test_images[:8]), [f"picture {n}" for n in range(8)])
    assert panel._exciting.count == 8
    assert panel._exciting.rect_of(7).top() > panel._exciting.rect_of(3).top(), "in two rows"
    node = QAccessible.queryAccessibleInterface(panel._exciting)
    assert node.text(QAccessible.Text.Name) == "Pictures that excite the neuron most"
