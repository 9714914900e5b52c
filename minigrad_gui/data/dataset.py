"""What a dataset is, and how its four arrays are read from an .npz file, which is untrusted: sizes are bounded."""

import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.data.choices import Origin

SPLITS = ("train", "test")
DIGIT_NAMES = tuple(str(digit) for digit in range(10))
ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")
MAX_FILE_BYTES = 128 << 20
"""Limit for each array of the program's own files; MNIST's largest has 55 MB."""


class DataError(Exception):
    """A dataset that could not be loaded; the message is one sentence for the user."""


class LoadingCancelledError(Exception):
    """Loading was cancelled."""


@dataclass(frozen=True)
class Dataset:
    """Images: uint8 (N, 28, 28), from 0 (paper) to 255 (ink); labels: uint8 (N,), indices into class_names.

    outliers: more images that show none of the classes, from which a network learns to be unsure. origin: what was
    guessed about a file that somebody opened.
    """

    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.uint8]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.uint8]
    name: str
    class_names: tuple[str, ...]
    outliers: NDArray[np.uint8] = field(default_factory=lambda: np.empty((0, 28, 28), np.uint8))
    origin: Origin | None = None


def read_arrays(
    path: Path, name: str, class_names: tuple[str, ...] = DIGIT_NAMES, most_bytes: int = MAX_FILE_BYTES
) -> Dataset:
    """Load a dataset from an .npz file. Raises DataError for unsuitable arrays, almost anything for damage."""
    arrays = {}
    with zipfile.ZipFile(path) as archive:
        for key in ARRAYS:
            info = archive.getinfo(f"{key}.npy")
            if info.file_size > most_bytes:
                raise DataError("an array is too large.")
            with archive.open(info) as file:
                arrays[key] = np.lib.format.read_array(file, allow_pickle=False)
                file.read(1)  # at its end, the checksum is verified
    for split in SPLITS:
        images, labels = arrays[f"{split}_images"], arrays[f"{split}_labels"]
        if images.dtype != np.uint8 or images.shape != (len(labels), 28, 28):
            raise DataError("its pictures are not 28 x 28 bytes each, one to a label.")
        if labels.dtype != np.uint8 or labels.ndim != 1:
            raise DataError("its labels are not bytes.")
        if labels.max() >= len(class_names):  # raises if there are none
            raise DataError(f"its labels are not from 0 to {len(class_names) - 1}.")
    train_images, train_labels, test_images, test_labels = (arrays[key] for key in ARRAYS)
    return Dataset(train_images, train_labels, test_images, test_labels, name, class_names)
