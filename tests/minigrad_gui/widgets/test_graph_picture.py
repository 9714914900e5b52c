"""What is at work is in sight and lit; mouse and keyboard step, choose, zoom and pan."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest

from engine import MLP, Tensor
from engine.graph import Graph
from minigrad_gui import theme
from minigrad_gui.insight.backpropagation import passes
from minigrad_gui.widgets.graph_picture import READABLE, GraphPicture


def expression(a=2.0):
    a, b = Tensor(a, requires_grad=True), Tensor(-3.0, requires_grad=True)
    result = (a * b + a).tanh()
    result.backward()
    return Graph(result, {"a": a, "b": b})


def network():
    model = MLP(784, [8] * 19, 10, rng=np.random.default_rng(0), init="he", dtype=np.float32)
    return passes(model, np.full((28, 28), 0.5, np.float32), 3)


@pytest.fixture
def picture(qtbot, qapp):
    theme.apply(qapp, dark=False)
    picture = GraphPicture()
    qtbot.addWidget(picture)
    picture.resize(460, 200)
    picture.show_graph(expression())
    picture.show()
    return picture


def near(image, color):
    """How many of the pixels have about this colour."""
    pixels = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1, 4)[..., :3].astype(int)
    wanted = QColor(color)
    return int((np.abs(pixels - [wanted.blue(), wanted.green(), wanted.red()]).sum(-1) < 30).sum())


def test_a_small_graph_is_in_sight_as_a_whole(picture):
    assert all(picture.rect().contains(picture.place_of(node).toRect()) for node in range(5))


def test_the_pass_that_is_at_work_is_lit(picture):
    colors, seen = theme.colors(), []
    inside = picture.rect().adjusted(2, 2, -2, -2)  # without the frame that shows the focus
    for count in (0, 1, len(expression().steps)):
        picture.show_step(count)
        image = picture.grab(inside).toImage()
        seen.append((near(image, colors.accent) > 50, near(image, colors.validation_curve) > 50))
    assert seen == [(False, False), (True, False), (False, True)]


def test_every_step_of_a_network_of_twenty_layers_is_in_sight_and_readable(picture):
    graph = network()
    picture.show_graph(graph)
    for count, step in enumerate(graph.steps, start=1):
        picture.show_step(count)
        for node in (step.node, step.target):
            assert picture.rect().contains(picture.place_of(node).toRect())
    assert picture.scale >= READABLE


def test_the_same_graph_with_other_numbers_stays_where_it_is(picture):
    picture.zoom(1.5)
    before = picture.place_of(3)
    assert picture.show_graph(expression(5.0))
    assert picture.place_of(3) == before
    assert not picture.show_graph(network())
    assert picture.scale == READABLE


def test_keys_step_and_zoom(picture):
    steps = []
    picture.stepWanted.connect(steps.append)
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Left, Qt.Key.Key_Down, Qt.Key.Key_Up):
        QTest.keyClick(picture, key)
    assert steps == [1, -1, 1, -1]
    before = picture.scale
    QTest.keyClick(picture, Qt.Key.Key_Plus)
    assert picture.scale > before
    picture.show_graph(network())
    QTest.keyClick(picture, Qt.Key.Key_0)
    assert all(picture.rect().contains(picture.place_of(node).toRect()) for node in range(81))


def test_a_click_chooses_a_node_and_a_drag_pans(picture):
    chosen = []
    picture.chosen.connect(chosen.append)
    picture.show_graph(network())
    QTest.mouseClick(picture, Qt.MouseButton.LeftButton, pos=picture.place_of(3).center().toPoint())
    assert chosen == [3]
    before = picture.place_of(3).center()
    QTest.mousePress(picture, Qt.MouseButton.LeftButton, pos=QPoint(300, 100))
    QTest.mouseMove(picture, QPoint(250, 100))
    QTest.mouseRelease(picture, Qt.MouseButton.LeftButton, pos=QPoint(250, 100))
    assert picture.place_of(3).center().x() == pytest.approx(before.x() - 50)
    assert chosen == [3]


def test_what_is_pointed_at_stays_there_in_zooming(picture):
    picture.show_graph(network())
    picture.show_step(40)
    at = picture.rect().center()
    node = min(range(81), key=lambda node: (picture.place_of(node).center() - at).manhattanLength())
    before, scale = picture.place_of(node).center() - at, picture.scale
    picture.zoom(1.25, at.toPointF())
    after = picture.place_of(node).center() - at
    assert picture.scale == pytest.approx(scale * 1.25)
    assert after.x() == pytest.approx(before.x() * 1.25)


def test_it_is_pale_while_out_of_date_and_empty_without_a_graph(picture):
    text = theme.colors().text
    dark = near(picture.grab().toImage(), text)
    assert dark > 0
    picture.set_out_of_date(True)
    assert near(picture.grab().toImage(), text) < dark / 4
    picture.show_graph(None)
    assert near(picture.grab().toImage(), text) == 0
