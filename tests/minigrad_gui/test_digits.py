"""Strokes and pictures become like MNIST's digits: 20 pixels long, centred by mass, white on black."""

import numpy as np
import pytest

from engine import predict
from engine.checkpoint import load_model
from minigrad_gui import digits
from minigrad_gui.resources import asset_path

SEVEN = [np.array([[0.0, 0.0], [30.0, 0.0], [12.0, 50.0]]), np.array([[5.0, 25.0], [28.0, 25.0]])]


def box(picture) -> tuple[int, int]:
    """Height and width of the area with more than half ink."""
    return tuple(int(np.ptp(np.flatnonzero((picture > 0.5).any(axis=axis)))) + 1 for axis in (1, 0))


def mass_centre(picture) -> np.ndarray:
    at = np.arange(28) + 0.5
    return np.array([picture.sum(axis=0) @ at, picture.sum(axis=1) @ at]) / picture.sum()


def test_no_strokes_are_a_blank_picture():
    for nothing in ([], [np.empty((0, 2))]):
        picture = digits.rasterize(nothing)
        assert picture.shape == (28, 28)
        assert picture.dtype == np.float32
        assert not picture.any()


def test_a_drawing_fills_twenty_pixels_and_is_centred_by_mass():
    picture = digits.rasterize(SEVEN)
    assert picture.dtype == np.float32
    assert 0 <= picture.min() < picture.max() == 1
    assert max(box(picture)) in (19, 20, 21)
    assert mass_centre(picture) == pytest.approx([14.5, 14.5], abs=0.3)


@pytest.mark.parametrize("scale", [0.01, 1, 1000])
@pytest.mark.parametrize("shift", [(0, 0), (-500, 3e4)])
def test_size_and_place_of_a_drawing_do_not_matter(scale, shift):
    moved = [stroke * scale + np.array(shift) for stroke in SEVEN]
    assert np.abs(digits.rasterize(moved) - digits.rasterize(SEVEN)).max() < 0.02


def test_the_number_of_points_does_not_matter():
    dense = [np.column_stack([np.interp(np.linspace(0, len(s) - 1, 5000), range(len(s)), s[:, k]) for k in (0, 1)])
             for s in SEVEN]  # fmt: skip
    assert np.abs(digits.rasterize(dense) - digits.rasterize(SEVEN)).max() < 0.3
    assert digits.rasterize(dense).sum() == pytest.approx(digits.rasterize(SEVEN).sum(), rel=0.02)


@pytest.mark.parametrize("dot", [[[5, 5]], [[5, 5], [5, 5], [5, 5]]])
def test_a_dot_stays_a_dot(dot):
    picture = digits.rasterize([np.array(dot)])
    assert 2 < picture.sum() < 8
    assert mass_centre(picture) == pytest.approx([14.5, 14.5], abs=0.1)


@pytest.mark.parametrize(("line", "expected"), [([[0, 0], [9, 0]], "wide"), ([[0, 0], [0, 9]], "high")])
def test_a_line_stays_a_line(line, expected):
    height, width = box(digits.rasterize([np.array(line)]))
    assert (max(height, width) >= 19, min(height, width) <= 3) == (True, True)
    assert (width > height) == (expected == "wide")


def test_strokes_far_apart_are_one_digit():
    picture = digits.rasterize([np.array([[0, 0], [0, 10]]), np.array([[100, 0], [100, 10]])])
    assert box(picture)[1] >= 19
    assert picture[:, :14].any()
    assert picture[:, 15:].any()


def test_ink_never_crosses_the_edge():
    heavy_corner = [np.array([[0, 0], [0, 1]])] * 50 + [np.array([[0, 0], [100, 0], [100, 100]])]
    picture = digits.rasterize(heavy_corner)
    assert picture[0].max() <= 0.5
    assert picture.max() == 1
    assert max(box(picture)) >= 19


@pytest.mark.parametrize("wrong", [np.zeros(4), np.zeros((3, 3)), np.array([[0, np.nan]]), np.array([[np.inf, 0]])])
def test_invalid_strokes_are_refused(wrong):
    with pytest.raises(ValueError, match="stroke"):
        digits.rasterize([wrong])


