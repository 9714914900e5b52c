"""The pen strokes of 30 people: complete, upright, and varied without changing the digit."""

import numpy as np
import pytest

from engine import predict
from minigrad_gui.digits import rasterize
from minigrad_gui.pen_digits import picture_of, read_pen_digits, varied, varied_pictures
from minigrad_gui.reader import load_network
from minigrad_gui.resources import asset_path


@pytest.fixture(scope="module")
def drawn():
    return read_pen_digits(asset_path("pen_digits.npz"))


@pytest.fixture(scope="module")
def model():
    return load_network(asset_path("pretrained.npz"))[0]


def read(model, pictures):
    return predict(model, np.asarray(pictures)).argmax(axis=1)


def test_thirty_people_drew_each_digit(drawn):
    assert len(drawn.drawings) == len(drawn.labels) == len(drawn.writers) == 7494
    assert set(drawn.writers) == set(range(1, 31))
    for writer in range(1, 31):
        assert set(drawn.labels[drawn.writers == writer]) == set(range(10))


def test_they_are_upright_and_rightly_labelled(drawn, model):
    pictures = [picture_of(strokes) for strokes in drawn.drawings[:300]]
    assert (read(model, pictures) == drawn.labels[:300]).mean() > 0.95


def test_a_picture_is_what_the_canvas_gives(drawn):
    strokes = drawn.drawings[0]
    np.testing.assert_allclose(picture_of(strokes) / 255, rasterize(strokes), atol=0.5 / 255 + 1e-6)


def test_a_wider_pen_leaves_more_ink(drawn):
    thin, wide = (picture_of(drawn.drawings[0], pen_px).astype(int).sum() for pen_px in (2.0, 3.3))
    assert wide > 1.3 * thin


def test_variations_differ_and_stay_what_they_are(drawn, model):
    rng = np.random.default_rng(0)
    drawings = drawn.drawings[:300], drawn.labels[:300]
    pictures = varied_pictures(*drawings, rng)
    assert (pictures.dtype, pictures.shape) == (np.uint8, (300, 28, 28))
    assert (read(model, pictures) == drawn.labels[:300]).mean() > 0.9
    again = varied_pictures(*drawings, rng)
    assert (pictures != again).any(axis=(1, 2)).all()
    np.testing.assert_array_equal(pictures, varied_pictures(*drawings, np.random.default_rng(0)))


RING = [np.array([(np.cos(angle), 1.4 * np.sin(angle)) for angle in np.linspace(0, 2 * np.pi, 40)])]
LINE = [np.array([[0.0, 0.0], [0.0, 1.0]])]


def test_some_zeros_are_slashed_and_no_other_digit():
    def slashed(label: int) -> float:
        pictures = varied_pictures([RING] * 200, np.full(200, label, np.uint8), np.random.default_rng(0))
        return (pictures[:, 13:16, 13:16] > 128).any(axis=(1, 2)).mean()

    assert 0.25 < slashed(0) < 0.55
    assert slashed(6) == 0


def test_some_ones_have_a_flag_or_a_foot():
    def wide(label: int) -> float:
        pictures = varied_pictures([LINE] * 200, np.full(200, label, np.uint8), np.random.default_rng(0))
        return ((pictures > 128).sum(axis=2).max(axis=1) > 6).mean()

    assert 0.1 < wide(1) < 0.5
    assert wide(7) == 0


def test_a_dot_and_a_short_stroke_can_be_varied():
    rng = np.random.default_rng(0)
    for strokes in ([np.zeros((1, 2))], [np.zeros((5, 2))], [np.array([[0.0, 0], [1, 1]]), np.ones((1, 2))]):
        assert [np.isfinite(stroke).all() for stroke in varied(strokes, rng)] == [True] * len(strokes)
