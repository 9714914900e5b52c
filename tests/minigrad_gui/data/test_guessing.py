"""Orientation and the meaning of labels are found by comparing mean pictures with MNIST's."""

import numpy as np
import pytest
from own_files import assert_all_there, opened


@pytest.mark.parametrize(
    ("meaning", "change"),
    [("10 is zero", lambda y: np.where(y == 0, 10, y)), ("from one", lambda y: y + 1)],
)
@pytest.mark.parametrize("orientation", ["upright", "transposed"])
def test_labels_from_1_to_10_are_understood(own, tmp_path, meaning, change, orientation):
    images = own.x if orientation == "upright" else own.x.swapaxes(1, 2)
    np.savez(tmp_path / "a.npz", x=images, y=change(own.y.astype(int)))
    dataset = opened(tmp_path / "a.npz")
    assert (dataset.origin.choices.labels, dataset.origin.choices.orientation) == (meaning, orientation)
    assert_all_there(dataset, own.x, own.y)


def test_what_is_no_digit_stays_as_it_is(own, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, own.x.shape, np.uint8)
    np.savez(tmp_path / "a.npz", x=noise, y=own.y.astype(int) + 1)
    dataset = opened(tmp_path / "a.npz", polarity="light ink")
    assert dataset.origin.choices.orientation == "upright"
    assert dataset.class_names == (*"123456789", "10")
    assert_all_there(dataset, noise, own.y)


def test_every_guess_can_be_replaced(own, tmp_path):
    np.savez(tmp_path / "a.npz", x=own.x, y=own.y.astype(int) + 1)
    dataset = opened(tmp_path / "a.npz", orientation="transposed", labels="10 is zero", polarity="dark ink")
    assert_all_there(dataset, 255 - own.x.swapaxes(1, 2), (own.y.astype(int) + 1) % 10)


@pytest.mark.parametrize("name", ["{}", "digit {}"])
def test_a_meaning_that_labels_cannot_have_is_told(own, tmp_path, name):
    np.savez(tmp_path / "a.npz", x=own.x, y=np.array([name.format(label) for label in own.y]))
    assert not any("Labels" in remark for remark in opened(tmp_path / "a.npz", labels="as they are").origin.remarks)
    told = opened(tmp_path / "a.npz", labels="10 is zero").origin
    assert told.choices.labels == "as they are"
    assert told.remarks[0] == "Labels are used as they are, for only labels from 1 to 10 may mean “10 is zero”."


def test_names_in_words_do_not_change_what_is_guessed(own, tmp_path):
    np.savez(tmp_path / "a.npz", x=own.x.swapaxes(1, 2), y=np.where(own.y == 0, 10, own.y))
    words = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    dataset = opened(tmp_path / "a.npz", class_names=words)
    assert dataset.class_names == words
    assert (dataset.origin.choices.labels, dataset.origin.choices.orientation) == ("10 is zero", "transposed")
    assert_all_there(dataset, own.x, own.y)
