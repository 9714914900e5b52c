"""Augmentation: random variations of pictures, so that a network learns to ignore position, size, slant and pen width.

Each picture is resampled at displaced positions. A pixel's displacement is a linear combination of 1, x and y (shift,
rotation, scale and shear) and of a few wide bumps (elastic distortion: Simard, Steinkraus and Platt, Best Practices for
Convolutional Neural Networks Applied to Visual Document Analysis, 2003). One matrix product of random coefficients and
a basis of displacements therefore gives all positions of a batch, which is fast enough for new pictures in every epoch.
`engine.fast` makes the same pictures from the same coefficients in machine code.
"""

from dataclasses import asdict, dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.hashing import HASH_STEP, mixed
from engine.ops import Array

PARTS_MEAN, PARTS_DEVIATION = np.int32(2 * 0xFFFF), np.float32(65536 / 3**0.5)
"""Of the sum of four whole numbers, uniform from 0 to 65,535."""
AT_ONCE = 128
"""Pictures that are varied together: few enough for the processor's cache."""

Pictures = NDArray[np.float32]


@dataclass(frozen=True)
class Augmentation:
    """How far pictures are changed at random. Each amount is the maximum in either direction; 0 means no change.

    shift_px: horizontal and vertical shift in pixels; rotation_deg: degrees; scale: 0.1 means 0.9 to 1.1 times the
    size, width and height independently; shear: pixels to the side for each pixel up; elastic_px: horizontal and
    vertical displacement by an elastic distortion (the root mean square, not the maximum); thickness_px: how much
    thicker or thinner lines get; elastic_sigma_px: how smooth an elastic distortion is, the standard deviation of its
    bumps and their spacing.
    """

    shift_px: float = 0.0
    rotation_deg: float = 0.0
    scale: float = 0.0
    shear: float = 0.0
    elastic_px: float = 0.0
    thickness_px: float = 0.0
    elastic_sigma_px: float = 4.0

    def __bool__(self) -> bool:
        """Whether it changes anything."""
        return any(amount for name, amount in asdict(self).items() if name != "elastic_sigma_px")

    def __call__(self, images: Array, rng: "np.random.Generator") -> Pictures:
        """Varied copies, float32 (N, height, width) in [0, 1], of images (N, height, width): uint8, or in [0, 1]."""
        return self.vary(images, self.draw(len(images), rng))

    def vary(self, images: Array, draws: "Draws") -> Pictures:
        """Like a call, but varied as drawn: for each image."""
        varied = np.empty(images.shape, np.float32)
        for start in range(0, len(images), AT_ONCE):
            block = slice(start, start + AT_ONCE)
            varied[block] = self._varied(images[block], draws.part(block))
        return varied

    def _varied(self, images: Array, draws: "Draws") -> Pictures:
        count, height, width = images.shape
        affine, seeds, thicker_px = draws
        coefficients = affine.reshape(count, 2, 3)
        basis = _displacements(height, width, self.elastic_sigma_px)
        if self.elastic_px:
            bumps = len(basis) - 3
            heights = np.float32(self.elastic_px) * normal(seeds, 2 * bumps).reshape(count, 2, bumps)
            coefficients = np.concatenate([coefficients, heights], axis=2)
        moves = coefficients @ basis[: coefficients.shape[2]]
        pictures = images.astype(np.float32) / np.float32(255 if images.dtype == np.uint8 else 1)
        moved = _resampled(pictures, moves[:, 0], moves[:, 1])
        return _with_pen_width(moved, thicker_px) if self.thickness_px else moved

    def draw(self, count: int, rng: "np.random.Generator") -> "Draws":
        """Draw how each of so many pictures is varied."""
        drawn = rng.uniform(-1, 1, (7, count)).astype(np.float32)
        angle = drawn[0] * np.float32(np.deg2rad(self.rotation_deg))
        scale_x, scale_y = np.float32(1) + drawn[1:3] * np.float32(self.scale)
        shear = drawn[3] * np.float32(self.shear)
        shift_x, shift_y = drawn[4:6] * np.float32(self.shift_px)
        cos, sin = np.cos(angle), np.sin(angle)
        affine = [shift_x, cos / scale_x, (shear * cos - sin) / scale_x]
        affine += [shift_y, sin / scale_y, (shear * sin + cos) / scale_y]
        return Draws(
            np.stack(affine, axis=1), rng.integers(1 << 63, size=count), drawn[6] * np.float32(self.thickness_px)
        )


class Draws(NamedTuple):
    """How each of N pictures is varied.

    affine: float32 (N, 6), where its pixels come from, as coefficients of 1, x and y from the centre: three for x, then
    three for y; seeds: int64 (N,), for the heights of its bumps; thicker_px: (N,), how much thicker its lines get.
    """

    affine: NDArray[np.float32]
    seeds: NDArray[np.int64]
    thicker_px: NDArray[np.float32]

    def part(self, rows: slice) -> "Draws":
        return Draws(self.affine[rows], self.seeds[rows], self.thicker_px[rows])


