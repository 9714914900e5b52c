"""Reading: a `Reader`, which is a network and its calibration, turns a picture into a `Prediction` and a drawing into a
`Number`.

No Qt here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine import ModelFileError, load_model
from engine.calibration import Calibration, log_sum_exp
from engine.nn import MLP
from engine.record import MAX_CLASSES, TrainingRecord
from engine.training import logits_of
from minigrad_gui.data import DIGIT_NAMES
from minigrad_gui.digits import SIDE_PX, Picture, rasterize
from minigrad_gui.joined import cut_apart
from minigrad_gui.splitting import best_groups

if TYPE_CHECKING:
    from minigrad_gui.photo import Found

EVEN_SURPLUS, SURPLUS_SCALE = 1.2, 0.2
"""A picture whose log-sum-exp is EVEN_SURPLUS times the accepted minimum is as likely to be a digit as not."""

CLEAR_SURPLUS, CLEAR_PROBABILITY = 1.3, 0.95
"""A digit in a picture is read at once with this surplus and this probability. Otherwise it is read a second time, as
if written with a fine pen: a wide one closes the loops of small digits and of thin lines that were widened."""
FINE_PX = 1.8
LEAST_TOGETHER, SURE_TOGETHER = 0.85, 0.7
"""The mean of both readings is accepted from this share of the minimum and this probability on. A mean is smaller, but
right more often. Chosen on 2,638 pictures of single digits, of which 96.1% are read correctly instead of 94.9% and 10
wrong instead of 17 (of 699 that show none, 67 are read as one, not 59). Of 268 others, of projects that they were
not chosen on, 255 are read correctly instead of 253, and 6 wrong instead of 7.
If the second reading alone has that share and CLEAR_PROBABILITY, it is accepted, too: the loops have opened."""
LEAST_AMONG_DIGITS = 0.6
"""Where at least half of what stands in a picture is accepted, the rest is likely to be digits, too: then the mean of
both readings is accepted from this share of the minimum on, and with the calibration's own probability. So 198 of 200
numbers put together from training digits are read correctly instead of 192, and 30 of 31 of public projects instead of
21; of 160 drawn pictures without a digit two are read as numbers instead of one."""

CERTAIN = 0.95
"""What is a digit with this certainty is not cut apart."""

Line = NDArray[np.float64]
Box = tuple[float, float, float, float]
"""Left, top, right, bottom. In pictures: whole pixels, right and bottom exclusive; in drawings: the drawing's units."""


@dataclass(frozen=True)
class Prediction:
    """How a network reads a picture: the likeliest class, and the probability of each, float (n,).

    digit: the index of the class in class_names; recognised: whether the network is sure enough for the answer to be
    accepted; with_handwriting: whether the copy that has learnt the person's handwriting read it.
    """

    digit: int
    probabilities: NDArray[np.floating[Any]]
    recognised: bool = True
    with_handwriting: bool = False
    class_names: tuple[str, ...] = DIGIT_NAMES

    @property
    def name(self) -> str:
        """What the likeliest class is called."""
        return self.class_names[self.digit]


@dataclass(frozen=True)
class ReadDigit:
    """A digit in a picture or a drawing: its box, its picture as the network sees it, and its reading.

    picture: float32 (28, 28); strokes: in a drawing, the indices of its strokes; lines: these strokes, (n, 2) each, or
    the parts of them that belong to this digit.
    """

    box: Box
    picture: Picture
    prediction: Prediction | None
    strokes: tuple[int, ...] = ()
    lines: tuple[Line, ...] = ()

    @property
    def text(self) -> str:
        """The digit, or another class by its name; "?" if it was not recognised."""
        return self.prediction.name if self.prediction is not None and self.prediction.recognised else "?"


def written_number(digits: Sequence[ReadDigit]) -> str:
    """The text of digits in reading order, such as "2026" or "17 4", with "?" for each that is not recognised.

    A number ends at the end of a line or at a gap at least as wide as the digit before it is high. Names of classes
    that are words stand apart.
    """
    text = ""
    for before, digit in zip([None, *digits], digits, strict=False):
        if before is not None and (_ends_number(before.box, digit.box) or _are_words(before, digit)):
            text += " "
        text += digit.text
    return text


def _are_words(*digits: ReadDigit) -> bool:
    return any(len(digit.text) > 1 for digit in digits)


def _ends_number(before: Box, box: Box) -> bool:
    return box[0] < before[0] or box[0] - before[2] > before[3] - before[1]


