"""The network's own pictures of the digits: it reads them as such, and they look like digits."""

import numpy as np
import pytest

from engine import MLP, Tensor, TrainingConfig, load_model
from engine.nn import Tanh
from engine.run import TrainingRun
from engine.training import predict
from minigrad_gui.insight import prototype
from minigrad_gui.insight.prototypes import COPIES, _mean_gradients, _smoothed
from minigrad_gui.resources import asset_path


def trained(mnist, activation):
    config = TrainingConfig(hidden=(64,), activation=activation, epochs=4, batch_size=64)
    run = TrainingRun(config, mnist.train_images[:6000], mnist.train_labels[:6000], 10)
    run.threads = 1
    for _ in run.chunks():
        pass
    return run.model


def ranks(pictures, mnist):
    """For each digit's picture, how many other digits' means in MNIST it resembles more."""
    means = np.stack([mnist.train_images[mnist.train_labels == digit].mean(axis=0).ravel() for digit in range(10)])
    alike = np.corrcoef(pictures.reshape(10, -1), means)[:10, 10:]
    return (alike > alike.diagonal()[:, np.newaxis]).sum(axis=1)


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
def test_the_network_reads_its_own_pictures_and_they_look_like_digits(mnist, activation):
    model = trained(mnist, activation)
    pictures = np.stack([prototype(model, digit) for digit in range(10)])
    assert pictures.shape == (10, 28, 28)
    assert pictures.min() >= 0
    assert pictures.max() <= 1
    assert (predict(model, pictures).diagonal() > 0.6).all()
    assert (ranks(pictures, mnist) == 0).all()


def test_the_bundled_network_draws_digits(mnist):
    """Most pictures resemble MNIST's mean of their digit more than those of other digits; all are read as their digit.

    From blank paper alone some networks draw nothing but shades for one digit or another.
    """
    model, _ = load_model(asset_path("pretrained.npz"))
    pictures = np.stack([prototype(model, digit) for digit in range(10)])
    assert np.median(ranks(pictures, mnist)) < 1  # by chance 4.5
    assert (predict(model, pictures).diagonal() > 0.95).all()


def test_its_lines_are_smooth():
    """Neighbouring pixels are alike even where the network is noise."""
    model = MLP(784, (20,), 10, Tanh, dtype=np.float32, init="he", rng=np.random.default_rng(1))
    picture = prototype(model, 3)
    assert np.corrcoef(picture[:, :-1].ravel(), picture[:, 1:].ravel())[0, 1] > 0.8


def test_it_is_the_same_each_time():
    model = MLP(784, (20,), 10, Tanh, dtype=np.float32, init="he", rng=np.random.default_rng(1))
    assert prototype(model, 3).any()
    np.testing.assert_array_equal(prototype(model, 3), prototype(model, 3))


def test_a_network_that_sees_nothing_draws_nothing():
    dead = MLP(784, (8,), 10, dtype=np.float32)
    dead.layers[0].b.data[:] = -100
    assert not prototype(dead, 3).any()


def test_the_gradient_is_the_mean_over_shifted_copies():
    model = MLP(784, (20,), 10, init="he", rng=np.random.default_rng(1))
    picture = np.random.default_rng(2).random((28, 28))
    shifts = np.random.default_rng(7).integers(-2, 3, (COPIES, 2))
    expected = np.zeros((28, 28))
    for down, right in shifts:
        copy = Tensor(picture, requires_grad=True)
        rows = copy[(np.arange(28) - down) % 28]
        model(rows[:, (np.arange(28) - right) % 28].reshape(784))[3].backward()
        expected += copy.grad / COPIES
    pictures = np.stack([np.zeros((28, 28)), picture])
    np.testing.assert_allclose(_mean_gradients(model, pictures, 3, np.random.default_rng(7))[1], expected)


def test_smoothing_spreads_a_dot_and_loses_nothing():
    dot = np.zeros((1, 28, 28))
    dot[0, 14, 14] = 1
    (smooth,) = _smoothed(dot)
    assert smooth.sum() == pytest.approx(1)
    assert smooth[14, 14] == pytest.approx((6 / 16) ** 2)
    np.testing.assert_allclose(smooth, smooth.T)
