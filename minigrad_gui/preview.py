"""A dataset at a glance, before anything is trained on it: counts and pictures of each class, and what was guessed.

A wrong guess does not show in figures: a network learns mirrored digits as well. It shows in pictures. No Qt here.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.analysis import Digits
from minigrad_gui.data import Choices, Dataset, Origin
from minigrad_gui.data_report import class_counts

PreviewedPart = Literal["training", "test"]
PARTS: tuple[PreviewedPart, ...] = ("training", "test")
MOST_PICTURES, FEWEST_PER_CLASS = 1000, 20
SEED = 0

DONE: Mapping[str, Mapping[str, str]] = {
    "polarity": {
        "dark ink": "Dark ink on light paper was inverted.",
        "each its own": "Some pictures have light ink, others dark ink: the border of each decided.",
    },
    "labels": {
        "10 is zero": "Label 10 stands for zero.",
        "from one": "Each label is one more than its digit.",
    },
    "sizing": {
        "as MNIST": "Each picture was cropped to its ink, scaled to 20 x 20 pixels and centred by mass, as MNIST was.",
        "as photographs": "A digit on paper was looked for in each picture.",
    },
}
"""What was done to a file's pictures and labels, where that is not obvious."""


@dataclass(frozen=True)
class Samples:
    """Pictures of one class, uint8 (n, 28, 28), and what to call each."""

    pictures: NDArray[np.uint8]
    names: tuple[str, ...]


@dataclass(frozen=True)
class Preview:
    """What a dataset holds. counts: of each class, int (C,); samples: some of each class; both by part."""

    name: str
    class_names: tuple[str, ...]
    counts: Mapping[PreviewedPart, NDArray[np.intp]]
    samples: Mapping[PreviewedPart, Sequence[Samples]]
    origin: Origin | None

    @property
    def heading(self) -> str:
        """Such as "own.csv: 600 pictures to train on, 100 to test on, in 10 classes (CSV)"."""
        train, test = (int(self.counts[part].sum()) for part in PARTS)
        text = f"{self.name}: {train:,} pictures to train on, {test:,} to test on, in {len(self.class_names)} classes"
        return text if self.origin is None else f"{text} ({self.origin.format})"

    @property
    def remarks(self) -> str:
        """Sentences about what was done to the pictures and labels, and what was noticed; "" if there are none."""
        return "" if self.origin is None else " ".join((*_done(self.origin.choices), *self.origin.remarks))

    @property
    def can_have_other_labels(self) -> bool:
        """Whether its labels, 1 to 10, could mean digits in different ways."""
        return self.origin is not None and (
            self.origin.choices.labels != "as they are"
            or self.class_names == tuple(str(label) for label in range(1, 11))
        )

    def table(self) -> Iterable[Sequence[Any]]:
        """Its classes as rows with a head."""
        yield "class", *PARTS
        counts = (self.counts[part].tolist() for part in PARTS)
        yield from zip(self.class_names, *counts, strict=True)


def preview_of(dataset: Dataset) -> Preview:
    """A preview of a dataset, always with the same pictures. It holds copies, so that the dataset can be forgotten."""
    samples: dict[PreviewedPart, list[Samples]] = {
        "training": _samples(dataset, "training", dataset.train_images, dataset.train_labels),
        "test": _samples(dataset, "test", dataset.test_images, dataset.test_labels),
    }
    counts = dict(zip(PARTS, class_counts(dataset), strict=True))
    return Preview(dataset.name, dataset.class_names, counts, samples, dataset.origin)


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
        yield f"In the file the pictures are {made.orientation}; here they are set upright."
    for what, sentences in DONE.items():
        if (choice := getattr(made, what)) in sentences:
            yield sentences[choice]
