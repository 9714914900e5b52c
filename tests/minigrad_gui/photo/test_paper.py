"""Shades, paper and ink are told apart, whatever the colours, the light and the share of either."""

import numpy as np
import pytest
from scipy import ndimage

from minigrad_gui.photo import paper


def sheet(ink: float, ground: float, size: int = 100) -> np.ndarray:
    """A cross of one shade on another."""
    picture = np.full((size, size), ground, np.float32)
    picture[45:55, 20:80] = picture[20:80, 45:55] = ink
    return picture


def test_floats_become_bytes_and_other_arrays_are_refused():
    assert paper.as_bytes(np.array([[0.0, 0.5, 2.0]])).tolist() == [[0, 128, 255]]
    for shape in ((0, 5), (4,), (3, 3, 2)):
        with pytest.raises(ValueError, match="a picture is"):
            paper.as_bytes(np.zeros(shape))


@pytest.mark.parametrize("size", [30, 239, 500, 4000])
def test_a_shrunk_picture_is_short_and_of_the_same_shade(size):
    small, factor = paper.shrunk(np.full((size, size // 2), 51, np.uint8), 240)
    assert max(small.shape) <= 240
    assert max(small.shape) * factor >= size - factor
    assert small == pytest.approx(0.2)


@pytest.mark.parametrize(("ink", "ground"), [(0.1, 0.9), (0.6, 0.8), (0.0, 0.4)])
def test_the_polarity_is_that_of_the_strokes(ink, ground):
    assert not paper.is_dark_paper(sheet(ink, ground))
    assert paper.is_dark_paper(1 - sheet(ink, ground))


@pytest.mark.parametrize(
    ("ink", "ground", "rules"),
    [((30, 40, 150), (250, 240, 160), (230, 120, 120)), ((180, 30, 30), (205, 230, 200), (150, 180, 220))],
)
def test_known_ink_is_separated_from_rules_of_another_colour(ink, ground, rules):
    mask = sheet(1, 0) > 0.5
    ruled = np.where(np.arange(100)[:, np.newaxis, np.newaxis] % 12 < 2, rules, ground) / 255
    colours = np.where(mask[..., np.newaxis], np.array(ink) / 255, ruled).astype(np.float32)
    gray = paper.gray_of(colours, mask)
    assert abs(float(gray[~mask].mean() - gray[mask].mean())) > 5 * float(gray[~mask].std())


def test_transparency_is_white_and_a_drawing_of_one_shade_is_its_opacity():
    drawing = np.zeros((40, 40, 4), np.float32)
    drawing[10:30, 18:22, 3] = 1
    assert paper.opaque(drawing).tolist() == (1 - drawing[..., 3]).tolist()


@pytest.mark.parametrize("share", [0.1, 0.5, 0.7])
def test_ink_is_found_even_if_it_covers_most_of_the_picture(share):
    """A median over ink and paper alike would take the ink for the paper, and its shade for the paper's."""
    picture = np.full((100, 100), 0.9, np.float32)
    for at in range(3, 100, 20):
        picture[:, at : at + round(20 * share)] = 0.1
    noisy = picture + np.random.default_rng(0).normal(0, 0.01, picture.shape).astype(np.float32)
    ink, grain = paper.ink_on_paper(noisy)
    assert grain < 0.05
    assert ink[picture < 0.5].min() > 0.6
    assert ink[picture > 0.5].max() < 0.2


def test_noise_is_grain_and_not_two_shades():
    noise = np.random.default_rng(0).normal(0.5, 0.1, (100, 100)).astype(np.float32)
    assert paper.otsu(noise)[1] < paper.TWO_SHADES < paper.otsu(sheet(0.1, 0.9))[1]
    assert paper.otsu(np.zeros((5, 5), np.float32))[1] == 0


@pytest.mark.parametrize("turned", [False, True])
def test_a_square_with_something_on_it_is_a_panel(turned):
    page = np.ones((200, 240), np.float32)
    page[30:170, 60:200] = 0
    page[60:140, 125:135] = page[60:70, 100:160] = 1
    box = paper.panel_of(1 - page if turned else page)
    assert box is not None
    assert 30 <= box[0].start < 36 < 164 < box[0].stop <= 170
    assert 60 <= box[1].start < 66 < 194 < box[1].stop <= 200


def test_an_angular_eight_is_no_panel():
    page = np.ones((200, 160), np.float32)
    page[30:170, 40:120] = 0
    page[50:90, 60:100] = page[110:150, 60:100] = 1
    assert paper.panel_of(page) is None
    assert paper.panel_of(np.ones((50, 50), np.float32)) is None


def test_salt_noise_is_removed_and_thin_lines_stay():
    line = np.zeros((120, 120), np.uint8)
    line[np.arange(20, 100), np.arange(20, 100)] = 255
    assert np.array_equal(paper.without_salt(line), line)
    salted = np.where(np.random.default_rng(0).random(line.shape) < 0.03, 255, 0).astype(np.uint8)
    assert (paper.without_salt(salted) > 0).mean() < 0.1 * (salted > 0).mean()


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (2, 2), (3, 5), (40, 30)])
def test_the_median_is_that_of_scipy(shape):
    shade = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    np.testing.assert_array_equal(paper._median(shade), ndimage.median_filter(shade, 3))


def test_a_bar_along_the_edge_is_ink_on_evenly_lit_paper():
    """A 7 cut tight: its bar is no shadow that comes from outside."""
    seven = np.ones((160, 160), np.float32)
    seven[:36] = 0
    for row in range(160):
        seven[row, 110 - row // 2 : 140 - row // 2] = 0
    ink, _ = paper.ink_on_paper(seven)
    assert ink[seven == 0].min() > 0.9
    assert ink[seven == 1].max() < 0.1
