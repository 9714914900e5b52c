"""Reading a picture: a network and its calibration turn it into a `Prediction`, in the window as in the terminal.

No Qt here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine import ModelFileError, load_model
from engine.calibration import Calibration
from engine.nn import MLP
from engine.record import TrainingRecord
from engine.training import logits_of
from minigrad_gui.digits import CLASSES, SIDE_PX, Picture

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels; right and bottom just outside."""


@dataclass(frozen=True)
class Prediction:
    """What a network thinks of a picture: the likeliest digit, and each digit's probability, float (10,).

    `recognised`: whether it is sure enough to be accepted; `with_handwriting`: whether it was read by the copy that has
    learnt the person's handwriting.
    """

    digit: int
    probabilities: NDArray[np.floating[Any]]
    recognised: bool = True
    with_handwriting: bool = False


@dataclass(frozen=True)
class ReadDigit:
    """A digit in a picture: where it is, float32 (28, 28) as the network sees it, and what it is read as."""

    box: Box
    picture: Picture
    prediction: Prediction | None


def percentage(probability: float) -> str:
    """A probability to one decimal, such as "97.3%"; ">99.9%" for what would be rounded up to certainty."""
    rounded = f"{probability:.1%}"
    return ">99.9%" if rounded == "100.0%" and probability < 1 else rounded


def predict(
    model: MLP, calibration: Calibration, picture: Picture, *, with_handwriting: bool = False
) -> Prediction | None:
    """What the network thinks of a picture, float32 (28, 28) from 0 (paper) to 1 (ink); None for a blank one.

    None, too, where the probabilities are not finite: weights may be finite and yet too large to compute with.
    """
    if not picture.any():
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        probabilities, accepted = calibration.read(logits_of(model, picture[np.newaxis]))
    if not np.isfinite(probabilities).all():
        return None
    return Prediction(int(probabilities[0].argmax()), probabilities[0], bool(accepted[0]), with_handwriting)


def read_picture(predict: Callable[[Picture], Prediction | None], array: NDArray[Any]) -> list[ReadDigit]:
    """The digits of a picture in reading order, each read by `predict`; array: as for `photo.find_digits`."""
    from minigrad_gui.photo import find_digits  # imports SciPy, which takes longer than opening the window

    return [ReadDigit(found.box, found.picture, predict(found.picture)) for found in find_digits(array)]


def written_number(digits: Sequence[ReadDigit]) -> str:
    """What digits, in reading order, say together, such as "2026" or "17 4": "?" where one is not recognised.

    A number ends with its line, and before a gap as wide as its digits are high.
    """
    text = ""
    for before, digit in zip([None, *digits], digits, strict=False):
        if before is not None and _ends_number(before.box, digit.box):
            text += " "
        text += str(digit.prediction.digit) if digit.prediction is not None and digit.prediction.recognised else "?"
    return text


def _ends_number(before: Box, box: Box) -> bool:
    return box[0] < before[0] or box[0] - before[2] > before[3] - before[1]


def load_reader(path: Path) -> tuple[MLP, TrainingRecord]:
    """The network of a file, and how it was trained. Raises ModelFileError, also if it cannot read digits."""
    model, meta = load_model(path)
    if model.sizes[0] != SIDE_PX**2 or model.sizes[-1] != CLASSES:
        raise ModelFileError(
            f"{path.name} holds a network with {model.sizes[0]} inputs and {model.sizes[-1]} outputs; reading digits "
            f"takes {SIDE_PX**2} and {CLASSES}."
        )
    return model, TrainingRecord.from_meta(meta)
