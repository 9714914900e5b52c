"""A committee's networks are trained one after the other, and say the mean of what each says."""

from dataclasses import replace

import numpy as np
import pytest
from networks import same
from small_runs import VARIED, blobs, some_digits

from engine import ConfigError, TrainingConfig, load_checkpoint, save_checkpoint
from engine.nn import MLP, ReLU, Tanh, committee
from engine.run import TrainingRun
from engine.training import evaluate, logits_of

CONFIG = TrainingConfig(hidden=(6, 4), epochs=5, batch_size=8, learning_rate=0.01, schedule="one-cycle", members=2)


def a_run(**changes):
    return TrainingRun(replace(CONFIG, **changes), *blobs(dtype=np.float32), 3)


@pytest.mark.parametrize("hidden", [(), (5,), (5, 4), (5, 4, 3)])
@pytest.mark.parametrize(("dtype", "activation"), [(np.float32, ReLU), (np.float64, Tanh)])
def test_a_committee_says_the_mean_of_its_networks_logits(hidden, dtype, activation):
    rng = np.random.default_rng(0)
    networks = [MLP(7, hidden, 3, activation, rng=rng, dtype=dtype, init="he") for _ in range(3)]
    for network in networks:
        for layer in network.layers:
            layer.b.data = rng.normal(size=layer.b.shape).astype(dtype)
    images = rng.normal(size=(20, 7)).astype(dtype)
    whole = committee(networks)
    assert whole.sizes == (7, *(3 * size for size in hidden), 3)
    assert (whole.dtype, type(whole.activation)) == (dtype, activation)
    mean = np.mean([logits_of(network, images) for network in networks], axis=0)
    np.testing.assert_allclose(logits_of(whole, images), mean, rtol=0, atol=20 * np.finfo(dtype).eps)


def test_each_network_is_trained_as_a_single_one_in_its_share_of_the_epochs():
    run, single = a_run(), a_run(members=1, epochs=2)
    list(single)
    for _, summary in run:
        if summary and summary.epoch == 1:
            assert same(run.state().members[0], single.model)
            assert same(run.model, single.model)
    first, second = run.state().members
    assert same(first, single.model)
    assert same(second, run.trained)
    assert not np.allclose(first.layers[0].W.data, second.layers[0].W.data)
    assert same(run.model, committee([first, second]))


def test_each_begins_with_other_weights():
    first, second, third = (CONFIG.build_model(4, 3, member) for member in range(3))
    assert same(first, replace(CONFIG, members=1).build_model(4, 3))
    assert not same(first, second)
    assert not same(second, third)


def test_the_schedule_begins_anew_for_each():
    run = a_run()
    rates = [run.optimizer.lr for _ in run]
    per_epoch = run.steps_per_epoch
    assert rates[2 * per_epoch] == rates[0]
    assert rates[2 * per_epoch - 1] < rates[0] < max(rates[2 * per_epoch :])


def test_the_finished_ones_are_evaluated():
    run = a_run(validation_share=0.25, epochs=4)
    losses = []
    for _, summary in run:
        if summary:
            losses.append(summary.validation_loss)
            assert losses[-1] == evaluate(run.model, *run.validation)[0]
    assert losses[1] == losses[2] != losses[3]


def test_plain_epochs_and_averages_are_those_of_each():
    images, labels = some_digits(40)
    config = replace(CONFIG, epochs=4, plain_epochs=1, augmentation=VARIED, averaging="last", averaged_epochs=1.0)
    run, single = (
        TrainingRun(config, images, labels, 10),
        TrainingRun(replace(config, members=1, epochs=2), images, labels, 10),
    )
    list(run)
    list(single)
    first, second = run.state().members
    assert same(first, single.model)
    assert not same(first, single.trained)
    assert not same(second, run.trained)


def test_a_committee_that_continues_from_a_network_has_its_dtype(tmp_path):
    start = MLP(784, (6, 4), 10, dtype=np.float64)
    run = TrainingRun(replace(CONFIG, epochs=3), *some_digits(40), 10, start_from=start)
    for _ in range(run.steps_per_epoch + 2):
        next(iter(run))
    save_checkpoint(tmp_path / "run.npz", run.state())
    state, _ = load_checkpoint(tmp_path / "run.npz")
    assert state.model.dtype == state.members[0].dtype == np.float64


def test_a_committee_cannot_end_early_and_must_fit():
    for changes in ({"patience": 1}, {"stop_accuracy": 0.9}, {"keep_best": "loss"}):
        with pytest.raises(ConfigError, match="A committee is trained to the end"):
            replace(CONFIG, **changes)
    with pytest.raises(ConfigError, match="parameters are too many"):
        replace(CONFIG, hidden=(2000, 2000), members=4).sizes(784, 10)
    replace(CONFIG, hidden=(2000, 2000), members=1).sizes(784, 10)
