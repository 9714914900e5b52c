"""Settings as TOML, out and in."""

import os
from dataclasses import replace

import pytest
from networks import small_network

from engine import Augmentation, TrainingConfig
from engine.nn import ReLU
from minigrad_gui import data
from minigrad_gui.exchange import ExchangeError, export_model, read_config, write_config
from minigrad_gui.presets import PRESETS

ODD = TrainingConfig(hidden=(), learning_rate=1e-05, weight_decay=1e-30, momentum=0.1 + 0.2, epochs=100_000)


@pytest.mark.parametrize("config", [*PRESETS.values(), ODD, replace(ODD, augmentation=Augmentation(shear=0.3))])
def test_settings_come_back_the_same(tmp_path, config):
    write_config(tmp_path / "run.toml", config)
    assert read_config(tmp_path / "run.toml") == config


@pytest.mark.parametrize(
    ("dataset", "told"), [("mnist", False), (data.MNIST_AND_PEN, True), ("/home/ann/digits.csv", False), (None, False)]
)
def test_other_data_than_mnist_is_told_unless_it_is_somebodys_own(tmp_path, dataset, told):
    export_model(tmp_path / "run.toml", small_network(ReLU), {"config": ODD.to_dict(), "dataset": dataset})
    text = (tmp_path / "run.toml").read_text()
    assert (f"# Its network learnt from other data than MNIST: add --dataset {dataset}\n" in text) == told
    assert "ann" not in text
    assert read_config(tmp_path / "run.toml") == ODD


def test_a_network_is_exported_as_the_settings_of_its_training(tmp_path):
    export_model(tmp_path / "run.toml", small_network(ReLU), {"config": ODD.to_dict()})
    assert read_config(tmp_path / "run.toml") == ODD
    with pytest.raises(ExchangeError, match="settings with which this network was trained are not known"):
        export_model(tmp_path / "run.toml", small_network(ReLU), {})
    assert read_config(tmp_path / "run.toml") == ODD


def test_what_is_missing_is_the_default(tmp_path):
    (tmp_path / "run.toml").write_text("epochs = 7\n[augmentation]\nshear = 0.2\n")
    assert read_config(tmp_path / "run.toml") == TrainingConfig(epochs=7, augmentation=Augmentation(shear=0.2))


@pytest.mark.parametrize(
    "config", [TrainingConfig(epochs=12, members=12), TrainingConfig(epochs=300, plain_epochs=280, members=1)]
)
def test_settings_that_are_in_range_only_together_come_back(tmp_path, config):
    write_config(tmp_path / "run.toml", config)
    assert read_config(tmp_path / "run.toml") == config


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("epochs = 0", "out of range: The number of epochs"),
        ("learning_rate = nan", "out of range: The learning rate"),
        ("colour = 'red'", r"holds an unknown setting, “colour”\.$"),
        ("learning_rat = 0.1", r"holds an unknown setting, “learning_rat” \(did you mean “learning_rate”\?\)\.$"),
        ('"a\\nb" = 1', r"holds an unknown setting, “a\\nb”\.$"),
        ("epochs = true", r"holds a value of the wrong kind for “epochs”\.$"),
        ("hidden = 5", "wrong kind for “hidden”"),
        ("hidden = '12'", "out of range"),
        ("batch_size = 1979-05-27", "out of range"),
        ("augmentation = 3", "out of range"),
        ("[augmentation]\nsnow = 1", "unknown setting, “snow”"),
        ("[augmentation]\nshear = true", "wrong kind for “shear”"),
        ("[augmentation]\nshear = [1]", "wrong kind for “augmentation”"),
        ("epochs = ", "is not a TOML file"),
        ("a = " + "[" * 5000, "is not a TOML file"),
        ("# " + "x" * 100_000, "too large"),
    ],
)
def test_bad_settings_are_told_in_one_sentence(tmp_path, text, told):
    (tmp_path / "run.toml").write_text(text)
    with pytest.raises(ExchangeError, match=rf"^run\.toml .*{told}"):
        read_config(tmp_path / "run.toml")


@pytest.mark.parametrize("content", [b"\xff\xfe", None])
def test_bytes_that_are_no_text_and_a_missing_file_are_told(tmp_path, content):
    if content is not None:
        (tmp_path / "run.toml").write_bytes(content)
    with pytest.raises(ExchangeError, match=r"^run\.toml (is not a TOML file|could not be opened: no such)"):
        read_config(tmp_path / "run.toml")


@pytest.mark.skipif(os.name != "posix", reason="of POSIX")
def test_a_folder_that_does_not_exist_is_told(tmp_path):
    with pytest.raises(ExchangeError, match="could not be saved in"):
        write_config(tmp_path / "no" / "run.toml", ODD)
