"""Drawings of pens become pictures, upright and rightly labelled."""

import json

import numpy as np
import pytest
from own_files import opened

from minigrad_gui.data import DataError
from minigrad_gui.data.strokes import drawn
from minigrad_gui.digits import rasterize

ONE = [[50, 0], [50, 100]]
SEVEN = [[0, 0], [100, 0], [40, 100]]


def picture(*strokes):
    return np.rint(rasterize(list(strokes)) * 255).astype(np.uint8)


def assert_ones_and_sevens(dataset, names=("1", "7")):
    pictures = {name: picture(stroke) for name, stroke in zip(names, (ONE, SEVEN), strict=True)}
    for images, labels in ((dataset.train_images, dataset.train_labels), (dataset.test_images, dataset.test_labels)):
        assert len(images)
        for image, label in zip(images, labels, strict=True):
            np.testing.assert_allclose(image, pictures[dataset.class_names[label]], atol=1)


def test_quickdraw_has_a_file_for_each_class(tmp_path):
    for word, stroke in (("line", ONE), ("zigzag", SEVEN)):
        drawing = [[x for x, _ in stroke], [y for _, y in stroke], [0] * len(stroke)]
        (tmp_path / f"{word}.ndjson").write_text(f"{json.dumps({'word': word, 'drawing': [drawing]})}\n" * 6)
    assert_ones_and_sevens(opened(tmp_path / "line.ndjson"), ("line", "zigzag"))


def test_inkml_has_a_file_for_each_drawing(tmp_path):
    for at, (label, stroke) in enumerate([("1", ONE), ("7", SEVEN)] * 5):
        points = ", ".join(f"{x} {y} 9" for x, y in stroke)
        label = f'<annotation type="truth">{label}</annotation>'
        text = f'<ink xmlns="http://www.w3.org/2003/InkML">{label}<trace id="0">{points}</trace></ink>'
        (tmp_path / f"{at}.inkml").write_text(text)
    assert_ones_and_sevens(opened(tmp_path / "0.inkml"))


def test_unipen_counts_y_upwards(tmp_path):
    lines = [".VERSION 1.0", ".COORD X Y"]
    for at, (label, stroke) in enumerate([("1", ONE), ("7", SEVEN)] * 5):
        lines += [f'.SEGMENT CHARACTER {at} OK "{label}"', ".PEN_DOWN", *(f"{x} {-y}" for x, y in stroke), ".PEN_UP"]
    (tmp_path / "a.dat").write_text("\n".join(lines))
    assert_ones_and_sevens(opened(tmp_path / "a.dat"))


def unipen_strokes(count):
    lines = []
    for stroke in [ONE, SEVEN] * count:
        lines += [".PEN_DOWN", *(f"{x} {-y}" for x, y in stroke), ".PEN_UP"]
    return lines


def unipen_segments(count, kind="CHARACTER"):
    return [f'.SEGMENT {kind} {at} ? "{label}" ' for at, label in enumerate("17" * count)]


def test_unipen_files_of_writers_include_their_strokes_from_a_folder_above(tmp_path):
    included = tmp_path / "include" / "aga" / "data"
    writers = tmp_path / "data" / "1a" / "aga"
    included.mkdir(parents=True)
    writers.mkdir(parents=True)
    for writer in "ab":
        (included / f"{writer}.dat").write_text("\n".join([".VERSION 1.0", *unipen_strokes(3)]))
        head = [".VERSION 1.0", f".INCLUDE aga/data/{writer}.dat", ".INCLUDE ../../secret", ".INCLUDE missing.doc"]
        (writers / f"{writer}.dat").write_text("\n".join([*head, *unipen_segments(3)]))
    dataset = opened(writers)
    assert_ones_and_sevens(dataset)
    assert len(dataset.train_labels) + len(dataset.test_labels) == 12


def test_unipen_may_name_digits_and_have_test_digits_in_a_file_of_their_own(tmp_path):
    for name, count in (("pendigits-orig.tra", 4), ("pendigits-orig.tes", 2)):
        (tmp_path / name).write_text("\n".join([*unipen_segments(count, "DIGIT"), *unipen_strokes(count)]))
    dataset = opened(tmp_path / "pendigits-orig.tra")
    assert_ones_and_sevens(dataset)
    assert (len(dataset.train_labels), len(dataset.test_labels)) == (8, 4)


@pytest.mark.parametrize("head", ["", ",".join(["", *(f"c{at}" for at in range(16)), "class"]) + "\n"])
def test_pendigits_are_eight_points_with_y_upwards(tmp_path, head):
    def row(at, label, stroke):
        line = np.array([stroke[min(index, len(stroke) - 1)] for index in range(8)]) * [1, -1] + [0, 100]
        return ",".join(map(str, ([at] if head else []) + line.ravel().tolist() + [label]))

    rows = [row(at, *((1, ONE), (7, SEVEN))[at % 2]) for at in range(40)]
    (tmp_path / "pendigits.tra").write_text(head + "\n".join(rows))
    assert_ones_and_sevens(opened(tmp_path / "pendigits.tra"), ("1", "7"))
    if not head:  # as OpenML has them
        names = "".join(f"@ATTRIBUTE x{at} integer\n" for at in range(16)) + "@ATTRIBUTE class {1,7}\n"
        (tmp_path / "a.arff").write_text(f"@RELATION pendigits\n{names}@DATA\n" + "\n".join(rows))
        assert_ones_and_sevens(opened(tmp_path / "a.arff"), ("1", "7"))


def test_other_sixteen_numbers_are_no_drawings(tmp_path):
    rows = [",".join(map(str, [*range(16), at % 2])) for at in range(40)]
    (tmp_path / "letter.csv").write_text("\n".join(rows))
    with pytest.raises(DataError, match="17 numbers, but not a label"):
        opened(tmp_path / "letter.csv")


@pytest.mark.parametrize(
    "strokes", [[[[0, float("inf")]]], [[["a", "b"]]], [[[0, 1, 2]]], [[[1e30, 0]]], [np.zeros((30_000, 2))]]
)
def test_unsuitable_points_are_refused(strokes):
    with pytest.raises(DataError, match="a drawing has"):
        drawn(strokes)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.ndjson", '{"word": "a"}\n', "not a drawing"),
        ("a.ndjson", '{"word": "a", "drawing": 5}\n', "not a drawing"),
        ("a.ndjson", '{"word": "a", "drawing": [' + "[" * 9000 + "\n", "not a drawing"),
        ("a.inkml", "<ink></ink>", "has no label"),
        ("a.dat", ".VERSION 1\n.PEN_DOWN\n1 2\n", "names no characters"),
        ("a.dat", '.VERSION 1\n.SEGMENT CHARACTER 7 OK "1"\n', "strokes that are not there"),
    ],
)
def test_unsuitable_files_are_refused(tmp_path, name, content, reason):
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=reason):
        opened(tmp_path / name)
