"""Which pictures resemble a picture most: to the network, by what its last hidden layer says of them, and to the eye.

Comparing with all of 60,000 pictures takes a network seconds. The index therefore stores a shadow of each: its
projection onto the directions in which the pictures differ most (principal components; Pearson, 1901), and how far it
is from that projection. Shadows are never further apart than what casts them. So candidates are compared exactly in
the order of their shadows' distances until all others must be further away: the result is exact (Faloutsos, Ranganathan
and Manolopoulos, Fast Subsequence Matching, 1994). The shadow is coarse, and fine, in bytes, for those that need it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from engine.nn import MLP
from engine.ops import Array
from engine.samples import as_rows
from minigrad_gui.insight.trace import SAMPLES_AT_ONCE, allowing_overflow, hidden_features

Space = Literal["hidden", "pixels"]
Neighbours = tuple[NDArray[np.intp], Array]

COARSE, FINE = 40, 144
"""Directions of the two shadows: 60,000 pictures take 20 MB."""
SAMPLE = 4000
"""Pictures from which the directions are found; others would do as well, but let more candidates through."""
LIKELY = 1000
"""Candidates whose fine shadows are looked at first, to find some that are near."""
AT_ONCE = 64
"""Candidates that are compared exactly before it is asked again who may still be nearer."""
PIXEL_DTYPE = np.dtype(np.float32)
SLACK = 1e-5
"""Rounding of squared distances in float32, relative to the squares that they are computed from."""


@allowing_overflow
def nearest(model: MLP, picture: Array, images: Array, count: int, space: Space) -> Neighbours:
    """The `count` of images (N, 28, 28) that resemble a picture most: indices intp and distances, nearest first.

    Distances are Euclidean. space: "hidden", between outputs of the last hidden layer, or "pixels", from 0 to 1. Looks
    at all images; `NearestIndex` gives the same sooner.
    """
    seen_by = model if space == "hidden" else None
    place = _features(seen_by, picture[np.newaxis])
    distances = [
        _distances(_features(seen_by, images[start : start + SAMPLES_AT_ONCE]), place)
        for start in range(0, len(images), SAMPLES_AT_ONCE)
    ]
    return _first(np.arange(len(images)), np.concatenate(distances), count)


@allowing_overflow
def _features(model: MLP | None, pictures: Array) -> Array:
    """Where pictures (N, ...) lie: (N, n), outputs of the network's last hidden layer, or pixels without a network."""
    return as_rows(pictures, PIXEL_DTYPE) if model is None else hidden_features(model, pictures)


def _distances(places: Array, place: Array) -> Array:
    """Euclidean distances of places (N, n) from a place (1, n): (N,)."""
    difference = places - place
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", difference, difference)))


def _first(indices: NDArray[np.intp], distances: Array, count: int) -> Neighbours:
    order = np.lexsort((indices, distances))[:count]
    return indices[order], distances[order]


class _Shadows(NamedTuple):
    """What is stored of N places, or one place (N = 1) in full precision. They are further apart than their shadows.

    coarse: (N, c + 1), projections onto the first c directions, and the distance from these; fine: (N, f), projections
    onto further directions; rest: (N,), the distance from all projections.
    """

    coarse: Array
    fine: Array
    rest: Array

    @classmethod
    @allowing_overflow
    def cast(cls, places: Array, mean: Array, directions: Array) -> Self:
        """The shadows of places (N, n) with this mean, (n,), for orthonormal directions (n, d)."""
        centred = places - mean
        projected = centred @ directions
        fine = projected[:, COARSE:]
        rest = _norms(centred - projected @ directions.T)
        return cls(np.column_stack([projected[:, :COARSE], np.hypot(rest, _norms(fine))]), fine, rest)


class _Codes(NamedTuple):
    """Fine shadows in bytes: codes int8 (N, f) x scales (N, 1), but for errors of lengths (N,)."""

    codes: Array
    scales: Array
    errors: Array

    @classmethod
    def of(cls, fine: Array) -> Self:
        scales = np.abs(fine).max(axis=1, initial=np.finfo(np.float32).tiny, keepdims=True) / 127
        codes = np.rint(fine / scales)
        return cls(codes.astype(np.int8), scales, _norms(codes * scales - fine))


def _norms(rows: Array) -> Array:
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", rows, rows)))


