"""Which pictures resemble a picture most: to the network, by what its last hidden layer says of them, and to the eye.

Comparing with all of 60,000 pictures takes a network seconds. The index therefore stores a shadow of each: its
projection onto the directions in which the pictures differ most (principal components; Pearson, 1901), and how far it
is from that projection. Shadows are never further apart than what casts them. So candidates are compared exactly in
the order of their shadows' distances until all others must be further away: the result is exact (Faloutsos, Ranganathan
and Manolopoulos, Fast Subsequence Matching, 1994). A shadow has a coarse part, for all, and a fine one for those that
need it. Both are stored in bytes, with the length of what rounding has cut off.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from engine.nn import MLP
from engine.ops import Array
from engine.samples import as_rows
from minigrad_gui.insight.trace import SAMPLES_AT_ONCE, allowing_overflow, hidden_features, in_blocks

Space = Literal["hidden", "pixels"]
Neighbours = tuple[NDArray[np.intp], Array]

COARSE, FINE = 40, 88
"""Directions of the two parts: 60,000 pictures take 10 MB."""
SAMPLE = 2000
"""Pictures from which the directions are found; others would do as well, but let more candidates through."""
LIKELY = 1000
"""Candidates whose fine shadows are looked at first, to find some that are near."""
SHADOWS_AT_ONCE = 4000
"""Coarse shadows that are compared at once: few enough for a processor's cache."""
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
    distances = [_distances(_features(seen_by, block), place) for block in in_blocks(images)]
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

    coarse: (N, c), projections onto the first directions; fine: (N, f), onto further ones; rest: (N,), the distance
    from all projections; further: (N,), the distance from the coarse ones alone.
    """

    coarse: Array
    fine: Array
    rest: Array
    further: Array

    @classmethod
    @allowing_overflow
    def cast(cls, places: Array, mean: Array, directions: Array) -> Self:
        """The shadows of places (N, n) with this mean, (n,), for orthonormal directions (n, d)."""
        centred = places - mean
        projected = centred @ directions
        fine = projected[:, COARSE:]
        rest = _norms(centred - projected @ directions.T)
        return cls(projected[:, :COARSE], fine, rest, np.hypot(rest, _norms(fine)))


class _Codes(NamedTuple):
    """Projections in bytes: codes int8 (N, d) x scales (N, 1), but for errors of lengths (N,)."""

    codes: Array
    scales: Array
    errors: Array

    @classmethod
    def empty(cls, count: int, size: int) -> Self:
        return cls(np.empty((count, size), np.int8), np.empty((count, 1), np.float32), np.empty(count, np.float32))

    @classmethod
    @allowing_overflow
    def of(cls, values: Array) -> Self:
        scales = np.abs(values).max(axis=1, initial=np.finfo(np.float32).tiny, keepdims=True) / 127
        codes = np.rint(values / scales)
        return cls(codes.astype(np.int8), scales, _norms(codes * scales - values))

    def store(self, block: slice, values: Array) -> None:
        for stored, coded in zip(self, _Codes.of(values), strict=True):
            stored[block] = coded

    def gaps(self, chosen: NDArray[np.intp], value: Array) -> Array:
        """How far those that were chosen are at least from a value (1, d)."""
        codes, scales, errors = (stored[chosen] for stored in self)
        return np.asarray(np.maximum(_norms(codes * scales - value) - errors, 0))


def _norms(rows: Array) -> Array:
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", rows, rows)))


@dataclass(frozen=True)
class NearestIndex:
    """Pictures, prepared so that those nearest to a picture are found within milliseconds. `build` prepares them.

    model: None for comparing pixels; indices: of the images that are compared, intp (N,); mean: (n,); directions:
    orthonormal, (n, d); squares: the squared lengths of the coarse parts of the shadows, (N,).
    """

    model: MLP | None
    images: Array
    indices: NDArray[np.intp]
    mean: Array
    directions: Array
    coarse: _Codes
    fine: _Codes
    rest: NDArray[np.float32]
    further: NDArray[np.float32]
    squares: NDArray[np.float32]

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
        sample = in_blocks(images, chosen[:: max(1, len(chosen) // SAMPLE)])
        mean, directions = _principal_directions(np.concatenate([_features(seen_by, block) for block in sample]))
        yield None
        N, d = len(chosen), directions.shape[1]
        c = min(COARSE, d)
        coarse, fine = _Codes.empty(N, c), _Codes.empty(N, d - c)
        rest, further, squares = np.empty((3, N), np.float32)
        for number, pictures in enumerate(in_blocks(images, chosen)):
            block = slice(number * SAMPLES_AT_ONCE, (number + 1) * SAMPLES_AT_ONCE)
            shadows = _Shadows.cast(_features(seen_by, pictures), mean, directions)
            coarse.store(block, shadows.coarse)
            fine.store(block, shadows.fine)
            rest[block], further[block] = shadows.rest, shadows.further
            squares[block] = _norms(coarse.codes[block] * coarse.scales[block]) ** 2
            yield None
        yield cls(seen_by, images, chosen, mean, directions, coarse, fine, rest, further, squares)

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
        place, further = shadow.coarse[0].astype(np.float32), np.float32(shadow.further[0])
        codes, scales, errors = self.coarse
        products = [
            codes[start : start + SHADOWS_AT_ONCE].astype(np.float32) @ place
            for start in range(0, len(codes), SHADOWS_AT_ONCE)
        ]
        squares = self.squares + place @ place - 2 * scales[:, 0] * np.concatenate(products)
        gaps = np.maximum(np.sqrt(np.maximum(squares, 0)) - errors, 0)
        return np.asarray(gaps**2 + (self.further - further) ** 2 - self._slack(shadow))

    def _fine_bounds(self, candidates: NDArray[np.intp], shadow: _Shadows) -> Array:
        """The same for some of the pictures, from both parts of the shadow."""
        coarse, fine = self.coarse.gaps(candidates, shadow.coarse), self.fine.gaps(candidates, shadow.fine)
        bounds = coarse**2 + fine**2 + (self.rest[candidates] - shadow.rest) ** 2
        return np.asarray(bounds - self._slack(shadow)[candidates])

    def _slack(self, shadow: _Shadows) -> Array:
        """How wrong rounding may make squared distances from a place with this shadow: (N,)."""
        square = float(shadow.coarse[0] @ shadow.coarse[0] + shadow.further[0] ** 2)
        return np.asarray((self.squares + self.further**2 + square) * SLACK)


@allowing_overflow
def _principal_directions(places: Array) -> tuple[Array, Array]:
    """The mean of places (N, n), and the directions in which they differ most: (n, d)."""
    mean = places.mean(axis=0)
    centred = places - mean
    scatter = centred.T @ centred
    if not np.isfinite(scatter).all():
        raise ValueError("The network's numbers have become too large to compare pictures by.")
    directions = np.linalg.eigh(scatter)[1][:, : -(COARSE + FINE) - 1 : -1]
    return mean, np.ascontiguousarray(directions)  # not a view of all of them
