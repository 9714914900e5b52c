"""Why a network reads a picture as it does: gradients of a logit with respect to the pixels, and what they lead to."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from engine import ops
from engine.calibration import log_sum_exp
from engine.nn import MLP
from engine.ops import Array
from minigrad_gui.insight.trace import Trace, allowing_overflow, row_of, trace

BEYOND = 0.05
"""Log odds that `toward` aims at: a little beyond even ones, so that rounding does not stop it just before them."""
LONGEST_STEP, GROWTH = 0.1, 1.05
"""The first step of `toward` changes the picture by at most a tenth of a black pixel (Euclidean norm), each further one
by 5% more: a network that learned to be unsure of what is no digit has wide plains of doubt between its digits."""

Read = TypeVar("Read")
Stroke = TypeVar("Stroke")


@allowing_overflow
def trace_of_logit(model: MLP, picture: Array, digit: int) -> Trace:
    """The trace of a picture, with the gradient of the digit's logit in the `grad` of the input and of each neuron.

    Raises IndexError if the network has no such digit.
    """
    way = trace(model, row_of(model, picture), differentiable=True)
    way.logits[digit].backward()
    return way


def saliency(model: MLP, picture: Array, digit: int) -> Array:
    """d logit / d pixel: how much a little more ink in each pixel (28, 28) would speak for the digit.

    Simonyan, Vedaldi and Zisserman, Deep Inside Convolutional Networks (2014). Raises IndexError if the network has no
    such digit.
    """
    return trace_of_logit(model, picture, digit).gradient.reshape(picture.shape)


@dataclass(frozen=True)
class Contribution:
    """What each pixel contributes to a logit, (28, 28), and what is left: logit = pixels.sum() + rest."""

    pixels: Array
    rest: float


@allowing_overflow
def contribution(model: MLP, picture: Array, digit: int) -> Contribution:
    """Gradient x input: what each pixel of a picture contributes to the digit's logit.

    A network of ReLUs is linear around the picture, so this is exact, and the rest is what the biases contribute
    (Shrikumar, Greenside and Kundaje, Learning Important Features, 2017). With tanh or sigmoid it is a linear
    approximation, and the rest also contains its error. Raises IndexError if the network has no such digit.
    """
    way = trace_of_logit(model, picture, digit)
    pixels = way.gradient * way.input.data
    return Contribution(pixels.reshape(picture.shape), float(way.logits.data[digit] - pixels.sum(dtype=np.float64)))


def toward(model: MLP, picture: Array, digit: int, steps: int) -> Iterator[Array]:
    """Change a picture step by step until the network reads the digit: an iterator of pictures (28, 28) in [0, 1].

    It ends after the first picture to which the network gives the digit a probability above 0.5, at once if the picture
    is such a one, and after `steps` pictures at the latest; earlier if no pixel makes a difference. Each step moves
    along the gradient of the digit's log odds, as far as a linear network would need, which is the shortest change
    there (Moosavi-Dezfooli, Fawzi and Frossard, DeepFool, 2016), but at first in short steps. Pixels at 0 or 1 that
    would leave [0, 1] stay. 100 steps are enough for nearly all digits. Raises IndexError if the network has no such
    digit.
    """
    x = np.clip(row_of(model, picture), 0, 1)
    for step in range(steps + 1):
        odds, gradient = _log_odds(model, x, digit)
        if odds > 0 or step == steps:
            return
        gradient = np.where((x <= 0) & (gradient < 0) | (x >= 1) & (gradient > 0), 0, gradient)
        slope = float(gradient @ gradient)
        if not 0 < slope < np.inf:
            return
        length = min((BEYOND - odds) / slope**0.5, LONGEST_STEP * GROWTH**step)
        x = np.clip(x + gradient * (length / slope**0.5), 0, 1)
        yield x.reshape(picture.shape)


@allowing_overflow
def _log_odds(model: MLP, x: Array, digit: int) -> tuple[float, Array]:
    """The log odds of the digit against all others together, for a row (n,), and their gradient (n,)."""
    way = trace(model, x, differentiable=True)
    others = way.logits.data.copy()
    others[digit] = -np.inf
    odds = float(way.logits.data[digit] - log_sum_exp(others[np.newaxis])[0])
    direction = -ops.softmax(others)
    direction[digit] = 1
    way.logits.backward(direction)
    return odds, way.gradient


def change_norm(before: Array, after: Array) -> float:
    """How much two pictures differ: the Euclidean norm of their difference. One black pixel more is 1."""
    return float(np.linalg.norm(np.subtract(after, before, dtype=np.float64)))


def without_each_stroke(read: Callable[[list[Stroke]], Read], strokes: Sequence[Stroke]) -> list[Read]:
    """What `read` makes of a drawing without its first stroke, without its second, and so on: one for each stroke.

    read: gets the strokes, (n, 2) each, without one of them; there are none if the drawing has a single stroke.
    """
    return [read([*strokes[:left_out], *strokes[left_out + 1 :]]) for left_out in range(len(strokes))]
