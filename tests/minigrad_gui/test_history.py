"""The losses of a run, added piece by piece."""

import time

import numpy as np
import pytest
from mnist_digits import first_digits

from engine import TrainingConfig
from engine.run import TrainingRun
from engine.training import EpochSummary
from minigrad_gui.history import History, smooth


def smoothed_one_by_one(losses):
    """The definition, applied at each place."""
    result = []
    for place in range(len(losses)):
        half = min(place, 50, max(len(losses) - 1 - place, 10))
        window = losses[place - half : place + half + 1]
        blocks = [window[len(window) * k // 5 : len(window) * (k + 1) // 5] for k in range(5)]
        result.append(np.median([block.mean() for block in blocks]) if len(window) >= 5 else window.mean())
    return result


@pytest.mark.parametrize("pieces", [[3000], [1, 1, 1, 499, 500, 501, 1497], [0, 7, 0, 2993], [2], [6]], ids=str)
def test_smoothing_does_not_depend_on_how_losses_are_chunked(pieces):
    losses = np.random.default_rng(0).exponential(size=sum(pieces))
    history = History()
    for end, count in zip(np.cumsum(pieces), pieces, strict=True):
        history.extend(losses[end - count : end], [])
        assert len(history.smoothed) == end
    np.testing.assert_array_equal(history.losses, losses)
    np.testing.assert_allclose(history.smoothed, smoothed_one_by_one(losses), rtol=1e-9)


@pytest.mark.parametrize("pieces", [1, 7, 60, 400])
def test_each_network_of_a_committee_is_smoothed_apart(pieces):
    losses = np.random.default_rng(0).random(400) + np.repeat([0.0, 9.0, 3.0], [150, 200, 50])
    history = History(10, begins=[150, 350])
    for piece in np.array_split(losses, pieces):
        history.extend(piece, [])
        assert len(history.smoothed) == len(history)
    expected = np.concatenate([smooth(part) for part in np.split(losses, [150, 350])])
    np.testing.assert_allclose(history.smoothed, expected, rtol=1e-9)


def test_a_constant_loss_is_smoothed_to_itself():
    history = History()
    history.extend(np.full(2000, 2.3), [])
    np.testing.assert_allclose(history.smoothed, 2.3)


def test_no_losses_are_smoothed_to_none():
    assert History().smoothed.shape == (0,)


def test_a_linear_fall_is_followed_without_lag():
    losses = np.linspace(2, 1, 500)
    np.testing.assert_allclose(smooth(losses)[:490], losses[:490], atol=0.01)


def test_a_single_spike_does_not_move_the_curve():
    losses = 2 + 0.1 * np.random.default_rng(0).standard_normal(600)
    losses[[150, 300, 301]] = 1e5
    assert 1.9 < smooth(losses).min() < smooth(losses).max() < 2.1


def real_run(**settings) -> History:
    """As many mini-batches as an epoch of MNIST has with the first settings, of a quarter of the digits each."""
    digits = first_digits(15_000)
    config = TrainingConfig(batch_size=32, **settings)
    run = TrainingRun(config, digits.train_images, digits.train_labels, 10)
    history = History()
    history.extend([step.loss for steps, _ in run.chunks() for step in steps], [])
    assert len(history) == 422 * config.epochs
    return history


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_the_curve_of_a_real_run_lies_among_its_losses_from_the_beginning(activation):
    history = real_run(activation=activation, epochs=1)
    for first, end in ((0, 100), (100, 200), (200, 422)):
        below = np.mean(history.losses[first:end] < history.smoothed[first:end])
        assert 0.35 < below < 0.7


def test_long_after_a_real_explosion_the_curve_is_not_high():
    history = real_run(learning_rate=1.0, epochs=2)  # the first steps of Adam raise the loss to about 100,000
    assert history.losses.max() > 1000
    back = int(np.flatnonzero(history.losses > 10)[-1])
    later = slice(back + 50, back + 400)
    assert np.mean(history.losses[later] < history.smoothed[later]) < 0.75
    assert history.smoothed[later].max() < 1.5 * history.losses[later].max()


def test_a_hundred_thousand_losses_are_smoothed_quickly():
    history, losses = History(), np.random.default_rng(0).exponential(size=100_000)
    started_s = time.thread_time()
    for start in range(0, 100_000, 200):
        history.extend(losses[start : start + 200], [])
        assert len(history.smoothed) == start + 200
    assert time.thread_time() - started_s < 2  # 500 redraws, each of which may take far more than 4 ms


def test_epochs_are_added_as_they_end():
    history, epochs = History(), [EpochSummary(epoch, 1.0, 0.5) for epoch in range(3)]
    history.extend([1.0], epochs[:2])
    history.extend([1.0], epochs[2:])
    assert history.epochs == epochs


def test_an_epoch_is_known_from_its_last_mini_batch():
    history, epochs = History(steps_per_epoch=4), [EpochSummary(epoch, 1.0, 0.5) for epoch in range(2)]
    history.extend(np.ones(9), epochs)
    ended = [len(history.epochs_ended_by(batch)) for batch in range(1, 10)]
    assert ended == [0, 0, 0, 1, 1, 1, 1, 2, 2]
