"""Receptive fields: each neuron of the first hidden layer sees only a window of the picture, as those of an eye do.

A stroke's neighbours say more of it than what is far away, so windows lead to useful features sooner (LeCun,
Generalization and Network Design Strategies, 1989: local connections without shared weights). Weights of pixels outside
a neuron's window are 0 and stay 0; so the network is an MLP like any other.
"""

import math

import numpy as np

from engine.ops import Array


def seen_pixels(in_dim: int, neurons: int, field_px: int) -> Array:
    """Which pixels of a square picture each neuron sees: bool (neurons, in_dim).

    The windows, field_px wide and high, lie within the picture in rows, evenly spaced; all see a picture that is
    not larger. Raises ValueError if in_dim is not the number of a square picture's pixels.
    """
    size = math.isqrt(in_dim)
    if size * size != in_dim:
        raise ValueError(f"receptive fields are windows of square pictures, which {in_dim:,} inputs are not")
    columns = math.ceil(math.sqrt(neurons))
    rows = math.ceil(neurons / columns)
    number, pixel = np.arange(neurons), np.arange(size)
    starts = (_starts(count, size - field_px)[:, np.newaxis] for count in (rows, columns))
    sees_y, sees_x = ((pixel >= start) & (pixel < start + field_px) for start in starts)
    windows = sees_y[number // columns, :, np.newaxis] & sees_x[number % columns, np.newaxis, :]
    return np.asarray(windows.reshape(neurons, in_dim))


def _starts(count: int, last: int) -> Array:
    """Where so many windows begin, from 0 to the last place; a single one in the middle."""
    places = np.linspace(0, last, count) if count > 1 else np.array([last / 2])
    return np.asarray(np.maximum(np.rint(places), 0))
