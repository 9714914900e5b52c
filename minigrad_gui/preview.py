"""A dataset at a glance, before anything is trained on it: counts and pictures of each class, and what was guessed.

A wrong guess does not show in figures: a network learns mirrored digits as well. It shows in pictures. No Qt here.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from engine import TrainingConfig
from minigrad_gui import data
from minigrad_gui.analysis import Desk, Digits
from minigrad_gui.data import Choices, Dataset, Origin
from minigrad_gui.data.choices import LABELS
from minigrad_gui.data_report import class_counts
from minigrad_gui.digits import Picture
from minigrad_gui.frame import SIDE_PX
from minigrad_gui.wording import shortened

PreviewedPart = Literal["training", "test"]
PARTS: tuple[PreviewedPart, ...] = ("training", "test")
MOST_PICTURES, FEWEST_PER_CLASS = 1000, 20
SEED = 0
MOST_LOOKED_THROUGH = 10_000
NEITHER, MOST_NEITHER = (25, 153), 0.3
"""The tones from 0 (paper) to 255 that are neither paper nor ink, and how much of a drawing has them at most. Measured
were 0.04 to 0.08 of drawings and scans, 0.18 of digits enlarged from 8 x 8 pixels, and 0.36 of photographs of paper."""
MOST_NAME_CHARS = 40
Request = tuple[str, Choices]
"""The source of a dataset, and how it is read."""

DONE: Mapping[str, Mapping[str, str]] = {
    "polarity": {
        "dark ink": "Dark ink is inverted.",
        "each its own": "Dark ink is inverted where a picture has it, by its border.",
    },
    "labels": {"10 is zero": "Label 10 is zero.", "from one": "Labels are one more than their digits."},
    "sizing": {
        "as MNIST": "Pictures are cropped, scaled to 20 x 20 pixels and centred, as MNIST's were.",
        "as photographs": "A digit on paper is looked for in each picture.",
    },
}
"""What was done to a file's pictures and labels, where that is not obvious."""


@dataclass(frozen=True)
class Samples:
    """Pictures of one class, uint8 (n, 28, 28), and what to call each."""

    pictures: NDArray[np.uint8]
    names: tuple[str, ...]

    def picture(self, number: int) -> Picture:
        """One of them: float32 (28, 28) from 0 (paper) to 1 (ink)."""
        return np.asarray(self.pictures[number] / np.float32(255))


@dataclass(frozen=True)
class Preview:
    """What a dataset holds. counts: of each class, int (C,); samples: some of each class; both by part."""

    name: str
    class_names: tuple[str, ...]
    counts: Mapping[PreviewedPart, NDArray[np.intp]]
    samples: Mapping[PreviewedPart, Sequence[Samples]]
    origin: Origin | None
    advice: str = ""
    """What to try if it looks wrong."""

    @property
    def heading(self) -> str:
        """Such as "own.csv (table): 600 training and 100 test pictures, 10 classes"."""
        train, test = (int(self.counts[part].sum()) for part in PARTS)
        name = shortened(self.name, MOST_NAME_CHARS)
        if self.origin is not None:
            name += f" ({self.origin.format})"
        return f"{name}: {train:,} training and {test:,} test pictures, {len(self.class_names)} classes"

    @property
    def remarks(self) -> str:
        """Sentences about what was done to the pictures and labels, and what was noticed; "" if there are none."""
        if self.origin is None:
            return ""
        return " ".join(filter(None, (self.advice, *_done(self.origin.choices), *self.origin.remarks)))

    @property
    def useless_choices(self) -> dict[str, str]:
        """The fields of Choices that would change nothing, and why."""
        if self.origin is None:
            return {}
        useless = {}
        if self.origin.size_px == (SIDE_PX, SIDE_PX):
            useless["sizing"] = "The pictures in the file have this size"
        from_one = tuple(str(label) for label in range(1, 11))
        if self.origin.choices.labels == LABELS[0] and self.class_names != from_one:
            useless["labels"] = "The labels in the file do not run from 1 to 10"
        return useless

    def table(self) -> Iterable[Sequence[Any]]:
        """Its classes as rows with a head."""
        yield "class", *PARTS
        counts = (self.counts[part].tolist() for part in PARTS)
        yield from zip(self.class_names, *counts, strict=True)


