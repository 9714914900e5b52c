"""Ink of any size is scaled to MNIST's frame, with strokes as wide as MNIST's."""

import tracemalloc

import numpy as np
import pytest

from minigrad_gui import frame


def ring(extent: int, pen: float) -> np.ndarray:
    y, x = np.mgrid[:extent, :extent] - (extent - 1) / 2
    distance = np.abs(np.hypot(y, x) - (extent - pen) / 2)
    return np.clip(pen / 2 + 0.5 - distance, 0, 1).astype(np.float32)


def extent_of(picture: np.ndarray) -> int:
    rows = np.flatnonzero((picture > 0.3).any(axis=1))
    return int(rows[-1] - rows[0]) + 1


@pytest.mark.parametrize("extent", [12, 20, 57, 240])
def test_ink_of_any_size_measures_twenty_pixels(extent):
    picture = frame.fitted(ring(extent, extent / 7))
    assert picture.shape == (28, 28)
    assert picture.dtype == np.float32
    assert 19 <= extent_of(picture) <= 20
    assert picture.max() == 1


@pytest.mark.parametrize(("extent", "pen"), [(20, 1), (60, 1.5), (240, 2), (240, 12)])
def test_a_thin_pen_is_widened_and_a_wide_one_is_not(extent, pen):
    picture = frame.fitted(ring(extent, pen))
    assert 1.8 < frame.thickness_of(picture) < 3.4


@pytest.mark.parametrize("pen_px", [1.8, 2.6])
@pytest.mark.parametrize(("extent", "pen"), [(20, 1), (20, 3), (60, 1.5), (240, 2), (240, 40), (2500, 8)])
def test_a_pen_becomes_as_wide_as_wanted(extent, pen, pen_px):
    picture = frame.fitted(ring(extent, pen), pen_px)
    assert frame.thickness_of(picture) == pytest.approx(pen_px, rel=0.2)
    assert 19 <= extent_of(picture) <= 20


def test_what_is_no_stroke_is_not_narrowed_to_nothing():
    block = np.pad(np.zeros((3, 3), np.float32), 20, constant_values=1)
    assert frame.fitted(block, 1.8).any()
    specks = np.zeros((90, 90), np.float32)
    specks[::3, ::3] = 1
    assert frame.fitted(specks, 1.8).any()


def test_a_long_thin_line_takes_little_memory():
    line = np.ones((2, 20_000), np.float32)
    tracemalloc.start()
    picture = frame.fitted(line)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert frame.thickness_of(picture) == pytest.approx(frame.PEN_PX, rel=0.2)
    assert peak_bytes < 32 << 20


def test_a_pen_is_as_wide_as_it_was_drawn():
    assert frame.thickness_of(ring(200, 12)) == pytest.approx(12, rel=0.15)


def test_it_stands_by_its_centre_of_mass_and_within_the_frame():
    ink = np.zeros((20, 20), np.float32)
    ink[:, :3] = ink[-3:] = 1
    picture = frame.fitted(ink)
    at = np.arange(28) + 0.5
    assert (picture.sum(axis=0) @ at) / picture.sum() == pytest.approx(frame.CENTRE_PX, abs=1)
    assert picture.sum() == pytest.approx(ink.sum())
