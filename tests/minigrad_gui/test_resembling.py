"""The digits that resemble a picture are found among those that the network learned from, and named as they are."""

import numpy as np
import pytest

from engine import MLP, TrainingConfig
from engine.samples import split_validation
from minigrad_gui import resembling
from minigrad_gui.analysis import Desk, TrainedOn
from minigrad_gui.dataset_cache import DatasetCache
from minigrad_gui.insight import nearest
from minigrad_gui.resembling import COUNT, IndexBuilder, Resembling

TRAINED_ON = TrainedOn("mnist", TrainingConfig(validation_share=0.2, seed=3))


@pytest.fixture
def desk(few_digits):  # noqa: ARG001
    datasets = DatasetCache()
    datasets.get("mnist")
    return Desk(datasets, lambda: False)


@pytest.fixture
def model():
    return MLP(784, [20], 10, dtype=np.float32, init="he", rng=np.random.default_rng(0))


@pytest.fixture
def build(model, desk):
    """`build(space)`: the index."""

    def build(space):
        builder = IndexBuilder(model, TRAINED_ON, space, ("a run", 1.0))
        while builder(desk) is None:
            pass
        return builder(desk)

    return build


@pytest.fixture
def of_labels(desk):
    """`of_labels(labels)`: digits with these labels, as if they had been found."""
    digits = desk.digits(TrainedOn(), "training")

    def of(labels):
        indices = [np.flatnonzero(digits.labels == label)[position] for position, label in enumerate(labels)]
        return Resembling(digits, np.array(indices), np.arange(len(labels)) / 2)

    return of


@pytest.mark.parametrize("space", ["hidden", "pixels"])
def test_only_digits_that_the_network_learned_from_are_found(build, model, few, space):
    learned, _ = split_validation(len(few.train_images), 0.2, 3)
    index = build(space)
    for image in few.test_images[:5]:
        picture = (image / 255).astype(np.float32)
        expected, distances = nearest(model, picture, few.train_images[learned], COUNT, space)
        found = index.find(picture)
        np.testing.assert_array_equal(found.indices, learned[expected])
        np.testing.assert_allclose(found.distances, distances, rtol=1e-4)
        np.testing.assert_array_equal(found.pictures, few.train_images[learned[expected]] / np.float32(255))
        assert found.labels == [str(label) for label in few.train_labels[learned[expected]]]


def test_an_index_is_built_in_short_pieces(model, desk, monkeypatch):
    monkeypatch.setattr(resembling, "PIECE_S", 0)
    builder = IndexBuilder(model, TRAINED_ON, "pixels", ("a run", 1.0))
    pieces = [builder(desk) for _ in range(11)]
    assert pieces == [None] * 11, "a sample, and 2,400 digits"
    assert builder(desk) is not None
    assert builder(desk) is builder(desk), "then there is nothing left to do"


def test_an_index_depends_on_the_digits_and_only_if_it_asks_the_network_on_that(model):
    other = MLP(784, [20], 10)
    assert resembling.subject(model, TRAINED_ON, "hidden") != resembling.subject(other, TRAINED_ON, "hidden")
    assert resembling.subject(model, TRAINED_ON, "pixels") == resembling.subject(other, TRAINED_ON, "pixels")
    elsewhere = TrainedOn("mnist", TrainingConfig(validation_share=0.2, seed=4))
    assert resembling.subject(model, TRAINED_ON, "pixels") != resembling.subject(model, elsewhere, "pixels")


@pytest.mark.parametrize(
    ("labels", "summary"),
    [
        ([7] * 12, "All 12 are 7s"),
        ([7, 7, 9, 7], "3 of 4 are 7s (1 × 9)"),
        ([4, 9, 9, 7, 9, 4], "3 of 6 are 9s (2 × 4, 1 × 7)"),
        ([3, 5], "1 of 2 is a 3 (1 × 5)"),
        ([8, 5], "1 of 2 is an 8 (1 × 5)"),
    ],
)
def test_the_labels_are_counted_in_words(of_labels, labels, summary):
    assert of_labels(labels).summary == summary


def test_each_is_named_and_described(of_labels, few):
    found = of_labels([7, 9])
    first, second = found.indices
    assert found.names == [f"Training digit {first:,}, labelled 7", f"Training digit {second:,}, labelled 9"]
    assert found.descriptions[1] == f"Training digit {second:,}, labelled 9, distance 0.50"
    picture = found.pictures[0]
    assert picture.dtype == np.float32
    np.testing.assert_array_equal(picture, few.train_images[first] / np.float32(255))


def test_the_table_has_a_row_for_each(of_labels):
    head, *rows = resembling.table({"hidden": of_labels([7, 9]), "pixels": of_labels([1])})
    assert head == ("compared", "rank", "digit", "label", "distance")
    assert [(space, rank, label, far) for space, rank, _, label, far in rows] == [
        ("hidden", 1, "7", 0.0),
        ("hidden", 2, "9", 0.5),
        ("pixels", 1, "1", 0.0),
    ]
