"""The drawing is valid XML that holds what the graph holds, whatever the names are."""

from xml.etree import ElementTree

import numpy as np
import pytest

from engine import MLP, Tensor, cross_entropy_loss, graph_svg

SVG = "{http://www.w3.org/2000/svg}"


def texts(drawing):
    return [element.text for element in ElementTree.fromstring(drawing).iter(f"{SVG}text")]


def test_an_expression_is_drawn_with_its_values_and_gradients():
    a, b = Tensor(2.0, requires_grad=True), Tensor(-3.0, requires_grad=True)
    result = a * b + 1
    names = {"a": a, "b": b}
    assert "grad 2" not in texts(graph_svg(result, names))
    result.backward()
    drawn = texts(graph_svg(result, names))
    assert [drawn.count(each) for each in ("a", "b", "multiply", "add", "constant")] == [1] * 5
    assert {"2", "-3", "-6", "1", "-5", "grad -3", "grad 2", "grad 1"} <= set(drawn)
    root = ElementTree.fromstring(graph_svg(result, names))
    assert len(list(root.iter(f"{SVG}path"))) == 4
    told = [title.text for title in root.iter(f"{SVG}title")]
    assert "multiply: number, float64\nvalue: -6\ngradient: 1" in told


def test_a_network_is_drawn_within_its_frame():
    model = MLP(9, [8], 3, rng=np.random.default_rng(0))
    loss = cross_entropy_loss(model(np.linspace(0, 1, 9)), 2)
    loss.backward()
    root = ElementTree.fromstring(graph_svg(loss, dict(model.named_parameters())))
    width, height = float(root.get("width")), float(root.get("height"))
    boxes = [rect for rect in root.iter(f"{SVG}rect") if rect.get("x")]
    assert len(boxes) == 9
    for box in boxes:
        left, top, wide, high = (float(box.get(key)) for key in ("x", "y", "width", "height"))
        assert left > 0
        assert top > 0
        assert left + wide < width
        assert top + high < height
    drawn = texts(graph_svg(loss, dict(model.named_parameters())))
    assert "layers.0.W" in drawn
    assert "8 x 9" in drawn
    largest = np.abs(model.layers[0].W.grad).max()
    assert f"grad up to {largest:.3g}" in drawn


@pytest.mark.parametrize("name", ["<b>&\"'", "a\x00\x1b\ufffe", "\ud800", "x" * 500])
def test_any_name_gives_valid_xml(name):
    a = Tensor(1.0, requires_grad=True)
    drawing = graph_svg(a.exp(), {name: a})
    assert ElementTree.fromstring(drawing.encode()) is not None
    shown = [each for each in texts(drawing) if each not in ("exp", "1", "2.718")]
    assert len(shown) == 1
    assert len(shown[0]) <= 22


def test_a_notebook_shows_the_picture():
    drawing = graph_svg(Tensor(1.0, requires_grad=True).exp())
    assert drawing._repr_svg_() == drawing
    assert type(drawing._repr_svg_()) is str
