"""`quickest_steps`: the fastest steps that give the numbers of a graph."""

import numpy as np
import pytest

from engine import MLP, SGD, Linear, cross_entropy_loss, mse_loss
from engine.augment import Augmentation, Variations
from engine.fast.steps import GraphSteps, quickest_steps

IMAGES = np.random.default_rng(0).random((12, 6), dtype=np.float32)
LABELS = np.arange(12) % 3


class Twice(Linear):
    """A layer that only a graph supports."""

    def forward(self, x):
        return super().forward(x) * 2


def network():
    return MLP(6, [5], 3, rng=np.random.default_rng(0), dtype=np.float32, init="he")


def shifts():
    return Variations(Augmentation(shift_px=1), seed=0, count=12, batch_size=4)


def steps_of(model, loss_fn=cross_entropy_loss, labels=LABELS, vary=None):
    images = IMAGES if vary is None else IMAGES.reshape(12, 3, 2)
    return quickest_steps(model, SGD(model.parameters(), lr=0.1), loss_fn, images, labels, 4, 1, vary)


def test_several_mini_batches_at_once_equal_single_ones():
    rates, results, models = [0.1, 0.05, 0.01], [], [network(), network()]
    for model, at_once in zip(models, (3, 1), strict=True):
        steps = steps_of(model)
        assert steps.most_at_once > 1
        result = []
        for first in range(0, 3, at_once):
            samples = np.arange(4 * first, 4 * (first + at_once))
            result += steps(samples, rates[first : first + at_once], first)
        steps.close()
        results.append(result)
    assert results[0] == results[1]
    for one, other in zip(models[0].parameters(), models[1].parameters(), strict=True):
        np.testing.assert_array_equal(one.data, other.data)


@pytest.mark.parametrize("kind", ["varied numbers", "another loss", "a layer of one's own"])
def test_cases_that_need_a_graph_get_one(kind):
    model = network()
    if kind == "a layer of one's own":
        model.layers[0].__class__ = Twice
    loss_fn, labels = (mse_loss, np.eye(3)[LABELS]) if kind == "another loss" else (cross_entropy_loss, LABELS)
    steps = steps_of(model, loss_fn, labels, vary=shifts() if kind == "varied numbers" else None)
    assert isinstance(steps, GraphSteps)
    ((loss, _),) = steps(np.arange(4), [0.1], 0)
    assert np.isfinite(loss)


def test_a_graphs_images_are_varied_by_the_number_of_their_mini_batch():
    seen = []

    class Watched(Variations):
        def __call__(self, images, number):
            seen.append((number, images.shape))
            return images

    steps = steps_of(network(), vary=Watched(Augmentation(shift_px=1), seed=0, count=12, batch_size=4))
    steps(np.arange(4), [0.1], 7)
    assert seen == [(7, (4, 3, 2))]


def test_a_network_that_no_longer_fits_continues_with_a_graph():
    model = network()
    steps = steps_of(model)
    assert steps.most_at_once > 1
    steps(np.arange(4), [0.1], 0)
    model.layers[0].__class__ = Twice
    assert steps.most_at_once == 1
    before = model.layers[0].W.data.copy()
    steps(np.arange(4, 8), [0.1], 1)
    assert not np.array_equal(model.layers[0].W.data, before)
    steps.close()
