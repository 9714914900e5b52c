"""Augmentation: pictures are moved at random, up to the limits and never further."""

from dataclasses import replace

import numpy as np
import pytest
from mnist_digits import mnist

from engine import Augmentation
from engine.augment import AT_ONCE, Variations, normal
from engine.config import MAX_AUGMENTATION

NAMES = list(MAX_AUGMENTATION)
EVERYTHING = Augmentation(**MAX_AUGMENTATION)
COUNT = 400


class Fate(np.random.Generator):
    """A random generator whose uniform numbers are all at the same end of their range."""

    def __init__(self, highest):
        super().__init__(np.random.PCG64(0))
        self.highest = highest

    def uniform(self, low, high, size):
        return np.full(size, high if self.highest else low)


def rng(seed=0):
    return np.random.default_rng(seed)


def coordinates(height=28, width=28):
    """y and x of every pixel, counted from the middle of the picture."""
    y, x = np.indices((height, width)).astype(float)
    return y - (height - 1) / 2, x - (width - 1) / 2


def blob(height=28, width=28, long=4.0, broad=1.5, degrees=0.0):
    """A long soft spot in the centre; degrees: its rotation from the x-axis towards the y-axis."""
    y, x = coordinates(height, width)
    cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return np.exp(-(((x * cos + y * sin) / long) ** 2 + ((y * cos - x * sin) / broad) ** 2) / 2)


def many(picture, count=COUNT):
    return np.repeat(picture[np.newaxis], count, axis=0)


def moments(pictures):
    """For each picture: its mass, its centre (x, y), and the second moments xx, xy, yy about it."""
    y, x = coordinates(*pictures.shape[1:])
    mass = pictures.sum(axis=(1, 2), dtype=float)

    def mean(weight):
        return (pictures * weight).sum(axis=(1, 2)) / mass

    centre_x, centre_y = mean(x), mean(y)
    xx, xy, yy = mean(x * x) - centre_x**2, mean(x * y) - centre_x * centre_y, mean(y * y) - centre_y**2
    return mass, centre_x, centre_y, xx, xy, yy


def assert_within(values, most, nearly=0.9, over=1.01):
    """Values are spread evenly between the limits, nearly reach them on both sides and never exceed them."""
    assert np.abs(values).max() <= most * over
    assert values.min() < -most * nearly
    assert values.max() > most * nearly
    assert values.mean() == pytest.approx(0, abs=0.12 * most)
    assert values.std() == pytest.approx(most / 3**0.5, rel=0.1)


@pytest.fixture(scope="module")
def digits():
    return mnist().train_images[:200]


# ---------------------------------------------------------------- what comes out


@pytest.mark.parametrize(
    ("augmentation", "does_something"),
    [
        (Augmentation(), False),
        (EVERYTHING, True),
        *((Augmentation(**{name: 0.1}), True) for name in NAMES),
        (Augmentation(elastic_sigma_px=6), False),
    ],
)
def test_an_augmentation_is_true_if_it_changes_pictures(augmentation, does_something):
    assert bool(augmentation) is does_something


def test_an_empty_augmentation_changes_nothing(digits):
    np.testing.assert_allclose(Augmentation()(digits, rng()), digits / 255, rtol=1e-6)
    noise = rng().random((5, 20, 30))
    np.testing.assert_allclose(Augmentation()(noise, rng()), noise, rtol=1e-6)


