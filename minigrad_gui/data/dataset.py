"""What a dataset is, and how its four arrays are read from an .npz file, which is untrusted: sizes are bounded."""

import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.data.choices import Origin

SPLITS = ("train", "test")
DIGIT_NAMES = tuple(str(digit) for digit in range(10))
ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")
MAX_FILE_BYTES = 128 << 20
"""Limit for each array of the program's own files; MNIST's largest has 55 MB."""


Bytes = NDArray[np.uint8]


class DataError(Exception):
    """A dataset that could not be loaded; the message is one sentence for the user."""


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
    parts = [read_split(path, split, len(class_names), most_bytes) for split in SPLITS]
    (train_images, train_labels), (test_images, test_labels) = parts
    return Dataset(train_images, train_labels, test_images, test_labels, name, class_names)


def read_split(path: Path, split: str, classes: int, most_bytes: int = MAX_FILE_BYTES) -> tuple[Bytes, Bytes]:
    """The pictures and labels of one of SPLITS. Raises as `read_arrays` does."""
    with zipfile.ZipFile(path) as archive:
        images, labels = (_read(archive, f"{split}_{kind}", most_bytes) for kind in ("images", "labels"))
    if images.dtype != np.uint8 or images.shape != (len(labels), 28, 28):
        raise DataError("its pictures are not 28 x 28 bytes each, one to a label.")
    if labels.dtype != np.uint8 or labels.ndim != 1:
        raise DataError("its labels are not bytes.")
    if labels.max() >= classes:  # raises if there are none
        raise DataError(f"its labels are not from 0 to {classes - 1}.")
    return images, labels


def _read(archive: zipfile.ZipFile, key: str, most_bytes: int) -> NDArray[Any]:
    info = archive.getinfo(f"{key}.npy")
    if info.file_size > most_bytes:
        raise DataError("an array is too large.")
    with archive.open(info) as file:
        array: NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
        file.read(1)  # at its end, the checksum is verified
    return array
