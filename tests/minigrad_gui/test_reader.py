"""A network, its calibration and a picture give one prediction, or none."""

import numpy as np
import pytest
from mnist_digits import mnist
from scipy.special import softmax

from engine import MLP, ModelFileError, save_model
from engine.calibration import Calibration, log_sum_exp
from engine.training import logits_of
from minigrad_gui.digits import rasterize
from minigrad_gui.photo import find_digits
from minigrad_gui.reader import (
    FINE_PX,
    Number,
    Prediction,
    ReadDigit,
    Reader,
    load_network,
    written_number,
)
from minigrad_gui.resources import asset_path

PRETRAINED = asset_path("pretrained.npz")


@pytest.fixture(scope="module")
def pictures():
    """Two of MNIST's test digits, float32 (2, 28, 28): a 7 and a 2."""
    return (mnist().test_images[:2] / 255).astype(np.float32)


def test_a_digit_is_read(pictures):
    model, record = load_network(PRETRAINED)
    seven, two = (Reader(model, record.calibration).predict(picture) for picture in pictures)
    assert (seven.digit, two.digit) == (7, 2)
    assert seven.recognised
    assert seven.probabilities.shape == (10,)
    assert seven.probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert not seven.with_handwriting


def test_a_blank_picture_shows_nothing():
    assert Reader(load_network(PRETRAINED)[0]).predict(np.zeros((28, 28), np.float32)) is None


def test_the_calibration_counts(pictures):
    model, record = load_network(PRETRAINED)
    unsure = Reader(model, Calibration(temperature=20.0, threshold=0.99)).predict(pictures[0])
    assert unsure.digit == 7
    assert not unsure.recognised
    assert unsure.probabilities.max() < Reader(model, record.calibration).predict(pictures[0]).probabilities.max()


def test_probabilities_that_are_not_finite_give_no_answer(pictures):
    model, record = load_network(PRETRAINED)
    for parameter in model.parameters():
        parameter.data = np.full_like(parameter.data, 1e38)
    assert Reader(model, record.calibration).predict(pictures[0]) is None


def test_a_network_with_other_sizes_is_refused(tmp_path):
    save_model(tmp_path / "small.npz", MLP(4, [3], 2))
    with pytest.raises(ModelFileError, match="4 inputs and 2 outputs; reading pictures takes 784 inputs"):
        load_network(tmp_path / "small.npz")


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


def test_an_unrecognised_digit_of_a_number_is_a_question_mark():
    read = [Prediction(4, np.eye(10)[4]), Prediction(5, np.eye(10)[5], recognised=False), None]
    blank = np.zeros((28, 28), np.float32)
    digits = [ReadDigit((30 * n, 0, 30 * n + 20, 40), blank, prediction) for n, prediction in enumerate(read)]
    assert written_number(digits) == "4??"


def test_a_picture_of_several_digits_is_read_in_order(pictures):
    model, record = load_network(PRETRAINED)
    sheet = np.rint(255 - 255 * np.hstack(pictures)).astype(np.uint8).repeat(5, axis=0).repeat(5, axis=1)
    digits = Reader(model, record.calibration).read_picture(sheet)
    assert written_number(digits).replace(" ", "") == "72"
    assert digits[0].box[2] <= 140 <= digits[1].box[0]
    assert np.abs(digits[0].picture - pictures[0]).mean() < 0.05


def enlarged(picture):
    return np.rint(255 - 255 * picture).astype(np.uint8).repeat(5, axis=0).repeat(5, axis=1)


def test_a_doubtful_digit_of_a_picture_is_looked_at_twice(pictures):
    model, _ = load_network(PRETRAINED)
    sheet = enlarged(pictures[1])
    (found,) = find_digits(sheet)
    logits = logits_of(model, np.stack([found.picture, found.with_pen(FINE_PX)]))
    assert np.abs(logits[0] - logits[1]).max() > 0.1
    (clear,) = Reader(model, Calibration(least_log_sum_exp=0.1)).read_picture(sheet)
    (doubtful,) = Reader(model, Calibration(least_log_sum_exp=float(log_sum_exp(logits)[0]))).read_picture(sheet)
    for digit, read in ((clear, logits[0]), (doubtful, logits.mean(axis=0))):
        np.testing.assert_allclose(digit.prediction.probabilities, softmax(read), rtol=1e-4)
        np.testing.assert_array_equal(digit.picture, found.picture)


