"""Augmentation: random variations of pictures, so that a network learns to ignore position, size, slant and pen width.

Each picture is resampled at displaced positions. A pixel's displacement is a linear combination of 1, x and y (shift,
rotation, scale and shear) and of a few wide bumps (elastic distortion: Simard, Steinkraus and Platt, Best Practices for
Convolutional Neural Networks Applied to Visual Document Analysis, 2003). One matrix product of random coefficients and
a basis of displacements therefore gives all positions of a batch, which is fast enough for new pictures in every epoch.
"""

from dataclasses import asdict, dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from engine.ops import Array

BUMP_PX = 4.0
"""Standard deviation of the bumps of an elastic distortion, and their spacing."""

Pictures = NDArray[np.float32]


@dataclass(frozen=True)
class Augmentation:
    """How far pictures are changed at random. Each number is the maximum in either direction; 0 means no change.

    shift_px: horizontal and vertical shift in pixels; rotation_deg: degrees; scale: 0.1 means 0.9 to 1.1 times the
    size, width and height independently; shear: pixels to the side for each pixel up; elastic_px: horizontal and
    vertical displacement by an elastic distortion (the root mean square, not the maximum); thickness_px: how much
    thicker or thinner lines get.
    """

    shift_px: float = 0.0
    rotation_deg: float = 0.0
    scale: float = 0.0
    shear: float = 0.0
    elastic_px: float = 0.0
    thickness_px: float = 0.0

    def __bool__(self) -> bool:
        """Whether it changes anything."""
        return any(asdict(self).values())

    def __call__(self, images: Array, rng: np.random.Generator) -> Pictures:
        """Varied copies, float32 (N, height, width) in [0, 1], of images (N, height, width): uint8, or in [0, 1]."""
        count, height, width = images.shape
        pictures = images.astype(np.float32) / np.float32(255 if images.dtype == np.uint8 else 1)
        drawn = rng.uniform(-1, 1, (7, count)).astype(np.float32)
        angle = drawn[0] * np.float32(np.deg2rad(self.rotation_deg))
        scale_x, scale_y = np.float32(1) + drawn[1:3] * np.float32(self.scale)
        shear = drawn[3] * np.float32(self.shear)
        shift_x, shift_y = drawn[4:6] * np.float32(self.shift_px)
        cos, sin = np.cos(angle), np.sin(angle)
        basis = _moves(height, width)
        bumps = np.float32(self.elastic_px) * rng.standard_normal((2, count, len(basis) - 3), np.float32)
        x = np.column_stack([shift_x, cos / scale_x, (shear * cos - sin) / scale_x, bumps[0]]) @ basis
        y = np.column_stack([shift_y, sin / scale_y, (shear * sin + cos) / scale_y, bumps[1]]) @ basis
        moved = _resampled(pictures, x, y)
        return _with_pen_width(moved, drawn[6] * np.float32(self.thickness_px)) if self.thickness_px else moved


@cache
def _moves(height: int, width: int) -> Pictures:
    """The basis (3 + bumps, height * width): 1, x and y from the centre, and bumps whose squares sum to about 1."""
    y, x = np.indices((height, width)).reshape(2, -1)
    across, down = (np.arange((size - 1) % BUMP_PX / 2, size, BUMP_PX) for size in (width, height))
    centres_y, centres_x = (centres.reshape(-1, 1) for centres in np.meshgrid(down, across, indexing="ij"))
    bumps = np.exp(-((x - centres_x) ** 2 + (y - centres_y) ** 2) / (2 * BUMP_PX**2))
    bumps /= np.sqrt((bumps**2).sum(axis=0).mean())
    affine = [np.ones(height * width), x - (width - 1) / 2, y - (height - 1) / 2]
    return np.vstack([*affine, bumps]).astype(np.float32)


def _resampled(pictures: Pictures, x: Pictures, y: Pictures) -> Pictures:
    """Pictures resampled bilinearly at x, y (N, height * width), relative to their centre; 0 beyond the edge."""
    count, height, width = pictures.shape
    stride = width + 3
    framed = np.pad(pictures, ((0, 0), (1, 2), (1, 2))).ravel()
    x = np.clip(x + np.float32((width + 1) / 2), 0, width + 1)
    y = np.clip(y + np.float32((height + 1) / 2), 0, height + 1)
    column, row = x.astype(np.intp), y.astype(np.intp)
    x -= column
    y -= row
    at = row * stride + column + (np.arange(count) * (height + 3) * stride)[:, np.newaxis]
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
