"""Learning a hand: a network is taught from a few labelled drawings, without forgetting what it knew.

No Qt here. `teach` is the learning; a `Notebook` keeps the drawings, one file each, so that two windows may write at
once and nothing is lost but the one drawing whose file is damaged.
"""

import json
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine import Adam, Augmentation, Tensor, cross_entropy_loss
from engine.archive import replacing
from engine.nn import MLP
from minigrad_gui.digits import CLASSES, Picture, rasterize

MAX_DRAWINGS = 2000
MAX_FILE_BYTES = 4 << 20
MAX_STROKES = 5000
COORDINATE_DECIMALS = 4
MAX_COORDINATE = 1e6

STEPS = 120
BATCH = 96
TAUGHT_PER_BATCH = 40
LEAST_TAUGHT, COPIES = 4, 3
"""Of a mini-batch, 4 pictures and 3 for each drawing are taught ones, up to TAUGHT_PER_BATCH: one drawing alone
should not make the network see its digit everywhere."""
TAUGHT_VARIATIONS = 1500
REPLAYED_VARIATIONS = 2000
LEARNING_RATE = 5e-4
VARIATIONS = Augmentation(shift_px=1, rotation_deg=8, scale=0.1, shear=0.1, elastic_px=0.8)
"""A drawing is seen in so many variations that the network learns the hand and not the picture."""


def teach(
    model: MLP,
    images: NDArray[np.float32],
    labels: ArrayLike,
    replay_images: NDArray[np.generic],
    replay_labels: ArrayLike,
    *,
    rng: np.random.Generator | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> MLP:
    """A copy of the network that has also learnt these drawings; the network itself stays as it is.

    images: float32 (n, 28, 28) from 0 to 1, labels: (n,) their digits; replay_images: (m, 28, 28), uint8 or from 0 to
    1, with replay_labels (m,): digits that it knew before, mixed into every mini-batch so that they are not forgotten
    (rehearsal: Robins, Catastrophic Forgetting, Rehearsal and Pseudorehearsal, 1995). Without drawings the copy is
    the same network. rng chooses variations and mini-batches; the default gives the same result every time. Soon after
    `cancelled()` turns true, what has been learnt until then is returned.
    """
    taught = model.copy()
    if len(images) == 0:
        return taught
    rng = rng or np.random.default_rng(0)
    # Made once, and each looked at a few times: quicker than anew for every mini-batch, and nearly as good.
    drawn = rng.permutation(np.resize(np.arange(len(images)), TAUGHT_VARIATIONS))
    known = rng.integers(len(replay_images), size=REPLAYED_VARIATIONS if len(replay_images) else 0)
    pictures = np.concatenate([VARIATIONS(images[drawn], rng), VARIATIONS(replay_images[known], rng)])
    inputs = pictures.reshape(len(pictures), -1).astype(taught.dtype, copy=False)
    targets = np.concatenate([np.asarray(labels, np.intp)[drawn], np.asarray(replay_labels, np.intp)[known]])
    per_batch = min(TAUGHT_PER_BATCH, LEAST_TAUGHT + COPIES * len(images))
    optimizer = Adam(taught.parameters(), lr=LEARNING_RATE)
    for step in range(STEPS):
        if cancelled():
            break
        optimizer.lr = LEARNING_RATE * (1 - step / STEPS)
        of_taught = rng.integers(len(drawn), size=per_batch)
        of_known = len(drawn) + rng.integers(len(known), size=BATCH - per_batch if len(known) else 0)
        batch = np.concatenate([of_taught, of_known])
        optimizer.zero_grad()
        cross_entropy_loss(taught(Tensor(inputs[batch])), targets[batch]).backward()
        optimizer.step()
    return taught


class NotebookError(Exception):
    """A drawing that could not be kept or removed; the message is one sentence for the person who drew it."""


@dataclass(frozen=True, eq=False)
class Drawing:
    """What somebody drew, and the digit that it shows. strokes: (n, 2) each, in units of the paper's side."""

    strokes: tuple[NDArray[np.float64], ...]
    label: int
    name: str
    """The name of its file; names sort by time."""

    @cached_property
    def picture(self) -> Picture:
        """As the network sees it: float32 (28, 28)."""
        return rasterize(self.strokes)


class Notebook:
    """The drawings that were taught, oldest first, each in a JSON file of its own in one folder.

    A drawing that cannot be written is still in `drawings`, until the program ends.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.drawings: list[Drawing] = self._read()

    def add(self, strokes: Sequence[ArrayLike], label: int) -> Drawing:
        """Keep a drawing. Raises NotebookError if it is kept in memory alone."""
        name = f"{time.time_ns():020d}-{secrets.token_hex(4)}.json"
        drawing = Drawing(tuple(np.asarray(stroke, np.float64) for stroke in strokes), label, name)
        self.drawings.append(drawing)
        rounded = [np.round(stroke, COORDINATE_DECIMALS).tolist() for stroke in drawing.strokes]
        content = json.dumps({"label": label, "strokes": rounded}).encode()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with replacing(self.folder / name) as file:
                file.write(content)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise NotebookError(
                f"The drawing was learnt, but will be forgotten when you leave: {self.folder} cannot be written to "
                f"({reason})."
            ) from error
        return drawing

    def remove(self, drawing: Drawing) -> None:
        """Throw a drawing away. Raises NotebookError, and keeps it, if its file cannot be removed."""
        try:
            (self.folder / drawing.name).unlink(missing_ok=True)
        except NotADirectoryError:
            pass  # it was never written
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise NotebookError(f"The drawing could not be removed from {self.folder}: {reason}.") from error
        self.drawings = [kept for kept in self.drawings if kept is not drawing]

    def _read(self) -> list[Drawing]:
        """What is in the folder; a file that is no drawing is left alone and left out."""
        try:
            files = sorted(self.folder.glob("*.json"))[-MAX_DRAWINGS:]
        except OSError:
            return []
        return [drawing for file in files if (drawing := _read_drawing(file)) is not None]


def _read_drawing(file: Path) -> Drawing | None:
    try:
        if not file.is_file() or file.stat().st_size > MAX_FILE_BYTES:  # a pipe would wait for ever
            return None
        content = json.loads(file.read_bytes())
        label = content["label"]
        if len(content["strokes"]) > MAX_STROKES:
            return None
        strokes = [np.array(stroke, np.float64).reshape(-1, 2) for stroke in content["strokes"]]
    except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
    drawn = strokes and all(len(stroke) and (np.abs(stroke) <= MAX_COORDINATE).all() for stroke in strokes)
    if not drawn or type(label) is not int or not 0 <= label < CLASSES:
        return None
    return Drawing(tuple(np.round(stroke, COORDINATE_DECIMALS) for stroke in strokes), label, file.name)
