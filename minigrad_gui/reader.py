"""Reading a picture: a network and its calibration turn it into a `Prediction`, in the window as in the terminal.

No Qt here.
"""

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


def load_reader(path: Path) -> tuple[MLP, TrainingRecord]:
    """The network of a file, and how it was trained. Raises ModelFileError, also if it cannot read digits."""
    model, meta = load_model(path)
    if model.sizes[0] != SIDE_PX**2 or model.sizes[-1] != CLASSES:
        raise ModelFileError(
            f"{path.name} holds a network with {model.sizes[0]} inputs and {model.sizes[-1]} outputs; reading digits "
            f"takes {SIDE_PX**2} and {CLASSES}."
        )
    return model, TrainingRecord.from_meta(meta)
