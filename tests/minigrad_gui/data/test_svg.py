"""Drawings in SVG are strokes, whatever their viewBox."""

import numpy as np
import pytest
from own_files import opened

from minigrad_gui.data import DataError
from minigrad_gui.data.strokes import drawn
from minigrad_gui.data.svg import path, picture

SEVEN = "M10 10 L200,10 L 90 250"
STROKES = [np.array([[10, 10], [200, 10], [90, 250]])]


def svg(shapes, head='viewBox="0 0 255 255"'):
    return f'<?xml version="1.0"?><svg {head} fill="none" stroke="black">{shapes}</svg>'.encode()


@pytest.mark.parametrize(
    "head", ['viewBox="0 0 255 255"', 'width="255" height="90"', 'viewBox="0 0 99 9" width="9cm"', ""]
)
def test_neither_viewbox_nor_size_squeeze_a_drawing(head):
    np.testing.assert_array_equal(picture(svg(f'<path d="{SEVEN}"/>', head)), drawn(STROKES))


@pytest.mark.parametrize(
    "shapes",
    [
        '<polyline points="10,10 200,10 90,250"/>',
        '<path d="m10 10h190l-110 240" />',
        '<line x1="10" y1="10" x2="200" y2="10"/><line x1="200" y1="10" x2="90" y2="250"></line>',
        "<g><path stroke='red' d='M1e1,10H200L90 250'/></g>",
    ],
)
def test_all_ways_to_draw_lines(shapes):
    difference = np.abs(picture(svg(shapes)).astype(int) - drawn(STROKES))
    assert difference.max() < 40  # two lines meet where one bends


def test_curves():
    (cubic,) = path("M0 0 C 0 1, 1 1, 1 0 s 1 -1 1 0")
    np.testing.assert_allclose(cubic[4], [0.5, 0.75])
    np.testing.assert_allclose(cubic[-1], [2, 0])
    assert cubic[8 + 4, 1] < 0  # it goes on as it came, downwards
    (quadratic,) = path("M0 0 Q 1 2 2 0 T 4 0")
    np.testing.assert_allclose(quadratic[4], [1, 1])
    np.testing.assert_allclose(quadratic[8 + 4], [3, -1])


def test_several_strokes_and_a_closed_one():
    first, second = path("M0 0 1 0 1 1z m5 5 l1 1")
    np.testing.assert_array_equal(first, [[0, 0], [1, 0], [1, 1], [0, 0]])
    np.testing.assert_array_equal(second, [[5, 5], [6, 6]])


def test_transformed_drawings_are_drawn_as_they_are_seen():
    """Groups within groups, as Inkscape writes them, and what follows them."""
    plain = '<path d="M10 10 L200 10"/><path d="M200 10 L90 250"/>'
    groups = '<g transform="translate(10 10)"><g/><g transform="scale(2)"><path d="M0 0 L95 0"/></g></g>'
    after = '<path transform="rotate(90 200 10)" d="M200 10 L440 120"/>'
    np.testing.assert_array_equal(picture(svg(groups + after)), picture(svg(plain)))


def test_arcs():
    (stroke,) = path("M0 0 A 5 5 0 0 1 10 0 a5,5 0 0110 0")  # flags need no blanks
    np.testing.assert_allclose(np.hypot(*(stroke[:17] - [5, 0]).T), 5)
    np.testing.assert_allclose(stroke[[8, 16]], [[5, -5], [10, 0]], atol=1e-12)
    np.testing.assert_allclose(stroke[24], [15, -5], atol=1e-12)


def test_a_folder_of_drawings(tmp_path):
    for name, shape in (("one", "M5 0V90"), ("seven", SEVEN)):
        (tmp_path / name).mkdir()
        for number in range(8):
            (tmp_path / name / f"{number}.svg").write_bytes(svg(f'<path d="{shape}"/>'))
    dataset = opened(tmp_path)
    assert dataset.class_names == ("1", "7")
    np.testing.assert_array_equal(dataset.train_images[dataset.train_labels == 1][0], drawn(STROKES))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (svg('<path d="M0 0 L 5"/>').replace(b"5", b"5 6 7 z"), "damaged"),
        (svg('<path d="M0 0 A 1 1 0 2 3"/>'), "damaged"),
        (svg('<path d="5 5"/>'), "damaged"),
        (svg('<circle r="4"/>'), "no strokes"),
        (svg('<g transform="scale(1 2 3)"><path d="M0 0 L5 5"/></g>'), "damaged"),
        (svg('<g transform="squeeze(1)"><path d="M0 0 L5 5"/></g>'), "damaged"),
        (svg(f'<path d="{SEVEN}"/>').replace(b'fill="none"', b""), "filled shapes"),
        (svg(f'<path d="M0 0{" 1 1" * 30_000}"/>'), "too many points"),
        (svg('<path d="M0 0 L1e300 1"/>'), "no numbers"),
        (b" " * 2_000_000, "too large"),
    ],
)
def test_other_drawings_are_refused(content, told):
    with pytest.raises(DataError, match=told):
        picture(content)
