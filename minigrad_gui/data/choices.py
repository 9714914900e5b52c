"""What opening a file has to decide, because files do not say it: each guess can be replaced by a choice."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

ORIENTATIONS: dict[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
    "upright": lambda images: images,
    "transposed": lambda images: images.swapaxes(1, 2),
    "turned left": lambda images: np.rot90(images, -1, (1, 2)),
    "turned right": lambda images: np.rot90(images, 1, (1, 2)),
    "upside down": lambda images: images[:, ::-1, ::-1],
    "mirrored": lambda images: images[:, :, ::-1],
}
"""How pictures (n, side, side) lie in a file, and what sets them upright."""
POLARITIES = ("light ink", "dark ink", "each its own")
LABELS = ("as they are", "10 is zero", "from one")
"""What labels from 1 to 10 mean; "from one": each is one more than the digit."""
SIZINGS = ("as MNIST", "scaled", "as photographs")
"""How pictures of other sizes become 28 x 28: cropped to the digit, scaled to 20 pixels and centred by mass; only
scaled; or, slowly, by searching each for a digit on paper."""
FILES = ("alone", "its splits", "its halves", "all alike")
"""Which files beside a file are read with it: none; its other splits and shards; also those whose names differ in words
such as images and labels; or in any number, too."""


@dataclass(frozen=True)
class Choices:
    """How to read what a file does not say; None is guessed.

    orientation: of ORIENTATIONS; polarity: of POLARITIES; labels: of LABELS; sizing: of SIZINGS; class_names: in
    the order of the classes; files: of FILES, where there are any beside it.
    """

    orientation: str | None = None
    polarity: str | None = None
    labels: str | None = None
    sizing: str | None = None
    class_names: tuple[str, ...] | None = None
    files: str | None = None

    def __post_init__(self) -> None:
        for name, allowed in (
            ("orientation", tuple(ORIENTATIONS)),
            ("polarity", POLARITIES),
            ("labels", LABELS),
            ("sizing", SIZINGS),
            ("files", FILES),
        ):
            value = getattr(self, name)
            if value is not None and value not in allowed:
                raise ValueError(f"{name} is one of {', '.join(allowed)}, not {value!r}")

    def to_dict(self) -> dict[str, Any]:
        """What was chosen, as plain values for a file."""
        chosen = ((name, value) for name, value in vars(self).items() if value != getattr(ALL_GUESSED, name))
        return {name: list(value) if isinstance(value, tuple) else value for name, value in chosen}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> "Choices":
        """The inverse of `to_dict`. Raises TypeError or ValueError for anything that it does not return."""
        names = stored.get("class_names")
        if names is None:
            return cls(**stored)
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise TypeError("class_names is a list of names")
        return cls(**{**stored, "class_names": tuple(names)})


ALL_GUESSED = Choices()


@dataclass(frozen=True)
class Origin:
    """Where a dataset came from: its format, all choices as they were made, and sentences about what was noticed.

    size_px: (height, width) of the pictures in the file; None if they have several sizes, or it is not known.
    """

    format: str
    choices: Choices
    remarks: tuple[str, ...] = ()
    size_px: tuple[int, int] | None = None
