"""Averaging of weights: the mean of the networks that a run goes through is often better than the last of them.

Near the end of a run the weights circle around a minimum, because every mini-batch pulls in another direction. Their
mean is closer to its middle, as a much smaller learning rate would be (Polyak and Juditsky, Acceleration of Stochastic
Approximation by Averaging, 1992). It costs little: it is updated between steps, and not after every one.
"""

import math

import numpy as np

from engine.nn import MLP

AVERAGES = ("none", "ema", "last")
"""none; ema: an exponential moving average; last: the mean over the last part of the run (Izmailov et al., Averaging
Weights Leads to Wider Optima and Better Generalization, 2018)."""
UPDATES_PER_EPOCH = 20


class WeightAverage:
    """The average of a network's weights over the mini-batches of a run.

    kind: "ema" or "last"; epochs: the time constant of the moving average, or how long the last part is;
    steps_per_epoch: of the run; end: the number of mini-batches with this network's last one. `every`: the number of
    mini-batches between two updates; `network`: the average, None before the first update; `count`: the number of
    updates.
    """

    def __init__(self, kind: str, epochs: float, steps_per_epoch: int, end: int) -> None:
        self.every = max(1, round(steps_per_epoch / UPDATES_PER_EPOCH))
        self.network: MLP | None = None
        self.count = 0
        self._is_moving = kind == "ema"
        self._before = 0 if self._is_moving else end - round(epochs * steps_per_epoch)
        self._decay = math.exp(-self.every / (epochs * steps_per_epoch))

    def after(self, steps_done: int, model: MLP) -> None:
        """Update the average, if that is due after so many mini-batches."""
        if steps_done % self.every or steps_done <= self._before:
            return
        self.count += 1
        if self.network is None:
            self.network = model.copy()
            return
        weight = self._weight()
        with np.errstate(over="ignore", invalid="ignore"):  # of a network that explodes
            for average, parameter in zip(self.network.parameters(), model.parameters(), strict=True):
                average.data += weight * (parameter.data - average.data)

    def state(self) -> tuple[MLP | None, int]:
        """A copy of the average, and the number of updates."""
        return self.network and self.network.copy(), self.count

    def load_state(self, network: MLP | None, count: int) -> None:
        """Continue from what `state()` returned."""
        self.network, self.count = network and network.copy(), count

    def _weight(self) -> float:
        """The weight of the newest network. A young moving average forgets sooner, since its first networks were poor
        (as in TensorFlow's ExponentialMovingAverage)."""
        return max(1 - self._decay, 9 / (8 + self.count)) if self._is_moving else 1 / self.count
