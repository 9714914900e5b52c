"""The network's own picture of a digit: ink is added wherever it speaks most for the digit.

Left alone, gradient ascent finds noise that a network takes for a digit with certainty. Four things make it draw: the
picture fades with each step (L2), the gradient is smoothed, it is the mean over shifted copies, so that only what
matters wherever the digit stands is drawn, and the edge stays blank, as MNIST's does. It may also end at a picture that
says little. So it begins three times, from blank and from grey paper and from an upright line, which is a 1 already.
"""

from math import isqrt

import numpy as np
from numpy.typing import NDArray

from engine.nn import MLP
from engine.ops import Array
from engine.training import logits_of
from minigrad_gui.insight.trace import allowing_overflow, trace

STEPS = 40
STEP_NORM = 1.0
FADING = 0.05
COPIES, SHIFT_PX = 8, 2
SMOOTHING = 2
EDGE_PX = 3
"""This far from the edge a third of the ink is let through; nearer hardly any."""
GREY, LINE = 0.1, 0.3
"""How dark the grey paper and the line are."""
LINE_HEIGHT, LINE_WIDTH = 1 / 3, 1 / 9
"""The line fades from its middle as a normal distribution with these standard deviations, in sides of the picture."""


@allowing_overflow
def prototype(model: MLP, digit: int) -> Array:
    """What a digit looks like to the network: (28, 28), from 0 to 1, the darkest pixel often paler than 1.

    Of three tries, the one with the greatest logit; all zeros if no pixel makes a difference. After Simonyan, Vedaldi
    and Zisserman, Deep Inside Convolutional Networks (2014), and, for smoothing, Yosinski et al., Understanding Neural
    Networks Through Deep Visualization (2015). Raises IndexError if the network has no such digit.
    """
    tries = _ascended(model, digit, _begun(isqrt(model.sizes[0])))
    logits = logits_of(model, tries)[:, digit]
    return np.asarray(tries[np.nan_to_num(logits, nan=-np.inf).argmax()])


def _begun(side: int) -> Array:
    """What is drawn on, blank paper first: (tries, side, side)."""
    down, right = np.mgrid[:side, :side] / side - (side - 1) / (2 * side)
    line = LINE * np.exp(-((down / LINE_HEIGHT) ** 2 + (right / LINE_WIDTH) ** 2) / 2)
    return np.stack([np.zeros((side, side)), GREY * _window(side), line])


def _ascended(model: MLP, digit: int, begun: Array) -> Array:
    """Pictures (n, side, side) after their steps towards a digit, each as far as its gradient leads."""
    window = _window(begun.shape[-1])
    rng = np.random.default_rng(0)
    pictures = begun.astype(model.dtype)
    goes_on = np.ones((len(pictures), 1, 1), bool)
    for _ in range(STEPS):
        gradients = _smoothed(_mean_gradients(model, pictures, digit, rng)) * window
        norms = np.linalg.norm(gradients, axis=(1, 2), keepdims=True)
        goes_on &= (norms > 0) & (norms < np.inf)
        if not goes_on.any():
            break
        steps = np.divide(gradients * STEP_NORM, norms, where=goes_on, out=np.zeros_like(gradients))
        pictures = np.where(goes_on, np.clip((pictures + steps) * (1 - FADING), 0, 1), pictures).astype(model.dtype)
    return pictures


def _window(side: int) -> Array:
    """How much of the ink is let through in each pixel: all in the middle, nearly none at the edge."""
    from_middle = np.abs(np.arange(side) - (side - 1) / 2)
    farther = np.maximum(from_middle[:, np.newaxis], from_middle)
    return np.asarray(np.exp(-((farther / (side / 2 - EDGE_PX)) ** 4)))


def _mean_gradients(model: MLP, pictures: Array, digit: int, rng: np.random.Generator) -> Array:
    """d logit / d pixel of pictures (n, side, side), the mean over copies of each that are shifted at random."""
    side = pictures.shape[-1]
    shifts = rng.integers(-SHIFT_PX, SHIFT_PX + 1, (COPIES, 2))
    rows = pictures.reshape(len(pictures), -1)
    way = trace(model, rows[:, _shifted(shifts, side)].reshape(-1, rows.shape[1]), differentiable=True)
    way.logits[:, digit].sum().backward()
    gradients = way.gradient.reshape(len(pictures), COPIES, -1)
    back = np.take_along_axis(gradients, _shifted(-shifts, side)[np.newaxis], axis=2)
    return np.asarray(back.mean(axis=1).reshape(pictures.shape))


def _shifted(shifts: NDArray[np.int64], side: int) -> NDArray[np.int64]:
    """(n, side * side): which pixel comes to each place when a picture is shifted down and right, beyond its edges."""
    down, right = shifts.T[:, :, np.newaxis, np.newaxis]
    row, column = np.ogrid[:side, :side]
    return np.asarray((row - down) % side * side + (column - right) % side).reshape(len(shifts), -1)


def _smoothed(pictures: Array) -> Array:
    """Each pixel averaged with its neighbours, twice as heavy itself in both directions, several times."""
    padded = np.pad(pictures, ((0, 0), (1, 1), (1, 1)))
    for _ in range(SMOOTHING):
        padded[:, 1:-1, 1:-1] = pictures
        rows = (padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]) / 4
        pictures = (rows[..., :-2] + 2 * rows[..., 1:-1] + rows[..., 2:]) / 4
    return pictures