@pytest.mark.parametrize("shape", [(5, 28, 28), (1, 28, 28), (0, 28, 28), (3, 20, 30), (3, 30, 20), (2, 5, 3)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_pictures_of_any_shape_come_out_as_float32(shape, dtype):
    images = rng().integers(0, 256, shape, np.uint8) if dtype == np.uint8 else rng().random(shape).astype(dtype)
    before = images.copy()
    pictures = EVERYTHING(images, rng())
    assert (pictures.shape, pictures.dtype, pictures.flags.c_contiguous) == (shape, np.float32, True)
    assert not np.shares_memory(pictures, images)
    np.testing.assert_array_equal(images, before)


@pytest.mark.parametrize("name", [*NAMES, "everything"])
def test_no_pixel_leaves_0_to_1(name):
    noise = rng().integers(0, 2, (100, 28, 28)) * rng(1).random((100, 28, 28))
    strongest = EVERYTHING if name == "everything" else Augmentation(**{name: MAX_AUGMENTATION[name]})
    for images in (noise, np.ones((100, 28, 28))):
        pictures = strongest(images, rng())
        assert pictures.min() >= 0
        assert 0.5 < pictures.max() <= 1


def test_bytes_and_numbers_are_the_same_pictures(digits):
    pictures = EVERYTHING(digits, rng())
    np.testing.assert_allclose(EVERYTHING(digits / 255, rng()), pictures, atol=1e-6)
    np.testing.assert_allclose(EVERYTHING((digits / 255).astype(np.float32), rng()), pictures, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_pictures(name, digits):
    augmentation = Augmentation(**{name: MAX_AUGMENTATION[name] / 4})
    first, again, other = (augmentation(digits, rng(seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (np.abs(first - other).max(axis=(1, 2)) > 1e-3).mean() > 0.9


@pytest.mark.parametrize("name", NAMES)
def test_pictures_of_a_batch_vary_independently(name):
    pictures = Augmentation(**{name: MAX_AUGMENTATION[name]})(many(blob(degrees=30), 50), rng())
    assert len(np.unique(pictures.reshape(50, -1), axis=0)) == 50


def test_many_pictures_are_varied_as_each_by_itself():
    count = 2 * AT_ONCE + 9
    images, drawn = rng().random((count, 20, 30)), EVERYTHING.draw(count, rng())
    together = EVERYTHING.vary(images, drawn)
    for each in (0, AT_ONCE - 1, AT_ONCE, count - 1):
        alone = slice(each, each + 1)
        np.testing.assert_array_equal(EVERYTHING.vary(images[alone], drawn.part(alone)), together[alone])


# ---------------------------------------------------------------- how far


@pytest.mark.parametrize("pixels", [1, 2, 4])
@pytest.mark.parametrize("shape", [(28, 28), (20, 30)])
def test_a_shift_by_whole_pixels_moves_whole_pixels_and_fills_with_0(pixels, shape):
    picture = rng().random(shape)
    to_upper_left, to_lower_right = np.zeros((2, *shape))
    to_upper_left[:-pixels, :-pixels] = picture[pixels:, pixels:]
    to_lower_right[pixels:, pixels:] = picture[:-pixels, :-pixels]
    for highest, expected in ((True, to_upper_left), (False, to_lower_right)):
        (shifted,) = Augmentation(shift_px=pixels)(picture[np.newaxis], Fate(highest))
        np.testing.assert_allclose(shifted, expected, rtol=1e-6)


def test_shifts_go_both_ways_up_to_the_limit():
    pictures = Augmentation(shift_px=3)(many(blob(long=3)), rng())
    mass, x, y, *second = moments(pictures)
    np.testing.assert_allclose(mass, blob(long=3).sum(), rtol=0.01)
    assert_within(x, 3)
    assert_within(y, 3)
    assert abs(np.corrcoef(x, y)[0, 1]) < 0.15
    assert second[0] == pytest.approx(9, rel=0.03)


@pytest.mark.parametrize("shape", [(28, 28), (24, 33)])
def test_rotations_about_the_centre_up_to_the_limit(shape):
    picture = blob(*shape)
    mass, x, y, xx, xy, yy = moments(Augmentation(rotation_deg=20)(many(picture), rng()))
    assert_within(np.rad2deg(np.arctan2(2 * xy, xx - yy) / 2), 20)
    np.testing.assert_allclose(mass, picture.sum(), rtol=0.01)
    np.testing.assert_allclose([x, y], 0, atol=0.02)
    np.testing.assert_allclose(xx + yy, 4**2 + 1.5**2, rtol=0.03)


def test_width_and_height_are_scaled_independently():
    picture = blob(long=3, broad=3)
    _, x, y, xx, xy, yy = moments(Augmentation(scale=0.3)(many(picture), rng()))
    wider, higher = np.sqrt(xx) / 3 - 1, np.sqrt(yy) / 3 - 1
    assert_within(wider, 0.3, over=1.05)
    assert_within(higher, 0.3, over=1.05)
    assert abs(np.corrcoef(wider, higher)[0, 1]) < 0.15
    np.testing.assert_allclose([x, y, xy], 0, atol=0.02)


def test_shear_moves_rows_sideways():
    picture = blob(long=2, broad=4)
    mass, x, y, _, xy, yy = moments(Augmentation(shear=0.4)(many(picture), rng()))
    assert_within(xy / yy, 0.4, over=1.03)
    np.testing.assert_allclose(yy, 16, rtol=0.01)
    np.testing.assert_allclose(mass, picture.sum(), rtol=0.01)
    np.testing.assert_allclose([x, y], 0, atol=0.02)


def ramps(height=28, width=28):
    """Two pictures whose shades encode x and y, so that moves can be measured; and the scale from shade to pixels."""
    y, x = coordinates(height, width)
    return x / width + 0.5, y / height + 0.5, (width, height)


def moves(augmentation, count=COUNT, margin=5):
    """The displacement of each pixel by x and y, (2, count, ...), without a margin that may come from outside."""
    inner = np.s_[:, margin:-margin, margin:-margin]
    *pictures, sizes = ramps()
    return np.array(
        [
            ((augmentation(many(ramp, count), rng()) - ramp) * size)[inner]
            for ramp, size in zip(pictures, sizes, strict=True)
        ]
    )


@pytest.mark.parametrize(("pixels", "sigma_px"), [(0.5, 4), (1.0, 4), (1.0, 6)])
def test_elastic_moves_have_the_requested_size_along_each_axis(pixels, sigma_px):
    x, y = moves(Augmentation(elastic_px=pixels, elastic_sigma_px=sigma_px), count=3 * COUNT)
    for moved in (x, y):
        assert np.sqrt((moved**2).mean()) == pytest.approx(pixels, rel=0.1)
        assert np.abs(moved.mean()) < 0.1 * pixels
        by_pixel = np.sqrt((moved**2).mean(axis=0))
        np.testing.assert_allclose(by_pixel, pixels, rtol=0.25)
    assert abs(np.corrcoef(x.ravel(), y.ravel())[0, 1]) < 0.05


def test_elastic_moves_are_smooth():
    for moved in moves(Augmentation(elastic_px=1)):
        for axis in (1, 2):
            assert np.sqrt((np.diff(moved, axis=axis) ** 2).mean()) < 0.25
        near, far = moved[:, 0, 0], moved[:, -1, -1]
        assert abs(np.corrcoef(near, far)[0, 1]) < 0.2


@pytest.mark.parametrize("sigma_px", [2, 4, 6, 9.5, 14])
def test_points_move_together_as_far_as_sigma_says(sigma_px):
    """Bumps of a standard deviation s, drawn independently, make moves whose correlation is exp(-d^2 / 4 s^2)."""
    distance_px = 3
    for moved in moves(Augmentation(elastic_px=0.5, elastic_sigma_px=sigma_px), count=3 * COUNT):
        together = (moved[:, :, distance_px:] * moved[:, :, :-distance_px]).mean() / (moved**2).mean()
        assert together == pytest.approx(np.exp(-(distance_px**2) / (4 * sigma_px**2)), abs=0.04)


def stroke():
    """A line 4 pixels wide, from the upper to the lower edge, at half intensity."""
    picture = np.zeros((28, 28))
    picture[:, 12:16] = 0.5
    return picture


@pytest.mark.parametrize("pixels", [0.1, 0.5, 1.0, 2.0])
def test_lines_get_thicker_and_thinner_by_the_given_pixels(pixels):
    for highest, breadth in ((True, 4 + pixels), (False, 4 - pixels)):
        (picture,) = Augmentation(thickness_px=pixels)(stroke()[np.newaxis], Fate(highest))
        np.testing.assert_allclose(picture.sum(axis=1) / 0.5, breadth, rtol=1e-6)
        assert picture.max() == 0.5
        np.testing.assert_allclose(picture, picture[:, ::-1])


def test_a_level_line_gets_as_thick_as_an_upright_one():
    augmentation = Augmentation(thickness_px=1)
    level, upright = (augmentation(picture[np.newaxis], Fate(True))[0] for picture in (stroke().T, stroke()))
    np.testing.assert_array_equal(level, upright.T)


def test_thickness_goes_both_ways_up_to_the_limit():
    pictures = Augmentation(thickness_px=1.5)(many(stroke()), rng())
    assert_within(pictures.sum(axis=(1, 2)) / (28 * 0.5) - 4, 1.5)


def test_digits_get_more_ink_or_less_as_they_get_thicker_or_thinner(digits):
    ink = digits.sum(axis=(1, 2)) / 255
    for pixels in (0.5, 1.0):
        thicker, thinner = (Augmentation(thickness_px=pixels)(digits, Fate(up)) for up in (True, False))
        assert (thicker.sum(axis=(1, 2)) > ink).all()
        assert (thinner.sum(axis=(1, 2)) < ink).all()
        assert (thicker >= thinner).all()


def test_a_digit_stays_readable_with_all_variations_together(digits):
    gentle = Augmentation(shift_px=1, rotation_deg=8, scale=0.1, shear=0.1, elastic_px=0.8, thickness_px=0.1)
    pictures = gentle(digits, rng())
    alike = [np.corrcoef(old.ravel(), new.ravel())[0, 1] for old, new in zip(digits, pictures, strict=True)]
    assert np.median(alike) > 0.6
    assert max(alike) < 0.999
    np.testing.assert_allclose(pictures.sum(axis=(1, 2)) / (digits.sum(axis=(1, 2)) / 255), 1, atol=0.6)


def test_amounts_are_drawn_independently():
    """Switching one variation on does not change the random numbers of another."""
    picture = many(blob(), 20)
    shifted = moments(Augmentation(shift_px=2)(picture, rng()))
    also_turned = moments(replace(Augmentation(shift_px=2), thickness_px=0.5)(picture, rng()))
    np.testing.assert_allclose(shifted[1:3], also_turned[1:3], atol=0.05)


# ---------------------------------------------------------------- random numbers


def test_numbers_from_seeds_are_normal_and_independent():
    seeds = rng().integers(1 << 63, size=2000)
    numbers = normal(seeds, 98)
    assert (numbers.shape, numbers.dtype) == ((2000, 98), np.float32)
    assert numbers.mean() == pytest.approx(0, abs=0.01)
    assert numbers.std() == pytest.approx(1, rel=0.01)
    beyond = [(np.abs(numbers) > sigmas).mean() for sigmas in (1, 2, 3)]
    np.testing.assert_allclose(beyond, [0.3307, 0.0425, 0.0004], atol=0.003)  # of the sum of four uniform numbers
    correlations = np.corrcoef(numbers, rowvar=False) - np.eye(98)
    assert np.abs(correlations).max() < 5 / 2000**0.5
    assert len(np.unique(numbers)) > 100_000


def test_a_seeds_numbers_do_not_depend_on_the_other_seeds():
    seeds = rng().integers(1 << 63, size=5)
    np.testing.assert_array_equal(normal(seeds, 7)[3:4], normal(seeds[3:4], 9)[:, :7])


def test_mini_batches_of_a_run_are_varied_by_their_place_in_it(digits):
    """In any order, as after resuming."""
    everything = replace(EVERYTHING, elastic_px=1)

    def batches(numbers, seed=0):
        variations = Variations(everything, seed, count=10, batch_size=4)
        return [variations(digits[: 2 if number % 3 == 2 else 4], number) for number in numbers]

    once = batches(range(6))
    for number, again in zip((5, 0, 4), batches([5, 0, 4]), strict=True):
        np.testing.assert_array_equal(once[number], again)
    assert len({pictures[0].tobytes() for pictures in [*once, *batches([0], seed=1)]}) == 7
