"""The average of a run's weights: a plain mean over its last part, or a moving one."""

import math
from dataclasses import replace

import numpy as np
import pytest
from networks import same
from small_runs import blobs

from engine import TrainingConfig, evaluate
from engine.averaging import WeightAverage
from engine.nn import MLP
from engine.run import TrainingRun

CONFIG = TrainingConfig(hidden=(8,), batch_size=2, epochs=3, learning_rate=0.01, validation_share=0.2, seed=4)
PER_EPOCH = 20


def weights(model):
    return np.concatenate([parameter.data.ravel() for parameter in model.parameters()])


def a_network(value):
    model = MLP(1, [], 1)
    for parameter in model.parameters():
        parameter.data[...] = value
    return model


def averages_of(average, values):
    """The average, and the number of updates, after each of these values of the weights."""
    found = []
    for steps_done, value in enumerate(values, 1):
        average.after(steps_done, a_network(value))
        found.append((average.network and weights(average.network)[0].item(), average.count))
    return found


def test_a_network_that_explodes_has_no_average():
    average = WeightAverage("last", 1.0, steps_per_epoch=2, end=2)
    assert averages_of(average, [np.inf, 1.0])[0] == (np.inf, 1)
    assert np.isnan(weights(average.network)).all()


def test_the_last_part_is_a_plain_mean():
    found = averages_of(WeightAverage("last", 1.5, 2, 6), [10, 20, 30, 1, 2, 6])
    assert found == [(None, 0), (None, 0), (None, 0), (1, 1), (1.5, 2), (3, 3)]


def test_a_part_longer_than_the_run_is_all_of_it():
    assert averages_of(WeightAverage("last", 5, 2, 4), [1, 2, 3, 4])[-1] == (2.5, 4)


def test_a_moving_average_forgets_at_its_time_constant():
    average = WeightAverage("ema", 100, 10, 100_000)
    averages_of(average, [1.0] * 10_000)
    before = weights(average.network)[0]
    for steps_done in range(10_001, 11_001):
        average.after(steps_done, a_network(0.0))
    assert before == pytest.approx(1)
    assert weights(average.network)[0] == pytest.approx(math.exp(-1), rel=1e-6)


def test_a_young_moving_average_forgets_its_poor_beginning():
    assert averages_of(WeightAverage("ema", 100, 10, 1000), [100.0] + 19 * [1.0])[-1][0] == pytest.approx(1, abs=1e-3)


def test_long_epochs_have_twenty_updates():
    average = WeightAverage("ema", 1, 422, 422)
    assert average.every == 21
    averages_of(average, np.zeros(422))
    assert average.count == 20


@pytest.mark.parametrize("epochs", [0.5, 2])
def test_a_run_trains_the_same_and_evaluates_the_average(epochs):
    config = replace(CONFIG, averaging="last", averaged_epochs=epochs)
    run, plain = (TrainingRun(each, *blobs(dtype=np.float32), 3) for each in (config, CONFIG))
    passed, tested = [weights(plain.model) for _ in plain], None
    for _, summary in run:
        tested = summary or tested
    assert same(run.trained, plain.model)
    expected = np.mean(passed[-round(epochs * PER_EPOCH) :], axis=0)
    np.testing.assert_allclose(weights(run.model), expected, rtol=1e-5, atol=1e-7)
    assert (tested.validation_loss, tested.validation_accuracy) == evaluate(run.model, *run.validation)
    assert run.losses.tobytes() == plain.losses.tobytes()


@pytest.mark.parametrize("kind", ["ema", "last"])
def test_the_average_does_not_depend_on_chunks(kind, monkeypatch):
    monkeypatch.setattr("engine.averaging.UPDATES_PER_EPOCH", 3)
    config = replace(CONFIG, averaging=kind, averaged_epochs=0.7)
    single, run = (TrainingRun(config, *blobs(dtype=np.float32), 3) for _ in range(2))
    run.chunk_s = 60.0
    list(single)
    longest = max(len(steps) for steps, _ in run.chunks())
    assert longest <= 7
    assert same(single.model, run.model)
    assert same(single.trained, run.trained)
    assert not same(run.model, run.trained)


def test_without_averaging_the_network_is_the_trained_one():
    run = TrainingRun(CONFIG, *blobs(), 3)
    list(run)
    assert run.model is run.trained
