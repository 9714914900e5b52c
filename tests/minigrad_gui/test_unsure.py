"""The pretrained network recognises digits, and not what is not a digit."""

import numpy as np
import pytest
from mnist_digits import mnist

from engine.training import logits_of
from minigrad_gui import digits
from minigrad_gui.reader import load_network
from minigrad_gui.resources import asset_path

COUNT = 100


def rubbed(rng: np.random.Generator) -> list[np.ndarray]:
    """A zigzag across and down the sheet."""
    x = np.resize([0.0, 1.0], 12) + rng.normal(0, 0.08, 12)
    return [np.column_stack([x, np.linspace(0, 1, 12) + rng.normal(0, 0.03, 12)])]


def spiral(rng: np.random.Generator) -> list[np.ndarray]:
    angle = np.linspace(0, 2 * np.pi * rng.uniform(2.5, 5), 150)
    return [angle[:, np.newaxis] * np.column_stack([np.cos(angle), np.sin(angle)])]


def hatched(rng: np.random.Generator) -> list[np.ndarray]:
    return [np.array([[i * 0.15, 0], [i * 0.15 + 0.3, 1]]) + rng.normal(0, 0.03, (2, 2)) for i in range(6)]


def crossed_out(rng: np.random.Generator) -> list[np.ndarray]:
    """Eight crooked strokes on top of each other."""
    return [rng.uniform(0, 1, (6, 2)) for _ in range(8)]


@pytest.fixture(scope="module")
def accepted():
    """Which pictures, (n, 28, 28), are accepted as a digit: (n,)."""
    model, record = load_network(asset_path("pretrained.npz"))
    calibration = record.calibration
    assert calibration.least_log_sum_exp is not None
    return lambda pictures: calibration.read(logits_of(model, np.asarray(pictures)))[1]


@pytest.mark.parametrize("scribble", [rubbed, spiral, hatched, crossed_out])
def test_scribbles_are_not_recognised(accepted, scribble):
    rng = np.random.default_rng(1)
    assert accepted([digits.rasterize(scribble(rng)) for _ in range(COUNT)]).mean() < 0.1


def test_digits_are_recognised(accepted):
    assert accepted(mnist().test_images).mean() > 0.98
