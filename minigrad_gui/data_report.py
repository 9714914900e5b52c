"""What a dataset is, in words and as a picture, so that wrong guesses are seen before training. No Qt here."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from minigrad_gui.data import Dataset
from minigrad_gui.frame import SIDE_PX

BAR_CHARS = 30
SHOWN_PER_CLASS = 20
NAME_PX, GAP_PX = 90, 2


def class_counts(dataset: Dataset) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """How many pictures there are of each class, to train on and to test on: (C,) each."""
    count = len(dataset.class_names)
    return np.bincount(dataset.train_labels, minlength=count), np.bincount(dataset.test_labels, minlength=count)


def describe(dataset: Dataset) -> Iterator[str]:
    """Lines: the format and the guesses, the counts of each class, and what was noticed."""
    counts = class_counts(dataset)
    yield f"{dataset.name}: {counts[0].sum():,} pictures to train on, {counts[1].sum():,} to test on"
    if (origin := dataset.origin) is not None:
        made = origin.choices
        yield f"format: {origin.format}"
        yield f"orientation: {made.orientation}; polarity: {made.polarity}"
        yield f"labels: {made.labels}; sizing: {made.sizing}" + (f"; files: {made.files}" if made.files else "")
    width = max(len(name) for name in dataset.class_names)
    most = max(1, int(counts[0].max()))
    for name, train, test in zip(dataset.class_names, *counts, strict=True):
        bar = "#" * round(train / most * BAR_CHARS)
        yield f"{name:>{width}} {train:>8,} {test:>8,} {bar}".rstrip()
    yield from origin.remarks if origin is not None else ()


def contact_sheet(dataset: Dataset) -> NDArray[np.uint8]:
    """A row of up to 20 training pictures for each class, its name before them: (height, width), dark on light."""
    from PIL import Image, ImageDraw

    step = SIDE_PX + GAP_PX
    size = NAME_PX + SHOWN_PER_CLASS * step, len(dataset.class_names) * step
    sheet = Image.new("L", size, 255)
    pen = ImageDraw.Draw(sheet)
    for index, name in enumerate(dataset.class_names):
        pen.text((GAP_PX, index * step + 8), name.encode("ascii", "replace").decode()[:14], fill=0)
        shown = np.flatnonzero(dataset.train_labels == index)
        shown = shown[np.linspace(0, len(shown) - 1, min(SHOWN_PER_CLASS, len(shown))).astype(int)]
        for column, image in enumerate(dataset.train_images[shown]):
            sheet.paste(Image.fromarray(255 - image), (NAME_PX + column * step, index * step))
    return np.asarray(sheet)


def write_sheet(dataset: Dataset, path: Path) -> None:
    """Write the contact sheet as PNG. Raises OSError."""
    from PIL import Image

    Image.fromarray(contact_sheet(dataset)).save(path, "PNG")
