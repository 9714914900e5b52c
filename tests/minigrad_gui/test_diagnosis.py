"""The diagnosis of real runs on the real MNIST, good and bad ones."""

from dataclasses import replace

import numpy as np
import pytest

from engine import MLP, Augmentation, ReLU, TrainingConfig
from engine.nn import Sigmoid
from engine.run import TrainingRun
from engine.training import EpochSummary
from minigrad_gui.diagnosis import Diagnosis, dead_shares, diagnose, diagnose_run, least_loss
from minigrad_gui.presets import PRESETS
from minigrad_gui.resources import asset_path


@pytest.fixture
def diagnosed(mnist):
    """`diagnosed(config)`: trains as the window does and returns the diagnosis."""

    def train(config: TrainingConfig, digits: int = 10_000) -> Diagnosis | None:
        digits = digits if config.batch_size > 1 else digits // 4
        run = TrainingRun(config, mnist.train_images[:digits], mnist.train_labels[:digits], 10)
        run.threads = 1  # two would compete with another worker's
        diverged = any(step.diverged for steps, _ in run.chunks() for step in steps)
        return diagnose_run(run, mnist.test_images, diverged=diverged)

    return train


LEARNING = {
    "the first settings": TrainingConfig(),
    "another seed": TrainingConfig(seed=1),
    "a third seed": TrainingConfig(seed=2),
    "reference": replace(PRESETS["reference"], epochs=3),
    "best": replace(PRESETS["best"], hidden=(128, 128), epochs=3),
    "tanh": TrainingConfig(activation="tanh", epochs=3),
    "sigmoid": TrainingConfig(activation="sigmoid", epochs=3),
    "momentum": TrainingConfig(optimizer="momentum", learning_rate=0.01, epochs=3),
    "sgd": TrainingConfig(optimizer="sgd", learning_rate=0.1, epochs=3),
    "no hidden layer": TrainingConfig(hidden=(), epochs=3),
    "single digits": TrainingConfig(hidden=(32,), batch_size=1, epochs=1),
}


@pytest.mark.parametrize("name", LEARNING)
@pytest.mark.parametrize(
    ("digits", "most_epochs"),
    [(15_000, 3), pytest.param(20_000, 3, marks=pytest.mark.long), pytest.param(60_000, 10, marks=pytest.mark.long)],
)
def test_runs_that_learn_get_no_diagnosis(diagnosed, name, digits, most_epochs):
    config = replace(LEARNING[name], epochs=min(LEARNING[name].epochs, most_epochs))
    assert diagnosed(config, digits) is None


def test_adam_at_rate_1_explodes_and_never_recovers(diagnosed):
    diagnosis = diagnosed(TrainingConfig(learning_rate=1.0, epochs=2))
    assert "exploded to" in diagnosis.finding
    assert "never came back: the network is no better than guessing" in diagnosis.finding
    assert "ReLUs of hidden layer 1 are dead" in diagnosis.finding
    assert diagnosis.advice == "Try a learning rate of 0.001. With normalization hardly any neuron dies."


def test_an_explosion_with_recovery_is_reported():
    config = TrainingConfig(hidden=(32,), learning_rate=0.3, activation="tanh", epochs=2)
    losses = np.concatenate(([2.4, 190.0, 92.0], np.geomspace(50, 0.3, 100), np.full(500, 0.3)))
    epochs = [EpochSummary(0, 2.0, 0.8), EpochSummary(1, 0.3, 0.9)]
    diagnosis = diagnose(config, losses, epochs)
    assert diagnosis.finding == "The loss exploded to 190 at mini-batch 2 and came back."


def test_adam_at_rate_a_tenth_recovers_only_in_part(diagnosed):
    diagnosis = diagnosed(TrainingConfig(learning_rate=0.1, batch_size=32, epochs=3))
    assert "exploded to 1" in diagnosis.finding
    assert "came back only in part" in diagnosis.finding


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_loss_beyond_all_numbers_is_an_explosion(diagnosed, optimizer):
    diagnosis = diagnosed(TrainingConfig(optimizer=optimizer, learning_rate=10.0, epochs=1))
    assert "exploded and did not come back" in diagnosis.finding


def test_a_rate_that_is_too_small_leaves_the_loss_flat(diagnosed):
    diagnosis = diagnosed(TrainingConfig(optimizer="sgd", learning_rate=1e-6, epochs=1))
    assert diagnosis.finding == "The loss was flat from the start: the network is no better than guessing."
    assert diagnosis.advice == "The steps are too small. Try a learning rate of 0.1."


