"""The datasets to choose from: a new one is a function that loads it, and an entry in SOURCES."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from minigrad_gui.data.bundled import (
    MNIST_AND_PEN,
    OUTLIER_COUNT,
    PEN_COPIES,
    PEN_COUNT,
    load_mnist,
    load_mnist_and_pen_digits,
)
from minigrad_gui.data.dataset import Dataset
from minigrad_gui.data.download import load_hugging_face

MNIST = "mnist"


@dataclass(frozen=True)
class Source:
    """A dataset to choose from: title, description, and how many training samples and outliers it has.

    load: loads it; raises DataError, or LoadingCancelledError once the function it is given returns true.
    """

    title: str
    description: str
    load: Callable[[Callable[[], bool]], Dataset]
    training_count: int = 60_000
    outlier_count: int = 0


SOURCES = {
    MNIST: Source(
        "MNIST",
        "60,000 handwritten digits to learn from and 10,000 to test on. Needs no network.",
        lambda _: load_mnist(),
    ),
    MNIST_AND_PEN: Source(
        "MNIST and pen strokes",
        "MNIST, 7,494 digits that 30 people drew with a pen, two variations of each, and 8,000 pictures that show no "
        "digit: best for reading drawings. Of those pictures the network learns to be unsure, which leaves the "
        "training loss above the validation loss. The test digits are MNIST's. Needs no network.",
        load_mnist_and_pen_digits,
        training_count=60_000 + PEN_COUNT * PEN_COPIES,
        outlier_count=OUTLIER_COUNT,
    ),
    "ylecun/mnist": Source(
        "ylecun/mnist",
        "The same digits, downloaded once from huggingface.co/datasets/ylecun/mnist (about 20 MB) and cached.",
        partial(load_hugging_face, "ylecun/mnist"),
    ),
}


def load(key: str, cancelled: Callable[[], bool] = lambda: False) -> Dataset:
    """One of SOURCES. Raises DataError if it cannot be loaded, LoadingCancelledError once `cancelled()` is true."""
    return SOURCES[key].load(cancelled)
