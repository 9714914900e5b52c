"""Why a network reads what it reads: gradients against finite differences, sums against the logit."""

from itertools import pairwise

import numpy as np
import pytest
from networks import small_network

from engine import MLP, TrainingConfig, load_model
from engine.nn import ReLU, Sigmoid, Tanh
from engine.run import TrainingRun
from engine.training import predict
from minigrad_gui.insight import activations, saliency, toward
from minigrad_gui.insight.why import change_norm, contribution, trace_of_logit, without_each_stroke
from minigrad_gui.resources import asset_path


@pytest.fixture(params=[ReLU, Tanh, Sigmoid])
def model(request):
    """In float64, for finite differences."""
    return small_network(request.param, np.float64)


@pytest.fixture(scope="module")
def trained(mnist):
    config = TrainingConfig(hidden=(64,), epochs=2, batch_size=64)
    run = TrainingRun(config, mnist.train_images[:6000], mnist.train_labels[:6000], 10)
    run.threads = 1
    for _ in run.chunks():
        pass
    return run.model


@pytest.fixture
def picture(mnist):
    return mnist.test_images[0] / 255


def test_saliency_is_the_slope_of_the_logit(model, picture):
    slopes = saliency(model, picture, 3)
    assert slopes.shape == (28, 28)
    for place in [(0, 0), (7, 8), (14, 14), (20, 13), (27, 27)]:
        step = np.zeros((28, 28))
        step[place] = 1e-6
        difference = activations(model, picture + step)[-1][3] - activations(model, picture - step)[-1][3]
        assert slopes[place] == pytest.approx(difference / 2e-6, rel=1e-5, abs=1e-9)


def test_neurons_get_the_slope_of_the_logit_too(model, picture):
    way = trace_of_logit(model, picture, 3)
    after = way.outputs[0].data.copy()

    def logit(outputs):
        x = model.activation(model.layers[1](outputs))
        return model.layers[2](x).data[3]

    for unit in (0, 7, 19):
        step = np.zeros(20)
        step[unit] = 1e-6
        slope = (logit(after + step) - logit(after - step)) / 2e-6
        assert way.outputs[0].grad[unit] == pytest.approx(slope, rel=1e-5, abs=1e-9)


def test_contributions_and_the_rest_add_up_to_the_logit(model, picture):
    for digit in range(10):
        whole = contribution(model, picture, digit)
        assert whole.pixels.sum() + whole.rest == pytest.approx(activations(model, picture)[-1][digit])
        np.testing.assert_allclose(whole.pixels, saliency(model, picture, digit) * picture)


def test_with_relus_the_rest_is_what_the_biases_contribute(picture):
    model = MLP(784, (20, 12), 10, ReLU, init="he", rng=np.random.default_rng(1))
    for layer in model.layers:
        layer.b.data += np.random.default_rng(2).normal(0, 0.1, layer.b.shape)
    whole = contribution(model, picture, 3)
    from_biases, behind = 0.0, np.eye(10)[3]
    for layer, output in zip(reversed(model.layers), [None, *activations(model, picture)[-2::-1]], strict=True):
        behind = behind if output is None else behind * (output > 0)
        from_biases += behind @ layer.b.data
        behind = behind @ layer.W.data
    assert whole.rest == pytest.approx(from_biases)
    assert whole.rest != pytest.approx(0, abs=1e-3)


def test_a_digit_is_changed_until_it_is_read_as_another(trained, mnist):
    reached = 0
    for picture, label in zip(mnist.test_images[:10] / np.float32(255), mnist.test_labels[:10], strict=True):
        digit = int(label + 3) % 10
        pictures = list(toward(trained, picture, digit, 100))
        assert all(each.shape == (28, 28) and each.min() >= 0 and each.max() <= 1 for each in pictures)
        probabilities = predict(trained, np.stack(pictures))[:, digit]
        assert (probabilities[:-1] <= 0.5).all()
        reached += probabilities[-1] > 0.5
        for step, (before, after) in enumerate(pairwise([picture, *pictures])):
            assert change_norm(before, after) <= 0.1 * 1.05**step + 1e-4
        assert change_norm(picture, pictures[-1]) < 0.4 * np.linalg.norm(picture)
    assert reached == 10


def test_a_network_that_doubts_what_is_no_digit_is_mostly_convinced_too(mnist):
    model, _ = load_model(asset_path("pretrained.npz"))
    reached = 0
    for digit in range(10):
        *_, last = toward(model, mnist.test_images[5 if digit != 1 else 3] / np.float32(255), digit, 100)
        reached += predict(model, last[np.newaxis])[0, digit] > 0.5
    assert reached >= 7


def test_a_picture_that_is_the_digit_already_stays(trained, mnist):
    picture = mnist.test_images[0] / np.float32(255)
    assert list(toward(trained, picture, 7, 50)) == []


def test_toward_ends_after_so_many_steps(trained, mnist):
    assert len(list(toward(trained, mnist.test_images[0] / np.float32(255), 3, 2))) == 2


def test_toward_ends_where_no_pixel_makes_a_difference(picture):
    dead = MLP(784, (8,), 10, dtype=np.float32)
    dead.layers[0].b.data[:] = -100
    assert list(toward(dead, picture, 3, 50)) == []


def test_the_norm_of_a_change_is_euclidean():
    before, after = np.zeros((28, 28), np.float32), np.zeros((28, 28), np.float32)
    after[3, 4], after[5, 6] = 0.3, 0.4
    assert change_norm(before, after) == pytest.approx(0.5)


def test_strokes_are_left_out_one_by_one():
    strokes = [np.full((2, 2), number) for number in range(3)]
    numbers = without_each_stroke(lambda left: [int(stroke[0, 0]) for stroke in left], strokes)
    assert numbers == [[1, 2], [0, 2], [0, 1]]
    assert without_each_stroke(len, strokes[:1]) == [0]
