"""How a run went so far: every loss, smoothed too, and what each epoch came to."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.training import EpochSummary

SMOOTHING = 0.98
"""The weight of the past in the smoothed loss, at each mini-batch."""
BLOCK = 500
"""So many losses are smoothed at once: few enough that 1 / 0.98^500 is no large number."""
POWERS = SMOOTHING ** np.arange(1, BLOCK + 1)


class History:
    """The losses of a run, mini-batch by mini-batch and epoch by epoch. Its length counts mini-batches."""

    def __init__(self, steps_per_epoch: int = 1) -> None:
        self.steps_per_epoch = steps_per_epoch
        self.epochs: list[EpochSummary] = []
        self._values = np.empty((2, 1024))
        self._count = 0
        self._average = 0.0

    def __len__(self) -> int:
        return self._count

    @property
    def losses(self) -> NDArray[np.float64]:
        """The loss of each mini-batch."""
        return self._values[0, : self._count]

    @property
    def smoothed(self) -> NDArray[np.float64]:
        """Their exponential moving average, corrected for its start at zero."""
        return self._values[1, : self._count]

    def extend(self, losses: ArrayLike, epochs: Sequence[EpochSummary]) -> None:
        """Add the losses of more mini-batches, (n,), and the epochs that ended with them."""
        added: NDArray[np.floating[Any]] = np.asarray(losses, np.float64)
        if self._count + len(added) > self._values.shape[1]:
            grown = np.empty((2, 2 * (self._count + len(added))))
            grown[:, : self._count] = self._values[:, : self._count]
            self._values = grown
        for start in range(0, len(added), BLOCK):
            block = added[start : start + BLOCK]
            powers = POWERS[: len(block)]
            averages = powers * (self._average + (1 - SMOOTHING) * np.cumsum(block / powers))
            place = slice(self._count, self._count + len(block))
            self._values[0, place] = block
            self._values[1, place] = averages / (1 - SMOOTHING ** np.arange(place.start + 1, place.stop + 1))
            self._average, self._count = float(averages[-1]), place.stop
        self.epochs.extend(epochs)
