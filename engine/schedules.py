"""How the learning rate changes during a run: large steps to get far, small ones to arrive.

A schedule is the factor of the learning rate as a function of the run's progress (0 to 1).
"""

import math
from collections.abc import Callable

WARM_UP = 0.3
"""The share of a one-cycle run in which the learning rate rises."""
START = 0.04
"""The factor that it rises from."""


def _cosine(done: float) -> float:
    """From 1 to 0, slowly at both ends: Loshchilov and Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts
    (2017), without the restarts."""
    return 0.5 * (1 + math.cos(math.pi * done))


def _one_cycle(done: float) -> float:
    """Up from a small rate and down to 0, both as half a cosine: Smith, A Disciplined Approach to Neural Network
    Hyper-Parameters (2018); the momentum stays as it is."""
    if done < WARM_UP:
        return START + (1 - START) * (1 - _cosine(done / WARM_UP))
    return _cosine((done - WARM_UP) / (1 - WARM_UP))


def _step(done: float) -> float:
    """A tenth from half of the run on, and a hundredth from three quarters on: He et al., Deep Residual Learning for
    Image Recognition (2016)."""
    return 1.0 if done < 0.5 else 0.1 if done < 0.75 else 0.01


SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda done: 1.0,  # noqa: ARG005
    "cosine": _cosine,
    "one-cycle": _one_cycle,
    "step": _step,
}
