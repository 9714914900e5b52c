"""TrainingConfig: which settings are rejected, what it builds, and conversion to JSON."""

import json
from dataclasses import fields, replace

import numpy as np
import pytest
from networks import same
from small_runs import VARIED, network

from engine import (
    SGD,
    Adam,
    Augmentation,
    ConfigError,
    ReLU,
    SGDMomentum,
    Sigmoid,
    Tanh,
    TrainingConfig,
)
from engine.config import MAX_AUGMENTATION

NAN, INFINITY = float("nan"), float("inf")

REFUSED = {
    "hidden": [(0,), (-1,), (4, 0), (2.5,), ("4",), (None,), (1,) * 21],
    "activation": ["", "ReLU", "gelu", None],
    "optimizer": ["", "Adam", "lion", None],
    "learning_rate": [0, -1e-3, 1001, NAN, INFINITY],
    "momentum": [-0.1, 1, 2, NAN],
    "weight_decay": [-0.1, 101, NAN, INFINITY],
    "batch_size": [0, -1, 100_001, NAN, 2.5],
    "epochs": [0, -1, 100_001, NAN, 2.5],
    "seed": [-1, 2**31, NAN, 0.5],
    "validation_share": [-0.1, 0.51, NAN],
    "plain_epochs": [-1, 100_001, NAN, 2.5],
    "training_samples": [-1, 10_000_001, NAN, 2.5],
    "label_noise": [-0.1, 1.1, NAN],
    "schedule": ["", "Cosine", "linear", None],
    "averaging": ["", "EMA", None],
    "averaged_epochs": [0, -1, 100_001, NAN, INFINITY],
    "patience": [-1, 100_001, NAN, 2.5],
    "stop_accuracy": [-0.1, 1.1, NAN],
    "keep_best": ["", "Loss", None],
    "members": [0, -1, 11, 17, NAN, 2.5],
    "dropout": [-0.1, 0.91, NAN],
    "label_smoothing": [-0.1, 0.91, NAN],
    "normalization": ["", "Batch", None],
    "l1": [-0.1, 101, NAN],
    "l2": [-0.1, 101, NAN],
    "clip_norm": [-1, 1_000_001, NAN],
    "receptive_field_px": [-1, 29, NAN, 2.5],
    "augmentation": [None, 1.0, Augmentation(shift_px=-1), Augmentation(scale=0.6), Augmentation(elastic_px=NAN)],
}


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in REFUSED.items() for value in values])
def test_invalid_settings_are_rejected(field, value):
    with pytest.raises(ConfigError) as caught:
        TrainingConfig(**{field: value})
    assert caught.value.field == field
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_batch_normalization_takes_batches():
    with pytest.raises(ConfigError, match="of two or more") as caught:
        TrainingConfig(batch_size=1, normalization="batch")
    assert caught.value.field == "batch_size"
    TrainingConfig(batch_size=2, normalization="batch")
    with pytest.raises(ConfigError, match="of two or more") as caught:
        TrainingConfig(training_samples=1, normalization="batch")
    assert caught.value.field == "training_samples"
    TrainingConfig(batch_size=1, hidden=(), normalization="batch")  # which normalizes nothing


@pytest.mark.parametrize("epochs", [0, 1.5])
def test_epochs_are_named_alike_in_every_sentence(epochs):
    with pytest.raises(ConfigError, match="The number of epochs is"):
        TrainingConfig(epochs=epochs)


def test_every_setting_is_checked():
    assert set(REFUSED) == {field.name for field in fields(TrainingConfig)}


@pytest.mark.parametrize(
    "settings",
    [
        {"hidden": ()},
        {"hidden": [4, 5]},
        {"hidden": (1,) * 20},
        {"activation": "tanh"},
        {"optimizer": "momentum", "momentum": 0},
        {"learning_rate": 1000},
        {"weight_decay": 0},
        {"batch_size": 100_000},
        {"epochs": 100_000},
        {"seed": 2**31 - 1},
        {"validation_share": 0},
        {"validation_share": 0.5},
        {"training_samples": 10_000_000, "label_noise": 1},
        {"members": 16, "epochs": 16},
        {"members": 2, "patience": 5, "stop_accuracy": 0.9, "keep_best": "loss", "validation_share": 0},
    ],
    ids=str,
)
def test_valid_settings_are_accepted(settings):
    config = TrainingConfig(**settings)
    for name, value in settings.items():
        assert getattr(config, name) == (tuple(value) if name == "hidden" else value)


def test_numbers_of_numpy_become_pythons():
    config = TrainingConfig(hidden=np.arange(5, 7), epochs=np.int64(3), learning_rate=np.float32(0.5))
    assert config == TrainingConfig(hidden=(5, 6), epochs=3, learning_rate=0.5)
    assert json.loads(json.dumps(config.to_dict()))["hidden"] == [5, 6]


def test_a_config_error_is_a_value_error():
    assert issubclass(ConfigError, ValueError)


def test_config_is_frozen_and_hashable():
    config = TrainingConfig(hidden=[4])
    with pytest.raises(AttributeError):
        config.epochs = 3
    assert hash(config) == hash(TrainingConfig(hidden=(4,)))


