"""The settings of the next run, and how they are stored."""

from dataclasses import replace
from pathlib import Path

import pytest

from engine import MLP, ConfigError, ReLU, Tanh, TrainingConfig
from engine.record import TrainingRecord
from engine.training import EpochSummary
from minigrad_gui.data import ALL_GUESSED, Choices
from minigrad_gui.session.settings import Settings, config_from_dict, config_from_json, config_of, config_to_json

CHOICES = Choices(orientation="transposed", class_names=("a", "b"))
CONFIG = TrainingConfig(hidden=(12, 5), activation="tanh", learning_rate=0.25)


def test_only_a_change_emits_a_signal(qtbot):
    settings = Settings()
    with qtbot.waitSignal(settings.changed):
        settings.set(CONFIG, "ylecun/mnist")
    assert (settings.config, settings.source, settings.error) == (CONFIG, "ylecun/mnist", None)
    with qtbot.assertNotEmitted(settings.changed):
        settings.set(CONFIG, "ylecun/mnist")


def test_an_error_stays_until_valid_settings_are_entered(qtbot):
    settings, error = Settings(), ConfigError("epochs", "The number of epochs is at least 1.")
    with qtbot.waitSignal(settings.changed):
        settings.set_error(error)
    assert settings.error is error
    with qtbot.waitSignal(settings.changed):
        settings.set(settings.config, settings.source)
    assert settings.error is None


def test_settings_are_read_only():
    for name in ("config", "source", "choices", "error", "continues"):
        with pytest.raises(AttributeError):
            setattr(Settings(), name, None)


def test_a_run_can_continue_from_a_network_with_the_same_layers_and_activation():
    settings = Settings()
    settings.set(CONFIG, "mnist")
    assert not settings.obstacle_to_continue(MLP(784, [12, 5], 10, Tanh))
    for network, obstacle in (
        (MLP(784, [12, 5], 10), "It has the activation ReLU, not Tanh."),
        (MLP(784, [12], 10, Tanh), "It has the hidden layers 12, not 12-5."),
        (MLP(784, [], 10, Tanh), "It has no hidden layers, not 12-5."),
        (None, "There is none yet."),
    ):
        assert settings.obstacle_to_continue(network) == obstacle
    assert not settings.obstacle_to_continue(MLP(784, [12, 5], 26, Tanh), classes=26)
    obstacle = settings.obstacle_to_continue(MLP(784, [12, 5], 10, Tanh), classes=26)
    assert obstacle == "It tells 10 classes apart; the dataset has 26."


@pytest.mark.parametrize(
    ("activation", "obstacle"), [(ReLU, ""), (Tanh, "It lacks the activation ReLU, which normalization needs.")]
)
def test_only_relus_can_be_normalized_from_a_run_to_the_next(activation, obstacle):
    settings = Settings()
    name = activation.__name__.lower()
    settings.set(replace(CONFIG, activation=name, normalization="batch"), "mnist")
    assert settings.obstacle_to_continue(MLP(784, [12, 5], 10, activation)) == obstacle


def test_a_run_continues_only_from_a_network_whose_neurons_see_no_more():
    settings = Settings()
    settings.set(replace(CONFIG, receptive_field_px=14), "mnist")
    obstacle = settings.obstacle_to_continue(CONFIG.build_model(784, 10))
    assert obstacle == "It has neurons that see more than a window."
    assert not settings.obstacle_to_continue(settings.config.build_model(784, 10))


@pytest.mark.parametrize(("continues", "hidden"), [(True, (12, 5)), (True, (12,)), (False, (12, 5))])
def test_the_next_run_continues_from_the_network_if_that_is_wanted_and_possible(continues, hidden):
    settings, model, file = Settings(), MLP(784, hidden, 10, Tanh), Path("run.npz")
    settings.set(CONFIG, "ylecun/mnist")
    settings.set_continues(continues)
    record = TrainingRecord(
        taught_drawings=3, earlier_epochs=5, epochs=(EpochSummary(0, 1.0, 0.5), EpochSummary(1, 0.5, 0.6))
    )
    job = settings.job(model, record, file, paused=True)
    continues_from_it = continues and hidden == CONFIG.hidden
    assert (job.config, job.source, job.checkpoint_path) == (CONFIG, "ylecun/mnist", file)
    earlier = job.start_from, job.taught_drawings, job.earlier_epochs
    assert earlier == ((model, 3, 7) if continues_from_it else (None, 0, None))
    assert (job.control.learning_rate, job.control.paused) == (0.25, True)
    assert not settings.job(None, TrainingRecord(), None, paused=False).control.paused


