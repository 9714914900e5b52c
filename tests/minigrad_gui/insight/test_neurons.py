"""What single neurons do, against loops over all weights and all pictures."""

import numpy as np
import pytest
from networks import small_network

from engine import MLP
from engine.nn import ReLU, Sigmoid, Tanh
from minigrad_gui.insight.neurons import (
    arithmetic,
    contributions,
    most_exciting,
    shares_of_answer,
    strongest_first,
    weights_picture,
)
from minigrad_gui.insight.trace import activations


@pytest.fixture(params=[ReLU, Tanh, Sigmoid])
def model(request):
    return small_network(request.param, np.float64)


@pytest.fixture
def picture(mnist):
    return mnist.test_images[0] / 255


def inputs_of(model, picture):
    return [picture.ravel(), *activations(model, picture)[:-1]]


def test_the_strongest_connections_are_found(model, picture):
    ways = zip(model.layers, inputs_of(model, picture), activations(model, picture), strict=True)
    for (layer, x, y), edges in zip(ways, contributions(model, picture, 30), strict=True):
        products = layer.W.data * x * (y != 0)[:, np.newaxis]
        np.testing.assert_allclose(np.abs(edges.values), np.sort(np.abs(products).ravel())[::-1][:30])
        np.testing.assert_allclose(edges.values, products[edges.targets, edges.sources])
        assert len(set(zip(edges.sources, edges.targets, strict=True))) == 30


def test_a_blank_picture_uses_no_connection_from_it(model):
    edges = contributions(model, np.zeros((28, 28)), 30)[0]
    assert [len(each) for each in edges] == [0, 0, 0]


def test_the_largest_come_first_and_equal_ones_in_order():
    values = np.array([1.0, 5.0, 3.0, 5.0, 0.0, 3.0])
    assert strongest_first(values, 3).tolist() == [1, 3, 2]
    assert strongest_first(values, 99).tolist() == [1, 3, 2, 5, 0, 4]
    assert strongest_first(values, 0).tolist() == []
    assert strongest_first(np.empty(0), 3).tolist() == []


@pytest.mark.parametrize(("layer", "unit"), [(0, 5), (1, 11), (2, 3)])
def test_the_arithmetic_of_a_neuron_adds_up(model, picture, layer, unit):
    sum_ = arithmetic(model, picture, layer, unit)
    assert sum_.products.sum() + sum_.bias == pytest.approx(sum_.pre_activation)
    assert sum_.bias == model.layers[layer].b.data[unit]
    assert sum_.output == pytest.approx(activations(model, picture)[layer][unit])
    assert (np.diff(np.abs(sum_.products)) <= 0).all()
    np.testing.assert_array_equal(sum_.weights, model.layers[layer].W.data[unit, sum_.sources])
    np.testing.assert_allclose(sum_.inputs, inputs_of(model, picture)[layer][sum_.sources])
    np.testing.assert_allclose(sum_.products, sum_.weights * sum_.inputs)


def test_a_neuron_that_is_not_there_has_no_arithmetic(model, picture):
    with pytest.raises(IndexError):
        arithmetic(model, picture, 0, 20)


def test_a_neurons_picture_is_its_weights(model):
    np.testing.assert_array_equal(weights_picture(model, 0, 5), model.layers[0].W.data[5].reshape(28, 28))
    first, second, third = (layer.W.data for layer in model.layers)
    expected = sum(third[3, unit] * (second[unit] @ first) for unit in range(12))
    np.testing.assert_allclose(weights_picture(model, 2, 3), expected.reshape(28, 28))


def test_shares_are_slope_times_output(model, picture):
    shares = shares_of_answer(model, picture, 3)
    hidden = activations(model, picture)[:-1]
    assert [len(each) for each in shares] == [20, 12]
    np.testing.assert_allclose(shares[1], model.layers[2].W.data[3] * hidden[1])


def test_shares_of_a_layer_of_relus_add_up_to_the_logit_but_for_biases(picture):
    model = MLP(784, (20, 12), 10, ReLU, init="he", rng=np.random.default_rng(1))
    for share in shares_of_answer(model, picture, 3):  # all biases are 0
        assert share.sum() == pytest.approx(activations(model, picture)[-1][3])


@pytest.mark.parametrize(("layer", "unit"), [(0, 5), (1, 11), (2, 3)])
def test_the_most_exciting_pictures_excite_most(model, mnist, layer, unit):
    images = mnist.train_images[:1200]
    every = np.array([activations(model, image)[layer][unit] for image in images])
    found = most_exciting(model, images, 9)[layer]
    indices, outputs = found.indices[unit], found.outputs[unit]
    np.testing.assert_allclose(outputs, np.sort(every)[::-1][:9])
    np.testing.assert_allclose(every[indices], outputs)
    assert len(set(indices.tolist())) == 9


def test_few_pictures_are_all_among_the_most_exciting(model, mnist):
    indices = most_exciting(model, mnist.train_images[:3], 9)[1].indices
    np.testing.assert_array_equal(np.sort(indices), np.tile([0, 1, 2], (12, 1)))


def test_looking_for_exciting_pictures_can_be_cancelled(model, mnist):
    asked = []
    images = mnist.train_images[:3000]
    assert most_exciting(model, images, 9, lambda: asked.append(1) or len(asked) == 2) is None
    assert len(asked) == 2


def test_a_search_for_what_excites_neurons_can_go_on(model, mnist):
    images = mnist.test_images[:300]
    found = most_exciting(model, images[:200], 5)
    resumed = most_exciting(model, images[200:], 5, first=200, found=found)
    for ours, theirs in zip(resumed, most_exciting(model, images, 5), strict=True):
        np.testing.assert_allclose(ours.outputs, theirs.outputs)
        assert (ours.indices >= 200).any()
        assert (ours.indices < 200).any()


def test_connections_into_silent_neurons_are_left_out(picture):
    model = MLP(784, (2,), 10, init="he", rng=np.random.default_rng(1))
    model.layers[0].b.data[:] = (-100, 100)
    into_hidden, into_logits = contributions(model, picture, 30)
    assert set(into_hidden.targets) == {1}
    assert set(into_logits.sources) == {1}
    model.layers[0].b.data[:] = -100
    assert [len(edges.values) for edges in contributions(model, picture, 30)] == [0, 0]