@dataclass(frozen=True)
class Loaded:
    """What became of a request: a preview, or one sentence that says why there is none."""

    request: Request
    preview: Preview | None = None
    error: str | None = None


def load(request: Request, desk: Desk) -> Loaded:
    """Work for an analyst: the preview of a dataset, which is loaded if it is not in memory."""
    try:
        dataset = desk.dataset(*request)
    except (data.DataError, data.LoadingCancelledError) as error:
        return Loaded(request, error=str(error))
    return Loaded(request, replace(preview_of(dataset), name=data.title_of(request[0])))


def experiment(config: TrainingConfig) -> str:
    """Sentences about what a run with this config makes of its data on purpose; "" if nothing."""
    sentences = []
    if config.training_samples:
        sentences.append(f"The run will learn from at most {config.training_samples:,} of the training pictures.")
    if config.label_noise:
        sentences.append(f"{config.label_noise:.0%} of the training labels will be wrong.")
    return " ".join(sentences)


def preview_of(dataset: Dataset) -> Preview:
    """A preview of a dataset, always with the same pictures. It holds copies, so that the dataset can be forgotten."""
    samples: dict[PreviewedPart, list[Samples]] = {
        "training": _samples(dataset, "training", dataset.train_images, dataset.train_labels),
        "test": _samples(dataset, "test", dataset.test_images, dataset.test_labels),
    }
    counts = dict(zip(PARTS, class_counts(dataset), strict=True))
    return Preview(dataset.name, dataset.class_names, counts, samples, dataset.origin, _advice(dataset))


def _advice(dataset: Dataset) -> str:
    """How to size photographs: their paper is grey, so that cropping the ink leaves it in."""
    if dataset.origin is None or dataset.origin.choices.sizing != "as MNIST":
        return ""
    some, (least, most) = some_pictures(dataset, MOST_PICTURES), NEITHER
    neither = ((some > least) & (some < most)).mean(axis=(1, 2))
    if np.median(neither) <= MOST_NEITHER:
        return ""
    return "Much of the pictures is neither paper nor ink: if they are photographs, choose Size: as photographs."


def some_pictures(dataset: Dataset, count: int) -> NDArray[np.uint8]:
    """At most so many training pictures, (n, 28, 28), the classes in turn: always the same, sorted by class."""
    some = np.random.default_rng(SEED).permutation(len(dataset.train_labels))[:MOST_LOOKED_THROUGH]
    some = some[np.argsort(dataset.train_labels[some], kind="stable")]
    turn = np.concatenate([np.arange(each) for each in np.bincount(dataset.train_labels[some])])
    return dataset.train_images[some[np.sort(np.argsort(turn, kind="stable")[:count])]]


def _samples(
    dataset: Dataset, part: PreviewedPart, images: NDArray[np.uint8], labels: NDArray[np.uint8]
) -> list[Samples]:
    """Of each class some at random: files may be sorted, and the first pictures of a class by one person."""
    digits = Digits(part, images, labels, np.arange(len(labels)), dataset.class_names)
    rng = np.random.default_rng(SEED)
    most = max(FEWEST_PER_CLASS, MOST_PICTURES // len(dataset.class_names))
    samples = []
    for index in range(len(dataset.class_names)):
        places = np.flatnonzero(labels == index)
        chosen = rng.choice(places, min(most, len(places)), replace=False)
        samples.append(Samples(images[chosen], tuple(digits.called(place) for place in chosen.tolist())))
    return samples


def _done(made: Choices) -> Iterator[str]:
    if made.orientation not in (None, "upright"):
        yield f"Pictures {made.orientation} in the file are set upright."
    for what, sentences in DONE.items():
        if (choice := getattr(made, what)) in sentences:
            yield sentences[choice]
