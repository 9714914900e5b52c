"""Distributions, dead neurons and update ratios against counting, and warnings for networks that are really ill."""

import numpy as np
import pytest

from engine import MLP, Tensor, TrainingConfig, cross_entropy_loss, load_model
from engine.nn import ReLU, Sigmoid, Tanh
from minigrad_gui.insight.layer_statistics import (
    BINS,
    histogram,
    layer_statistics,
    order_of_units,
    update_ratios,
    warning_sentence,
)
from minigrad_gui.insight.trace import activations
from minigrad_gui.resources import asset_path


def network(hidden=(20, 12), activation=ReLU):
    return MLP(784, hidden, 10, activation, dtype=np.float32, init="he", rng=np.random.default_rng(1))


@pytest.fixture
def sample(mnist):
    return mnist.test_images[:200], mnist.test_labels[:200]


def test_a_histogram_counts_as_numpy_does():
    values = np.random.default_rng(0).normal(size=(70, 40)).astype(np.float32)
    counts, edges = histogram(values)
    expected, _ = np.histogram(values, edges)
    assert np.abs(counts - expected).sum() <= 2  # float32 may round across an edge
    assert edges[0] == -edges[-1] == -np.abs(values).max()
    assert len(counts) == BINS


def test_a_histogram_of_what_is_never_negative_begins_at_0():
    counts, edges = histogram(np.array([0.0, 0.1, 3.0]))
    assert (edges[0], edges[-1]) == (0, 3)
    assert counts[0] == 1
    assert counts[-1] == 1


def test_what_lies_beyond_given_limits_is_in_the_outer_bins():
    counts, edges = histogram(np.array([-5.0, 0.0, 7.0, 8.0]), (-1, 1))
    assert (edges[0], edges[-1]) == (-1, 1)
    assert counts[0] == 1
    assert counts[-1] == 2
    assert counts.sum() == 4


@pytest.mark.parametrize("values", [[], [0.0, 0.0], [np.nan, 1.0, np.inf, -np.inf]])
def test_histograms_of_odd_values(values):
    counts, edges = histogram(np.array(values))
    assert counts.sum() == np.isfinite(values).sum()
    assert np.isfinite(edges).all()
    assert (np.diff(edges) > 0).all()


@pytest.mark.parametrize("activation", [ReLU, Tanh, Sigmoid])
def test_statistics_are_those_of_training(sample, activation):
    model = network(activation=activation)
    statistics = layer_statistics(model, *sample)
    assert all(parameter.grad is None for parameter in model.parameters())
    images, labels = sample
    loss = cross_entropy_loss(model(Tensor((images / 255).astype(np.float32).reshape(200, 784))), labels.astype(int))
    loss.backward()
    for layer, found in zip(model.layers, statistics, strict=True):
        assert found.gradient_norm == pytest.approx(np.linalg.norm(layer.W.grad), rel=1e-5)
        assert found.gradient_rms == pytest.approx(np.sqrt(np.mean(layer.W.grad**2)), rel=1e-5)
        assert found.weight_norm == pytest.approx(np.linalg.norm(layer.W.data), rel=1e-5)
        np.testing.assert_array_equal(found.weights.counts, histogram(layer.W.data).counts)
        np.testing.assert_array_equal(found.gradients.counts, histogram(layer.W.grad).counts)
    outputs = np.stack([activations(model, image)[1] for image in images])
    assert statistics[1].activations.counts.sum() == outputs.size
    assert statistics[1].activations.edges[-1] == pytest.approx(np.abs(outputs).max(), rel=1e-5)


def test_weights_that_are_no_connections_do_not_count(sample):
    config = TrainingConfig(hidden=(20, 12), receptive_field_px=10)
    model = config.build_model(784, 10)
    first, second, _ = layer_statistics(model, *sample)
    seen = config.seen(784)
    np.testing.assert_array_equal(first.weights.counts, histogram(model.layers[0].W.data[seen]).counts)
    assert first.gradients.counts.sum() == seen.sum()
    assert second.gradients.counts.sum() == model.layers[1].W.data.size
    images, labels = sample
    x = Tensor((images / 255).astype(np.float32).reshape(200, 784))
    cross_entropy_loss(model(x), labels.astype(int)).backward()
    gradient = model.layers[0].W.grad[seen]
    assert first.gradient_norm == pytest.approx(np.linalg.norm(gradient), rel=1e-5)
    assert first.gradient_rms == pytest.approx(np.sqrt(np.mean(gradient**2)), rel=1e-5)


def test_dead_relus_are_counted(sample):
    model = network((8, 4))
    model.layers[1].b.data[:3] = -1e6
    assert [layer.dead for layer in layer_statistics(model, *sample)] == [0.0, 0.75, None]


@pytest.mark.parametrize(("activation", "bias"), [(Tanh, 20), (Tanh, -20), (Sigmoid, 20), (Sigmoid, -20)])
def test_saturated_neurons_are_dead(sample, activation, bias):
    model = network((8, 4), activation)
    model.layers[1].b.data[:3] = bias
    assert [layer.dead for layer in layer_statistics(model, *sample)] == [0.0, 0.75, None]


