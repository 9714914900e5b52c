"""The small curve of the learning rate."""

import numpy as np
import pytest

from engine.schedules import SCHEDULES
from minigrad_gui import theme
from minigrad_gui.widgets.schedule_preview import MARGIN_PX, SchedulePreview


@pytest.fixture
def preview(qtbot):
    widget = SchedulePreview()
    qtbot.addWidget(widget)
    widget.resize(211, 50)
    return widget


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_curve_is_the_schedule(preview, name):
    preview.set_schedule(name)
    points = preview.curve()
    assert (points[0].x(), points[-1].x()) == (MARGIN_PX, 211 - MARGIN_PX)
    for point in points:
        done = (point.x() - MARGIN_PX) / (211 - 2 * MARGIN_PX)
        assert (50 - MARGIN_PX - point.y()) / (50 - 2 * MARGIN_PX) == pytest.approx(SCHEDULES[name](done), abs=1e-9)


def test_each_network_of_a_committee_has_the_whole_schedule(preview):
    preview.set_schedule("one-cycle")
    heights = [point.y() for point in preview.curve()]
    preview.set_schedule("one-cycle", members=3)
    points = preview.curve()
    assert [point.y() for point in points] == pytest.approx(3 * heights)
    third = (211 - 2 * MARGIN_PX) / 3
    starts = [point.x() for point in points[:: len(heights)]]
    assert starts == pytest.approx([MARGIN_PX, MARGIN_PX + third, MARGIN_PX + 2 * third])


def test_the_curve_is_drawn(preview):
    preview.set_schedule("step")
    image = preview.grab().toImage()
    accent = theme.colors().accent
    drawn = np.array([[image.pixelColor(x, y).name() == accent for x in range(211)] for y in range(50)])
    ys, xs = np.nonzero(drawn)
    assert ys[xs < 80].max() < 10 < 40 < ys[xs > 180].min()
