"""The landscape of the loss around a run's moments, computed piece by piece. No Qt here."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from engine.nn import is_finite
from minigrad_gui.analysis import Desk, TrainedOn
from minigrad_gui.insight.landscape import Kind, Plane, Surface, Survey, plane_of
from minigrad_gui.snapshots import Snapshot

DIGITS = 500
"""So many tell the loss: few enough for a thousand networks in a second, and more would look the same."""
PIECE_S = 0.1
"""Nobody else has to wait for the thread for longer."""
LEAST_MOMENTS = 2


@dataclass(frozen=True)
class Landscape:
    """What is known of it so far. batches: of the moments on the plane's path; digits: what tells the loss, in words.

    survey: continues it, in one thread at a time; None if nothing remains to be done.
    """

    kind: Kind
    plane: Plane
    surface: Surface | None
    batches: tuple[int, ...]
    digits: str
    survey: Survey | None

    def nearest(self, batch: int) -> int:
        """Which of its moments is nearest to a mini-batch."""
        return int(np.abs(np.array(self.batches) - batch).argmin())


def begin(snapshots: Iterable[Snapshot], kind: Kind, trained_on: TrainedOn, desk: Desk) -> Landscape | None:
    """The first piece of a landscape around these moments; None if fewer than two of them are finite. Of a committee
    that grows, those of its newest size.

    The loss is that of held-out digits or, if there are none, of test digits. Raises DataError if these cannot be
    loaded.
    """
    moments = [each for each in snapshots if is_finite(each.model)]  # others are nowhere on a plane
    moments = [each for each in moments if each.model.sizes == moments[-1].model.sizes]
    if len(moments) < LEAST_MOMENTS:
        return None
    plane = plane_of([each.model for each in moments], kind)
    digits = desk.digits(trained_on, "validation")
    if not len(digits.indices):
        digits = desk.digits(trained_on, "test")
    indices = digits.indices
    chosen = indices[digits.labels[indices] < plane.centre.sizes[-1]][:DIGITS]
    survey = Survey(plane, digits.images[chosen], digits.labels[chosen])
    told = f"{len(chosen)} {digits.part} {digits.kind}s"
    return proceed(Landscape(kind, plane, None, tuple(each.batch for each in moments), told, survey), desk)


def proceed(landscape: Landscape, desk: Desk) -> Landscape:
    """The same after another piece of the work."""
    survey = landscape.survey
    assert survey is not None
    survey.advance(PIECE_S, desk.cancelled)
    left = None if survey.is_done else survey
    return Landscape(landscape.kind, landscape.plane, survey.surface, landscape.batches, landscape.digits, left)
