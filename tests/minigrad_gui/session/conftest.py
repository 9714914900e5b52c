"""For every test of a part of the session: an application without a window, and few digits."""

from dataclasses import replace

import pytest

from minigrad_gui import data
from minigrad_gui.data import load_mnist


@pytest.fixture(autouse=True)
def application(qapp):
    """Signals between threads need an application."""


@pytest.fixture(scope="session")
def few() -> data.Dataset:
    """The first of MNIST's digits: 3,000 to train on, 500 to test."""
    whole = load_mnist()
    training = {"train_images": whole.train_images[:3000], "train_labels": whole.train_labels[:3000]}
    return replace(whole, **training, test_images=whole.test_images[:500], test_labels=whole.test_labels[:500])


@pytest.fixture
def few_digits(few, monkeypatch) -> data.Dataset:
    monkeypatch.setattr(data, "load_mnist", lambda: few)
    return few