def test_update_ratios_are_relative_to_the_weights():
    before = network()
    after = before.copy()
    after.layers[0].W.data[:] *= np.float32(1.01)
    after.layers[2].W.data[:] = 0
    assert update_ratios(before, after) == pytest.approx([0.01, 0.0, 1.0], rel=1e-4)
    assert update_ratios(after, before)[2] == np.inf


def test_neurons_are_ordered_by_norm_and_by_activity(sample):
    model = network()
    model.layers[0].W.data[:] *= np.random.default_rng(0).permutation(np.arange(1, 21))[:, np.newaxis]
    norms = np.linalg.norm(model.layers[0].W.data, axis=1)
    assert (np.diff(norms[order_of_units(model, "norm")]) <= 0).all()
    activity = np.mean([activations(model, image)[0] for image in sample[0]], axis=0)
    np.testing.assert_array_equal(order_of_units(model, "activity", sample[0]), np.argsort(-activity))
    with pytest.raises(ValueError, match="needs images"):
        order_of_units(model, "activity")


def test_neighbours_in_the_order_of_similarity_resemble_each_other():
    model, _ = load_model(asset_path("pretrained.npz"))
    order = order_of_units(model, "similarity")
    assert sorted(order.tolist()) == list(range(512))
    W = model.layers[0].W.data / np.linalg.norm(model.layers[0].W.data, axis=1, keepdims=True)

    def likeness(order):
        return np.einsum("ij,ij->i", W[order][:-1], W[order][1:]).mean()

    assert likeness(order) > likeness(np.arange(512)) + 0.2


def test_similar_neurons_are_found_in_a_known_order():
    model = network((6,))
    angles = np.radians([50, 10, 60, 0, 40, 25])
    model.layers[0].W.data[:] = 0
    model.layers[0].W.data[:, :2] = np.column_stack([np.cos(angles), np.sin(angles)])
    model.layers[0].W.data[3] *= 2
    assert order_of_units(model, "similarity").tolist() == [3, 1, 5, 4, 0, 2]


def test_opposite_neurons_come_once_each():
    model = network((3,))
    model.layers[0].W.data[:] = 0
    model.layers[0].W.data[:, 0] = [2, 1, -1]
    assert order_of_units(model, "similarity").tolist() == [0, 1, 2]


@pytest.mark.parametrize("activation", [ReLU, Tanh, Sigmoid])
def test_healthy_networks_give_no_warning(sample, activation):
    assert warning_sentence(layer_statistics(network((64, 32), activation), *sample)) is None
    pretrained, _ = load_model(asset_path("pretrained.npz"))
    assert warning_sentence(layer_statistics(pretrained, *sample)) is None
    assert warning_sentence(layer_statistics(network(()), *sample)) is None


def test_a_deep_network_of_sigmoids_is_told_that_its_gradient_vanishes(sample):
    told = warning_sentence(layer_statistics(network((64,) * 5, Sigmoid), *sample))
    assert told.startswith("The gradient vanishes on its way back: in hidden layer 1 it is ")
    assert told.endswith(" times smaller than in the output layer.")


def test_an_exploding_gradient_is_told(sample):
    model = network((64,) * 5)
    for layer in model.layers:
        layer.W.data[:] *= 8
    told = warning_sentence(layer_statistics(model, *sample))
    assert told.startswith("The gradient explodes: in hidden layer 1 it is ")


def test_numbers_beyond_all_bounds_are_told(sample):
    model = network((64,) * 5)
    for layer in model.layers:
        layer.W.data[:] *= 1e12
    told = warning_sentence(layer_statistics(model, *sample))
    assert told == "The network has exploded: in hidden layer 1 the numbers have become too large to compute with."


def test_dead_neurons_are_told(sample):
    model = network((8, 4))
    model.layers[1].b.data[:3] = -1e6
    told = warning_sentence(layer_statistics(model, *sample))
    assert told == "75% of the neurons in hidden layer 2 are dead: no picture moves them, so they no longer learn."
    model.layers[1].b.data[:] = -1e6
    told = warning_sentence(layer_statistics(model, *sample))
    assert told == "All neurons in hidden layer 2 are dead: no picture moves them, so they no longer learn."


def test_dead_neurons_are_told_before_the_gradient_that_they_stop(sample):
    model = network((8, 4))
    model.layers[0].b.data[:] = -1e6
    model.layers[1].b.data[:] = 1
    told = warning_sentence(layer_statistics(model, *sample))
    assert told == "All neurons in hidden layer 1 are dead: no picture moves them, so they no longer learn."


def test_weights_of_0_stop_the_gradient(sample):
    model = network((8, 4), Tanh)
    model.layers[2].W.data[:] = 0
    told = warning_sentence(layer_statistics(model, *sample))
    assert told == "The gradient vanishes on its way back: in hidden layer 1 it is 0, unlike in the output layer."
