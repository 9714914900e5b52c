"""The presets can be trained, and are what their names say."""

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
from mnist_digits import mnist

from engine import TrainingConfig
from engine.nn import count_parameters
from engine.run import TrainingRun
from minigrad_gui.presets import PRESETS, dataset_of, preset_of
from minigrad_gui.widgets.setting_texts import PRESET_TIPS


@pytest.fixture(scope="module")
def digits():
    return mnist()


SPRINTS = [name for name in PRESETS if name.endswith("-seconds")]


def test_their_names_and_order():
    assert list(PRESETS)[:3] == ["quick", "reference", "best"]
    assert [int(name.removesuffix("-seconds")) for name in SPRINTS] == [2, 5, 15, 45, 150]


def test_no_two_are_alike():
    assert len(set(PRESETS.values())) == len(PRESETS)


def test_quick_is_what_the_window_starts_with():
    assert PRESETS["quick"] == TrainingConfig()


def test_reference_is_the_classic_exercise():
    config = PRESETS["reference"]
    assert config.sizes(784, 10) == (784, 256, 128, 10, 10)
    assert (config.activation, config.optimizer, config.learning_rate) == ("relu", "adam", 1e-3)
    assert (config.batch_size, config.epochs, config.validation_share) == (32, 5, 0)
    assert (config.schedule, bool(config.augmentation), config.weight_decay) == ("constant", False, 0)


def test_best_varies_its_pictures_and_decays_its_learning_rate():
    config = PRESETS["best"]
    assert config.augmentation
    assert config.schedule == "cosine"
    assert config.validation_share > 0, "held-out digits calibrate better than varied training digits"
    assert config.epochs > PRESETS["quick"].epochs


@pytest.mark.parametrize("name", [name for name in PRESETS if name.startswith("smallest-")])
def test_the_smallest_say_how_small_they_are(name):
    assert f"{PRESETS[name].count_learning(784, 10):,} parameters" in PRESET_TIPS[name]


@pytest.mark.parametrize("name", PRESETS)
def test_each_survives_json(name):
    config = PRESETS[name]
    assert TrainingConfig(**json.loads(json.dumps(config.to_dict(), allow_nan=False))) == config


@pytest.mark.parametrize("name", SPRINTS)
def test_a_sprint_learns_from_all_digits_and_longer_the_more_time_it_has(name):
    config, others = PRESETS[name], [PRESETS[each] for each in SPRINTS[: SPRINTS.index(name)]]
    assert config.validation_share == 0
    work = [each.epochs * count_parameters(each.sizes(784, 10)) for each in (config, *others)]
    assert max(work) == work[0]


@pytest.mark.parametrize("name", PRESETS)
def test_each_preset_learns(name, digits):
    """With a narrower network and one epoch of a schedule, for speed."""
    preset = PRESETS[name]
    config = replace(preset, batch_size=128, hidden=tuple(min(size, 256) for size in preset.hidden), epochs=1)
    run = TrainingRun(config, digits.train_images[:5120], digits.train_labels[:5120], 10)
    losses = [step.loss for step, _ in itertools.islice(run, 40)]
    assert np.isfinite(losses).all()
    assert np.mean(losses[-5:]) < 0.6 * losses[0]


@pytest.mark.parametrize(
    ("name", "current", "dataset"),
    [
        ("quick", "mnist", "mnist"),
        ("quick", "ylecun/mnist", "ylecun/mnist"),
        ("reference", "mnist+pen", "mnist"),
        ("best", "mnist", "mnist+pen"),
        ("best", "mnist+pen", "mnist+pen"),
        ("best", "/my/own", "/my/own"),
        ("quick", "/my/own", "/my/own"),
    ],
)
def test_best_learns_from_pen_strokes_too_unless_the_data_is_ones_own(name, current, dataset):
    assert dataset_of(name, current) == dataset
    assert preset_of(replace(PRESETS[name], seed=7), dataset) == name
    assert preset_of(replace(PRESETS[name], epochs=3), dataset) is None


def test_best_without_pen_strokes_is_another():
    assert preset_of(PRESETS["best"], "mnist") is None
