"""Every neuron of every network has a place of its own, and none overlaps another layer."""

from itertools import pairwise

import pytest
from PySide6.QtCore import QRectF

from minigrad_gui.widgets.network_layout import LEAST_CELL_PX, LEAST_GAP_PX, lay_out

DIGITS_PX = 16
NETWORKS = [(10,), (16, 10), (512, 512, 10), (256, 128, 10, 10), (4096, 10), (1,) * 20 + (10,), (4096,) * 20 + (10,)]


@pytest.fixture(params=[(300, 90), (433, 185), (870, 520)], ids=str)
def area(request):
    return QRectF(3, 3, *request.param)


@pytest.mark.parametrize("sizes", NETWORKS, ids=lambda sizes: f"{sizes[0]}x{len(sizes)}")
def test_layers_stand_side_by_side_within_the_area(area, sizes):
    layout = lay_out(sizes, area, DIGITS_PX)
    places = [layout.picture, *(block.rect for block in layout.layers)]
    for before, after in pairwise(places):
        assert before.right() < after.left()
    for place in places:
        assert area.contains(place)
    assert layout.layers[-1].rect.right() <= area.right() - DIGITS_PX
    assert [block.count for block in layout.layers] == list(sizes)


@pytest.mark.parametrize("sizes", NETWORKS, ids=lambda sizes: f"{sizes[0]}x{len(sizes)}")
def test_each_neuron_is_found_in_its_place_and_nowhere_else(area, sizes):
    layout = lay_out(sizes, area, DIGITS_PX)
    for layer, block in enumerate(layout.layers):
        for unit in {0, 1, sizes[layer] // 2, sizes[layer] - 1} & set(range(sizes[layer])):
            assert layout.neuron_at(block.centre(unit)) == (layer, unit)
            assert block.nearest(block.centre(unit)) == unit
    assert layout.neuron_at(layout.picture.center()) is None


def test_small_layers_stand_in_a_column_as_large_as_fit():
    layout = lay_out((256, 12, 10), QRectF(0, 0, 433, 185), DIGITS_PX)
    assert [(block.columns, block.rows) for block in layout.layers[1:]] == [(1, 12), (1, 10)]
    assert layout.layers[2].cell == 18


def test_cells_are_whole_pixels_while_there_is_room_for_them():
    area = QRectF(0, 0, 433, 185)
    assert lay_out((512, 512, 10), area, DIGITS_PX).layers[0].cell == 5
    assert lay_out((4096, 10), area, DIGITS_PX).layers[0].cell == LEAST_CELL_PX
    assert 0 < lay_out((4096,) * 3 + (10,), area, DIGITS_PX).layers[0].cell < LEAST_CELL_PX


def test_pixels_of_the_picture_are_counted_row_by_row():
    layout = lay_out((10,), QRectF(0, 0, 433, 185), DIGITS_PX)
    corner, side = layout.picture.topLeft(), layout.picture.width() / 28
    at = layout.pixel(2 * 28 + 5)
    assert (at.x() - corner.x(), at.y() - corner.y()) == (5.5 * side, 2.5 * side)


def test_large_layers_leave_room_for_connections():
    area = QRectF(0, 0, 433, 185)
    for count in (300, 1000, 2500, 4096):
        layout = lay_out((count,) * 12 + (10,), area, DIGITS_PX)
        for before, after in pairwise(layout.layers):
            assert after.left - before.rect.right() > LEAST_GAP_PX - 1