def test_the_settings_of_a_network_can_be_taken_over(qtbot):
    settings = Settings()
    with qtbot.waitSignal(settings.changed):
        settings.take(MLP(784, [7], 10), TrainingRecord(replace(CONFIG, hidden=(99,))))
    assert (settings.config.hidden, settings.config.learning_rate) == ((7,), 0.25)
    assert settings.source == "mnist"


def test_settings_survive_json():
    assert config_from_json(config_to_json(CONFIG, "ylecun/mnist")) == (CONFIG, "ylecun/mnist", ALL_GUESSED)


def test_a_file_and_how_it_is_read_survive_json(tmp_path):
    stored = config_to_json(CONFIG, str(tmp_path), CHOICES)
    assert config_from_json(stored) == (CONFIG, str(tmp_path), CHOICES)


def test_choices_that_were_not_made_take_no_room():
    assert "choices" not in config_to_json(CONFIG, "mnist")


def test_opening_a_dataset_leaves_an_invalid_config_as_it_was_entered(qtbot):
    settings, error = Settings(), ConfigError("epochs", "The number of epochs is at least 1.")
    settings.set_error(error)
    with qtbot.waitSignal(settings.changed):
        settings.set_dataset("/some/file", CHOICES)
    assert (settings.source, settings.choices, settings.error) == ("/some/file", CHOICES, error)
    with qtbot.assertNotEmitted(settings.changed):
        settings.set_dataset("/some/file", CHOICES)


def test_the_dataset_of_a_network_is_taken_over_while_it_is_there(tmp_path):
    settings = Settings()
    record = TrainingRecord(dataset=str(tmp_path), dataset_choices=CHOICES.to_dict())
    settings.take(MLP(784, [7], 10), record)
    assert (settings.source, settings.choices) == (str(tmp_path), CHOICES)
    settings.take(MLP(784, [7], 10), TrainingRecord(dataset="mnist", dataset_choices={"of another": "version"}))
    assert settings.source == str(tmp_path)


@pytest.mark.parametrize(
    "settle",
    [
        lambda settings: settings.set(CONFIG, "ylecun/mnist"),
        lambda settings: settings.set_dataset("mnist", ALL_GUESSED),
        lambda settings: settings.take_over(CONFIG, None),
        lambda settings: settings.accept_dataset(),
    ],
)
def test_a_dataset_that_is_gone_is_missing_until_there_is_another(qtbot, settle):
    settings = Settings()
    with qtbot.waitSignal(settings.changed):
        settings.take_over(settings.config, ("/gone", CHOICES))
    assert (settings.source, settings.choices, settings.missing) == ("mnist", ALL_GUESSED, ("/gone", CHOICES))
    settings.set(replace(CONFIG, epochs=9), "mnist")
    assert settings.missing is not None
    with qtbot.waitSignal(settings.changed):
        settle(settings)
    assert settings.missing is None


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"source": []}', '{"source": "mnist", "config": {"epochs": -1}}', "[" * 9999]
)
def test_invalid_text_gives_the_defaults(text):
    assert config_from_json(text) == (TrainingConfig(), "mnist", ALL_GUESSED)
    assert config_from_dict(text) == TrainingConfig()


@pytest.mark.parametrize(
    ("hidden", "config"), [((7, 5), ((7, 5), 3)), ((14, 10), ((7, 5), 3)), ((21, 15), ((7, 5), 3))]
)
def test_the_layers_of_a_committee_are_those_of_each_network(hidden, config):
    found = config_of(MLP(784, hidden, 10, Tanh), TrainingRecord(replace(CONFIG, hidden=(7, 5), members=3)))
    assert (found.hidden, found.members) == config
    found = config_of(MLP(784, [28, 20], 10, Tanh), TrainingRecord(replace(CONFIG, hidden=(7, 5), members=3)))
    assert (found.hidden, found.members) == ((28, 20), 1)


def test_the_layers_are_those_of_the_network_and_not_of_its_record():
    model = MLP(784, [7], 10, Tanh)
    config = config_of(model, TrainingRecord(replace(CONFIG, hidden=(99,), activation="relu")))
    assert (config.hidden, config.activation, config.learning_rate) == ((7,), "tanh", 0.25)
