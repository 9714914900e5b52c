"""For tests of downloads."""

import pytest


@pytest.fixture
def empty_cache(monkeypatch, tmp_path):
    """An empty cache, and the address of the test's hub."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    return lambda address: monkeypatch.setenv("HF_ENDPOINT", address)
