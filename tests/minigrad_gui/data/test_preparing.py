"""Pictures of any scale, colour and size become MNIST's."""

import numpy as np
import pytest
from own_files import assert_all_there, opened
from PIL import Image


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x / np.float32(255),
        lambda x: x / 127.5 - 1,
        lambda x: (x / 255 - 0.1307) / 0.3081,
        lambda x: x.astype(np.uint16) * 257,
        lambda x: 255 - x,
        lambda x: np.stack([x] * 3, axis=3),
        lambda x: np.stack([x] * 3, axis=1),
        lambda x: x[..., None],
    ],
    ids=["unit", "signed", "normalised", "16 bits", "inverted", "RGB", "channels first", "one channel"],
)
def test_every_scale_gives_the_same_bytes(own, tmp_path, change):
    np.savez(tmp_path / "a.npz", x=change(own.x), y=own.y)
    assert_all_there(opened(tmp_path / "a.npz"), own.x, own.y)


def test_pictures_of_0_and_1_or_16_are_stretched(own, tmp_path):
    for most in (1, 16):
        np.savez(tmp_path / "a.npz", x=(own.x > 127) * np.uint8(most), y=own.y)
        assert_all_there(opened(tmp_path / "a.npz"), np.where(own.x > 127, 255, 0).astype(np.uint8), own.y)


def test_mixed_polarities_are_judged_one_by_one(own, tmp_path):
    mixed = own.x.copy()
    mixed[::2] = 255 - mixed[::2]
    np.savez(tmp_path / "a.npz", x=mixed, y=own.y)
    dataset = opened(tmp_path / "a.npz")
    assert dataset.origin.choices.polarity == "each its own"
    assert_all_there(dataset, own.x, own.y)


def test_letters_that_fill_their_pictures_are_not_judged_one_by_one(own, tmp_path):
    """As notMNIST's: a third has so much ink at its border that it could be paper."""
    filled = own.x.copy()
    filled[::3, :, :10] = filled[::3, :6] = 255
    np.savez(tmp_path / "a.npz", x=filled, y=own.y)
    dataset = opened(tmp_path / "a.npz", orientation="upright")
    assert dataset.origin.choices.polarity == "light ink"
    assert_all_there(dataset, filled, own.y)


@pytest.mark.parametrize("change", [lambda x: x[:, 4:-4, 4:-4], lambda x: x.repeat(2, 1).repeat(2, 2)])
def test_other_sizes_become_as_mnist_was_made(mnist, tmp_path, change):
    digits, labels = mnist.train_images[:400], mnist.train_labels[:400]
    np.savez(tmp_path / "a.npz", x=change(digits), y=labels)
    images = opened(tmp_path / "a.npz").train_images.astype(float)
    distances = [np.abs(digits - image).mean(axis=(1, 2)).min() for image in images[:50]]
    assert np.median(distances) < 12
    centres = (images.sum(axis=1) @ (np.arange(28) + 0.5)) / images.sum(axis=(1, 2))
    assert np.abs(centres - 14.25).max() < 1.3


def test_photographs_are_scaled_whole_and_told(own, tmp_path):
    """Not cropped to what is lighter than a fifth, each differently."""
    rng = np.random.default_rng(0)
    small = [Image.fromarray(each) for each in rng.integers(0, 256, (len(own.x), 9, 9), np.uint8)]
    photographs = np.stack([np.asarray(each.resize((56, 56), Image.Resampling.BICUBIC)) for each in small])
    np.savez(tmp_path / "a.npz", x=photographs, y=own.y)
    dataset = opened(tmp_path / "a.npz", polarity="light ink")
    assert dataset.origin.choices.sizing == "scaled"
    assert any("are scaled whole" in remark for remark in dataset.origin.remarks)
    chosen = opened(tmp_path / "a.npz", polarity="light ink", sizing="scaled")
    np.testing.assert_array_equal(dataset.train_images, chosen.train_images)
    assert not any("are scaled whole" in remark for remark in chosen.origin.remarks)


