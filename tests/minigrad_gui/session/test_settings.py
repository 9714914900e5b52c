"""The settings of the next run, and how they are stored."""

from dataclasses import replace

import pytest

from engine import MLP, ConfigError, Tanh, TrainingConfig
from engine.record import TrainingRecord
from minigrad_gui.session.settings import Settings, config_from_dict, config_from_json, config_of, config_to_json

CONFIG = TrainingConfig(hidden=(12, 5), activation="tanh", learning_rate=0.25)


def test_settings_tell_of_a_change_and_of_nothing_else(qtbot):
    settings = Settings()
    with qtbot.waitSignal(settings.changed):
        settings.set(CONFIG, "ylecun/mnist")
    assert (settings.config, settings.source, settings.error) == (CONFIG, "ylecun/mnist", None)
    with qtbot.assertNotEmitted(settings.changed):
        settings.set(CONFIG, "ylecun/mnist")


def test_an_error_stays_until_something_that_can_be_trained_is_entered(qtbot):
    settings, error = Settings(), ConfigError("epochs", "The number of epochs is at least 1.")
    with qtbot.waitSignal(settings.changed):
        settings.set_error(error)
    assert settings.error is error
    with qtbot.waitSignal(settings.changed):
        settings.set(settings.config, settings.source)
    assert settings.error is None


def test_settings_can_only_be_read():
    for name in ("config", "source", "error"):
        with pytest.raises(AttributeError):
            setattr(Settings(), name, None)


def test_a_run_can_go_on_from_a_network_of_the_same_layers_and_activation():
    settings = Settings()
    settings.set(CONFIG, "mnist")
    assert settings.fit(MLP(784, [12, 5], 10, Tanh))
    assert not settings.fit(MLP(784, [12, 5], 10))
    assert not settings.fit(MLP(784, [12], 10, Tanh))
    assert not settings.fit(None)


def test_settings_outlast_the_program():
    assert config_from_json(config_to_json(CONFIG, "ylecun/mnist")) == (CONFIG, "ylecun/mnist")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"source": []}', '{"source": "x", "config": {"epochs": -1}}', "[" * 9999]
)
def test_what_cannot_be_used_is_replaced_by_the_defaults(text):
    assert config_from_json(text) == (TrainingConfig(), "mnist")
    assert config_from_dict(text) == TrainingConfig()


def test_a_networks_layers_are_what_they_are_whatever_its_record_tells():
    model = MLP(784, [7], 10, Tanh)
    config = config_of(model, TrainingRecord(replace(CONFIG, hidden=(99,), activation="relu")))
    assert (config.hidden, config.activation, config.learning_rate) == ((7,), "tanh", 0.25)
