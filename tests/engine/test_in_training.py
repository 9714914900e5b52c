"""Dropout in an MLP."""

import numpy as np
from small_runs import blobs

from engine import MLP, Tanh, Tensor, TrainingConfig, gradcheck
from engine.in_training import MLPInTraining
from engine.run import TrainingRun


def network():
    return MLP(5, [40, 30], 3, rng=np.random.default_rng(0), init="he")


X = np.random.default_rng(1).normal(size=(200, 5))


def test_each_mini_batch_drops_others_and_a_resumed_run_the_same():
    dropping = MLPInTraining(network(), 0.5, seed=4)
    first, second = (dropping(X).data for _ in range(2))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(MLPInTraining(network(), 0.5, seed=4, mini_batches_done=1)(X).data, second)
    assert not np.array_equal(MLPInTraining(network(), 0.5, seed=5)(X).data, first)


def test_the_mean_is_preserved_up_to_the_last_layer():
    linear = MLP(5, [400], 3, rng=np.random.default_rng(0))
    linear.activation = lambda x: x
    outputs = np.mean([MLPInTraining(linear, 0.3, seed)(X).data for seed in range(300)], axis=0)
    np.testing.assert_allclose(outputs, linear(X).data, atol=0.15 * abs(linear(X).data).max())


def test_inputs_and_logits_are_not_dropped():
    flat = MLP(5, [], 3, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(MLPInTraining(flat, 0.9, 0)(X).data, flat(X).data)


def test_gradients():
    model = MLP(5, [6, 4], 3, Tanh, rng=np.random.default_rng(0), init="xavier")

    def loss(*parameters):
        for layer, W, b in zip(model.layers, parameters[::2], parameters[1::2], strict=True):
            layer.W, layer.b = W, b
        return (MLPInTraining(model, 0.4, seed=2)(Tensor(X[:3])) ** 2).sum()

    assert gradcheck(loss, *model.parameters())


def test_the_network_of_a_run_drops_nothing():
    config = TrainingConfig(hidden=(16,), batch_size=16, epochs=2, learning_rate=0.01, dropout=0.5)
    run = TrainingRun(config, *blobs(), 3)
    plain = TrainingRun(TrainingConfig(hidden=(16,), batch_size=16, epochs=2, learning_rate=0.01), *blobs(), 3)
    assert [step.loss for step, _ in run][1:] != [step.loss for step, _ in plain][1:]
    assert type(run.model) is MLP
    images = run.validation[0].reshape(run.validation_count, -1) / 1.0
    np.testing.assert_array_equal(run.model(images).data, run.model(images).data)