def test_a_deep_network_of_sigmoids_does_not_learn(diagnosed):
    config = TrainingConfig(hidden=(64,) * 5, activation="sigmoid", optimizer="sgd", learning_rate=0.01, epochs=1)
    diagnosis = diagnosed(config)
    assert "no better than guessing" in diagnosis.finding
    assert "gradient vanishes" in diagnosis.advice
    assert "Try normalization, ReLU, " in diagnosis.advice
    normalized = diagnosed(replace(config, normalization="batch"))
    assert normalized is None or "guessing" not in normalized.finding
    stuck = diagnose(replace(config, normalization="batch"), np.full(300, 2.3), [EpochSummary(0, 2.3, 0.1)])
    assert "vanishes" not in stuck.advice
    single = diagnose(replace(config, batch_size=1), np.full(300, 2.3), [EpochSummary(0, 2.3, 0.1)])
    assert "Try ReLU, " in single.advice, "a mini-batch of one cannot be normalized"


def test_a_deep_network_of_sigmoids_that_learns_little_is_helped_by_normalization(diagnosed):
    config = TrainingConfig(hidden=(32,) * 8, activation="sigmoid", learning_rate=0.005, epochs=3)
    assert diagnosed(config).advice == "Try normalization, another learning rate, or more neurons."
    normalized = diagnosed(replace(config, normalization="batch"))
    assert normalized is None or "learnt little" not in normalized.finding


def test_dead_relus_are_helped_by_normalization(diagnosed):
    config = TrainingConfig(learning_rate=0.1, hidden=(32, 32), epochs=1)
    dead = diagnosed(config)
    assert "are dead" in dead.finding
    assert dead.advice == "Try a learning rate of 0.001. With normalization hardly any neuron dies."
    normalized = diagnosed(replace(config, normalization="batch"))
    assert normalized is None or "dead" not in normalized.finding


def test_neurons_that_see_too_little_are_told(diagnosed):
    small = diagnosed(TrainingConfig(hidden=(256, 32), receptive_field_px=1, epochs=1))
    assert "are dead" in small.finding
    assert small.advice == "A window of 1 px shows a neuron too little. Try a larger one."
    larger = diagnosed(TrainingConfig(hidden=(256, 32), receptive_field_px=10, epochs=3))
    assert larger is None or "window" not in larger.advice


def test_a_run_of_hardly_any_mini_batches_is_told_to_go_on(diagnosed):
    diagnosis = diagnosed(TrainingConfig(activation="sigmoid", epochs=1), digits=500)
    assert str(diagnosis) == "The loss hardly fell within 4 mini-batches. Try more epochs, or smaller mini-batches."


def test_dead_relus_without_an_explosion_are_reported(diagnosed):
    diagnosis = diagnosed(TrainingConfig(learning_rate=0.03, epochs=1))
    assert "ReLUs of hidden layer 1 are dead" in diagnosis.finding


def test_long_training_on_few_digits_overfits(diagnosed):
    config = TrainingConfig(epochs=60, validation_share=0.5, batch_size=32)
    diagnosis = diagnosed(config, digits=1000)
    assert "overfits" in diagnosis.finding
    assert "validation loss rose by" in diagnosis.finding


def test_a_run_that_ended_while_its_loss_was_falling_is_reported(diagnosed):
    diagnosis = diagnosed(TrainingConfig(optimizer="sgd", learning_rate=0.003, epochs=3))
    assert diagnosis.finding == "The loss was still falling when training ended."


@pytest.mark.parametrize(
    ("ending", "epochs"), [({"stop_accuracy": 0.6}, 3), ({"stop_accuracy": 0.6}, 2), ({"patience": 1}, 3)]
)
def test_a_run_that_ended_as_it_was_asked_to_is_not_told_to_go_on(ending, epochs):
    losses = np.linspace(2.3, 0.9, 80)
    course = [EpochSummary(0, 2.2, 0.3, 1.9, 0.5), EpochSummary(1, 1.5, 0.6, 1.9, 0.7)]
    assert "still falling" in diagnose(TrainingConfig(epochs=epochs), losses, course).finding
    assert diagnose(TrainingConfig(epochs=epochs, **ending), losses, course) is None


@pytest.mark.parametrize(("settings", "digits"), [({"optimizer": "momentum"}, 20_000), ({"seed": 3}, 2000)])
def test_a_loss_that_was_falling_within_the_only_epoch_is_reported(diagnosed, settings, digits):
    diagnosis = diagnosed(TrainingConfig(hidden=(20,), activation="tanh", epochs=1, **settings), digits)
    assert diagnosis.finding == "The loss was still falling when training ended."


def test_a_run_of_few_mini_batches_is_judged_by_its_last_ones():
    """As 3,000 pictures of a hundred classes are learned: the median of all is poor, the end is not."""
    losses = np.linspace(4.6, 1.2, 81)
    epochs = [EpochSummary(0, 4.0, 0.1), EpochSummary(1, 2.5, 0.4), EpochSummary(2, 1.5, 0.6)]
    assert diagnose(TrainingConfig(), losses, epochs, classes=100) is None


@pytest.mark.parametrize(
    "settings", [{"label_noise": 0.3}, {"label_noise": 0.5}, {"label_smoothing": 0.5}], ids=lambda some: str(*some)
)
def test_what_no_network_can_know_does_not_count(diagnosed, settings):
    config = TrainingConfig(hidden=(32,), learning_rate=0.002, epochs=3, **settings)
    assert diagnosed(config) is None


