"""Where a network fails, against counting one by one; labels that were made wrong on purpose are found."""

import numpy as np
import pytest

from engine import MLP, load_model
from engine.training import predict
from minigrad_gui.insight import confusion
from minigrad_gui.insight.readings import Readings, label_suspects, read_all
from minigrad_gui.resources import asset_path


@pytest.fixture(scope="module")
def pretrained():
    return load_model(asset_path("pretrained.npz"))[0]


@pytest.fixture(scope="module")
def untrained():
    return MLP(784, (16,), 10, dtype=np.float32, init="he", rng=np.random.default_rng(0))


@pytest.fixture(scope="module")
def digits(mnist):
    return mnist.test_images[:1500], mnist.test_labels[:1500]


def by_hand(labels, predicted, confidence=None, classes=3):
    labels, predicted = np.array(labels), np.array(predicted)
    confidence = np.linspace(0.9, 0.5, len(labels)) if confidence is None else np.array(confidence)
    truth = np.where(predicted == labels, confidence, (1 - confidence) / 2)
    return Readings(labels, predicted, confidence.astype(np.float32), truth.astype(np.float32), classes)


def test_confusion_counts_row_the_label_column_the_reading(untrained, digits):
    images, labels = digits
    expected = np.zeros((10, 10), int)
    for label, reading in zip(labels, predict(untrained, images).argmax(axis=1), strict=True):
        expected[label, reading] += 1
    np.testing.assert_array_equal(confusion(untrained, images, labels), expected)
    assert expected.sum() == 1500
    assert expected.trace() < 700  # an untrained network does confuse them


def test_readings_hold_the_probabilities_of_reading_and_label(untrained, digits):
    images, labels = digits
    readings = read_all(untrained, images, labels)
    probabilities = predict(untrained, images)
    np.testing.assert_array_equal(readings.predicted, probabilities.argmax(axis=1))
    np.testing.assert_allclose(readings.confidence, probabilities.max(axis=1), rtol=1e-6)
    np.testing.assert_allclose(readings.truth, probabilities[np.arange(1500), labels], rtol=1e-6)


def test_a_temperature_makes_readings_less_sure(untrained, digits):
    warm = read_all(untrained, *digits, temperature=2.0)
    plain = read_all(untrained, *digits)
    assert (warm.confidence < plain.confidence).all()
    np.testing.assert_array_equal(warm.predicted, plain.predicted)


def test_reading_can_be_cancelled_between_blocks(untrained, digits):
    asked = []
    assert read_all(untrained, *digits, cancelled=lambda: asked.append(1) or len(asked) == 2) is None
    assert len(asked) == 2


def test_shares_precision_and_recall():
    readings = by_hand([0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 1, 0])
    np.testing.assert_array_equal(readings.counts, [[3, 1, 0], [1, 1, 0], [0, 0, 0]])
    np.testing.assert_array_equal(readings.shares[:2], [[0.75, 0.25, 0], [0.5, 0.5, 0]])
    np.testing.assert_array_equal(readings.recall, [0.75, 0.5, np.nan])
    np.testing.assert_array_equal(readings.precision, [0.75, 0.5, np.nan])
    assert np.isnan(readings.shares[2]).all()


def test_samples_come_most_confidently_wrong_first():
    labels, predicted = [0, 0, 0, 0, 1, 2], [0, 1, 1, 0, 1, 1]
    readings = by_hand(labels, predicted, [0.9, 0.6, 0.8, 0.5, 0.7, 0.95])
    assert readings.samples(0, 1).tolist() == [2, 1]
    assert readings.samples(0, 0).tolist() == [3, 0]
    assert readings.samples(label=0).tolist() == [2, 1, 3, 0]
    assert readings.samples(reading=1).tolist() == [5, 2, 1, 4]
    assert readings.samples().tolist() == [5, 2, 1, 3, 4, 0]
    assert readings.samples(2, 0).tolist() == []


def test_samples_of_no_class_are_counted_nowhere(untrained, digits):
    images, labels = digits[0][:50], digits[1][:50].astype(np.int64)
    labels[10:20] = -1
    readings = read_all(untrained, images, labels)
    assert readings.counts.sum() == 40
    assert np.isnan(readings.truth[10:20]).all()
    assert not set(range(10, 20)) & set(readings.samples().tolist())
    assert not set(range(10, 20)) & set(label_suspects([readings]).tolist())


def test_suspects_are_read_as_one_other_class_each_time():
    labels = [0, 0, 1, 2, 2]
    first = by_hand(labels, [1, 1, 1, 0, 1], [0.6, 0.9, 0.9, 0.8, 0.7])
    second = by_hand(labels, [1, 2, 1, 0, 1], [0.7, 0.9, 0.9, 0.8, 0.9])
    assert label_suspects([first]).tolist() == [1, 3, 4, 0]
    assert label_suspects([first, second]).tolist() == [3, 4, 0]
    assert label_suspects([first, second], least_confidence=0.7).tolist() == [3, 4]


def test_labels_made_wrong_on_purpose_are_the_first_suspects(pretrained, digits):
    images, labels = digits[0], digits[1].astype(np.intp)
    wrong = np.random.default_rng(0).choice(1500, 30, replace=False)
    labels = labels.copy()
    labels[wrong] = (labels[wrong] + 3) % 10
    suspects = label_suspects([read_all(pretrained, images, labels)])
    assert len(set(suspects[:30].tolist()) & set(wrong.tolist())) >= 28


def test_digits_that_mnist_labels_wrong_are_suspects(pretrained, mnist):
    """Digits 2597 and 9729 are plainly a 3 and a 6, labelled 5; 1901, 1232 and 4761 look like a 4, labelled 9."""
    images, labels = mnist.test_images, mnist.test_labels
    readings = read_all(pretrained, images, labels)
    suspects = label_suspects([readings]).tolist()
    assert len(suspects) < 100
    assert {2597, 9729} <= set(suspects[:10])
    assert {1901, 1232, 4761} <= set(suspects[:25])
    assert readings.predicted[[2597, 9729, 1901]].tolist() == [3, 6, 4]
