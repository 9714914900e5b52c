"""Damage done on purpose to a copy: what it changes, and that it changes nothing else."""

import numpy as np
import pytest
from networks import small_network

from engine import TrainingConfig
from engine.nn import ReLU, Sigmoid, Tanh
from minigrad_gui.insight import activations
from minigrad_gui.insight.damage import Damage, DamageHistory


@pytest.fixture(params=[ReLU, Tanh, Sigmoid])
def model(request):
    return small_network(request.param)


@pytest.fixture
def picture(mnist):
    return mnist.test_images[0]


def numbers(model):
    return [parameter.data.copy() for parameter in model.parameters()]


def test_no_damage_changes_no_number(model):
    copy = Damage().apply(model)
    assert copy is not model
    assert not Damage()
    for before, after in zip(model.parameters(), copy.parameters(), strict=True):
        np.testing.assert_array_equal(before.data, after.data)


def test_the_network_itself_is_never_damaged(model):
    before = numbers(model)
    Damage().toggled(0, 3).with_noise(1, 0.5).with_scale(2, 3.0).apply(model)
    for old, new in zip(before, numbers(model), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_silenced_neuron_passes_nothing_on(model, picture):
    damaged = Damage().toggled(0, 3).toggled(1, 7).apply(model)
    x = picture.ravel() / np.float32(255)
    for number, layer in enumerate(model.layers[:-1]):
        x = model.activation(layer(x)).data.copy()
        x[{0: 3, 1: 7}[number]] = 0
    expected = model.layers[-1](x).data
    np.testing.assert_allclose(activations(damaged, picture)[-1], expected, rtol=1e-4, atol=1e-5)
    assert activations(damaged, picture)[0][3] == (0.5 if isinstance(model.activation, Sigmoid) else 0)
    assert not np.allclose(expected, activations(model, picture)[-1])


def test_a_neuron_can_be_heard_again():
    assert Damage().toggled(0, 3).toggled(0, 3) == Damage()
    assert bool(Damage().toggled(0, 3))


def test_noise_is_relative_to_the_spread_of_the_weights_and_follows_the_seed(model):
    W = model.layers[0].W.data
    noise = Damage().with_noise(0, 0.5).apply(model).layers[0].W.data - W
    assert noise.std() / W.std() == pytest.approx(0.5, rel=0.05)
    again = Damage().with_noise(0, 0.5).apply(model).layers[0].W.data - W
    np.testing.assert_array_equal(noise, again)
    twice = Damage().with_noise(0, 1.0).apply(model).layers[0].W.data - W
    np.testing.assert_allclose(twice, 2 * noise, atol=1e-6)
    other = Damage(seed=1).with_noise(0, 0.5).apply(model).layers[0].W.data - W
    assert abs(np.corrcoef(noise.ravel(), other.ravel())[0, 1]) < 0.1
    assert not Damage().with_noise(0, 0.0)


def test_a_scaled_layer_says_so_much_more(model, picture):
    scaled = Damage().with_scale(2, 2.5).apply(model)
    np.testing.assert_allclose(activations(scaled, picture)[-1], 2.5 * activations(model, picture)[-1], rtol=1e-5)
    assert not Damage().with_scale(2, 1.0)


def test_silenced_neurons_stay_silent_amid_noise(model):
    damaged = Damage().with_noise(0, 1.0).with_noise(1, 1.0).toggled(0, 3).apply(model)
    assert not damaged.layers[0].W.data[3].any()
    assert not damaged.layers[1].W.data[:, 3].any()


@pytest.mark.parametrize(
    "damage",
    [Damage().toggled(2, 0), Damage().toggled(0, 20), Damage().with_noise(3, 1.0), Damage().with_scale(-1, 2.0)],
)
def test_damage_to_what_is_not_there_is_refused(model, damage):
    with pytest.raises(ValueError, match="the network has no"):
        damage.apply(model)


def test_each_step_can_be_undone():
    history = DamageHistory()
    assert (history.now, history.can_undo) == (Damage(), False)
    history.do(history.now.toggled(0, 3))
    history.do(history.now.with_noise(1, 0.5))
    assert history.now == Damage().toggled(0, 3).with_noise(1, 0.5)
    history.undo()
    assert history.now == Damage().toggled(0, 3)
    history.undo()
    history.undo()
    assert (history.now, history.can_undo) == (Damage(), False)


def test_a_slider_is_undone_as_one():
    history = DamageHistory()
    for amount in (0.1, 0.2, 0.3):
        history.do(history.now.with_noise(0, amount), "noise 0")
    history.do(history.now.with_noise(1, 0.1), "noise 1")
    history.undo()
    assert history.now == Damage().with_noise(0, 0.3)
    history.do(history.now.with_noise(0, 0.4), "noise 0")
    history.undo()
    assert history.now == Damage().with_noise(0, 0.3), "after an undo, the slider begins a step of its own"
    history.undo()
    assert history.now == Damage()


def test_another_network_has_no_past():
    history = DamageHistory()
    history.do(Damage().toggled(0, 3))
    history.forget()
    assert (history.now, history.can_undo) == (Damage(), False)


def test_only_what_is_damaged_is_copied(model):
    damaged = Damage().toggled(0, 3).with_scale(2, 2.0).apply(model)
    assert not any(np.shares_memory(*pair) for pair in zip(numbers_of(damaged), numbers_of(model), strict=True))
    damaged = Damage().with_noise(1, 0.5).apply(model)
    shared = [np.shares_memory(*pair) for pair in zip(numbers_of(damaged), numbers_of(model), strict=True)]
    assert shared == [True, True, False, False, True, True]


def numbers_of(model):
    return [parameter.data for parameter in model.parameters()]


def test_noise_is_added_to_connections_alone():
    config = TrainingConfig(hidden=(20, 12), receptive_field_px=10)
    model, seen = config.build_model(784, 10), config.seen(784)
    W, noisy = model.layers[0].W.data, Damage().with_noise(0, 0.5).apply(model).layers[0].W.data
    assert np.all(noisy[~seen] == 0)
    assert (noisy - W)[seen].std() == pytest.approx(0.5 * W[seen].std(), rel=0.05)