def test_labels_that_are_as_good_as_chance_teach_nothing(diagnosed):
    diagnosis = diagnosed(TrainingConfig(hidden=(32,), epochs=1, label_noise=0.9), digits=20_000)
    assert "no better than guessing" in diagnosis.finding


@pytest.mark.parametrize("classes", [2, 10, 100])
def test_the_least_loss_is_that_of_the_best_constant_answer(classes):
    """Of all labels of one class, a few changed as in a run."""
    config = TrainingConfig(label_noise=0.25, label_smoothing=0.2)
    counts = np.full(classes, 0.25 / (classes - 1))
    counts[0] = 0.75
    targets = 0.8 * counts + 0.2 / classes
    assert least_loss(config, classes) == pytest.approx(-(targets * np.log(targets)).sum())
    assert least_loss(TrainingConfig(), classes) == 0


def test_too_much_weight_decay_is_reported(diagnosed):
    diagnosis = diagnosed(TrainingConfig(weight_decay=100.0, epochs=2), digits=20_000)
    assert "learnt little" in diagnosis.finding
    assert "weight decay" in diagnosis.advice


@pytest.mark.parametrize(
    ("penalty", "told"),
    [({"l1": 0.1}, "The L1 penalty pulls its weights to 0."), ({"l2": 1.0}, "The L2 penalty pulls its weights to 0.")],
)
def test_too_large_a_penalty_is_reported(diagnosed, penalty, told):
    assert told in diagnosed(TrainingConfig(hidden=(64,), epochs=4, **penalty), digits=20_000).advice


@pytest.mark.parametrize("validation_share", [0.0, 0.1])
def test_strong_variations_are_judged_by_pictures_as_they_are(diagnosed, validation_share):
    strong = Augmentation(shift_px=2, rotation_deg=45, scale=0.5, shear=0.5, elastic_px=2)
    config = TrainingConfig(
        hidden=(64,), learning_rate=1e-3, epochs=8, validation_share=validation_share, augmentation=strong
    )
    diagnosis = diagnosed(config, digits=15_000)
    if validation_share:
        assert diagnosis is None
    else:
        assert "smaller variations of the pictures" in diagnosis.advice


def test_the_network_that_is_kept_is_judged(diagnosed):
    """The run's end is worse than guessing."""
    config = TrainingConfig(optimizer="momentum", learning_rate=1.0, schedule="one-cycle", keep_best="loss", epochs=10)
    diagnosis = diagnosed(config, digits=20_000)
    assert "the best one, whose network is kept, the loss" in diagnosis.finding
    assert diagnosis.advice == "Try a learning rate of 0.01."
    assert "kept" not in diagnosed(replace(config, keep_best="none"), digits=20_000).finding


def test_epochs_after_the_one_that_is_kept_were_enough(mnist):
    """Its loss was still falling then."""
    config = TrainingConfig(hidden=(8,), optimizer="sgd", learning_rate=0.01, epochs=2, keep_best="loss")
    run = TrainingRun(config, mnist.train_images[:4000], mnist.train_labels[:4000], 10)
    for _ in run:
        pass
    assert "still falling" in diagnose_run(run, mnist.test_images).finding
    last = run.epochs[-1]
    run.epochs[-1] = replace(last, validation_loss=last.validation_loss + 5)
    assert diagnose_run(run, mnist.test_images) is None or "falling" not in diagnose_run(run, mnist.test_images).finding


def test_a_rate_that_was_set_during_the_run_counts(mnist):
    config = TrainingConfig(hidden=(16,), optimizer="sgd", learning_rate=0.1, epochs=1)
    run = TrainingRun(config, mnist.train_images[:2000], mnist.train_labels[:2000], 10)
    advice = diagnose_run(run, mnist.test_images, diverged=True, rates=[20.0]).advice
    assert advice == "Try a learning rate of 0.1."
    assert diagnose_run(run, mnist.test_images, diverged=True).advice == "Try a learning rate of 0.01."


def test_a_run_stopped_at_once_gets_no_diagnosis():
    assert diagnose(TrainingConfig(), np.array([2.4, 2.3]), []) is None
    assert diagnose(TrainingConfig(), np.empty(0), []) is None


def test_dead_neurons_are_counted_layer_by_layer(mnist):
    model = MLP(784, (8, 4), 10, ReLU, dtype=np.float32, init="he", rng=np.random.default_rng(0))
    model.layers[1].b.data[:3] = -1e6
    assert dead_shares(model, mnist.test_images[:200]) == (0.0, 0.75)
    assert dead_shares(MLP(784, (8,), 10, Sigmoid, dtype=np.float32), mnist.test_images[:10]) == ()


def test_the_network_that_ships_is_alive(mnist):
    from engine import load_model

    model, _ = load_model(asset_path("pretrained.npz"))
    assert max(dead_shares(model, mnist.test_images[:500])) < 0.1
