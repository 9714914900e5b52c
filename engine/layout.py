"""Places for the nodes of a graph: in columns from the inputs to the result, with few crossings and straight chains.

Results stand right of all of their inputs, leaves just left of their first user. An edge that spans several columns
gets a bend in each column between, which is placed like a node. Within a column, nodes and bends are sorted by the mean
row of their neighbours and placed as close to it as they can be without overlapping (Sugiyama, Tagawa and Toda, 1981).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, repeat

Place = tuple[int, float]
"""Column and row."""

SWEEPS = 12
LEAF_WEIGHT = 1e-3
"""Leaves make room for results, so that a chain of layers is straight."""


@dataclass(frozen=True)
class Layout:
    """places: of each node; routes: the places of each edge (input, result), from end to end.

    Rows are at least 0, and at least 1 apart within a column.
    """

    places: tuple[Place, ...]
    routes: dict[tuple[int, int], tuple[Place, ...]]

    @property
    def columns(self) -> int:
        return 1 + max(column for column, _ in self.places)

    @property
    def height(self) -> float:
        """The largest row, bends included."""
        return max(row for route in (self.places, *self.routes.values()) for _, row in route)


def lay_out(inputs: Sequence[Sequence[int]]) -> Layout:
    """Places for the nodes of a graph without cycles. inputs: of each node, the indices of earlier ones."""
    columns = _columns(inputs)
    weights = [1.0 if sources else LEAF_WEIGHT for sources in inputs]
    routes: dict[tuple[int, int], list[int]] = {}
    for start, end in {(start, end): None for end, sources in enumerate(inputs) for start in sources}:
        between = range(columns[start] + 1, columns[end])
        routes[start, end] = [start, *range(len(columns), len(columns) + len(between)), end]
        columns += between
        weights += [weights[start]] * len(between)
    rows = _rows(columns, weights, routes.values())
    places = [(column, row) for column, row in zip(columns, rows, strict=True)]
    return Layout(
        tuple(places[: len(inputs)]), {edge: tuple(places[part] for part in parts) for edge, parts in routes.items()}
    )


def _columns(inputs: Sequence[Sequence[int]]) -> list[int]:
    columns: list[int] = []
    for sources in inputs:
        columns.append(1 + max((columns[source] for source in sources), default=-1))
    users: list[list[int]] = [[] for _ in inputs]
    for end, sources in enumerate(inputs):
        for start in sources:
            users[start].append(columns[end])
    return [
        column if sources or not used else min(used) - 1
        for column, sources, used in zip(columns, inputs, users, strict=True)
    ]


def _rows(columns: Sequence[int], weights: Sequence[float], routes: Iterable[Sequence[int]]) -> list[float]:
    """The row of each node and bend."""
    before: list[list[int]] = [[] for _ in columns]
    after: list[list[int]] = [[] for _ in columns]
    for route in routes:
        for start, end in pairwise(route):
            before[end].append(start)
            after[start].append(end)
    layers: list[list[int]] = [[] for _ in range(max(columns) + 1)]
    for index, column in enumerate(columns):
        layers[column].append(index)
    rows = [0.0] * len(columns)
    for layer in layers:
        for place, index in enumerate(layer):
            rows[index] = place
    for sweep in range(SWEEPS):
        near, far = (before, after) if sweep % 2 == 0 else (after, before)
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            wanted = {index: _mean_row(near[index] or far[index] or [index], rows, weights) for index in layer}
            layer.sort(key=lambda index: (wanted[index], rows[index]))
            placed = _apart([wanted[index] for index in layer], [weights[index] for index in layer])
            for index, row in zip(layer, placed, strict=True):
                rows[index] = row
    top = min(rows)
    return [row - top for row in rows]


def _mean_row(indices: Iterable[int], rows: Sequence[float], weights: Sequence[float]) -> float:
    pairs = [(weights[index], rows[index]) for index in indices]
    return sum(weight * row for weight, row in pairs) / sum(weight for weight, _ in pairs)


def _apart(wanted: Sequence[float], weights: Sequence[float]) -> Iterator[float]:
    """Rows at least 1 apart, in this order, with the least sum of weighted squared distances to those wanted.

    Neighbours that would be too close form a block, which stands at the mean of what its members want: pooling of
    adjacent violators (Ayer et al., 1955).
    """
    blocks: list[tuple[float, float, int]] = []  # where it wants its first member, its weight, its number of members
    for row, weight, count in zip(wanted, weights, repeat(1)):
        while blocks and blocks[-1][0] + blocks[-1][2] > row:
            above, above_weight, above_count = blocks.pop()
            total = above_weight + weight
            row = (above * above_weight + (row - above_count) * weight) / total
            weight, count = total, above_count + count
        blocks.append((row, weight, count))
    for row, _, count in blocks:
        yield from (row + offset for offset in range(count))
