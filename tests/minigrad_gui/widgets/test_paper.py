"""What is painted on the sheet is inside it, and in the theme's colours."""

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QImage, QPainter

from minigrad_gui import theme
from minigrad_gui.widgets import paper as painting

SIDE_PX, MARGIN_PX = 200, 20
SHEET = QRectF(MARGIN_PX, MARGIN_PX, SIDE_PX, SIDE_PX)

pytestmark = pytest.mark.usefixtures("qapp")


def painted(paint) -> np.ndarray:
    """Where something was painted on a transparent image: bool (height, width)."""
    return colors_painted(paint)[..., 3] > 0


def colors_painted(paint) -> np.ndarray:
    """Red, green, blue, alpha: uint8 (height, width, 4)."""
    size = SIDE_PX + 2 * MARGIN_PX
    image = QImage(size, size, QImage.Format.Format_RGBA8888)
    image.fill(0)
    painter = QPainter(image)
    paint(painter)
    painter.end()
    return np.frombuffer(image.constBits(), np.uint8).reshape(size, size, 4).copy()


def is_inside(mask: np.ndarray) -> bool:
    outside = mask.copy()
    outside[MARGIN_PX:-MARGIN_PX, MARGIN_PX:-MARGIN_PX] = False
    return not outside.any()


def test_strokes_end_at_the_edge_of_the_sheet():
    path = painting.smooth_path(np.array([[0.5, 0.5], [2.0, 0.5]]))
    mask = painted(lambda painter: painting.paint_strokes(painter, SHEET, [path], 0.1))
    assert mask[MARGIN_PX + SIDE_PX // 2, -MARGIN_PX - 2]
    assert is_inside(mask)


def test_a_stroke_of_one_point_is_a_dot_of_ink_as_wide_as_the_pen():
    path = painting.smooth_path(np.array([[0.5, 0.5]]))
    colors = colors_painted(lambda painter: painting.paint_strokes(painter, SHEET, [path], 0.1))
    ink, middle = QColor(theme.colors().ink), MARGIN_PX + SIDE_PX // 2
    assert colors[middle, middle].tolist() == [ink.red(), ink.green(), ink.blue(), 255]
    assert np.ptp(np.flatnonzero(colors[middle, :, 3])) == pytest.approx(0.1 * SIDE_PX, abs=2)


def test_a_smooth_path_goes_from_the_first_to_the_last_point():
    path = painting.smooth_path(np.array([[0.1, 0.2], [0.5, 0.9], [0.8, 0.3]]))
    ends = [path.pointAtPercent(share) for share in (0, 1)]
    assert [(round(end.x(), 6), round(end.y(), 6)) for end in ends] == [(0.1, 0.2), (0.8, 0.3)]


def test_boxes_have_room_for_the_pen_and_neighbours_meet_halfway():
    left, right = painting.with_margins([QRectF(0.1, 0.1, 0.2, 0.5), QRectF(0.34, 0.1, 0.2, 0.5)], 0.07)
    assert left.right() == right.left() == pytest.approx(0.32)
    assert left.left() < 0.1 - 0.035
    assert right.right() > 0.54 + 0.035


def test_boxes_stay_on_the_sheet_and_the_one_that_is_pointed_at_stands_out():
    boxes = [QRectF(-0.5, -0.5, 0.7, 2.0), QRectF(0.5, 0.2, 0.2, 0.6)]
    masks = [painted(lambda painter, at=at: painting.paint_boxes(painter, SHEET, boxes, at)) for at in (0, 1)]
    assert all(is_inside(mask) for mask in masks)
    middle = MARGIN_PX + SIDE_PX // 2
    assert masks[1][middle, middle:].sum() > masks[0][middle, middle:].sum()


def test_the_eraser_is_a_circle_around_its_position():
    mask = painted(lambda painter: painting.paint_eraser(painter, SHEET, QPointF(100, 120)))
    rows, columns = np.nonzero(mask)
    assert (columns.min() + columns.max()) / 2 == pytest.approx(100, abs=1)
    assert (rows.min() + rows.max()) / 2 == pytest.approx(120, abs=1)
    assert not mask[120, 100]


def test_a_picture_is_ink_where_it_is_bright():
    shades = np.zeros((28, 28), np.uint8)
    shades[:, 14:] = 255
    picture = QImage(shades.data, 28, 28, 28, QImage.Format.Format_Indexed8).copy()
    mask = painted(lambda painter: painting.paint_picture(painter, SHEET, picture))
    assert mask[:, MARGIN_PX + 101 : -MARGIN_PX][MARGIN_PX:-MARGIN_PX].all()
    assert not mask[:, : MARGIN_PX + 99].any()
