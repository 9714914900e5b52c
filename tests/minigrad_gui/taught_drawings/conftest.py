"""A window whose small network is taught drawings."""

from pathlib import Path

import pytest
from mnist_digits import first_digits, replace_mnist
from taught_drawings import click_check

from engine import TrainingConfig, save_model
from engine.run import TrainingRun
from minigrad_gui import data


@pytest.fixture(scope="session")
def mnist() -> data.Dataset:
    """Only as many digits as these tests need."""
    return first_digits(20_000, 2_000)


@pytest.fixture(scope="session")
def small_file(mnist, tmp_path_factory) -> Path:
    """A small network that reads digits, but not a flagged one; the accuracy in its file is made up."""
    config = TrainingConfig(hidden=(64,), epochs=1, batch_size=32, learning_rate=3e-3, validation_share=0)
    run = TrainingRun(config, mnist.train_images, mnist.train_labels, 10)
    list(run)
    path = tmp_path_factory.mktemp("models") / "small.npz"
    save_model(path, run.model, {"test_accuracy": 0.5})
    return path


@pytest.fixture(autouse=True)
def preloaded_digits(mnist, monkeypatch, short_teaching):  # noqa: ARG001
    """Load the digits once, not for each window, and make fewer variations."""
    replace_mnist(monkeypatch, lambda: mnist)


@pytest.fixture
def user(user, small_file):
    """A user whose window has the small network and uses taught drawings for reading."""
    user.window.open(small_file)
    click_check(user)
    user.window.activateWindow()
    user.wait(user.window.isActiveWindow)
    return user


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "data" / "minigrad" / "handwriting"
