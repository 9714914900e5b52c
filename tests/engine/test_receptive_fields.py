"""Receptive fields: which pixels a neuron sees, and that it learns nothing of the others."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from small_runs import some_digits

from engine import MLP, ConfigError, TrainingConfig
from engine.fast import steps as steps_module
from engine.nn import committee
from engine.optim import OPTIMIZERS
from engine.receptive_fields import seen_pixels, unseen_pixels
from engine.run import TrainingRun

CONFIG = TrainingConfig(
    hidden=(12, 8), batch_size=50, epochs=2, learning_rate=0.01, validation_share=0.0, receptive_field_px=10
)


def windows(in_dim, neurons, field_px):
    size = round(in_dim**0.5)
    return seen_pixels(in_dim, neurons, field_px).reshape(neurons, size, size)


def corner(window):
    """Its top, left, height and width."""
    rows, columns = (np.flatnonzero(window.any(axis=axis)) for axis in (1, 0))
    assert window.sum() == len(rows) * len(columns), "a rectangle"
    return int(rows[0]), int(columns[0]), len(rows), len(columns)


def test_four_neurons_see_a_quarter_each():
    assert [corner(window) for window in windows(64, 4, 4)] == [(0, 0, 4, 4), (0, 4, 4, 4), (4, 0, 4, 4), (4, 4, 4, 4)]


@pytest.mark.parametrize("neurons", [1, 2, 3, 7, 16, 100, 1000])
@pytest.mark.parametrize("field_px", [1, 9, 14, 27, 28])
def test_windows_lie_within_the_picture_from_edge_to_edge(neurons, field_px):
    corners = [corner(window) for window in windows(784, neurons, field_px)]
    assert {found[2:] for found in corners} == {(field_px, field_px)}
    for axis in (0, 1):
        places = sorted({found[axis] for found in corners})
        if len(places) > 1:
            assert (places[0], places[-1]) == (0, 28 - field_px)
            steps = [after - before for before, after in pairwise(places)]
            assert max(steps) - min(steps) <= 1


def test_a_single_window_is_in_the_middle():
    assert corner(windows(784, 1, 14)[0]) == (7, 7, 14, 14)


@pytest.mark.parametrize("field_px", [8, 9, 28])
def test_all_see_a_picture_that_is_not_larger(field_px):
    assert seen_pixels(64, 5, field_px).all()


def test_only_square_pictures_have_windows():
    with pytest.raises(ValueError, match="square pictures, which 63 inputs are not"):
        seen_pixels(63, 5, 4)
    with pytest.raises(
        ConfigError, match="Receptive fields are windows of square pictures, not of 63 inputs"
    ) as caught:
        CONFIG.build_model(63, 10)
    assert caught.value.field == "receptive_field_px"
    replace(CONFIG, hidden=()).build_model(63, 10)  # which has no hidden neurons


@pytest.mark.parametrize(
    ("neurons", "field_px", "unseen"), [(36, 10, 0), (81, 9, 0), (17, 10, 84), (16, 5, 384), (785, 1, 26), (2, 14, 392)]
)
def test_pixels_that_no_neuron_sees_are_counted(neurons, field_px, unseen):
    assert np.count_nonzero(~seen_pixels(784, neurons, field_px).any(axis=0)) == unseen
    assert unseen_pixels(784, neurons, field_px) == unseen
    assert replace(CONFIG, hidden=(neurons,), receptive_field_px=field_px).count_unseen(784) == unseen


def test_parameters_that_can_learn_are_counted():
    config = replace(CONFIG, hidden=(400, 30))
    model = config.build_model(784, 10)
    drawn = sum(np.count_nonzero(layer.W.data) + layer.b.size for layer in model.layers)
    assert config.count_learning(784, 10) == drawn
    assert replace(config, hidden=()).count_learning(784, 10) == 7850
    assert replace(CONFIG, hidden=(10**9,)).count_learning(784, 10) == 10**9 * (100 + 1 + 10) + 10


@pytest.mark.parametrize(
    ("activation", "deviation"), [("relu", np.sqrt(2 / 14**2)), ("tanh", np.sqrt(2 / (14**2 + 400)))]
)
def test_weights_are_drawn_for_as_many_pixels_as_a_neuron_sees(activation, deviation):
    config = replace(CONFIG, hidden=(400,), receptive_field_px=14, activation=activation)
    W = config.build_model(784, 10).layers[0].W.data
    seen = config.seen(784)
    assert np.all(W[~seen] == 0)
    assert W[seen].std() == pytest.approx(deviation, rel=0.02)
    everything = replace(config, receptive_field_px=28).build_model(784, 10).layers[0].W.data
    np.testing.assert_array_equal(
        everything, replace(config, receptive_field_px=0).build_model(784, 10).layers[0].W.data
    )


@pytest.mark.parametrize("is_compiled", [True, False])
@pytest.mark.parametrize("optimizer", list(OPTIMIZERS))
def test_weights_of_unseen_pixels_stay_0_and_the_others_learn(optimizer, is_compiled, monkeypatch):
    if not is_compiled:
        monkeypatch.setattr(steps_module, "fused_steps", lambda *_: None)
    settings = {"optimizer": optimizer, "weight_decay": 0.1, "l1": 1e-4, "l2": 1e-4, "clip_norm": 1.0, "dropout": 0.1}
    run = TrainingRun(replace(CONFIG, **settings), *some_digits(300), 10)
    before = run.trained.layers[0].W.data.copy()
    for _ in run:
        pass
    W, seen = run.model.layers[0].W.data, CONFIG.seen(784)
    assert np.all(W[~seen] == 0)
    inked = seen & (some_digits(300)[0].reshape(300, -1) > 0).any(axis=0)
    assert np.mean(W[inked] != before[inked]) > 0.9


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"normalization": "batch"},
        {"averaging": "ema", "averaged_epochs": 0.5},
        {"members": 2},
        {"activation": "tanh", "label_smoothing": 0.1},
        {"augmentation": {"shift_px": 1.0, "elastic_px": 1.0}},
    ],
)
def test_with_other_settings(changes):
    config = replace(CONFIG, **changes)
    run = TrainingRun(config, *some_digits(300), 10)
    for _ in run:
        pass
    seen = config.seen(784)
    W = run.model.layers[0].W.data
    for member in np.split(W, config.members):
        assert np.all(member[~seen] == 0)
        assert np.mean(member[seen] != 0) > 0.9
    if config.members == 1:
        assert config.describes(run.model)


def test_a_run_continues_from_a_network_whose_neurons_see_no_more():
    data = some_digits(300)
    fields = TrainingRun(CONFIG, *data, 10).trained
    for wider in (10, 14, 0):  # other weights are 0 at first, and learn
        TrainingRun(replace(CONFIG, receptive_field_px=wider), *data, 10, start_from=fields)
    whole = TrainingRun(replace(CONFIG, receptive_field_px=0), *data, 10).trained
    for config, network in ((CONFIG, whole), (replace(CONFIG, receptive_field_px=7), fields)):
        with pytest.raises(ValueError, match="the network to continue from has neurons that see more than a window"):
            TrainingRun(config, *data, 10, start_from=network)
    two = committee([fields, fields])
    assert not replace(CONFIG, hidden=two.sizes[1:-1]).describes(two)
    assert not CONFIG.describes(MLP(63, CONFIG.hidden, 10)), "whose inputs have no windows"