@dataclass(frozen=True)
class NearestIndex:
    """Pictures, prepared so that those nearest to a picture are found within milliseconds. `build` prepares them.

    model: None for comparing pixels; indices: of the images that are compared, intp (N,); mean: (n,); directions:
    orthonormal, (n, d); the coarse shadows are stored in columns, float32 (c + 1, N), with the squares of their
    lengths, (N,).
    """

    model: MLP | None
    images: Array
    indices: NDArray[np.intp]
    mean: Array
    directions: Array
    coarse: NDArray[np.float32]
    squares: NDArray[np.float32]
    fine: _Codes
    rest: NDArray[np.float32]

    @classmethod
    def build(
        cls, model: MLP, images: Array, space: Space, indices: NDArray[np.intp] | None = None
    ) -> Iterator[Self | None]:
        """Prepare images (..., 28, 28) for a network that does not change: all, or those at these indices (N,).

        Gives None after each piece of work, some hundredths of a second long, and the index at last. Raises ValueError
        if what the network says of them is too large to compute with.
        """
        seen_by = model if space == "hidden" else None
        chosen = np.arange(len(images)) if indices is None else indices
        sample = _features(seen_by, images[chosen[:: max(1, len(chosen) // SAMPLE)]])
        yield None
        mean, directions = _principal_directions(sample)
        N, d = len(chosen), directions.shape[1]
        c = min(COARSE, d)
        coarse, rest = np.empty((c + 1, N), np.float32), np.empty(N, np.float32)
        fine = _Codes(np.empty((N, d - c), np.int8), np.empty((N, 1), np.float32), np.empty(N, np.float32))
        for start in range(0, N, SAMPLES_AT_ONCE):
            yield None
            block = slice(start, start + SAMPLES_AT_ONCE)
            shadows = _Shadows.cast(_features(seen_by, images[chosen[block]]), mean, directions)
            coarse[:, block], rest[block] = shadows.coarse.T, shadows.rest
            for stored, codes in zip(fine, _Codes.of(shadows.fine), strict=True):
                stored[block] = codes
        squares = np.einsum("ij,ij->j", coarse, coarse)
        yield cls(seen_by, images, chosen, mean, directions, coarse, squares, fine, rest)

    @allowing_overflow
    def nearest(self, picture: Array, count: int) -> Neighbours:
        """The same as `nearest` of the module."""
        count = min(count, len(self.indices))
        place = _features(self.model, picture[np.newaxis])
        none = np.empty(0, np.intp), np.empty(0, place.dtype)
        if count == 0:
            return none
        shadow = _Shadows.cast(place, self.mean, self.directions)
        bounds = self._coarse_bounds(shadow)
        likely = min(LIKELY + count, len(bounds))
        candidates = np.argpartition(bounds, likely - 1)[:likely]
        found = self._nearest_of(candidates, self._fine_bounds(candidates, shadow), place, count, none)
        bounds[candidates] = np.inf
        candidates = np.flatnonzero(bounds <= found[1][-1] ** 2)
        at, distances = self._nearest_of(candidates, self._fine_bounds(candidates, shadow), place, count, found)
        return self.indices[at], distances

    def _nearest_of(
        self, candidates: NDArray[np.intp], bounds: Array, place: Array, count: int, found: Neighbours
    ) -> Neighbours:
        """The nearest to a place (1, n) of these candidates, which have these bounds, and of those found before."""
        order = np.argsort(bounds, kind="stable")
        for start in range(0, len(order), AT_ONCE):
            block = order[start : start + AT_ONCE]
            if len(found[0]) == count and bounds[block[0]] > found[1][-1] ** 2:
                break
            near = candidates[block]
            distances = _distances(_features(self.model, self.images[self.indices[near]]), place)
            found = _first(np.concatenate([found[0], near]), np.concatenate([found[1], distances]), count)
        return found

    def _coarse_bounds(self, shadow: _Shadows) -> Array:
        """What the squared distance of each picture from a place with this shadow is at least: (N,)."""
        place = shadow.coarse[0].astype(np.float32)
        bounds = (self.squares + place @ place) * np.float32(1 - SLACK)
        bounds -= 2 * (place @ self.coarse)
        return np.asarray(bounds)

    def _fine_bounds(self, candidates: NDArray[np.intp], shadow: _Shadows) -> Array:
        """The same for some of the pictures, from both shadows."""
        codes, scales, errors = (stored[candidates] for stored in self.fine)
        coarse = self.coarse[:-1, candidates] - shadow.coarse[0, :-1, np.newaxis]
        fine = np.maximum(_norms(codes * scales - shadow.fine) - errors, 0)
        bounds = np.einsum("ij,ij->j", coarse, coarse) + fine**2 + (self.rest[candidates] - shadow.rest) ** 2
        return np.asarray(bounds - SLACK * (self.squares[candidates] + shadow.coarse[0] @ shadow.coarse[0]))


@allowing_overflow
def _principal_directions(places: Array) -> tuple[Array, Array]:
    """The mean of places (N, n), and the directions in which they differ most: (n, d)."""
    mean = places.mean(axis=0)
    centred = places - mean
    scatter = centred.T @ centred
    if not np.isfinite(scatter).all():
        raise ValueError("The network's numbers have become too large to compare pictures by.")
    return mean, np.linalg.eigh(scatter)[1][:, : -(COARSE + FINE) - 1 : -1]
