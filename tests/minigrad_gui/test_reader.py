"""A network, its calibration and a picture give one prediction, or none."""

from functools import partial

import numpy as np
import pytest
from mnist_digits import mnist

from engine import MLP, ModelFileError, save_model
from engine.calibration import Calibration
from minigrad_gui.data import asset_path
from minigrad_gui.reader import Prediction, ReadDigit, load_reader, percentage, predict, read_picture, written_number

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


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [
        ([], ""),
        ([(0, 0, 20, 40)], "1"),
        ([(0, 0, 20, 40), (30, 0, 50, 40), (55, 2, 75, 40)], "123"),
        ([(0, 0, 20, 40), (80, 0, 100, 40)], "1 2"),
        ([(0, 0, 20, 40), (30, 0, 50, 40), (0, 60, 20, 100)], "12 3"),
    ],
)
def test_digits_side_by_side_are_a_number_and_gaps_and_lines_end_it(boxes, expected):
    digits = [
        ReadDigit(box, np.zeros((28, 28), np.float32), Prediction(number, np.eye(10)[number]))
        for number, box in enumerate(boxes, 1)
    ]
    assert written_number(digits) == expected


def test_what_is_not_recognised_in_a_number_is_a_question_mark():
    read = [Prediction(4, np.eye(10)[4]), Prediction(5, np.eye(10)[5], recognised=False), None]
    blank = np.zeros((28, 28), np.float32)
    digits = [ReadDigit((30 * n, 0, 30 * n + 20, 40), blank, prediction) for n, prediction in enumerate(read)]
    assert written_number(digits) == "4??"


def test_a_picture_of_several_digits_is_read_in_order(pictures):
    model, record = load_reader(PRETRAINED)
    sheet = np.rint(255 - 255 * np.hstack(pictures)).astype(np.uint8).repeat(5, axis=0).repeat(5, axis=1)
    digits = read_picture(partial(predict, model, record.calibration), sheet)
    assert written_number(digits).replace(" ", "") == "72"
    assert digits[0].box[2] <= 140 <= digits[1].box[0]
    assert np.abs(digits[0].picture - pictures[0]).mean() < 0.05
