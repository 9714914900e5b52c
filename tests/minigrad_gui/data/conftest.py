"""For tests of downloads, and of files that a person opens."""

from types import SimpleNamespace

import pytest


@pytest.fixture
def empty_cache(monkeypatch, tmp_path):
    """An empty cache, and the address of the test's hub."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    return lambda address: monkeypatch.setenv("HF_ENDPOINT", address)


@pytest.fixture(scope="session")
def own(mnist):
    """A few of MNIST's digits to train on (x, y) and to test on (tx, ty): enough to know them by their means."""
    return SimpleNamespace(
        x=mnist.train_images[:200], y=mnist.train_labels[:200], tx=mnist.test_images[:90], ty=mnist.test_labels[:90]
    )
