"""The bundled datasets: MNIST, pen strokes, and both together."""

import math
import zipfile
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.data.cancelling import check_cancelled
from minigrad_gui.data.dataset import DIGIT_NAMES, Bytes, DataError, Dataset, read_arrays, read_split
from minigrad_gui.resources import asset_path

if TYPE_CHECKING:
    from minigrad_gui.pen_digits import PenDigits

MNIST_AND_PEN = "mnist+pen"
PEN_COUNT, PEN_COPIES, OUTLIER_COUNT = 7_494, 3, 6_000
TEST_WRITERS = 6
"""The last of the 30 people, whose drawings are the test digits of the pen strokes alone."""
FIRST = 100
"""So many of MNIST's digits show every label."""
PART = 500
"""Pictures drawn between two checks whether loading was cancelled."""


def load_mnist() -> Dataset:
    """All 70,000 MNIST digits, from the project's own assets. Raises DataError if the file is missing or damaged."""
    path = asset_path("mnist.npz")
    try:
        return read_arrays(path, "mnist")
    except Exception as error:  # a damaged zip may raise almost anything
        raise _damaged(path) from error


def load_test_digits() -> tuple[Bytes, Bytes]:
    """MNIST's 10,000 test digits alone, and their labels. Raises DataError if the file is missing or damaged."""
    path = asset_path("mnist.npz")
    try:
        return read_split(path, "test", len(DIGIT_NAMES))
    except Exception as error:
        raise _damaged(path) from error


def sample_digits(labels: Sequence[int]) -> NDArray[np.uint8]:
    """One of MNIST's training digits for each of these labels, uint8 (n, 28, 28), at once: the others stay packed.

    Raises DataError as `load_mnist` does.
    """
    path = asset_path("mnist.npz")
    try:
        with zipfile.ZipFile(path) as archive:
            images, known = (_first(archive, f"train_{kind}", FIRST) for kind in ("images", "labels"))
        return images[[known.tolist().index(label) for label in labels]]
    except Exception as error:
        raise _damaged(path) from error


def first_test_digits(count: int) -> tuple[Bytes, Bytes]:
    """MNIST's first test digits and their labels; the others stay packed. Raises DataError as `load_mnist` does."""
    path = asset_path("mnist.npz")
    try:
        with zipfile.ZipFile(path) as archive:
            return _first(archive, "test_images", count), _first(archive, "test_labels", count)
    except Exception as error:
        raise _damaged(path) from error


def _first(archive: zipfile.ZipFile, key: str, count: int) -> NDArray[np.uint8]:
    with archive.open(f"{key}.npy") as file:
        np.lib.format.read_magic(file)
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        # One by one: to read much, `zipfile` would hold as much again of what is packed.
        sample_bytes = math.prod(shape[1:]) * dtype.itemsize
        content = b"".join(file.read(sample_bytes) for _ in range(count))
        return np.frombuffer(content, dtype).reshape(count, *shape[1:])


def _damaged(path: Path) -> DataError:
    return DataError(f"The bundled digits ({path}) are missing or damaged; install minigrad again.")


def load_pen_digits() -> Dataset:
    """The pen strokes as pictures, drawn as the canvas draws: of 24 people to train on, of 6 others to test on.

    Raises DataError if the file is missing or damaged.
    """
    from minigrad_gui.pen_digits import picture_of

    drawn = _pen_strokes()
    pictures = np.stack([picture_of(strokes) for strokes in drawn.drawings])
    tests = drawn.writers > drawn.writers.max() - TEST_WRITERS
    arrays = pictures[~tests], drawn.labels[~tests], pictures[tests], drawn.labels[tests]
    return Dataset(*arrays, "pen strokes", DIGIT_NAMES)


def load_mnist_and_pen_digits(held_out: Collection[int] = ()) -> Dataset:
    """MNIST and the pen strokes of 30 people, plain and varied, with outliers; the test digits are MNIST's.

    held_out: people, from 1 to 30, to leave out, so that they can judge what was learned. It takes some seconds.
    Raises DataError as `load_mnist` does, LoadingCancelledError as `check_cancelled` does.
    """
    from minigrad_gui.non_digits import non_digits
    from minigrad_gui.pen_digits import picture_of, varied_pictures

    mnist, drawn = load_mnist(), _pen_strokes()
    chosen = np.flatnonzero(~np.isin(drawn.writers, list(held_out)))
    drawings, labels = [drawn.drawings[index] for index in chosen], drawn.labels[chosen]
    rng = np.random.default_rng(0)

    def in_parts(count: int, make: Callable[[slice], NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
        parts = []
        for start in range(0, count, PART):
            check_cancelled()
            parts.append(make(slice(start, min(start + PART, count))))
        return parts

    images = [mnist.train_images]
    images += in_parts(len(drawings), lambda part: np.stack([picture_of(strokes) for strokes in drawings[part]]))
    for _ in range(PEN_COPIES - 1):
        images += in_parts(len(drawings), lambda part: varied_pictures(drawings[part], labels[part], rng))
    digits = mnist.train_images
    outliers = in_parts(OUTLIER_COUNT, lambda part: non_digits(part.stop - part.start, drawings, digits, rng))
    labels = np.concatenate([mnist.train_labels, np.tile(labels, PEN_COPIES)])
    tests = mnist.test_images, mnist.test_labels
    return Dataset(np.concatenate(images), labels, *tests, MNIST_AND_PEN, DIGIT_NAMES, np.concatenate(outliers))


def _pen_strokes() -> "PenDigits":
    from minigrad_gui.pen_digits import read_pen_digits

    path = asset_path("pen_digits.npz")
    try:
        return read_pen_digits(path)
    except Exception as error:  # a damaged zip may raise almost anything
        raise DataError(f"The bundled pen strokes ({path}) are missing or damaged; install minigrad again.") from error
