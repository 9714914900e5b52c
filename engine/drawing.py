"""A Tensor's graph as a drawing (SVG), for a notebook or a file."""

from collections.abc import Mapping
from html import escape

import numpy as np

from engine.graph import Graph, Node, shape_text, summary
from engine.layout import Layout, Place, lay_out
from engine.ops import Array
from engine.tensor import Tensor

NODE_WIDTH, NODE_HEIGHT, GAP_X, GAP_Y, MARGIN = 132, 62, 36, 14, 12
TITLE_SIZE, TEXT_SIZE, LINE = 13, 11, 16
MOST_CHARACTERS = 22
SHOWN_COUNT = 3
"""Arrays with more elements are shown by their shape."""
FONT = "system-ui, sans-serif"
LINES, TEXT, MUTED, GRADIENT = "#8a93a3", "#1b1f27", "#5a6372", "#b35900"
FILLS = {"result": "#e4edfc", "leaf": "#fff3e2", "constant": "#f1f2f5"}


class Drawing(str):
    """The source of an SVG picture. A notebook shows the picture."""

    __slots__ = ()

    def _repr_svg_(self) -> str:
        return str(self)


def graph_svg(tensor: Tensor, names: Mapping[str, Tensor] | None = None) -> Drawing:
    """The graph that a tensor was computed with: operations, shapes, small values and, after `backward()`, gradients.

    names: what to call leaves, such as `{"a": a}` or `dict(model.named_parameters())`. In a notebook, the last line of
    a cell; or write it to a file: `Path("graph.svg").write_text(graph_svg(loss))`.
    """
    return drawing_of(Graph(tensor, names))


def drawing_of(graph: Graph) -> Drawing:
    """The same of a graph that is there already."""
    layout = lay_out([node.inputs for node in graph.nodes])
    width, height = _corner((layout.columns, layout.height + 1))
    size = f'width="{width + MARGIN - GAP_X:g}" height="{height + MARGIN - GAP_Y:g}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="{FONT}" font-size="{TEXT_SIZE}">',
        f'<rect {size} fill="#ffffff"/><g fill="none" stroke="{LINES}">',
        *(f'<path d="{_path(route)}"/>' for route in layout.routes.values()),
        "</g>",
        *_nodes(graph, layout),
        "</svg>",
    ]
    return Drawing("\n".join(parts))


def _nodes(graph: Graph, layout: Layout) -> list[str]:
    return [_node(node, *_corner(place)) for node, place in zip(graph.nodes, layout.places, strict=True)]


def _node(node: Node, left: float, top: float) -> str:
    tensor = node.tensor
    kind = "result" if node.origin else "leaf" if tensor.requires_grad else "constant"
    texts = [
        _text(left, top + LINE, node.title, f'font-size="{TITLE_SIZE}" font-weight="600" fill="{TEXT}"'),
        _text(left, top + 2 * LINE + 1, short(tensor.data) or shape_text(tensor), f'fill="{MUTED}"'),
    ]
    if tensor.grad is not None:
        gradient = short(tensor.grad) or f"up to {np.abs(tensor.grad).max(initial=0):.3g}"
        texts.append(_text(left, top + 3 * LINE + 1, f"grad {gradient}", f'fill="{GRADIENT}"'))
    lines = [f"{node.title}: {shape_text(tensor)}, {tensor.dtype}", f"value: {summary(tensor.data)}"]
    if tensor.grad is not None:
        lines.append(f"gradient: {summary(tensor.grad)}")
    box = f'width="{NODE_WIDTH}" height="{NODE_HEIGHT}" rx="6" fill="{FILLS[kind]}" stroke="{LINES}"'
    tip = f"<title>{_safe(chr(10).join(lines))}</title>"
    return f'<g>{tip}<rect x="{left:g}" y="{top:g}" {box}/>{"".join(texts)}</g>'


def short(array: Array) -> str:
    """An array of a few numbers in full; "" for a larger one."""
    return summary(array) if array.size <= SHOWN_COUNT else ""


def _text(left: float, y: float, text: str, style: str) -> str:
    shown = text if len(text) <= MOST_CHARACTERS else f"{text[: MOST_CHARACTERS - 1]}…"
    return f'<text x="{left + NODE_WIDTH / 2:g}" y="{y:g}" text-anchor="middle" {style}>{_safe(shown)}</text>'


def _safe(text: str) -> str:
    """Text that may stand in XML: escaped, and without characters that no escape could save."""
    return escape("".join(letter if letter.isprintable() or letter == "\n" else "?" for letter in text))


def _corner(place: Place) -> tuple[float, float]:
    column, row = place
    return MARGIN + column * (NODE_WIDTH + GAP_X), MARGIN + row * (NODE_HEIGHT + GAP_Y)


def _path(route: tuple[Place, ...]) -> str:
    """From the right side of a node, with a curve between columns and a straight line through each bend."""
    middle = NODE_HEIGHT / 2
    corners = [_corner(place) for place in route]
    x, y = corners[0][0] + NODE_WIDTH, corners[0][1] + middle
    path = [f"M{x:g},{y:g}"]
    for number, (left, top) in enumerate(corners[1:], start=1):
        half = (x + left) / 2
        path.append(f"C{half:g},{y:g} {half:g},{top + middle:g} {left:g},{top + middle:g}")
        x, y = left, top + middle
        if number < len(corners) - 1:
            x += NODE_WIDTH
            path.append(f"H{x:g}")
    return " ".join(path)
