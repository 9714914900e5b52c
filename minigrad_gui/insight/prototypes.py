"""The network's own picture of a digit: ink is added wherever it speaks most for the digit.

Left alone, gradient ascent finds noise that a network takes for a digit with certainty. Four things make it draw: the
picture fades with each step (L2), the gradient is smoothed, it is the mean over shifted copies, so that only what
matters wherever the digit stands is drawn, and the edge stays blank, as MNIST's does. It may also end at a picture that
says little. So it begins three times, from blank and from grey paper and from an upright line, which is a 1 already.
"""

from math import isqrt

import numpy as np

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
    tries = np.stack([_ascended(model, digit, begun) for begun in _begun(isqrt(model.sizes[0]))])
    logits = logits_of(model, tries)[:, digit]
    return np.asarray(tries[np.nan_to_num(logits, nan=-np.inf).argmax()])


def _begun(side: int) -> list[Array]:
    """What is drawn on, blank paper first."""
    down, right = np.mgrid[:side, :side] / side - (side - 1) / (2 * side)
    line = LINE * np.exp(-((down / LINE_HEIGHT) ** 2 + (right / LINE_WIDTH) ** 2) / 2)
    return [np.zeros((side, side)), GREY * _window(side), line]


def _ascended(model: MLP, digit: int, begun: Array) -> Array:
    """A picture after its steps towards a digit, or as far as the gradient leads."""
    window = _window(len(begun))
    rng = np.random.default_rng(0)
    picture = begun.astype(model.dtype)
    for _ in range(STEPS):
        gradient = _smoothed(_mean_gradient(model, picture, digit, rng)) * window
        norm = np.linalg.norm(gradient)
        if not 0 < norm < np.inf:
            return picture
        picture = np.clip((picture + gradient * (STEP_NORM / norm)) * (1 - FADING), 0, 1).astype(model.dtype)
    return picture


def _window(side: int) -> Array:
    """How much of the ink is let through in each pixel: all in the middle, nearly none at the edge."""
    from_middle = np.abs(np.arange(side) - (side - 1) / 2)
    farther = np.maximum(from_middle[:, np.newaxis], from_middle)
    return np.asarray(np.exp(-((farther / (side / 2 - EDGE_PX)) ** 4)))


def _mean_gradient(model: MLP, picture: Array, digit: int, rng: np.random.Generator) -> Array:
    """d logit / d pixel, the mean over copies of the picture that are shifted at random."""
    down, right = rng.integers(-SHIFT_PX, SHIFT_PX + 1, (COPIES, 2)).T[:, :, np.newaxis, np.newaxis]
    side = len(picture)
    copy, row, column = np.ogrid[:COPIES, :side, :side]
    copies = picture[(row - down) % side, (column - right) % side]
    way = trace(model, copies.reshape(COPIES, -1), differentiable=True)
    way.logits[:, digit].sum().backward()
    gradients = way.gradient.reshape(copies.shape)
    return np.asarray(gradients[copy, (row + down) % side, (column + right) % side].mean(axis=0))


def _smoothed(picture: Array) -> Array:
    """Each pixel averaged with its neighbours, twice as heavy itself in both directions, several times."""
    height, width = picture.shape
    padded = np.zeros((height + 2, width + 2), picture.dtype)
    for _ in range(SMOOTHING):
        padded[1:-1, 1:-1] = picture
        rows = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
        picture = (rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]) / 4
    return picture
