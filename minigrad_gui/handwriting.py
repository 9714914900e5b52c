"""Teaches a network a few labelled drawings without making it forget what it knew.

No Qt here. `teach` trains the network. A `DrawingStore` writes each drawing to its own file, so that two windows can
write at once and a damaged file costs one drawing. Drawings are stored until they are deleted.
"""

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine import Adam, Augmentation, cross_entropy_loss
from engine.archive import reason_of, remove_old_drafts, replacing
from engine.fast import quickest_steps
from engine.in_training import MLPInTraining
from engine.nn import MLP
from engine.record import MAX_NAME_CHARS
from engine.training import predict
from minigrad_gui.data import DIGIT_NAMES
from minigrad_gui.digits import Picture, rasterize
from minigrad_gui.insight.connections import connections

MAX_DRAWINGS = 2000
"""Only the newest drawings are taught; older ones stay on disk."""
MAX_FILE_BYTES = 4 << 20
MAX_STROKES = 5000
COORDINATE_DECIMALS = 4
MAX_COORDINATE = 1e6
LEAST_INK = 0.05
"""Minimum length of a digit's lines, in units of the paper's side: less than the width of the pen."""

STEPS = 120
BATCH = 96
TAUGHT_PER_BATCH = 40
LEAST_TAUGHT, COPIES = 4, 3
"""A mini-batch has 4 taught pictures plus 3 for each drawing, up to TAUGHT_PER_BATCH: a single drawing should not
make the network see its digit everywhere."""
TAUGHT_VARIATIONS = 1500
REPLAYED_VARIATIONS = 2000
LEARNING_RATE = 5e-4
SHARES = (0.5, 0.7, 0.85)
"""How far the weights move towards what was learnt; all the way, if no share is enough."""
CERTAIN = 0.8
"""Minimum probability of a drawing's digit for it to count as read with certainty."""
VARIATIONS = Augmentation(shift_px=1, rotation_deg=8, scale=0.1, shear=0.1, elastic_px=0.8)
"""Each drawing is varied, so that the network learns the handwriting and not the picture."""


