"""Time: a run played back. At each moment: how the drawing was read, the weights, what was confused, and the loss.

Instead of what the network was like inside, there may be the landscape of the loss with the path of training.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np
from PySide6.QtCore import QSettings, QTimer, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QComboBox, QPushButton, QStackedWidget, QWidget

from engine.nn import MLP
from minigrad_gui import theme
from minigrad_gui.analysis import Answer, Desk, TrainedOn
from minigrad_gui.digits import SIDE_PX
from minigrad_gui.evaluation import readings_of_some
from minigrad_gui.history import History
from minigrad_gui.insight.landscape import Kind
from minigrad_gui.insight.readings import Readings
from minigrad_gui.reader import Prediction, Reader
from minigrad_gui.snapshots import Snapshot, Snapshots
from minigrad_gui.surveying import Landscape, begin, proceed
from minigrad_gui.views.view import TRAIN, DockedView
from minigrad_gui.widgets.building import caption, column, named, row, styled
from minigrad_gui.widgets.landscape_picture import LandscapePicture
from minigrad_gui.widgets.map_picture import MapPicture
from minigrad_gui.widgets.maps import Pixels, signed, signed_weights
from minigrad_gui.widgets.mosaic import Mosaic, MosaicArea
from minigrad_gui.widgets.paragraph import Paragraph
from minigrad_gui.widgets.probability_bars import ProbabilityBars
from minigrad_gui.widgets.step_player import StepPlayer
from minigrad_gui.widgets.timeline import Timeline
from minigrad_gui.wording import percentage

TEST_COUNT = 1000
"""Test digits that are read at each moment: enough for a matrix, few enough to follow the hand."""
NEURONS = 24
LIMIT_PERCENTILE = 99.8
FRAME_MS = 120
LOW_PX = 420
"""A view that is lower shows a landscape in place of the curve of the loss."""
LEAST_LIMIT = 0.02
"""This share of a label's digits, read wrongly, is in full orange, unless there is a larger one."""
EMPTY = "A run can be played back here, from its first mini-batches on: train a network."
TOO_LARGE = "This network is too large for its past to be remembered."
FEW = "A landscape needs two moments of one network: train on more mini-batches."
GROWN = "A landscape needs two moments of one network; a committee becomes another as it grows: train a single network."
INSIDE = "A run played back: its loss, how it read your drawing, what its neurons looked for, what it confused."
AS_GIVEN = "As the network gave them; those beside the drawing are calibrated at the end of the run"
SHOWN: dict[Kind | None, tuple[str, str]] = {
    None: ("The network", INSIDE),
    "path": (
        "Landscape along the path",
        "The loss on the plane of the two directions in which training moved the weights most. White is its path.",
    ),
    "random": (
        "Landscape at random",
        "The loss around the last weights in two random directions. At 1, each neuron's weights have moved as far as "
        "they are long.",
    ),
}
"""What can be shown, what it is called, and the sentence that tells what one sees."""
Read = tuple[Snapshots, int, Readings | None]
"""The run, the mini-batch and how the network read the test digits then."""
Surveyed = tuple[Snapshots, Kind, Landscape | None]


