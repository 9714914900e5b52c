"""A network, its calibration and a picture give one prediction, or none."""

import numpy as np
import pytest
from mnist_digits import mnist

from engine import MLP, ModelFileError, save_model
from engine.calibration import Calibration
from minigrad_gui.data import asset_path
from minigrad_gui.reader import load_reader, percentage, predict

PRETRAINED = asset_path("pretrained.npz")


@pytest.fixture(scope="module")
def pictures():
    """Two of MNIST's test digits, float32 (2, 28, 28): a 7 and a 2."""
    return (mnist().test_images[:2] / 255).astype(np.float32)


def test_a_digit_is_read(pictures):
    model, record = load_reader(PRETRAINED)
    seven, two = (predict(model, record.calibration, picture) for picture in pictures)
    assert (seven.digit, two.digit) == (7, 2)
    assert seven.recognised
    assert seven.probabilities.shape == (10,)
    assert seven.probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert not seven.with_handwriting


def test_a_blank_picture_shows_nothing():
    assert predict(load_reader(PRETRAINED)[0], Calibration(), np.zeros((28, 28), np.float32)) is None


def test_the_calibration_counts(pictures):
    model, record = load_reader(PRETRAINED)
    unsure = predict(model, Calibration(temperature=20.0, threshold=0.99), pictures[0])
    assert unsure.digit == 7
    assert not unsure.recognised
    assert unsure.probabilities.max() < predict(model, record.calibration, pictures[0]).probabilities.max()


def test_there_is_no_answer_where_probabilities_are_not_finite(pictures):
    model, record = load_reader(PRETRAINED)
    for parameter in model.parameters():
        parameter.data = np.full_like(parameter.data, 1e38)
    assert predict(model, record.calibration, pictures[0]) is None


def test_a_network_of_other_sizes_is_no_reader(tmp_path):
    save_model(tmp_path / "small.npz", MLP(4, [3], 2))
    with pytest.raises(ModelFileError, match="4 inputs and 2 outputs; reading digits takes 784 and 10"):
        load_reader(tmp_path / "small.npz")


@pytest.mark.parametrize(
    ("probability", "written"),
    [
        (0.0, "0.0%"),
        (0.973, "97.3%"),
        (0.9994, "99.9%"),
        (0.9996, ">99.9%"),
        (np.nextafter(np.float32(1), np.float32(0)), ">99.9%"),
        (1.0, "100.0%"),
    ],
)
def test_only_certainty_is_written_as_certainty(probability, written):
    assert percentage(probability) == written