def test_two_looks_have_to_be_surer_than_one(pictures):
    model, _ = load_network(PRETRAINED)
    hot = Calibration(temperature=4.2)
    (digit,) = Reader(model, hot).read_picture(enlarged(pictures[0]))
    assert 0.5 < digit.prediction.probabilities.max() < 0.7
    assert not digit.prediction.recognised
    assert Reader(model, hot).predict(digit.picture).recognised


def test_a_doubtful_digit_is_accepted_sooner_among_others():
    """With 0.75 of the least log-sum-exp it is no digit alone, but one beside digits; with 0.58 it is none there."""
    model, _ = load_network(PRETRAINED)
    clear, doubtful = (mnist().test_images[[1, 7]] / 255).astype(np.float32)  # a 2 and a 9
    (found,) = find_digits(enlarged(doubtful))
    both = logits_of(model, np.stack([found.picture, found.with_pen(FINE_PX)]))
    own = float(log_sum_exp(both.mean(axis=0, keepdims=True))[0])

    def read(share, *shown):
        reader = Reader(model, Calibration(least_log_sum_exp=own / share))
        return written_number(reader.read_picture(enlarged(np.hstack(shown)))).replace(" ", "")

    assert read(1.1, doubtful) == "9"
    assert read(0.75, doubtful) == "?"
    assert read(0.75, clear, doubtful) == "29"
    assert read(0.75, doubtful, doubtful) == "??"
    assert read(0.58, clear, doubtful) == "2?"


ONE = np.array([[0.0, 0.0], [0.02, 0.5], [0.0, 1.0]])
SEVEN = np.array([[0.0, 0.0], [0.6, 0.0], [0.25, 1.0]])
ACROSS = np.array([[0.15, 0.5], [0.6, 0.5]])
ASIDE = np.array([0.4, 0.0])
SEVENTEEN = [ONE, SEVEN + ASIDE, ACROSS + ASIDE]


def test_a_number_is_read():
    model, record = load_network(PRETRAINED)
    number = Reader(model, record.calibration, with_handwriting=True).read_number(SEVENTEEN)
    assert number.text == "17"
    one, seven = number.digits
    assert (one.strokes, seven.strokes) == ((0,), (1, 2))
    assert one.box == (0.0, 0.0, 0.02, 1.0)
    assert seven.box == (0.4, 0.0, 1.0, 1.0)
    assert seven.prediction.with_handwriting
    np.testing.assert_array_equal(seven.picture, rasterize([SEVEN, ACROSS]))


def test_lines_are_read_one_after_the_other():
    model, record = load_network(PRETRAINED)
    below = [stroke + np.array([0.0, 1.5]) for stroke in (ONE, ONE + ASIDE)]
    number = Reader(model, record.calibration).read_number([*below, *SEVENTEEN])
    assert number.text == "17 11"
    assert [digit.strokes for digit in number.digits] == [(2,), (3, 4), (0,), (1,)]


@pytest.mark.parametrize("strokes", [[ONE], [SEVEN, ACROSS]])
def test_a_single_digit_is_read_like_its_picture(strokes):
    model, record = load_network(PRETRAINED)
    (digit,) = Reader(model, record.calibration).read_number(strokes).digits
    alone = Reader(model, record.calibration).predict(rasterize(strokes))
    np.testing.assert_array_equal(digit.picture, rasterize(strokes))
    np.testing.assert_array_equal(digit.prediction.probabilities, alone.probabilities)
    assert (digit.prediction.digit, digit.prediction.recognised) == (alone.digit, alone.recognised)


def test_an_unrecognised_digit_is_a_question_mark():
    model, _ = load_network(PRETRAINED)
    number = Reader(model, Calibration(least_log_sum_exp=1e5)).read_number(SEVENTEEN)
    assert number.text == "??"
    assert [digit.prediction.digit for digit in number.digits] == [1, 7]


def test_without_strokes_there_is_no_number():
    assert Reader(load_network(PRETRAINED)[0]).read_number([]) == Number()
    assert Number().text == ""


def test_without_a_network_there_are_digits_but_no_answers():
    number = Reader(None).read_number(SEVENTEEN)
    assert [digit.prediction for digit in number.digits] == [None, None]
    assert number.text == "??"


def test_weights_too_large_to_compute_with_give_no_answers():
    model = MLP(784, [8], 10, dtype=np.float32)
    for parameter in model.parameters():
        parameter.data[...] = 1e38
    touching = [ONE, SEVEN]
    number = Reader(model, Calibration(least_log_sum_exp=5.0)).read_number(touching)
    assert all(digit.prediction is None for digit in number.digits)
