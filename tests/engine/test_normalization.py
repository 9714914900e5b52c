"""Batch normalization: in training over each mini-batch, afterwards as a part of the weights."""

from dataclasses import replace

import numpy as np
import pytest
from small_runs import blobs, some_digits
from threadpoolctl import threadpool_limits

from engine import MLP, Sigmoid, Tanh, Tensor, TrainingConfig, evaluate, gradcheck
from engine.in_training import MLPInTraining
from engine.normalization import EPSILON, folded, normalized, unfolded
from engine.run import TrainingRun
from engine.training import logits_of

CONFIG = TrainingConfig(hidden=(16, 12), batch_size=20, epochs=3, learning_rate=0.01, normalization="batch")
X = np.random.default_rng(1).normal(3, 2, size=(50, 5))


def network(activation=None, **settings):
    settings = {"rng": np.random.default_rng(0), "init": "he", **settings}
    model = MLP(5, [12, 9], 4, **({"activation": activation} if activation else {}), **settings)
    for layer in model.layers:
        layer.b.data[...] = np.random.default_rng(2).normal(size=layer.b.shape)
    return model


def in_training(model):
    return MLPInTraining(model, 0.0, 0, normalizes=True)


def test_each_neuron_has_mean_0_and_variance_1_before_its_bias():
    layer = network().layers[0]
    z = normalized(Tensor(X), layer.W, layer.b).data - layer.b.data
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(z.var(axis=0), 1, atol=1e-4)


def test_the_formula():
    model = network(Tanh)
    x = X
    for layer in model.layers[:-1]:
        z = x @ layer.W.data.T
        x = np.tanh((z - z.mean(axis=0)) / np.sqrt(z.var(axis=0) + EPSILON) + layer.b.data)
    np.testing.assert_allclose(in_training(model)(X).data, model.layers[-1](x).data)


def test_gradients():
    model = network(Tanh)

    def loss(*parameters):
        for layer, W, b in zip(model.layers, parameters[::2], parameters[1::2], strict=True):
            layer.W, layer.b = W, b
        return (in_training(model)(Tensor(X[:6])) ** 2).sum()

    assert gradcheck(loss, *model.parameters())


def test_a_neuron_that_never_changes_is_no_division_by_0():
    model = network()
    model.layers[0].W.data[3] = 0
    in_training(model)(X).sum().backward()
    assert all(np.isfinite(parameter.grad).all() for parameter in model.parameters())
    assert np.isfinite(folded(model, X)(X).data).all()


@pytest.mark.parametrize("activation", [None, Tanh, Sigmoid])
def test_a_folded_network_reads_alike(activation):
    model = network(activation)
    plain = folded(model, X)
    assert type(plain) is MLP
    assert plain.sizes == model.sizes
    np.testing.assert_allclose(plain(X).data, in_training(model)(X).data)
    assert plain(X[0]).data == pytest.approx(in_training(model)(X).data[0])  # alone as among the others


def test_an_unfolded_network_reads_alike():
    plain = network()
    np.testing.assert_allclose(in_training(unfolded(plain, X))(X).data, plain(X).data)
    np.testing.assert_allclose(folded(unfolded(plain, X), X)(X).data, plain(X).data)


@pytest.mark.parametrize("activation", [Tanh, Sigmoid])
def test_only_relus_can_be_normalized_later_on(activation):
    with pytest.raises(ValueError, match="if its activation is ReLU"):
        unfolded(network(activation), X)


@pytest.mark.parametrize("function", [folded, unfolded])
def test_a_network_that_has_exploded_gives_no_warning(function):
    model = network(dtype=np.float32)
    model.layers[0].W.data[...] = 1e38
    assert not np.isfinite(function(model, X.astype(np.float32)).layers[0].b.data).all()


def test_neurons_that_are_dead_or_constant_are_unfolded():
    plain = network()
    plain.layers[0].b.data[:4] = -1000
    plain.layers[1].W.data[:3] = 0
    np.testing.assert_allclose(folded(unfolded(plain, X), X)(X).data, plain(X).data)


def test_a_run_does_not_go_on_from_a_network_of_tanhs():
    start = TrainingRun(replace(CONFIG, normalization="none", activation="tanh"), *blobs(), 3).trained
    with pytest.raises(ValueError, match="if its activation is ReLU"):
        TrainingRun(replace(CONFIG, activation="tanh"), *blobs(), 3, start_from=start)


