"""Networks that have exploded can be looked into like others, without a warning (here an error) or an exception."""

import numpy as np
import pytest

from engine import MLP
from minigrad_gui.insight import activations, nearest, prototype, saliency, toward
from minigrad_gui.insight.damage import Damage
from minigrad_gui.insight.layer_statistics import layer_statistics, order_of_units, update_ratios, warning_sentence
from minigrad_gui.insight.neighbours import NearestIndex
from minigrad_gui.insight.neurons import (
    arithmetic,
    contributions,
    most_exciting,
    shares_of_answer,
    weights_picture,
)
from minigrad_gui.insight.readings import label_suspects, read_all
from minigrad_gui.insight.why import contribution


@pytest.fixture(params=[1e15, 1e30, np.nan])
def exploded(request):
    model = MLP(784, (30, 20), 10, dtype=np.float32, init="he", rng=np.random.default_rng(0))
    for layer in model.layers:
        layer.W.data[:] *= np.float32(request.param)
    return model


@pytest.fixture
def sample(mnist):
    return mnist.train_images[:50], mnist.train_labels[:50]


def test_readings(exploded, sample):
    readings = read_all(exploded, *sample)
    assert readings.counts.sum() == 50
    assert sorted(readings.samples()) == list(range(50))
    assert len(label_suspects([readings, readings])) == readings.wrong.sum()


def test_neurons(exploded, sample):
    picture = sample[0][0]
    assert len(activations(exploded, picture)) == len(contributions(exploded, picture, 9)) == 3
    assert len(arithmetic(exploded, picture, 1, 2).products) == 30
    assert len(shares_of_answer(exploded, picture, 3)) == 2
    assert weights_picture(exploded, 2, 3).shape == (28, 28)
    assert most_exciting(exploded, sample[0], 5)[1].indices.shape == (20, 5)


def test_reasons(exploded, sample):
    picture = sample[0][0]
    assert saliency(exploded, picture, 3).shape == contribution(exploded, picture, 3).pixels.shape == (28, 28)
    assert len(list(toward(exploded, picture, 3, 5))) <= 5
    assert np.isfinite(prototype(exploded, 3)).all()


def test_damage_and_layers(exploded, sample):
    damaged = Damage().with_noise(0, 1.0).with_scale(1, 2.0).apply(exploded)
    assert len(update_ratios(exploded, damaged)) == 3
    assert "exploded" in warning_sentence(layer_statistics(exploded, *sample))
    for order in ("norm", "activity", "similarity"):
        assert sorted(order_of_units(exploded, order, sample[0])) == list(range(30))


def test_nearest_pictures(exploded, sample):
    assert len(nearest(exploded, sample[0][0], sample[0], 5, "hidden")[0]) == 5
    with pytest.raises(ValueError, match="too large to compare pictures by"):
        list(NearestIndex.build(exploded, sample[0], "hidden"))