# ---------------------------------------------------------------- pictures


def test_mnist_digits_pass_through_unchanged(mnist):
    changes = [np.abs(digits.from_image(image) - image / 255).max() for image in mnist.test_images[:200]]
    assert np.mean(np.array(changes) < 0.03) > 0.98  # some centres of mass lie between two pixels


def accuracy(pictures, labels) -> float:
    model, _ = load_model(asset_path("pretrained.npz"))
    return float((predict(model, np.stack(pictures)).argmax(axis=1) == labels).mean())


def photo(image, *, invert: bool, size: int, channels: int):
    """An MNIST digit as a larger picture, off the centre, with a border of paper."""
    from PIL import Image

    big = np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.BICUBIC))
    paper = np.zeros((size + 90, size + 40), np.uint8)
    paper[70 : 70 + size, 10 : 10 + size] = big
    values = 255 - paper if invert else paper
    if channels == 0:
        return values
    colour = np.repeat(values[..., np.newaxis], 3, axis=2)
    return colour if channels == 3 else np.dstack([colour, np.full(values.shape, 255, np.uint8)])


@pytest.mark.parametrize("invert", [False, True])
@pytest.mark.parametrize(("size", "channels"), [(60, 0), (200, 3), (400, 4)])
def test_pictures_of_any_polarity_size_and_colour_are_read(mnist, invert, size, channels):
    pictures = [digits.from_image(photo(image, invert=invert, size=size, channels=channels))
                for image in mnist.test_images[:20]]  # fmt: skip
    assert accuracy(pictures, mnist.test_labels[:20]) > 0.94


def test_transparent_paper_is_white():
    picture = np.zeros((50, 50, 4), np.uint8)
    picture[10:40, 24:27, 3] = 255  # a black line on a transparent background
    height, width = box(digits.from_image(picture))
    assert height >= 19
    assert width <= 4


def test_floats_from_0_to_1_are_the_same_picture(mnist):
    image = mnist.test_images[0]
    assert np.abs(digits.from_image(image) - digits.from_image(image / 255)).max() < 1e-6


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_picture_of_one_shade_is_blank(value):
    assert not digits.from_image(np.full((40, 30), value, np.uint8)).any()


@pytest.mark.parametrize("shape", [(0, 0), (5,), (4, 4, 2), (2, 3, 4, 3)])
def test_invalid_pictures_are_refused(shape):
    with pytest.raises(ValueError, match="picture"):
        digits.from_image(np.zeros(shape, np.uint8))


BESIDE_EACH_OTHER = [
    np.array([[0.0, 0], [0, 1]]),
    np.array([[0.5, 0], [1, 0], [0.7, 1]]),
    np.array([[0.6, 0.5], [1, 0.5]]),
]


def test_strokes_are_split_into_digits():
    assert digits.split_strokes(BESIDE_EACH_OTHER) == [[0], [1, 2]]
    assert digits.split_strokes([[(0, 0), (0, 9)], [(40, 0), (40, 9)]]) == [[0], [1]], "lists, in any unit"
    assert digits.split_strokes([]) == digits.split_strokes([[]]) == []


def test_a_judge_sees_what_the_network_would_see():
    doubtful = [np.array([[0.0, 0], [0, 1], [0.3, 1]]), np.array([[0.2, 0], [0.5, 0], [0.5, 1]])]
    seen = []

    def judge(pictures):
        seen.append(pictures)
        return np.linspace(0.1, 0.9, len(pictures))

    digits.split_strokes(doubtful, judge=judge)
    (pictures,) = seen
    assert pictures.dtype == np.float32
    assert pictures.shape == (3, 28, 28)
    whole = digits.rasterize(doubtful)
    assert sum(np.array_equal(picture, whole) for picture in pictures) == 1


@pytest.mark.parametrize("wrong", [[[1, 2, 3]], [[(0, 0), (np.nan, 1)]]])
def test_invalid_strokes_are_not_split(wrong):
    with pytest.raises(ValueError, match="stroke"):
        digits.split_strokes(wrong)