class TimeView(DockedView):
    sentence = INSIDE
    longest_refresh_ms = 1500  # all of it is drawn anew and a thousand digits are read

    def build(self) -> None:
        self._snapshots: Snapshots | None = None
        self._history = History()
        self._names = self.session.class_names
        """These are of the same run; those of the session may be of the next one already."""
        self._readings: dict[int, Readings] = {}
        """How the test digits were read, by mini-batch."""
        self._follows = True
        """Whether the newest moment is shown, whichever that is."""
        self._landscape: Landscape | None = None
        self._is_surveying = False
        self._kind_combo = named(QComboBox(), "timeShownCombo", "What is shown of the moments")
        self._kind_combo.setAccessibleName("Shown")
        for kind, (title, _) in SHOWN.items():
            self._kind_combo.addItem(title, kind)
        self._picture = named(LandscapePicture(), "timeLandscape")
        self._timeline = named(Timeline(), "timeTimeline", "Click or drag to go to a moment")
        self._player = named(StepPlayer("time"), "timePlayer")
        self._play = named(QPushButton("Play"), "timePlayButton", "Play the run from here to its end")
        self._play.setCheckable(True)
        self._told = styled(named(Paragraph(2), "timeTold"), "body")
        self._told.setMinimumHeight(2 * self._told.fontMetrics().lineSpacing())
        self._bars = named(ProbabilityBars(self._names), "timeBars", AS_GIVEN)
        self._bars.setAccessibleName("Probability of each class at that moment")
        self._mosaic = named(Mosaic("What the first neurons looked for", 1), "timeMosaic")
        self._neurons = MosaicArea(self._mosaic, "First neurons", NEURONS)
        tip = "Row the label, column the reading: blue what is right, orange what is confused"
        self._matrix = named(MapPicture("Confusion matrix"), "timeMatrix", tip)
        inside = QWidget()
        parts = row(*self._parts(), spacing=theme.SPACING_PX, parent=inside)
        for index in range(parts.count()):
            parts.setStretch(index, 1)
        self._shown = QStackedWidget()
        self._shown.addWidget(inside)
        self._shown.addWidget(self._picture)
        steps = row(self._play, self._player)
        steps.setStretch(1, 1)
        contents = QWidget()
        layout = column(self._timeline, steps, self._told, self._shown, spacing=6, parent=contents)
        layout.setStretch(3, 1)
        self.fill(contents, self._kind_combo)
        self._timer = QTimer(self, interval=FRAME_MS)
        self._timer.timeout.connect(self._on_frame)
        self._play.toggled.connect(self._on_play)
        self._player.moved.connect(self._on_moved)
        self._timeline.pointed.connect(self._on_pointed)
        self._kind_combo.currentIndexChanged.connect(self._on_shown)
        self._picture.pointed.connect(self._on_pointed_at)
        self._picture.stepped.connect(self._player.go)
        self._kind_combo.setCurrentIndex(list(SHOWN).index(self._kind))
        self.session.modelChanged.connect(self.mark)
        self.session.progressed.connect(self.mark)
        self.session.historyCleared.connect(self.mark)
        self.session.predictionChanged.connect(self.mark_reading)

    def _parts(self) -> list[Any]:
        """The drawing's reading, the weights and the matrix, each with what it is."""
        parts = []
        for told, part in (("Your drawing", self._bars), ("Neurons", self._neurons), ("Confusion", self._matrix)):
            parts.append(column(caption(told), part, 1, spacing=2))
            parts[-1].setStretch(1, 100)  # as high as it wants to be
        return parts

    # ------------------------------------------------------------ the run

    def refresh(self) -> None:
        snapshots, self._history = self.session.snapshots, self.session.history
        self._names = self.session.class_names
        if snapshots is not self._snapshots:
            self._snapshots, self._readings, self._follows = snapshots, {}, True
            self._play.setChecked(False)
            self._forget_landscape()
        if not snapshots:
            has_run = len(self._history) > 0 and self.session.state == "idle"
            self.show_instead(TOO_LARGE if has_run else EMPTY, "" if has_run else TRAIN)
            return
        self.show_contents()
        batch = self._shown_batch
        self._timeline.show_run(self._history.smoothed, [each.batch for each in snapshots])
        self._shown_batch = snapshots[-1].batch if self._follows or batch is None else batch
        last = len(snapshots) - 1
        self._player.set_count(last, last if self._follows else snapshots.nearest(self._shown_batch))
        self._survey()
        self._show()

    _shown_batch: int | None = None
    """The mini-batch that is shown: moments between others may be forgotten."""

    @Slot()
    def fill_in(self) -> None:
        """An empty view offers to train, whether or not there is a network."""
        self.session.train()

    @property
    def _snapshot(self) -> Snapshot | None:
        snapshots = self._snapshots
        return snapshots[min(self._player.done, len(snapshots) - 1)] if snapshots else None

    # ------------------------------------------------------------ moving in time

    @Slot(int)
    def _on_moved(self, index: int) -> None:
        if self._snapshots:
            self._follows = index == len(self._snapshots) - 1
            self._shown_batch = self._snapshots[index].batch
            self._show()

    @Slot(float)
    def _on_pointed(self, batch: float) -> None:
        if self._snapshots:
            self._player.go(self._snapshots.nearest(batch) - self._player.done)

    @Slot(bool)
    def _on_play(self, plays: bool) -> None:
        self._play.setText("Pause" if plays else "Play")
        if plays and self._snapshots and self._player.done == len(self._snapshots) - 1:
            self._player.go(-self._player.done)
        self._timer.start() if plays else self._timer.stop()

    @Slot()
    def _on_frame(self) -> None:
        if self._snapshots and self._player.done < len(self._snapshots) - 1:
            self._player.go(1)
        else:
            self._play.setChecked(False)

    def leave(self) -> None:
        self._play.setChecked(False)
        self._stop_surveying()

    # ------------------------------------------------------------ showing

    def _show(self) -> None:
        snapshots, snapshot = self._snapshots, self._snapshot
        if snapshots is None or snapshot is None:
            return
        self._timeline.show_moment(snapshot.batch)
        if self._kind is not None:
            self._show_place(snapshot)
            return
        prediction = Reader(snapshot.model, class_names=self._names).predict(self.session.picture)
        self._bars.set_classes(self._names)
        self._bars.set_probabilities(None if prediction is None else prediction.probabilities)
        self._show_weights(snapshot.model, snapshots[-1].model)
        readings = self._readings.get(snapshot.batch)
        if readings is not None:
            self._matrix.show_pixels(confusion_map(readings))
        else:
            work = partial(_read, snapshots, snapshot, self.session.trained_on)
            self.session.analyse(f"{self.name}/readings", work, urgent=not self._is_following_a_run())
        self._told.setText(self._sentence_of(snapshot, prediction, readings))

    def _is_following_a_run(self) -> bool:
        return self._follows and self.session.state == "training"

    def _show_weights(self, model: MLP, last: MLP) -> None:
        """In the colours of the newest network, so that one sees the weights grow."""
        newest = np.abs(last.layers[0].W.data[:NEURONS])
        weights = model.layers[0].W.data[:NEURONS]
        limit = float(np.percentile(np.nan_to_num(newest), LIMIT_PERCENTILE))
        names = [f"Neuron {number}" for number in range(1, len(weights) + 1)]
        self._neurons.set_pictures(signed_weights(weights.reshape(-1, SIDE_PX, SIDE_PX), limit), (), names)

    def _moment_of(self, snapshot: Snapshot) -> str:
        history = self._history
        epochs = snapshot.batch / history.steps_per_epoch
        return f"Mini-batch {snapshot.batch:,} (epoch {epochs:.2f}): loss {history.smoothed[snapshot.batch - 1]:.4f}"

    def _sentence_of(self, snapshot: Snapshot, prediction: Prediction | None, readings: Readings | None) -> str:
        told = self._moment_of(snapshot)
        if readings is not None:
            told += f", {readings.accuracy:.1%} of {len(readings.labels):,} test pictures right"
        if prediction is not None:
            sure = percentage(prediction.probabilities[prediction.digit])
            told += f". Your drawing: {prediction.name} ({sure})"
        return f"{told}."

    def take(self, answer: Answer) -> None:
        if answer.key == self._survey_key:
            self._take_landscape(answer)
            return
        if answer.error is not None or answer.result is None:
            return
        snapshots, batch, readings = answer.result
        if snapshots is self._snapshots and readings is not None:
            self._readings[batch] = readings
            # In playing they lag a little: those of another moment are shown until there are those of this one.
            self._matrix.show_pixels(confusion_map(readings))
            if self._is_seen and self._snapshot is not None and self._snapshot.batch == batch:
                self._show()

    # ------------------------------------------------------------ the landscape

    _kind: Kind | None = None
    """Of landscape that is shown; None if it is the network."""

    @property
    def _survey_key(self) -> str:
        return f"{self.name}/landscape"

    @Slot()
    def _on_shown(self) -> None:
        self._kind = self._kind_combo.currentData()
        self._forget_landscape()
        self._sentence.setText(SHOWN[self._kind][1])
        self._shown.setCurrentIndex(0 if self._kind is None else 1)
        self._make_room()
        self.refresh()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._is_built:
            self._make_room()

    def _make_room(self) -> None:
        self._timeline.setVisible(self._kind is None or self.height() >= LOW_PX)

    @Slot(int)
    def _on_pointed_at(self, index: int) -> None:
        if self._landscape is not None:
            self._on_pointed(self._landscape.batches[index])

    def _forget_landscape(self) -> None:
        self._stop_surveying()
        self._landscape = None
        self._picture.show_nothing()

    def _stop_surveying(self) -> None:
        if self._is_surveying:
            self.session.withdraw(self._survey_key)
            self._is_surveying = False
            self._is_stale = True

    def _survey(self) -> None:
        """Have the landscape computed, or go on with it; of a run in progress anew, as soon as it has gone on.

        For the first look a person waits.
        """
        kind, snapshots, known = self._kind, self._snapshots, self._landscape
        if kind is None or not snapshots or self._is_surveying:
            return
        is_of_now = known is not None and known.batches[-1] == snapshots[-1].batch
        if known is not None and known.survey is not None and (is_of_now or known.surface is None):
            work = partial(_survey_on, snapshots, known)
        elif not is_of_now:
            work = partial(_survey_anew, snapshots, tuple(snapshots), kind, self.session.trained_on)
        else:
            return
        self._is_surveying = True
        is_urgent = known is None or known.surface is None or self.session.state != "training"
        self.session.analyse(self._survey_key, work, urgent=is_urgent)

    def _take_landscape(self, answer: Answer) -> None:
        self._is_surveying = False
        if answer.error is not None:
            self._told.setText(answer.error)
            return
        surveyed: Surveyed = answer.result
        snapshots, kind, landscape = surveyed
        if snapshots is not self._snapshots or kind != self._kind:
            return
        if landscape is None:
            self._forget_landscape()
            has_grown = snapshots[0].model.sizes != snapshots[-1].model.sizes
            self._told.setText(GROWN if has_grown else FEW)
            return
        self._landscape = landscape
        if landscape.surface is not None:
            titles = [f"Direction {number}" for number in (1, 2)]
            shares = zip(titles, landscape.plane.shares.tolist(), strict=True)
            across, along = (f"{title}: {share:.1%} of the path" for title, share in shares)
            self._picture.show_surface(landscape.plane, landscape.surface, (across, along))
            self._show()
        self._survey()

    def _show_place(self, snapshot: Snapshot) -> None:
        """Where on the landscape this moment is."""
        landscape, told = self._landscape, self._moment_of(snapshot)
        if landscape is not None and landscape.surface is not None:
            index = landscape.nearest(snapshot.batch)
            loss = landscape.surface.at(*landscape.plane.path[index].tolist())
            told += f". On the map: {loss:.4f} for {landscape.digits}"
            self._picture.show_moment(index, f"{SHOWN[landscape.kind][1]} {told}.")
        self._told.setText(f"{told}.")

    def restyle(self) -> None:
        self._player.restyle()
        self.mark()

    def save_settings(self, settings: QSettings) -> None:
        settings.setValue("time/shown", self._kind or "")

    def restore_settings(self, settings: QSettings) -> None:
        shown = settings.value("time/shown", "", str)
        self._kind = next((kind for kind in SHOWN if kind == shown), None)

    def table(self) -> Iterable[Sequence[Any]]:
        return self._table_of_moments() if self._kind is None else self._table_of_landscape()

    def _table_of_landscape(self) -> Iterable[Sequence[Any]]:
        """The grid, and then the path: its places have a mini-batch, and the loss of the run instead of the plane's."""
        yield ["direction 1", "direction 2", "loss", "mini-batch"]
        landscape = self._landscape
        if landscape is None or landscape.surface is None:
            return
        surface = landscape.surface
        for y, losses in zip(surface.y.tolist(), surface.losses.tolist(), strict=True):
            yield from ([x, y, loss, ""] for x, loss in zip(surface.x.tolist(), losses, strict=True))
        for (x, y), batch in zip(landscape.plane.path.tolist(), landscape.batches, strict=True):
            yield [x, y, self._history.smoothed[batch - 1], batch]

    def _table_of_moments(self) -> Iterable[Sequence[Any]]:
        yield ["mini-batch", "epoch", "loss", "test accuracy", *(f"P({name})" for name in self._names)]
        history, picture = self._history, self.session.picture
        for batch, model in self._snapshots or ():
            prediction = Reader(model, class_names=self._names).predict(picture)
            readings = self._readings.get(batch)
            probabilities = [] if prediction is None else prediction.probabilities.tolist()
            accuracy = "" if readings is None else readings.accuracy
            yield [batch, batch / history.steps_per_epoch, history.smoothed[batch - 1], accuracy, *probabilities]


def confusion_map(readings: Readings) -> Pixels:
    """The confusion matrix: shares of right readings in blue, of wrong ones in orange, stronger by their largest."""
    shares = np.nan_to_num(readings.shares)
    wrong = shares * (1 - np.eye(len(shares)))
    return signed(np.where(np.eye(len(shares)), shares, -wrong / max(wrong.max(), LEAST_LIMIT)), 1.0)


def _read(snapshots: Snapshots, snapshot: Snapshot, trained_on: TrainedOn, desk: Desk) -> Read:
    return snapshots, snapshot.batch, readings_of_some(snapshot.model, trained_on, TEST_COUNT, desk)


def _survey_anew(
    snapshots: Snapshots, moments: Sequence[Snapshot], kind: Kind, trained_on: TrainedOn, desk: Desk
) -> Surveyed:
    """moments: of this run so far."""
    return snapshots, kind, begin(moments, kind, trained_on, desk)


def _survey_on(snapshots: Snapshots, landscape: Landscape, desk: Desk) -> Surveyed:
    return snapshots, landscape.kind, proceed(landscape, desk)