def test_config_survives_json():
    config = TrainingConfig(hidden=(4, 5), optimizer="momentum", seed=9)
    back = json.loads(json.dumps(config.to_dict()))
    assert back == config.to_dict()
    assert TrainingConfig(**back) == config


@pytest.mark.parametrize("augmentation", [Augmentation(), Augmentation(shift_px=1, scale=0.25), VARIED])
def test_an_augmentation_survives_json(augmentation):
    config = TrainingConfig(schedule="cosine", augmentation=augmentation)
    back = TrainingConfig(**json.loads(json.dumps(config.to_dict(), allow_nan=False)))
    assert back == config
    assert back.augmentation == augmentation
    assert hash(back) == hash(config)


def test_an_old_config_without_schedule_and_augmentation():
    old = TrainingConfig(seed=9).to_dict()
    del old["schedule"], old["augmentation"]
    assert TrainingConfig(**old) == TrainingConfig(seed=9, schedule="constant", augmentation=Augmentation())


def test_every_augmentation_has_a_limit():
    assert {*MAX_AUGMENTATION, "elastic_sigma_px"} == {field.name for field in fields(Augmentation)}


def test_the_smoothness_of_elastic_distortion_has_limits():
    for accepted in (2, 4.0, 14):
        config = TrainingConfig(augmentation=Augmentation(elastic_sigma_px=accepted))
        assert config.augmentation.elastic_sigma_px == accepted
    for refused in (0, 1.99, 14.01, NAN, INFINITY):
        with pytest.raises(ConfigError, match=r"elastic_sigma_px is from 2 to 14\.$") as caught:
            TrainingConfig(augmentation={"elastic_sigma_px": refused})
        assert caught.value.field == "augmentation"


def test_the_smoothness_of_an_old_config():
    old = TrainingConfig(augmentation=Augmentation(elastic_px=1)).to_dict()
    del old["augmentation"]["elastic_sigma_px"]
    assert TrainingConfig(**old).augmentation == Augmentation(elastic_px=1, elastic_sigma_px=4)


@pytest.mark.parametrize(("name", "most"), MAX_AUGMENTATION.items())
def test_an_augmentation_goes_from_0_to_its_limit(name, most):
    for accepted in (0.0, most / 2, most):
        config = TrainingConfig(augmentation=Augmentation(**{name: accepted}))
        assert getattr(config.augmentation, name) == accepted
    for refused in (-0.01, most * 1.01, NAN, INFINITY):
        with pytest.raises(ConfigError, match=f"{name} is from 0 to {most:g}\\.$") as caught:
            TrainingConfig(augmentation={name: refused})
        assert caught.value.field == "augmentation"


def test_sizes_have_a_limit():
    assert TrainingConfig(hidden=(4, 5)).sizes(3, 2) == (3, 4, 5, 2)
    with pytest.raises(ConfigError, match="parameters are too many") as caught:
        TrainingConfig(hidden=(10_000, 10_000)).sizes(784, 10)
    assert caught.value.field == "hidden"
    with pytest.raises(ConfigError):
        TrainingConfig(hidden=(10**9,) * 2).build_model(784, 10)


@pytest.mark.parametrize(("name", "activation"), [("relu", ReLU), ("tanh", Tanh), ("sigmoid", Sigmoid)])
def test_config_builds_a_float32_network_from_its_seed(name, activation):
    config = TrainingConfig(hidden=(30, 20), activation=name, seed=3)
    model = config.build_model(200, 100)
    assert (model.sizes, type(model.activation), model.dtype) == ((200, 30, 20, 100), activation, np.float32)
    scale = 2 / 200 if name == "relu" else 2 / 230
    assert model.layers[0].W.data.std() == pytest.approx(scale**0.5, rel=0.05)
    assert same(model, config.build_model(200, 100))
    assert not same(model, TrainingConfig(hidden=(30, 20), activation=name, seed=4).build_model(200, 100))


@pytest.mark.parametrize(("name", "kind"), [("sgd", SGD), ("momentum", SGDMomentum), ("adam", Adam)])
def test_config_builds_an_optimizer(name, kind):
    model = network()
    config = TrainingConfig(
        optimizer=name, learning_rate=0.25, momentum=0.5, weight_decay=0.125, l1=0.5, l2=0.25, clip_norm=2
    )
    optimizer = config.build_optimizer(model)
    assert type(optimizer) is kind
    assert (optimizer.lr, optimizer.weight_decay) == (0.25, 0.125)
    assert (optimizer.l1, optimizer.l2, optimizer.clip_norm) == (0.5, 0.25, 2)
    assert optimizer.params == model.parameters()
    assert getattr(optimizer, "momentum", 0.5) == 0.5


def test_whether_plain_epochs_leave_time_for_variations():
    varied = TrainingConfig(epochs=10, augmentation=Augmentation(shear=0.1))
    for changes, varies_nothing in (
        ({"plain_epochs": 9}, False),
        ({"plain_epochs": 10}, True),
        ({"plain_epochs": 12}, True),
        ({"plain_epochs": 12, "augmentation": Augmentation()}, False),
        ({"plain_epochs": 3, "members": 3}, False),
        ({"plain_epochs": 4, "members": 3}, True),
    ):
        assert replace(varied, **changes).varies_nothing == varies_nothing, changes
