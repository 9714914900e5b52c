"""The digits that a network learned from, and those that were held out."""

from dataclasses import replace

import numpy as np
import pytest

from engine import TrainingConfig
from engine.run import TrainingRun
from minigrad_gui.analysis import Desk, TrainedOn
from minigrad_gui.data import DataError
from minigrad_gui.dataset_cache import DatasetCache

pytestmark = pytest.mark.usefixtures("few_digits")
CONFIG = TrainingConfig(hidden=(8,), validation_share=0.25, seed=3)


@pytest.fixture
def datasets():
    return DatasetCache()


@pytest.fixture
def desk(datasets):
    return Desk(datasets, lambda: False)


def test_validation_digits_are_those_that_the_run_held_out(desk, few_digits):
    held_out = TrainingRun(CONFIG, few_digits.train_images, few_digits.train_labels, 10).validation
    desk.digits(TrainedOn("mnist"), "test")  # it is in memory now, with its true number of digits
    found = desk.digits(TrainedOn("mnist", CONFIG), "validation")
    np.testing.assert_array_equal(found.images[found.indices], held_out[0])
    np.testing.assert_array_equal(found.labels[found.indices], held_out[1])


def test_a_run_on_fewer_digits_learned_from_no_others(desk, few_digits):
    config = replace(CONFIG, training_samples=100)
    learned = TrainingRun(config, few_digits.train_images, few_digits.train_labels, 10).training
    desk.digits(TrainedOn("mnist"), "test")
    found = desk.digits(TrainedOn("mnist", config), "training")
    np.testing.assert_array_equal(found.indices, learned)


def test_training_and_validation_digits_are_all_there_are(desk):
    desk.digits(TrainedOn("mnist"), "test")
    parts = [desk.digits(TrainedOn("mnist", CONFIG), part).indices for part in ("training", "validation")]
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(3000))


def test_without_a_config_nothing_is_known_to_be_held_out(desk):
    assert len(desk.digits(TrainedOn("mnist"), "validation").indices) == 0
    assert len(desk.digits(TrainedOn("mnist"), "test").indices) == 500


def test_data_that_is_gone_or_damaged_is_said_to_be_that_of_the_network(desk, tmp_path):
    gone, damaged = tmp_path / "gone", tmp_path / "damaged.npz"
    damaged.write_bytes(b"nothing")
    with pytest.raises(DataError, match=f"^The pictures that this network was trained on are not at {gone}: put them"):
        desk.digits(TrainedOn(str(gone)), "test")
    with pytest.raises(DataError, match=r"^The pictures that this network was trained on cannot be read\. .*no format"):
        desk.digits(TrainedOn(str(damaged)), "test")


def test_of_a_dataset_that_takes_long_to_load_mnists_digits_stand_for_the_part(desk, datasets):
    found = desk.digits(TrainedOn("mnist+pen", CONFIG), "validation")
    assert datasets.peek("mnist+pen") is None
    assert 0 < len(found.indices) < 3000
    assert found.indices.max() < 3000
