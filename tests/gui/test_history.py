"""The losses of a run, as they come."""

import numpy as np
import pytest

from engine.training import EpochSummary
from minigrad_gui.history import SMOOTHING, History


def smoothed_one_by_one(losses):
    average, result = 0.0, []
    for count, loss in enumerate(losses, 1):
        average = SMOOTHING * average + (1 - SMOOTHING) * loss
        result.append(average / (1 - SMOOTHING**count))
    return result


@pytest.mark.parametrize("pieces", [[3000], [1, 1, 1, 499, 500, 501, 1497], [0, 7, 0, 2993]], ids=str)
def test_smoothing_does_not_depend_on_how_the_losses_come(pieces):
    losses = np.random.default_rng(0).exponential(size=3000)
    history = History()
    for end, count in zip(np.cumsum(pieces), pieces, strict=True):
        history.extend(losses[end - count : end], [])
    assert len(history) == 3000
    np.testing.assert_array_equal(history.losses, losses)
    np.testing.assert_allclose(history.smoothed, smoothed_one_by_one(losses), rtol=1e-9)


def test_a_level_loss_is_smoothed_to_itself():
    history = History()
    history.extend(np.full(2000, 2.3), [])
    np.testing.assert_allclose(history.smoothed, 2.3)


def test_epochs_are_added_as_they_end():
    history, epochs = History(), [EpochSummary(epoch, 1.0, 0.5) for epoch in range(3)]
    history.extend([1.0], epochs[:2])
    history.extend([1.0], epochs[2:])
    assert history.epochs == epochs
