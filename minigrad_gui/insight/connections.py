"""Which weights are connections: those between the members of a committee, or of pixels outside a window, are none."""

import numpy as np
from numpy.typing import NDArray

from engine.ops import Array


def connections(W: Array) -> NDArray[np.bool_] | None:
    """Which of a layer's weights are connections, in the shape of W: those that are not 0; None if all are, or none."""
    there = W != 0
    return there if there.any() and not there.all() else None


def of_connections(values: Array, W: Array) -> Array:
    """The values (in the shape of W) that belong to connections: (n,), or all as they are."""
    there = connections(W)
    return values if there is None else np.asarray(values[there])
