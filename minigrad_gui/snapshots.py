"""Networks of a run at many moments, within a bound: the newest, the oldest, and others between them. No Qt here.

The more a run has trained, the slower it changes. So the moments that remain are about evenly spaced on a scale of the
square root of mini-batches: close together at first, then ever further apart.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

from engine.nn import MLP

MOST_COUNT, LEAST_COUNT = 120, 3
MOST_BYTES = 32 * 2**20


class Snapshot(NamedTuple):
    """A network after so many mini-batches of its run; it is never changed again."""

    batch: int
    model: MLP


class Snapshots:
    """A sequence of `Snapshot`s, oldest first; empty for a network of which not even LEAST_COUNT fit into the bound."""

    def __init__(self, most_count: int = MOST_COUNT, most_bytes: int = MOST_BYTES) -> None:
        self._most_count, self._most_bytes = most_count, most_bytes
        self._all: list[Snapshot] = []

    def __len__(self) -> int:
        return len(self._all)

    def __getitem__(self, index: int) -> Snapshot:
        return self._all[index]

    def __iter__(self) -> Iterator[Snapshot]:
        return iter(self._all)

    def add(self, batch: int, model: MLP) -> None:
        """Add the network after this mini-batch, which must not be changed any more, unless there is a newer one."""
        size = sum(parameter.data.nbytes for parameter in model.parameters())
        most = min(self._most_count, self._most_bytes // max(size, 1))
        if most < LEAST_COUNT or (self._all and batch <= self._all[-1].batch):
            return
        self._all.append(Snapshot(batch, model))
        while len(self._all) > most:  # more than one too many if a committee has grown
            del self._all[min(range(1, len(self._all) - 1), key=self._gap_without)]

    def _gap_without(self, index: int) -> float:
        """How wide the gap would be without this one."""
        return math.sqrt(self._all[index + 1].batch) - math.sqrt(self._all[index - 1].batch)

    def nearest(self, batch: float) -> int:
        """The index of the snapshot that is nearest to a mini-batch. Raises ValueError if there is none."""
        return min(range(len(self._all)), key=lambda index: abs(self._all[index].batch - batch))