@dataclass(frozen=True)
class Number:
    """The digits of a drawing, line by line from left to right."""

    digits: tuple[ReadDigit, ...] = ()

    @property
    def text(self) -> str:
        """All digits, with "?" for each that was not recognised and a space before each new line."""
        text = ""
        for before, digit in zip([None, *self.digits], self.digits, strict=False):
            if before is not None and (digit.box[1] > before.box[3] or _are_words(before, digit)):
                text += " "
            text += digit.text
        return text


@dataclass(frozen=True)
class Reader:
    """A network that reads, with its calibration and what its outputs stand for; without a network it reads nothing.

    with_handwriting: whether the network is the copy that has learnt the person's handwriting.
    """

    model: MLP | None
    calibration: Calibration = field(default_factory=Calibration)
    class_names: tuple[str, ...] = DIGIT_NAMES
    with_handwriting: bool = False

    def predict(self, picture: Picture) -> Prediction | None:
        """Read a picture, float32 (28, 28) from 0 (paper) to 1 (ink). Returns None if it is blank.

        Also returns None if the probabilities are not finite: weights may be finite but too large to compute with.
        """
        return self._predictions([picture])[0] if picture.any() else None

    def read_picture(self, array: NDArray[Any], cancelled: Callable[[], bool] = lambda: False) -> list[ReadDigit]:
        """The digits of a picture in reading order; array: as for `photo.find_digits`.

        Each is read as `predict` does, and where that leaves doubts a second time, with finer strokes. The network's
        certainty decides, too, which ink makes which digit. Without a network, the geometry alone does.
        Once `cancelled()` is true, nothing more is looked for.
        """
        from minigrad_gui.photo import find_digits  # imports SciPy, which takes longer than opening the window

        found = find_digits(array, None if self.model is None else self._certainty, cancelled)
        return [
            ReadDigit(each.box, each.picture, prediction)
            for each, prediction in zip(found, self._found_predictions(found), strict=True)
        ]

    def read_number(self, strokes: Sequence[NDArray[np.float64]]) -> Number:
        """Read strokes, (n, 2) each, as a number of one or more digits. A single digit is read like `predict`.

        One stroke may draw several digits. Without a network, only the geometry decides how many digits there are.
        """
        pictures: dict[tuple[int, ...], Picture] = {}

        def picture_of(group: list[int]) -> Picture:
            key = tuple(group)
            if key not in pictures:
                pictures[key] = rasterize([strokes[index] for index in group])
            return pictures[key]

        def certainty(groups: list[list[int]]) -> NDArray[np.floating[Any]]:
            return self._certainty(np.stack([picture_of(group) for group in groups]))

        groups = best_groups(strokes, None if self.model is None else certainty)
        whole = [_Drawn(tuple(group), [strokes[index] for index in group], picture_of(group)) for group in groups]
        return Number(tuple(self._read_drawn(whole)))

    def _read_drawn(self, drawn: list["_Drawn"]) -> list[ReadDigit]:
        """Read digits of a drawing, those that leave doubts cut apart if one of their strokes draws several."""
        if self.model is None or not drawn:
            return [each.read(None) for each in drawn]
        logits = logits_of(self.model, np.stack([each.picture for each in drawn]))
        certain = certainty_of_digit(self.calibration, logits)
        parts = [
            part
            for each, certainty in zip(drawn, certain, strict=True)
            for part in (each.cut_apart(self._certainty) if certainty < CERTAIN else [each])
        ]
        if len(parts) > len(drawn):
            logits = logits_of(self.model, np.stack([part.picture for part in parts]))
        return [part.read(answer) for part, answer in zip(parts, self._answers(logits, self.calibration), strict=True)]

    def _found_predictions(self, found: "Sequence[Found]") -> list[Prediction | None]:
        """Read digits of a picture, those that leave doubts by the mean of two looks."""
        if self.model is None or not found:
            return [None] * len(found)
        logits = logits_of(self.model, np.stack([each.picture for each in found]))
        predictions = self._answers(logits, self.calibration)
        doubtful = np.flatnonzero(self._are_doubtful(logits)).tolist()
        if doubtful:
            fine = logits_of(self.model, np.stack([found[index].with_pen(FINE_PX) for index in doubtful]))
            mean = (logits[doubtful] + fine) / 2
            together = self._answers(mean, self._sooner(LEAST_TOGETHER, SURE_TOGETHER))
            second = self._answers(fine, self._sooner(LEAST_TOGETHER, CLEAR_PROBABILITY))
            for index, of_both, of_fine in zip(doubtful, together, second, strict=True):
                predictions[index] = of_fine if _is_accepted(of_fine) and not _is_accepted(of_both) else of_both
            if _are_mostly_accepted(predictions):
                among = self._answers(mean, self._sooner(LEAST_AMONG_DIGITS, self.calibration.threshold))
                for index, of_both in zip(doubtful, among, strict=True):
                    if not _is_accepted(predictions[index]):
                        predictions[index] = of_both
        return predictions

    def _are_doubtful(self, logits: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
        with np.errstate(over="ignore", invalid="ignore"):
            clear = self.calibration.read(logits)[0].max(axis=-1) > CLEAR_PROBABILITY
            if self.calibration.least_log_sum_exp is not None:
                clear &= log_sum_exp(logits) > CLEAR_SURPLUS * self.calibration.least_log_sum_exp
        return np.asarray(~clear)

    def _sooner(self, share: float, threshold: float) -> Calibration:
        """The calibration with this share of its least log-sum-exp, and at least this threshold."""
        least = self.calibration.least_log_sum_exp
        return replace(
            self.calibration,
            least_log_sum_exp=None if least is None else share * least,
            threshold=max(self.calibration.threshold, threshold),
        )

    def _predictions(self, pictures: Sequence[Picture]) -> list[Prediction | None]:
        """Read pictures, none of them blank; None where the probabilities are not finite."""
        if self.model is None or not pictures:
            return [None] * len(pictures)
        return self._answers(logits_of(self.model, np.stack(pictures)), self.calibration)

    def _answers(self, logits: NDArray[np.floating[Any]], calibration: Calibration) -> list[Prediction | None]:
        """What logits (n, classes) say; None where the probabilities are not finite."""
        with np.errstate(over="ignore", invalid="ignore"):
            probabilities, accepted = calibration.read(logits)
        return [
            Prediction(int(each.argmax()), each, bool(is_accepted), self.with_handwriting, self.class_names)
            if np.isfinite(each).all()
            else None
            for each, is_accepted in zip(probabilities, accepted, strict=True)
        ]

    def _certainty(self, pictures: NDArray[np.float32]) -> NDArray[np.floating[Any]]:
        assert self.model is not None
        return certainty_of_digit(self.calibration, logits_of(self.model, pictures))


def _is_accepted(prediction: Prediction | None) -> bool:
    return prediction is not None and prediction.recognised


def _are_mostly_accepted(predictions: Sequence[Prediction | None]) -> bool:
    """Whether there are several, and at least half of them are accepted."""
    return len(predictions) > 1 and 2 * sum(map(_is_accepted, predictions)) >= len(predictions)


class _Drawn(NamedTuple):
    """What may be a digit of a drawing: its strokes' indices, their lines or parts of them, and its picture."""

    strokes: tuple[int, ...]
    lines: list[Line]
    picture: Picture

    def cut_apart(self, certainty: Callable[[NDArray[np.float32]], NDArray[np.floating[Any]]]) -> list["_Drawn"]:
        """The digits that this is likeliest to be; certainty: as `Reader._certainty`."""
        digits = cut_apart(self.lines, lambda groups: certainty(np.stack([rasterize(group) for group in groups])))
        return [_Drawn(self.strokes, lines, rasterize(lines)) for lines in digits] if len(digits) > 1 else [self]

    def read(self, prediction: Prediction | None) -> ReadDigit:
        points = np.concatenate(self.lines)
        (left, top), (right, bottom) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
        return ReadDigit((left, top, right, bottom), self.picture, prediction, self.strokes, tuple(self.lines))


def certainty_of_digit(calibration: Calibration, logits: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """The certainty, (n,) from 0 to 1, that pictures with these logits, (n, classes), show one digit each.

    Half a digit, or two at once, lowers the log-sum-exp more than the probabilities.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        certainty = calibration.read(logits)[0].max(axis=-1)
        if calibration.least_log_sum_exp is not None:
            surplus = log_sum_exp(logits) / calibration.least_log_sum_exp - EVEN_SURPLUS
            certainty = certainty / (1 + np.exp(-surplus / SURPLUS_SCALE))
    return np.asarray(certainty)


def load_network(path: Path) -> tuple[MLP, TrainingRecord]:
    """Load a network and how it was trained. Raises ModelFileError, also if the network cannot read pictures."""
    model, meta = load_model(path)
    if model.sizes[0] != SIDE_PX**2 or not 2 <= model.sizes[-1] <= MAX_CLASSES:
        raise ModelFileError(
            f"{path.name} holds a network with {model.sizes[0]} inputs and {model.sizes[-1]} outputs; reading pictures "
            f"takes {SIDE_PX**2} inputs, and 2 to {MAX_CLASSES} outputs."
        )
    return model, TrainingRecord.from_meta(meta)
