"""The datasets to choose from, and whatever a person opens.

A new one to choose is a function that loads it, and an entry in SOURCES.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from minigrad_gui.data.bundled import (
    MNIST_AND_PEN,
    OUTLIER_COUNT,
    PEN_COPIES,
    PEN_COUNT,
    load_mnist,
    load_mnist_and_pen_digits,
)
from minigrad_gui.data.cancelling import Cancelled, cancellable
from minigrad_gui.data.choices import ALL_GUESSED, Choices
from minigrad_gui.data.dataset import DataError, Dataset
from minigrad_gui.data.download import load_hugging_face

MNIST = "mnist"
HUB_NAME = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*(:[\w-][\w.-]*)?", re.ASCII)
"""A name on the hub: "owner/name", or "owner/name:configuration"."""


@dataclass(frozen=True)
class Source:
    """A dataset to choose from: title, description, and how many training samples and outliers it has.

    load: loads it; raises DataError, and LoadingCancelledError as `check_cancelled` does.
    """

    title: str
    description: str
    load: Callable[[], Dataset]
    training_count: int = 60_000
    outlier_count: int = 0


SOURCES = {
    MNIST: Source(
        "MNIST",
        "60,000 handwritten digits to learn from and 10,000 to test on. Needs no network.",
        load_mnist,
    ),
    MNIST_AND_PEN: Source(
        "MNIST and pen strokes",
        "MNIST, 7,494 digits that 30 people drew with a pen, two variations of each, and 6,000 pictures that show no "
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


def load(key: str, choices: Choices = ALL_GUESSED, cancelled: Cancelled = lambda: False) -> Dataset:
    """One of SOURCES, or what `open_dataset` opens with these choices.

    Raises DataError if it cannot be loaded, LoadingCancelledError once `cancelled()` is true.
    """
    if key not in SOURCES:
        return open_dataset(key, choices, cancelled)
    with cancellable(cancelled):
        return SOURCES[key].load()


def source_key(source: str | Path) -> str:
    """What a run records of its data: a path that is valid from other folders, too, or a name."""
    return os.path.abspath(source) if os.path.exists(source) else str(source)


def can_be_loaded(key: str) -> bool:
    """Whether `load` knows where to look: the key is in SOURCES, a file or folder, or may be a name on the hub."""
    # Unlike Path.exists, os.path.exists is false for names that are too long.
    return key in SOURCES or os.path.exists(key) or HUB_NAME.fullmatch(key) is not None


def title_of(key: str) -> str:
    """What to call the dataset of a source in few words: its title, its file's name, or its name on the hub."""
    if key in SOURCES:
        return SOURCES[key].title
    return Path(key).name if os.path.isabs(key) else key


def is_downloaded(key: str) -> bool:
    """Whether `load` would ask the Hugging Face hub, and use the internet unless the dataset is in its cache."""
    return HUB_NAME.fullmatch(key) is not None and not os.path.exists(key)


def may_be_dataset(path: Path) -> bool:
    """Whether a file begins like one of a format that can be read, or is a folder. Reads next to nothing."""
    from minigrad_gui.data import opening  # see `open_dataset`

    return path.is_dir() or (path.is_file() and opening.has_format(path))


def open_dataset(source: str | Path, choices: Choices | None = None, cancelled: Cancelled = lambda: False) -> Dataset:
    """The dataset in a file or folder, or "owner/name[:configuration]" on the Hugging Face hub.

    docs/datasets.md lists the formats.
    Its `origin` tells what was guessed, and `choices` replaces guesses. Raises DataError with one sentence, and
    LoadingCancelledError soon after `cancelled()` becomes true.
    """
    with cancellable(cancelled):
        return _opened(source, choices or Choices())


def _opened(source: str | Path, choices: Choices) -> Dataset:
    if Path(source).exists():
        from minigrad_gui.data.opening import open_file  # the readers of all formats take long to import

        return open_file(Path(source), choices)
    if str(source) in SOURCES:
        return SOURCES[str(source)].load()
    if HUB_NAME.fullmatch(str(source)):
        try:
            return load_hugging_face(str(source), choices)
        except DataError as error:  # it may be a path that is not right
            raise DataError(f"There is no file or folder {source}, and {error}") from error
    raise DataError(f"There is no file or folder {source}.")
