"""A landscape is computed in pieces, from the moments of a run that are finite, on the digits that it held out."""

import numpy as np
import pytest

from engine import MLP, TrainingConfig
from engine.samples import split_validation
from engine.training import evaluate
from minigrad_gui import surveying
from minigrad_gui.analysis import Desk, TrainedOn
from minigrad_gui.dataset_cache import DatasetCache
from minigrad_gui.insight.landscape import SIDE
from minigrad_gui.snapshots import Snapshot
from minigrad_gui.surveying import begin, proceed


@pytest.fixture
def desk(few_digits):  # noqa: ARG001
    datasets = DatasetCache()
    datasets.get("mnist")
    return Desk(datasets, lambda: False)


@pytest.fixture
def moments():
    networks = [MLP(784, [6], 10, dtype=np.float32, init="he", rng=np.random.default_rng(seed)) for seed in range(4)]
    return [Snapshot(batch, model) for batch, model in zip((1, 10, 30, 60), networks, strict=True)]


def test_it_is_finished_piece_by_piece(desk, moments, few, monkeypatch):
    monkeypatch.setattr(surveying, "PIECE_S", 0.0)
    landscape = begin(moments, "path", TrainedOn("mnist", TrainingConfig(validation_share=0.01, seed=3)), desk)
    assert landscape.surface is None
    monkeypatch.setattr(surveying, "PIECE_S", 60.0)
    finished = proceed(landscape, desk)
    assert finished.survey is None
    assert finished.surface.losses.shape == (SIDE, SIDE)
    assert finished.digits == "30 validation digits"
    held_out = split_validation(len(few.train_images), 0.01, 3)[1]
    model = finished.plane.model(finished.surface.x[0], finished.surface.y[32])
    expected = evaluate(model, few.train_images[held_out], few.train_labels[held_out])[0]
    assert finished.surface.losses[32, 0] == pytest.approx(expected, rel=1e-4)
    assert finished.batches == (1, 10, 30, 60)
    assert [finished.nearest(batch) for batch in (0, 19, 21, 100)] == [0, 1, 2, 3]


def test_without_held_out_digits_the_test_digits_tell_the_loss(desk, moments):
    landscape = begin(moments, "random", TrainedOn("mnist", TrainingConfig(validation_share=0.0)), desk)
    assert landscape.digits == "500 test digits"


def test_moments_after_an_explosion_are_left_out(desk, moments):
    moments[2].model.layers[0].W.data[0, 0] = np.nan
    landscape = begin(moments, "path", TrainedOn(), desk)
    assert landscape.batches == (1, 10, 60)
    moments[3].model.layers[0].W.data[0, 0] = np.inf
    moments[1].model.layers[1].b.data[0] = -np.inf
    assert begin(moments, "path", TrainedOn(), desk) is None


def test_of_a_committee_that_grows_the_moments_of_its_newest_size_are_taken(desk, moments):
    large = [MLP(784, [12], 10, dtype=np.float32, init="he", rng=np.random.default_rng(seed)) for seed in range(2)]
    moments += [Snapshot(batch, model) for batch, model in zip((80, 90), large, strict=True)]
    assert begin(moments[:5], "path", TrainedOn(), desk) is None
    assert begin(moments, "path", TrainedOn(), desk).batches == (80, 90)
