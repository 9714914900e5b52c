"""The curve falls as the loss does, and the mouse leads to a mini-batch."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from minigrad_gui.widgets.timeline import MARGIN_PX, Timeline


@pytest.fixture
def timeline(qtbot):
    timeline = Timeline()
    qtbot.addWidget(timeline)
    timeline.resize(212, 72)
    timeline.show()
    return timeline


def test_the_curve_goes_from_left_to_right_and_down(timeline):
    timeline.show_run(np.geomspace(2, 0.1, 1000), [1, 500, 1000])
    points = [(point.x(), point.y()) for point in timeline._curve()]
    x, y = np.array(points).T
    assert (np.diff(x) > 0).all()
    assert (np.diff(y) > 0).all()
    np.testing.assert_allclose(np.interp(106, x, y), np.mean([y[0], y[-1]]), atol=0.5)  # straight: it is logarithmic
    assert x[-1] == pytest.approx(212 - MARGIN_PX)


@pytest.mark.parametrize("losses", [[], [1.0], [np.nan, np.inf], [0.0, 0.0, 1.0]])
def test_any_losses_can_be_painted(timeline, losses):
    timeline.show_run(np.array(losses, float), [1])
    timeline.show_moment(1)
    assert not timeline.grab().isNull()
    assert all(np.isfinite([point.x(), point.y()]).all() for point in timeline._curve())


def test_clicks_and_drags_tell_the_mini_batch(timeline):
    timeline.show_run(np.ones(100), [])
    pointed = []
    timeline.pointed.connect(pointed.append)
    QTest.mousePress(timeline, Qt.MouseButton.LeftButton, pos=QPoint(MARGIN_PX + 50, 30))
    QTest.mouseMove(timeline, QPoint(MARGIN_PX + 100, 30))
    QTest.mouseRelease(timeline, Qt.MouseButton.LeftButton, pos=QPoint(MARGIN_PX + 100, 30))
    QTest.mouseMove(timeline, QPoint(MARGIN_PX + 150, 30))
    assert pointed == [pytest.approx(25), pytest.approx(50)]


def test_the_moment_is_a_line_at_its_mini_batch(timeline):
    timeline.show_run(np.ones(100), [])
    before = timeline.grab().toImage()
    timeline.show_moment(50)
    after = timeline.grab().toImage()
    ratio = after.devicePixelRatio()
    y = round(50 * ratio)
    changed = [x for x in range(after.width()) if after.pixel(x, y) != before.pixel(x, y)]
    assert np.mean(changed) / ratio == pytest.approx(timeline.x_of(50), abs=1)
