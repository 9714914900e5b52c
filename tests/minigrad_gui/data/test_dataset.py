"""Invalid arrays and damaged or malicious files are refused in one sentence."""

from pathlib import Path

import numpy as np
import pytest

from minigrad_gui import data
from minigrad_gui.data import bundled
from minigrad_gui.data.dataset import ARRAYS


@pytest.fixture
def few(mnist) -> dict[str, np.ndarray]:
    """The arrays of a small dataset, to be damaged."""
    return {key: getattr(mnist, key)[:30] for key in ARRAYS}


@pytest.fixture
def bundled_file(monkeypatch, tmp_path) -> Path:
    """Replaces the path of the bundled digits."""
    monkeypatch.setattr(bundled, "asset_path", lambda name: tmp_path / name)
    return tmp_path / "mnist.npz"


@pytest.mark.parametrize(
    "change",
    [
        {"train_images": np.zeros((30, 28, 27), np.uint8)},
        {"train_images": np.zeros((29, 28, 28), np.uint8)},
        {"train_images": np.zeros((30, 28, 28), np.float32)},
        {"test_labels": np.full(30, 10, np.uint8)},
        {"test_labels": np.zeros((30, 1), np.uint8)},
        {"test_labels": np.zeros(30, np.int64)},
        {"test_labels": np.array(None)},
        {"test_images": np.zeros((0, 28, 28), np.uint8), "test_labels": np.zeros(0, np.uint8)},
        {"test_images": np.zeros((172_000, 28, 28), np.uint8), "test_labels": np.zeros(172_000, np.uint8)},
    ],
)
def test_arrays_that_are_not_digits_are_refused(bundled_file, few, change):
    np.savez_compressed(bundled_file, **{**few, **change})
    with pytest.raises(data.DataError, match="install minigrad again"):
        data.load_mnist()


def test_a_missing_array_is_reported(bundled_file, few):
    del few["test_labels"]
    np.savez(bundled_file, **few)
    with pytest.raises(data.DataError, match="install minigrad again"):
        data.load_mnist()


def test_damage_is_reported_or_harmless(bundled_file, few):
    np.savez_compressed(bundled_file, **few)
    whole, refused = bundled_file.read_bytes(), 0
    cut = [whole[:length] for length in range(0, len(whole), 997)]
    flipped = [whole[:at] + bytes([whole[at] ^ 16]) + whole[at + 1 :] for at in range(0, len(whole), 61)]
    for content in cut + flipped:
        bundled_file.write_bytes(content)
        try:
            loaded = data.load_mnist()
        except data.DataError:
            refused += 1
        else:
            assert all(np.array_equal(getattr(loaded, key), array) for key, array in few.items())
    assert refused > 0.8 * len(cut + flipped)
