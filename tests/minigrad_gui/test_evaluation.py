"""Digits are read and named as the dataset has them."""

from dataclasses import replace

import numpy as np
import pytest

from engine import MLP, Tensor, TrainingConfig
from engine.run import Validation
from engine.samples import split_validation
from engine.training import logits_of
from minigrad_gui.analysis import Desk, TrainedOn
from minigrad_gui.dataset_cache import DatasetCache
from minigrad_gui.evaluation import accuracy_in_test, evaluate, evaluation_of


@pytest.fixture
def desk(few_digits):  # noqa: ARG001
    return Desk(DatasetCache(), lambda: False)


@pytest.fixture
def evaluation(desk):
    model = MLP(784, [8], 10, rng=np.random.default_rng(0))
    return evaluate(model, 1.0, TrainedOn(), "test", "a network", "a run", desk)


def test_samples_are_named_and_pictured_as_in_the_dataset(evaluation, few):
    shuffled = replace(evaluation, digits=replace(evaluation.digits, indices=np.arange(500)[::-1]))
    assert shuffled.called(0).startswith("Test digit 499, labelled ")
    np.testing.assert_array_equal(shuffled.pictures(0), few.test_images[499] / np.float32(255))
    assert shuffled.pictures([1, 2]).shape == (2, 28, 28)
    reading = evaluation.reading(3)
    assert reading == str(evaluation.readings.predicted[3])
    called = f"Test digit 3, labelled {few.test_labels[3]}"
    assert evaluation.described(3).startswith(f"{called}, read as {reading}, ")


def test_only_readings_of_the_same_digits_in_one_run_belong_together(evaluation):
    assert evaluation.is_of_same_run(replace(evaluation, of="the same, later"))
    assert not evaluation.is_of_same_run(replace(evaluation, run="another run"))
    assert not evaluation.is_of_same_run(replace(evaluation, digits=replace(evaluation.digits, part="validation")))


@pytest.mark.parametrize("classes", [8, 10])
def test_a_runs_own_validation_gives_the_same(few_digits, classes, few):  # noqa: ARG001
    datasets = DatasetCache()
    datasets.get("mnist")
    desk = Desk(datasets, lambda: False)
    model = MLP(784, [8], classes, rng=np.random.default_rng(0))
    trained_on = TrainedOn("mnist", TrainingConfig(validation_share=0.1, seed=3))
    held_out = split_validation(len(few.train_images), 0.1, 3)[1]
    validation = Validation(0, logits_of(model, few.train_images[held_out]))
    given = evaluation_of(validation, 1.5, trained_on, "a network", "a run", desk)
    expected = evaluate(model, 1.5, trained_on, "validation", "a network", "a run", desk)
    assert given.is_of_same_run(expected)
    for name in ("labels", "predicted", "confidence", "truth"):
        np.testing.assert_array_equal(getattr(given.readings, name), getattr(expected.readings, name))


@pytest.mark.parametrize("classes", [8, 12])
def test_a_network_may_know_fewer_or_more_classes(desk, classes, few):
    model = MLP(784, [8], classes, rng=np.random.default_rng(0))
    evaluation = evaluate(model, 1.0, TrainedOn(), "test", "", None, desk)
    assert evaluation.names == tuple(map(str, range(classes)))
    assert evaluation.readings.counts.shape == (classes, classes)
    assert evaluation.readings.counts.sum() == (few.test_labels < classes).sum()


def test_the_table_has_the_counts_or_shares(evaluation):
    counts, shares = (np.array([row[1:11] for row in evaluation.table(shares=each)[1:11]]) for each in (False, True))
    assert counts.sum() == 500
    np.testing.assert_allclose(shares, counts / counts.sum(axis=1, keepdims=True))
    table = evaluation.table(shares=False)
    assert len({len(row) for row in table}) == 1, "some programs refuse rows of different lengths"
    assert table[-1][-1] == counts.trace() / counts.sum()


def test_what_is_cancelled_gives_nothing(few_digits):  # noqa: ARG001
    datasets = DatasetCache()
    datasets.get("mnist")
    model = MLP(784, [8], 10)
    assert evaluate(model, 1.0, TrainedOn(), "test", "", None, Desk(datasets, lambda: True)) is None


def test_the_accuracy_is_the_share_of_test_digits_read_as_they_are_labelled(desk, few):
    model = MLP(784, [8], 10, init="he", rng=np.random.default_rng(0))
    read = model(Tensor(few.test_images.reshape(500, 784) / 255)).data.argmax(axis=1)
    assert accuracy_in_test(model, TrainedOn(), desk) == np.mean(read == few.test_labels)
    assert accuracy_in_test(model, TrainedOn(), Desk(DatasetCache(), lambda: True)) is None
