"""What analyses work with: the digits that a network learned from or was tested on. No Qt here."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from engine import TrainingConfig
from engine.samples import split_validation
from minigrad_gui import data
from minigrad_gui.dataset_cache import DatasetCache
from minigrad_gui.digits import Picture

Part = Literal["training", "validation", "test"]


@dataclass(frozen=True)
class TrainedOn:
    """What a network learned from: a source of `data.load`, the config of its run, if that is known, and how the source
    is read."""

    source: str = "mnist"
    config: TrainingConfig | None = None
    choices: data.Choices = data.ALL_GUESSED

    @property
    def split(self) -> tuple[float, int, int]:
        """What decides which samples were trained on: the share that was held out, the seed, and how many were used."""
        config = self.config
        return (0.0, 0, 0) if config is None else (config.validation_share, config.seed, config.training_samples)

    def dataset(self, datasets: DatasetCache, cancelled: Callable[[], bool]) -> data.Dataset:
        """What it learned from. Raises DataError, which says so, and LoadingCancelledError."""
        try:
            return datasets.get(self.source, self.choices, cancelled)
        except data.DataError as error:
            what = "The pictures that this network was trained on"
            if data.can_be_loaded(self.source):
                raise data.DataError(f"{what} cannot be read. {error}") from error
            raise data.DataError(
                f"{what} are not at {self.source}: put them back there, or open them from where they are now."
            ) from None


@dataclass(frozen=True)
class Digits:
    """Some of a dataset's digits: those at `indices`, intp (n,), of images, uint8 (N, 28, 28), and labels, (N,).

    class_names: what the labels stand for.
    """

    part: Part
    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    indices: NDArray[np.intp]
    class_names: tuple[str, ...]

    @property
    def kind(self) -> str:
        """What they are: of other classes than the digits, pictures."""
        return "digit" if self.class_names == data.DIGIT_NAMES else "picture"

    def called(self, index: int) -> str:
        """Such as "Test digit 4,163, labelled 9". index: in the dataset."""
        return f"{self.part.capitalize()} {self.kind} {index:,}, labelled {self.class_names[self.labels[index]]}"

    def pictures(self, indices: Any) -> Picture:
        """Of one digit or many: float32 (..., 28, 28) from 0 (paper) to 1 (ink). indices: in the dataset."""
        return np.asarray(self.images[indices] / np.float32(255))


class Desk:
    """What a piece of work may use: digits, and a look at whether its result is still wanted."""

    def __init__(self, datasets: DatasetCache, cancelled: Callable[[], bool]) -> None:
        self._datasets = datasets
        self.cancelled = cancelled

    def dataset(self, source: str, choices: data.Choices = data.ALL_GUESSED) -> data.Dataset:
        """A dataset, which stays in memory for others. Raises as `data.load` does."""
        return self._datasets.get(source, choices, self.cancelled)

    def open_dataset(self, source: str, choices: data.Choices) -> None:
        """Have a dataset in memory as it is in its file now. Raises as `data.load` does."""
        self._datasets.reload(source, choices, self.cancelled)

    def digits(self, trained_on: TrainedOn, part: Part) -> Digits:
        """A part of what a network learned from or was tested on.

        Of one of data.SOURCES that is not in memory, MNIST's digits stand for the part: each of them contains them.
        Raises DataError if they cannot be loaded.
        """
        source, choices = trained_on.source, trained_on.choices
        if source not in data.SOURCES or self._datasets.peek(source, choices) is not None:
            dataset = trained_on.dataset(self._datasets, self.cancelled)
            count = len(dataset.train_images)
        else:
            dataset = self.dataset(data.MNIST)
            count = data.SOURCES[source].training_count
        if part == "test":
            indices = np.arange(len(dataset.test_images))
            return Digits(part, dataset.test_images, dataset.test_labels, indices, dataset.class_names)
        if count == len(dataset.train_images) and trained_on.config is not None:
            indices = trained_on.config.split(dataset.train_labels)[part == "validation"]
            return Digits(part, dataset.train_images, dataset.train_labels, indices, dataset.class_names)
        share, seed, _ = trained_on.split
        indices = split_validation(count, share, seed)[part == "validation"]
        indices = indices[indices < len(dataset.train_images)]
        return Digits(part, dataset.train_images, dataset.train_labels, indices, dataset.class_names)


def any_digit(trained_on: TrainedOn, desk: Desk) -> tuple[Picture, str]:
    """One of the test digits, drawn at random: its picture, and what it is called."""
    digits = desk.digits(trained_on, "test")
    index = int(np.random.default_rng().choice(digits.indices))
    return digits.pictures(index), digits.called(index)


Work = Callable[[Desk], Any]


@dataclass(frozen=True)
class Answer:
    """The result of the work that was asked for under `key`, or the error that it ended in."""

    key: str
    result: Any = None
    error: str | None = None
