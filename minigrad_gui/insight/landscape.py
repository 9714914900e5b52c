"""The loss around the way that training took: on a plane in the space of all weights and biases.

Li, Xu, Taylor, Studer and Goldstein, Visualizing the Loss Landscape of Neural Nets (2018). The plane goes through the
run's last network. Its directions are those in which training moved the parameters most (their section 7), or random
ones that are normalised filter by filter (their section 4); a filter here is what goes into one neuron.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine import Tensor
from engine.losses import cross_entropy_loss
from engine.nn import MLP
from engine.ops import Array
from engine.samples import as_rows
from minigrad_gui.insight.connections import connections
from minigrad_gui.insight.trace import allowing_overflow

Kind = Literal["path", "random"]
Parameters = tuple[Array, ...]
"""Arrays with the shapes of a network's parameters, in their order."""

STRIDES = (4, 2, 1)
"""Every fourth place of the finest grid comes first, then every second one, then all."""
SIDE = 33
"""Places of the finest grid in each direction."""
MARGIN_SHARE = 0.3
"""The plane is seen beyond the path by this share of the path's extent."""
LEAST_RATIO = 0.25
"""The path's shorter extent counts as at least this share of the longer one."""
RANDOM_REACH = 1.0
"""Random directions are followed so far: 1 is as far as the weights are long."""
NEGLIGIBLE = 1e-9


@dataclass(frozen=True)
class Plane:
    """The networks centre + x directions[0] + y directions[1].

    path: float64 (n, 2), x and y of the network on the plane that is nearest to each of the run's; shares: (2,), how
    much of the variance of the run's networks is along each direction; span: (2, 2), the lowest and the highest x, then
    y, that are of interest.
    """

    centre: MLP
    directions: tuple[Parameters, Parameters]
    path: NDArray[np.float64]
    shares: NDArray[np.float64]
    span: NDArray[np.float64]

    def model(self, x: float, y: float) -> MLP:
        """The network at a place."""
        first, second = self.directions
        arrays = [
            each.data + x * one + y * other
            for each, one, other in zip(self.centre.parameters(), first, second, strict=True)
        ]
        return MLP.from_parameters(list(zip(arrays[::2], arrays[1::2], strict=True)), type(self.centre.activation))


def plane_of(models: Sequence[MLP], kind: Kind, seed: int = 0) -> Plane:
    """A plane through the last of these networks of one run, all of them finite.

    kind: "path" for the two directions of the largest variance, "random" for random ones, drawn from the seed.
    """
    centre, moves = models[-1], _moves(models)
    gram = sum((each @ each.T for each in moves), np.zeros((len(models), len(models))))
    main = _main_directions(moves, gram, centre) if kind == "path" else []
    rng = np.random.default_rng(seed)
    while len(main) < 2:
        random = filter_normalised(centre, rng)
        # A run of two networks has one main direction only; the other one then has length 1, too.
        main.append(random if kind == "random" else _of_length_1(random))
    directions = main[0], main[1]
    flat = [np.stack([part.ravel() for part in parts]) for parts in zip(*directions, strict=True)]
    squares = sum((each @ each.T for each in flat), np.zeros((2, 2)))
    products = sum((move @ each.T for move, each in zip(moves, flat, strict=True)), np.zeros((len(models), 2)))
    path = products @ np.linalg.pinv(squares)
    variance = float(np.trace(gram) / len(gram) - gram.mean())
    shares = path.var(axis=0) * np.diagonal(squares) / variance if variance > 0 else np.zeros(2)
    return Plane(centre, directions, path, shares, _span(path, kind))


def filter_normalised(model: MLP, rng: np.random.Generator) -> Parameters:
    """A random direction in which each neuron's weights are as long as they are in the network; biases stay."""
    direction: list[Array] = []
    for layer in model.layers:
        W = rng.standard_normal(layer.W.shape).astype(layer.W.dtype)
        there = connections(layer.W.data)
        if there is not None:
            W *= there | ~there.any(axis=1, keepdims=True)  # a neuron without connections stays as it is
        W *= np.linalg.norm(layer.W.data, axis=1, keepdims=True) / np.linalg.norm(W, axis=1, keepdims=True)
        direction += [W, np.zeros_like(layer.b.data)]
    return tuple(direction)


def _of_length_1(direction: Parameters) -> Parameters:
    length = np.sqrt(sum(float((part * part).sum()) for part in direction))
    return tuple(part / part.dtype.type(length) for part in direction) if length > 0 else direction


def _moves(models: Sequence[MLP]) -> list[Array]:
    """How far each parameter of each network is from that of the last one: (n, size) for each parameter."""
    parameters = [[each.data for each in model.parameters()] for model in models]
    return [np.stack([array.ravel() for array in of]) - of[-1].ravel() for of in zip(*parameters, strict=True)]