@pytest.mark.parametrize("side", [8, 16, 32])
@pytest.mark.parametrize("is_dark", [False, True])
def test_digits_that_fill_their_pictures_are_no_photographs(own, tmp_path, side, is_dark):
    """As optdigits and USPS have them: the network reads 97% of them, scaled whole fewer than 70%."""

    def cropped(digit: np.ndarray) -> np.ndarray:
        rows, columns = (np.flatnonzero((digit > 50).any(axis=axis)) for axis in (1, 0))
        ink = Image.fromarray(digit[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
        return np.asarray(ink.resize((side, side), Image.Resampling.BOX))

    digits = np.stack([cropped(digit) for digit in own.x])
    np.savez(tmp_path / "a.npz", x=255 - digits if is_dark else digits, y=own.y)
    assert opened(tmp_path / "a.npz").origin.choices.sizing == "as MNIST"


def test_plain_scaling_leaves_digits_where_they_are(own, tmp_path):
    np.savez(tmp_path / "a.npz", x=np.roll(own.x, 4, axis=2).repeat(2, 1).repeat(2, 2), y=own.y)
    assert_all_there(opened(tmp_path / "a.npz", sizing="scaled"), np.roll(own.x, 4, axis=2), own.y)


def test_photographs_are_searched_for_the_digit(own, tmp_path):
    sheets = np.full((20, 90, 90), 230, np.uint8)
    sheets[:, 9:65, 20:76] -= (own.x[:20].repeat(2, 1).repeat(2, 2) / 255 * 200).astype(np.uint8)
    np.savez(tmp_path / "a.npz", x=sheets, y=np.arange(20) % 2)
    images = opened(tmp_path / "a.npz", sizing="as photographs").train_images
    assert images.max(axis=(1, 2)).min() > 200
    assert images[:, 0].max() < 30


def coloured(digits: np.ndarray, noise: float) -> np.ndarray:
    """Each in a colour of its own on another, (n, side, side, 3)."""
    rng = np.random.default_rng(0)
    ink, paper = rng.uniform(0, 255, (2, len(digits), 1, 1, 3))
    pictures = paper + (ink - paper) * (digits[..., None] / 255) + rng.normal(0, noise, (*digits.shape, 3))
    return np.clip(np.rint(pictures), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    "make",
    [
        lambda x: coloured(x, 0),
        lambda x: coloured(x, 60),
        lambda x: coloured(x[:, 2:26, 2:26].reshape(-1, 8, 3, 8, 3).mean(axis=(2, 4)), 20),
        lambda x: np.stack([x, x * 0, x * 0], axis=3),
        lambda x: np.stack([x] * 3, axis=3),
        lambda x: np.stack([x[:, 2:26, 2:26].reshape(-1, 8, 3, 8, 3).mean(axis=(2, 4)).astype(int)] * 3, axis=3),
        lambda x: np.full((len(x), 30, 30, 3), (200, 40, 40), np.uint8),
    ],
    ids=["colours", "noise", "8 x 8", "red", "grey", "grey 8 x 8", "nothing"],
)
def test_flattened_colours_are_as_they_were(own, tmp_path, make):
    """As Pillow and OpenCV have them, pixel by pixel, and as CIFAR has them, colour by colour."""
    pictures, rows = make(own.x), len(own.x)
    np.savez(tmp_path / "whole.npz", x=pictures, y=own.y)
    wanted = opened(tmp_path / "whole.npz")
    for name, flat in (("pixels", pictures), ("planes", np.moveaxis(pictures, 3, 1))):
        np.savez(tmp_path / f"{name}.npz", x=flat.reshape(rows, -1), y=own.y)
        np.savetxt(tmp_path / f"{name}.csv", np.column_stack([own.y, flat.reshape(rows, -1)]), "%d", delimiter=",")
        for file in (f"{name}.npz", f"{name}.csv"):
            dataset = opened(tmp_path / file)
            np.testing.assert_array_equal(dataset.train_images, wanted.train_images)
            side, order = pictures.shape[1], "pixel by pixel" if name == "pixels" else "one colour after the other"
            told = f"are taken for {side} x {side} pixels in colours, {order}"
            assert any(told in remark for remark in dataset.origin.remarks)