def teach(
    model: MLP,
    images: NDArray[np.float32],
    labels: ArrayLike,
    replay_images: NDArray[np.generic],
    replay_labels: ArrayLike,
    *,
    rng: "np.random.Generator | None" = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> MLP:
    """Return a copy of the network that has also learnt these drawings. The network itself does not change.

    images: float32 (n, 28, 28) from 0 to 1; labels: (n,); replay_images: (m, 28, 28), uint8 or from 0 to 1, and
    replay_labels: (m,), digits that it knows already, mixed into every mini-batch so that they are not forgotten
    (rehearsal: Robins, Catastrophic Forgetting, Rehearsal and Pseudorehearsal, 1995). Weights between the old and the
    new ones forget least (Wortsman et al., Robust Fine-tuning of Zero-shot Models, 2022): those of the copy are as
    close to the network's as SHARES allow without any drawing being read worse. In the first hidden layer weights that
    are 0, as those of pixels outside a neuron's window, stay 0. Without drawings, the copy equals the network. rng
    chooses variations and mini-batches; the default is deterministic. Soon after `cancelled()` becomes true, training
    stops and the copy is returned as it is then.
    """
    taught = model.copy()
    if len(images) == 0:
        return taught
    rng = rng or np.random.default_rng(0)
    # Variations are made once and reused: faster than new ones for every mini-batch, and nearly as good.
    drawn = rng.permutation(np.resize(np.arange(len(images)), TAUGHT_VARIATIONS))
    known = rng.integers(len(replay_images), size=REPLAYED_VARIATIONS if len(replay_images) else 0)
    pictures = np.concatenate([VARIATIONS(images[drawn], rng), VARIATIONS(replay_images[known], rng)])
    inputs = pictures.reshape(len(pictures), -1).astype(taught.dtype, copy=False)
    targets = np.concatenate([np.asarray(labels, np.intp)[drawn], np.asarray(replay_labels, np.intp)[known]])
    per_batch = min(TAUGHT_PER_BATCH, LEAST_TAUGHT + COPIES * len(images))
    optimizer = Adam(taught.parameters(), lr=LEARNING_RATE)
    seen = connections(taught.layers[0].W.data)
    network = taught if seen is None else MLPInTraining(taught, 0.0, 0, seen=seen)
    with closing(quickest_steps(network, optimizer, cross_entropy_loss, inputs, targets, BATCH, threads=1)) as train_on:
        for step in range(STEPS):
            if cancelled():
                return taught
            of_taught = rng.integers(len(drawn), size=per_batch)
            of_known = len(drawn) + rng.integers(len(known), size=BATCH - per_batch if len(known) else 0)
            train_on(np.concatenate([of_taught, of_known]), [LEARNING_RATE * (1 - step / STEPS)], step)
    learnt = _how_well_read(taught, images, labels)
    closer = (_between(model, taught, share) for share in SHARES)
    return next((each for each in closer if (_how_well_read(each, images, labels) >= learnt).all()), taught)


def _how_well_read(model: MLP, images: NDArray[np.float32], labels: ArrayLike) -> NDArray[np.intp]:
    """(n,): 0 for an image that is not read as its label, 1 for one that is, and 2 if with certainty."""
    probabilities, wanted = predict(model, images), np.asarray(labels, np.intp)
    certain = probabilities[np.arange(len(images)), wanted] >= CERTAIN
    return np.asarray((probabilities.argmax(axis=1) == wanted).astype(np.intp) + certain)


def _between(old: MLP, new: MLP, share: float) -> MLP:
    """A network whose weights lie between those of two, the share of the way from the old to the new ones."""
    mixed = new.copy()
    for weights, before in zip(mixed.parameters(), old.parameters(), strict=True):
        weights.data = before.data + weights.dtype.type(share) * (weights.data - before.data)
    return mixed


def is_dot(strokes: Sequence[ArrayLike]) -> bool:
    """Whether strokes, (n, 2) each, in units of the paper's side, are only dots, which cannot be a digit."""
    lengths = [float(np.hypot(*np.diff(np.asarray(stroke, np.float64), axis=0).T).sum()) for stroke in strokes]
    return sum(lengths) < LEAST_INK


Label = int | str
"""A digit, or the name of another class."""


def label_of(class_name: str) -> Label:
    """The label of drawings that show a class of this name."""
    return int(class_name) if class_name in DIGIT_NAMES else class_name


class DrawingStoreError(Exception):
    """A drawing could not be stored or removed. The message is one sentence for the person who drew it."""


@dataclass(frozen=True, eq=False)
class Drawing:
    """A labelled drawing. strokes: (n, 2) each, in units of the paper's side."""

    strokes: tuple[NDArray[np.float64], ...]
    label: Label
    name: str
    """Its file name; names sort by time."""
    _made: list[Picture] = field(default_factory=list, init=False, repr=False)

    @property
    def picture(self) -> Picture:
        """The drawing as the network sees it: float32 (28, 28), computed on first use."""
        # cached_property takes a lock in Python 3.11: the window would wait while a job computes thousands.
        if not self._made:
            self._made.append(rasterize(self.strokes))
        return self._made[0]


def new_drawing(strokes: Sequence[ArrayLike], label: Label) -> Drawing:
    """A drawing named after the current time. strokes: (n, 2) each, in units of the paper's side."""
    name = f"{time.time_ns():020d}-{os.urandom(4).hex()}.json"
    return Drawing(tuple(np.asarray(stroke, np.float64) for stroke in strokes), label, name)


class DrawingStore:
    """The taught drawings, oldest first, each in its own JSON file in one folder.

    After opening a store, load it with `include(read())`, in another thread if there may be thousands of files. Until
    then it holds only new drawings. A drawing that cannot be written stays in `drawings` until the program ends, and
    is written as soon as another one can be.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.drawings: list[Drawing] = []
        self.unread = self._names()
        """The names of existing files that are not in `drawings` yet."""
        self._unwritten: list[Drawing] = []

    def read(self, cancelled: Callable[[], bool] = lambda: False) -> list[Drawing]:
        """Read the unread files, for `include`. Files that are not drawings are skipped and left alone.

        May run in any thread. Soon after `cancelled()` becomes true, returns what has been read by then.
        """
        return list(self._read(self.unread, cancelled))

    def include(self, read: Iterable[Drawing]) -> None:
        """Insert what `read` returned before what was added since, unless `forget` was called meanwhile."""
        if self.unread:
            self.drawings[:0] = read
            self.unread = ()

    def add(self, strokes: Sequence[ArrayLike], label: Label) -> Drawing:
        """Store a new drawing. Raises DrawingStoreError like `put`."""
        drawing = new_drawing(strokes, label)
        self.put(drawing)
        return drawing

    def put(self, drawing: Drawing) -> None:
        """Store a drawing. Raises DrawingStoreError if it could not be written, unless that was reported before."""
        was_reported = bool(self._unwritten)
        self.drawings.append(drawing)
        self._unwritten.append(drawing)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            while self._unwritten:  # the new one first, then those that failed before
                self._write(self._unwritten[-1])
                self._unwritten.pop()
        except OSError as error:
            if not was_reported:
                raise DrawingStoreError(
                    f"What you teach is learnt, but will be lost when you quit: {self.folder} cannot be written "
                    f"to ({reason_of(error)})."
                ) from error

    def remove(self, *drawings: Drawing) -> None:
        """Delete drawings. Raises DrawingStoreError if some files cannot be removed; those drawings stay."""
        gone, problem = set(), None
        for drawing in drawings:
            try:
                with suppress(FileNotFoundError, NotADirectoryError):  # never written, or removed by another window
                    (self.folder / drawing.name).unlink()
                gone.add(drawing.name)
            except OSError as error:
                problem = error
        self.drawings = [drawing for drawing in self.drawings if drawing.name not in gone]
        self._unwritten = [drawing for drawing in self._unwritten if drawing.name not in gone]
        if problem is not None:
            what = _counted(len(drawings) - len(gone))
            raise DrawingStoreError(
                f"{what} could not be removed from {self.folder}: {reason_of(problem)}."
            ) from problem

    def relabel(self, drawings: Sequence[Drawing], label: Label) -> None:
        """Change the label of drawings. Raises DrawingStoreError if some cannot be written; those do not change."""
        corrected: dict[str, Drawing] = {}
        problem = None
        unwritten = {drawing.name for drawing in self._unwritten}
        for drawing in drawings:
            relabelled = replace(drawing, label=label)
            try:
                if drawing.name not in unwritten:
                    self._write(relabelled)
                corrected[drawing.name] = relabelled
            except OSError as error:
                problem = error
        self.drawings = [corrected.get(drawing.name, drawing) for drawing in self.drawings]
        self._unwritten = [corrected.get(drawing.name, drawing) for drawing in self._unwritten]
        if problem is not None:
            what = _counted(len(drawings) - len(corrected))
            raise DrawingStoreError(
                f"{what} could not be corrected in {self.folder}: {reason_of(problem)}."
            ) from problem

    def forget(self) -> None:
        """Delete every drawing, including unread ones and those of other windows.

        Raises DrawingStoreError like `remove`.
        """
        remove_old_drafts(self.folder)
        known = {drawing.name for drawing in self.drawings}
        others = self._read(name for name in self._names() if name not in known)
        self.unread = ()
        self.remove(*self.drawings, *others)

    def _names(self) -> tuple[str, ...]:
        try:
            return tuple(sorted(name for name in os.listdir(self.folder) if name.endswith(".json")))
        except OSError:
            return ()

    def _read(self, names: Iterable[str], cancelled: Callable[[], bool] = lambda: False) -> Iterator[Drawing]:
        for name in names:
            if cancelled():
                return
            drawing = _read_drawing(self.folder / name)
            if drawing is not None:
                yield drawing

    def _write(self, drawing: Drawing) -> None:
        rounded = [np.round(stroke, COORDINATE_DECIMALS).tolist() for stroke in drawing.strokes]
        with replacing(self.folder / drawing.name) as file:
            file.write(json.dumps({"label": drawing.label, "strokes": rounded}).encode())


def _counted(count: int) -> str:
    return "The drawing" if count == 1 else f"{count:,} drawings"


def _is_name(text: str) -> bool:
    return 0 < len(text) <= MAX_NAME_CHARS and text.isprintable()


def _read_drawing(file: Path) -> Drawing | None:
    try:
        if not file.is_file() or file.stat().st_size > MAX_FILE_BYTES:  # reading a pipe would block forever
            return None
        content = json.loads(file.read_bytes())
        label = content["label"]
        if len(content["strokes"]) > MAX_STROKES:
            return None
        strokes = [np.array(stroke, np.float64).reshape(-1, 2) for stroke in content["strokes"]]
    except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError, MemoryError):
        return None
    drawn = strokes and all(len(stroke) and (np.abs(stroke) <= MAX_COORDINATE).all() for stroke in strokes)
    if not drawn or type(label) not in (int, str) or label_of(str(label)) != label or not _is_name(str(label)):
        return None
    return Drawing(tuple(np.round(stroke, COORDINATE_DECIMALS) for stroke in strokes), label, file.name)
