"""Receptive fields: each neuron of the first hidden layer sees only a window of the picture, as those of an eye do.

What belongs to a stroke is close together, so a neuron with a window has less to unlearn; given enough pictures, a
network ends up reading better (LeCun, Generalization and Network Design Strategies, 1989: local connections, here
without shared weights). Weights of pixels outside a neuron's window are 0 and stay 0; so the network is an MLP like any
other.
"""

import math

import numpy as np

from engine.ops import Array


def window_pixels(in_dim: int, field_px: int) -> int:
    """How many pixels of a square picture a window has, which is no larger than the picture.

    Raises ValueError if in_dim is not the number of a square picture's pixels.
    """
    size = math.isqrt(in_dim)
    if size * size != in_dim:
        raise ValueError(f"receptive fields are windows of square pictures, which {in_dim:,} inputs are not")
    return min(field_px, size) ** 2


def seen_pixels(in_dim: int, neurons: int, field_px: int) -> Array:
    """Which pixels of a square picture each neuron sees: bool (neurons, in_dim). Raises as `window_pixels` does.

    The windows, field_px wide and high, lie within the picture in rows from edge to edge, evenly spaced; the last row
    may have fewer. All neurons see a picture that is not larger than a window.
    """
    sees_y, sees_x = _grid(in_dim, neurons, field_px)
    number = np.arange(neurons)
    windows = sees_y[number // len(sees_x), :, np.newaxis] & sees_x[number % len(sees_x), np.newaxis, :]
    return np.asarray(windows.reshape(neurons, in_dim))


def unseen_pixels(in_dim: int, neurons: int, field_px: int) -> int:
    """How many pixels of a square picture no neuron sees. Raises as `window_pixels` does."""
    sees_y, sees_x = _grid(in_dim, neurons, field_px)
    full_rows, in_last = divmod(neurons, len(sees_x))
    seen = np.outer(sees_y[:full_rows].any(axis=0), sees_x.any(axis=0))
    seen |= np.outer(sees_y[full_rows:].any(axis=0), sees_x[:in_last].any(axis=0))
    return int(np.count_nonzero(~seen))


def _grid(in_dim: int, neurons: int, field_px: int) -> tuple[Array, Array]:
    """Which y each row of windows sees, bool (rows, height), and which x each column, bool (columns, width)."""
    side, size = math.isqrt(window_pixels(in_dim, field_px)), math.isqrt(in_dim)
    columns = math.ceil(math.sqrt(neurons))
    starts = (_starts(count, size - side)[:, np.newaxis] for count in (math.ceil(neurons / columns), columns))
    sees_y, sees_x = ((np.arange(size) >= start) & (np.arange(size) < start + side) for start in starts)
    return sees_y, sees_x


def _starts(count: int, last: int) -> Array:
    """Where so many windows begin, from 0 to the last place; a single one in the middle."""
    places = np.linspace(0, last, count) if count > 1 else np.array([last / 2])
    return np.asarray(np.rint(places))