def _main_directions(moves: Sequence[Array], gram: Array, centre: MLP) -> list[Parameters]:
    """The principal components of the networks, at most two, of length 1.

    They are sums of the moves, so the eigenvectors of the small matrix of products suffice. The path goes to the right,
    and on the whole upwards from its last network.
    """
    shift = np.eye(len(gram)) - 1 / len(gram)
    values, vectors = np.linalg.eigh(shift @ gram @ shift)
    directions: list[Parameters] = []
    for value, vector in ((values[-1], vectors[:, -1]), (values[-2], vectors[:, -2])):
        if value <= NEGLIGIBLE * max(values[-1], np.trace(gram)) or value <= 0:
            break
        weights = vector / np.sqrt(value)
        along = gram @ weights
        weights *= -np.sign(along[0]) if not directions else np.sign(along.sum())
        arrays = [
            (weights.astype(each.dtype) @ each).reshape(parameter.shape)
            for each, parameter in zip(moves, centre.parameters(), strict=True)
        ]
        directions.append(tuple(arrays))
    return directions


def _span(path: NDArray[np.float64], kind: Kind) -> NDArray[np.float64]:
    if kind == "random":
        return np.array([[-RANDOM_REACH, RANDOM_REACH]] * 2)
    low, high = path.min(axis=0), path.max(axis=0)
    extent = np.maximum(high - low, LEAST_RATIO * ((high - low).max() or 1))
    reach = (0.5 + MARGIN_SHARE) * extent
    middle = (low + high) / 2
    return np.stack([middle - reach, middle + reach], axis=1)


@dataclass(frozen=True)
class Surface:
    """The losses on a grid: float64 (rows, columns), a row for each y and a column for each x."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    losses: NDArray[np.float64]

    def at(self, x: float, y: float) -> float:
        """The loss at a place, in between the four around it."""
        columns, rows = _weights(self.x, np.array([x])), _weights(self.y, np.array([y]))
        near = (rows.T @ columns) > 0
        return float((rows @ np.where(near, self.losses, 0) @ columns.T)[0, 0])

    def resampled(self, side: int) -> NDArray[np.float64]:
        """The logarithm of the losses on a grid of side x side, linear in between. What is not finite counts as the
        largest."""
        with np.errstate(divide="ignore", invalid="ignore"):
            heights = np.log(self.losses)
        finite = np.isfinite(heights)
        heights = np.where(finite, heights, heights[finite].max(initial=-np.inf) if finite.any() else 0.0)
        across, along = (_weights(axis, np.linspace(axis[0], axis[-1], side)) for axis in (self.x, self.y))
        return np.asarray(along @ heights @ across.T)


def _weights(axis: NDArray[np.float64], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much each point of an even axis counts for places between them, linearly: (places, points)."""
    steps = (places - axis[0]) / (axis[1] - axis[0])
    distance = np.abs(np.clip(steps, 0, len(axis) - 1)[:, np.newaxis] - np.arange(len(axis)))
    return np.asarray(np.maximum(1 - distance, 0))


class Survey:
    """Computes the mean loss of a plane's networks on pictures (N, ...) with class labels (N,), bit by bit.

    The first layer is linear, so what it makes of the pictures is computed once for the centre and for each direction;
    at each place these are added. The other layers are usually much smaller.
    """

    def __init__(self, plane: Plane, images: Array, labels: Array) -> None:
        self.plane = plane
        self._x, self._y = (np.linspace(low, high, SIDE) for low, high in plane.span)
        self._losses = np.full((SIDE, SIDE), np.nan)
        self._labels = labels.astype(np.intp)
        self._activation = plane.centre.activation
        centre = tuple(each.data for each in plane.centre.parameters())
        rows = as_rows(images, plane.centre.dtype)
        terms = (centre, *plane.directions)
        self._first = [rows @ term[0].T + term[1] for term in terms]
        self._later = [tuple(term[index] for term in terms) for index in range(2, len(centre))]
        self._order = _coarse_to_fine()
        self._done = 0

    @property
    def is_done(self) -> bool:
        return self._done == len(self._order)

    def advance(self, seconds: float, cancelled: Callable[[], bool] = lambda: False) -> None:
        """Go on for about so long, at least by one place."""
        end_s = time.perf_counter() + seconds
        while not self.is_done:
            row, column = self._order[self._done]
            self._losses[row, column] = self._loss(self._x[column], self._y[row])
            self._done += 1
            if time.perf_counter() >= end_s or cancelled():
                return

    @property
    def surface(self) -> Surface | None:
        """On the finest grid that is complete; None if none is yet."""
        for stride in reversed(STRIDES):
            if self._done >= len(range(0, SIDE, stride)) ** 2:
                losses = self._losses[::stride, ::stride].copy()
                return Surface(self._x[::stride], self._y[::stride], losses)
        return None

    @allowing_overflow
    def _loss(self, x: float, y: float) -> float:
        x, y = float(x), float(y)  # NumPy's would make float64 of float32
        hidden = _sum(self._first, x, y)
        for W, b in zip(self._later[::2], self._later[1::2], strict=True):
            hidden = self._activation(Tensor.around(hidden)).data @ _sum(W, x, y).T + _sum(b, x, y)
        return cross_entropy_loss(Tensor.around(hidden), self._labels).item()


def _sum(terms: Sequence[Array], x: float, y: float) -> Array:
    centre, first, second = terms
    return np.asarray(centre + x * first + y * second)


def _coarse_to_fine() -> list[tuple[int, int]]:
    """All places of the grid, those of each coarser grid before the others."""
    places: dict[tuple[int, int], None] = {}
    for stride in STRIDES:
        places |= {(row, column): None for row in range(0, SIDE, stride) for column in range(0, SIDE, stride)}
    return list(places)