def test_between_epochs_fewer_samples_are_looked_at():
    run = TrainingRun(replace(CONFIG, validation_share=0.0, batch_size=1000, epochs=1), *blobs(5000), 3)
    steps = iter(run)
    between = []
    for _ in range(4):
        next(steps)
        between.append(run.model.layers[0].b.data)
    few, many = (folded(run.trained, run._normalizing_samples(count)).layers[0].b.data for count in (500, 4000))
    np.testing.assert_array_equal(between[-1], few)
    assert not np.array_equal(few, many)
    next(steps)
    many = folded(run.trained, run._normalizing_samples(4000)).layers[0].b.data
    np.testing.assert_array_equal(run.model.layers[0].b.data, many)


def test_the_network_of_a_run_is_a_plain_one_that_has_learned():
    run = TrainingRun(CONFIG, *blobs(200), 3)
    for _ in run:
        pass
    assert type(run.model) is MLP
    assert run.model is run.model  # folding takes time
    assert run.epochs[-1].validation_accuracy == 1
    assert evaluate(run.model, *run.validation) == (
        run.epochs[-1].validation_loss,
        run.epochs[-1].validation_accuracy,
    )


@pytest.mark.parametrize("order", ["sorted", "in turn"])
def test_means_and_variances_are_over_all_classes_however_samples_lie(order):
    images, labels = blobs(30_000)
    by_class = [np.flatnonzero(labels == label)[:9000] for label in range(3)]
    indices = np.concatenate(by_class) if order == "sorted" else np.stack(by_class, axis=1).ravel()
    config = replace(CONFIG, validation_share=0.0, batch_size=200, epochs=1)
    run = TrainingRun(config, images[indices], labels[indices], 3)
    for _ in run.chunks():
        pass
    x = images[indices]
    np.testing.assert_allclose(logits_of(run.model, x), in_training(run.trained)(x.astype(np.float32)).data, atol=0.5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_run_goes_on_from_a_plain_network(dtype):
    data = blobs(200)
    start = TrainingRun(replace(CONFIG, normalization="none"), *data, 3).trained
    start = MLP.from_parameters([(layer.W.data.astype(dtype), layer.b.data.astype(dtype)) for layer in start.layers])
    run = TrainingRun(CONFIG, *data, 3, start_from=start)
    np.testing.assert_allclose(logits_of(run.model, data[0]), logits_of(start, data[0]), rtol=1e-4, atol=1e-5)
    before = evaluate(run.model, *data)[0]
    for _ in run:
        pass
    assert evaluate(run.model, *data)[0] < before


def test_the_network_does_not_depend_on_how_many_threads_blas_has():
    run = TrainingRun(replace(CONFIG, hidden=(256, 128), epochs=1), *some_digits(2000), 10)
    for _ in run.chunks():
        pass
    with threadpool_limits(1, user_api="blas"):
        alone = folded(run.trained, run._normalizing_samples(4000))
    with threadpool_limits(2, user_api="blas"):
        state = run.state()
        run.load_state(state)  # which forgets the network
        for ours, theirs in zip(run.model.parameters(), alone.parameters(), strict=True):
            np.testing.assert_array_equal(ours.data, theirs.data)


def test_a_state_of_no_steps_is_loaded_into_a_run_that_was_looked_at():
    data = blobs(200)
    start = TrainingRun(replace(CONFIG, normalization="none", seed=5), *data, 3).trained
    state = TrainingRun(CONFIG, *data, 3, start_from=start).state()
    run = TrainingRun(CONFIG, *data, 3)
    run.model(data[0])
    run.load_state(state)
    np.testing.assert_allclose(logits_of(run.model, data[0]), logits_of(start, data[0]), rtol=1e-4, atol=1e-5)


def test_a_deep_network_of_sigmoids_learns_only_with_it():
    settings = {"hidden": (32,) * 8, "activation": "sigmoid", "epochs": 6, "batch_size": 32, "learning_rate": 0.005}
    accuracies = {}
    for normalization in ("none", "batch"):
        run = TrainingRun(TrainingConfig(**settings, normalization=normalization), *some_digits(2000), 10)
        for _ in run:
            pass
        accuracies[normalization] = run.epochs[-1].accuracy
    assert accuracies["none"] < 0.3
    assert accuracies["batch"] > 0.8