def normal(seeds: NDArray[np.int64], count: int) -> NDArray[np.float32]:
    """Random numbers (N, count) for N seeds, nearly of the standard normal distribution; none is beyond 3.5.

    Each is the sum of the four uniform parts of a hash of the seed and the number's position.
    """
    z = seeds.astype(np.uint64)[:, np.newaxis] + np.arange(1, count + 1, dtype=np.uint64) * HASH_STEP
    sums = mixed(z).view(np.uint16).reshape(len(seeds), count, 4).sum(axis=2, dtype=np.int32)
    return np.asarray((sums - PARTS_MEAN).astype(np.float32) / PARTS_DEVIATION)


class Variations:
    """An augmentation of a whole run: what is drawn follows from the seed, the epoch and the position in it.

    count: the number of samples in an epoch. Mini-batches are numbered through the run, from 0.
    """

    def __init__(self, augmentation: Augmentation, seed: int, count: int, batch_size: int) -> None:
        self.augmentation, self.count = augmentation, count
        self._seed, self._batch_size = seed, batch_size
        self._epoch, self._draws = -1, augmentation.draw(0, np.random.default_rng(seed))

    def __call__(self, images: Array, number: int) -> Pictures:
        """The images of a mini-batch (n, height, width), varied: see `Augmentation`."""
        epoch, start = self.place(number)
        if epoch != self._epoch:
            self._epoch, self._draws = epoch, self.draw(epoch)
        return self.augmentation.vary(images, self._draws.part(slice(start, start + len(images))))

    def place(self, number: int) -> tuple[int, int]:
        """The epoch of a mini-batch, and the position of its first sample in the epoch."""
        epoch, index = divmod(number, -(-self.count // self._batch_size))
        return epoch, index * self._batch_size

    def draw(self, epoch: int) -> Draws:
        """How all samples of an epoch are varied, in the order in which they are trained on."""
        return self.augmentation.draw(self.count, np.random.default_rng([self._seed, 3, epoch]))


@cache
def bumps(height: int, width: int, sigma_px: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The profiles (n, height) and (m, width) of n rows of m bumps: each is the outer product of one down, one across.

    The squares of all bumps sum to about 1 at each pixel. sigma_px: their standard deviation, and their spacing.
    """
    profiles = []
    for size in (height, width):
        centres = np.arange((size - 1) % sigma_px / 2, size, sigma_px)
        profile = np.exp(-((np.arange(size) - centres[:, np.newaxis]) ** 2) / (2 * sigma_px**2))
        profiles.append(profile / np.sqrt((profile**2).sum(axis=0).mean()))
    return profiles[0], profiles[1]


@cache
def _displacements(height: int, width: int, sigma_px: float) -> Pictures:
    """The basis (3 + bumps, height * width) of displacements: 1, x and y from the centre, and the bumps."""
    y, x = np.indices((height, width)).reshape(2, -1)
    down, across = bumps(height, width, sigma_px)
    affine = [np.ones(height * width), x - (width - 1) / 2, y - (height - 1) / 2]
    return np.vstack([*affine, np.kron(down, across)]).astype(np.float32)


def _resampled(pictures: Pictures, x: Pictures, y: Pictures) -> Pictures:
    """Pictures resampled bilinearly at x, y (N, height * width), relative to their centre; 0 beyond the edge."""
    count, height, width = pictures.shape
    stride = width + 3
    framed = np.pad(pictures, ((0, 0), (1, 2), (1, 2))).ravel()
    x = np.clip(x + np.float32((width + 1) / 2), 0, width + 1)
    y = np.clip(y + np.float32((height + 1) / 2), 0, height + 1)
    column, row = np.floor(x), np.floor(y)  # whole, but float32: to add those takes less time
    x -= column
    y -= row
    at = (row * stride + column).astype(np.intp) + (np.arange(count) * (height + 3) * stride)[:, np.newaxis]
    upper, lower = framed.take(at), framed[stride:].take(at)
    upper += x * (framed[1:].take(at) - upper)
    lower += x * (framed[stride + 1 :].take(at) - lower)
    upper += y * (lower - upper)
    return np.asarray(upper.reshape(pictures.shape))


def _with_pen_width(pictures: Pictures, change_px: NDArray[np.float32]) -> Pictures:
    """Pictures with thicker lines, or thinner ones where change_px (N,) is negative.

    Blends each picture with its grey-scale dilation or erosion by a cross of 5 pixels.
    """
    result = pictures.copy()
    for chosen, extreme in ((change_px > 0, np.maximum), (change_px < 0, np.minimum)):
        grown = pictures[chosen]
        now = grown.copy()
        for here, there in ((np.s_[:, 1:], np.s_[:, :-1]), (np.s_[:, :, 1:], np.s_[:, :, :-1])):
            extreme(grown[here], now[there], out=grown[here])
            extreme(grown[there], now[here], out=grown[there])
        blend = np.minimum(np.abs(change_px[chosen]) / 2, 1)[:, np.newaxis, np.newaxis]
        result[chosen] = now + blend * (grown - now)
    return result
