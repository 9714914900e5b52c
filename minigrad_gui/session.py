"""What the laboratory is doing now: the config, the run and its history, the network, the drawing and its reading.

Views show the session and ask it for things; it tells them by signals what has changed. It is the only one that talks
to the worker. Nothing here draws.
"""

import json
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QDeadlineTimer, QObject, QThread, QTimer, Signal, Slot

from engine import ConfigError, ModelFileError, TrainingConfig, save_model
from engine.archive import npz_path, reason_of
from engine.calibration import Calibration
from engine.nn import ACTIVATIONS, MLP
from minigrad_gui import data, digits, reader
from minigrad_gui.control import TrainingControl
from minigrad_gui.diagnosis import Diagnosis
from minigrad_gui.folders import data_folder
from minigrad_gui.handwriting import MAX_DRAWINGS, Drawing, DrawingStore, DrawingStoreError, is_dot
from minigrad_gui.history import History, recorded_history
from minigrad_gui.reader import Prediction
from minigrad_gui.recovery import RecoverableRun, RunFolder
from minigrad_gui.runner import TrainingJob, TrainingResult, taught_drawings_of
from minigrad_gui.teaching import TeachingJob, TeachingResult, TeachingWorker
from minigrad_gui.worker import Preparation, Progress, TrainingWorker

READING_DELAY_MS = 8
SWITCH_INTERVAL_S = 0.0005
CLOSING_MS = 900
"""How long a window that closes waits for its threads; a step of a very large network may take longer."""
PRETRAINED = "pretrained.npz"

State = Literal["idle", "training", "paused"]
HandwritingState = Literal["off", "learning", "on"]


@dataclass(frozen=True)
class NetworkSnapshot:
    """A network with all that belongs to it. `is_from_run`: see `run_gave_a_network`."""

    model: MLP
    meta: dict[str, Any]
    is_pretrained: bool
    uses_handwriting: bool
    history: History
    preparation: Preparation | None
    path: Path | None
    modified: bool
    checkpoint_path: Path | None
    name: str
    diagnosis: Diagnosis | None
    is_from_run: bool


class Session(QObject):
    """The state of the laboratory. Everything here happens in the GUI's thread; training and teaching have their own.

    folder: where drawings and runs are kept; None is the user's data folder.
    """

    stateChanged = Signal(str)  # noqa: N815
    configChanged = Signal()  # noqa: N815
    prepared = Signal()
    progressed = Signal()
    historyCleared = Signal()  # noqa: N815
    modelChanged = Signal()  # noqa: N815
    predictionChanged = Signal()  # noqa: N815
    documentChanged = Signal()  # noqa: N815
    handwritingChanged = Signal()  # noqa: N815
    samplesReady = Signal()  # noqa: N815
    leftBehindChanged = Signal()  # noqa: N815
    failed = Signal(str)
    noticed = Signal(str)
    _jobQueued = Signal(object)  # noqa: N815
    _drawingsAsked = Signal(object)  # noqa: N815
    _teachingQueued = Signal(object)  # noqa: N815
    _samplesAsked = Signal()  # noqa: N815
    _teachingExpected = Signal()  # noqa: N815

    def __init__(self, parent: QObject | None = None, folder: Path | None = None) -> None:
        super().__init__(parent)
        self.config = TrainingConfig()
        self.config_error: ConfigError | None = None
        self.source = "mnist"
        self.continues = False
        self.state: State = "idle"
        self.history = History()
        self.preparation: Preparation | None = None
        self.diagnosis: Diagnosis | None = None
        """What is wrong with the run whose history it is, once it has ended."""
        self.samples_per_second = 0.0
        self.model: MLP | None = None
        self.meta: dict[str, Any] = {}
        self.is_pretrained = False
        """Whether the current network is the one that comes with the project: nobody's experiment."""
        self.uses_handwriting = False
        """Whether the person's handwriting, where some was taught, is to help with reading for the current network."""
        self.pretrained_uses_handwriting = True
        """The same for the pretrained network: what the person chose last."""
        self.path: Path | None = None
        self.modified = False
        self.name = "No network"
        """What the current network is called: no two that one can go back and forth between have the same name."""
        self._new_networks = 0
        self.picture = digits.blank()
        self.prediction: Prediction | None = None
        self.samples: NDArray[np.uint8] | None = None
        folder = folder or data_folder()
        self.drawing_store = DrawingStore(folder / "handwriting")
        self._runs = RunFolder(folder / "runs")
        self._checkpoint_path: Path | None = None
        """The checkpoint of the run that the current network came from, while it is not saved."""
        self.left_behind: list[RecoverableRun] = []
        self._aid: TeachingResult | None = None
        """The copy of the current network that has learnt the person's handwriting, whether it reads or not."""
        self._teaching_job: TeachingJob | None = None
        self._teacher_is_ready = False
        self._taught_last: tuple[str, Sequence[NDArray[np.float64]]] | None = None
        """The name of the drawing that was taught last, and its strokes on the canvas."""
        self._strokes: list[NDArray[np.float64]] = []
        self._job: TrainingJob | None = None
        self._taken_up: RecoverableRun | None = None
        """The run of a window that is gone, while it is being taken up."""
        self._before: NetworkSnapshot | None = None
        self._went_back = False
        self._is_new_network = False
        self.run_gave_a_network = False
        """Whether the last run got so far that the current network is its own; else it is that from before the run."""
        self._drawing_changed = False

        self._reading_timer = QTimer(self, singleShot=True, interval=READING_DELAY_MS)
        self._reading_timer.timeout.connect(self._read_drawing)
        self._thread = QThread(self)
        self._thread.setObjectName("training")
        self._worker = TrainingWorker()
        self._worker.moveToThread(self._thread)
        self._jobQueued.connect(self._worker.run)
        self._worker.prepared.connect(self._on_prepared)
        self._worker.progressed.connect(self._on_progressed)
        self._worker.ended.connect(self._on_ended)
        self._worker.checkpointFailed.connect(self._on_checkpoint_failed)
        self._teaching_thread = QThread(self)
        self._teaching_thread.setObjectName("teaching")
        self._teacher = TeachingWorker()
        self._teacher.moveToThread(self._teaching_thread)
        self._drawingsAsked.connect(self._teacher.read_drawings)
        self._teachingQueued.connect(self._teacher.run)
        self._samplesAsked.connect(self._teacher.load_samples)
        self._teachingExpected.connect(self._teacher.prepare)
        self._teacher.samplesReady.connect(self._on_samples)
        self._teacher.drawingsRead.connect(self._on_drawings_read)
        self._teacher.taught.connect(self._on_taught)
        # Only when the window is up: Python runs one thread at a time, and the window would come later.
        self._drawings_timer = QTimer(self, singleShot=True, interval=0)
        self._drawings_timer.timeout.connect(self._read_drawings)
        if self.drawing_store.unread:
            self._drawings_timer.start()
        # A long turn of the training thread would make the window stutter.
        self._switch_interval_s = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_INTERVAL_S)

    # ------------------------------------------------------------ config

    def set_config(self, config: TrainingConfig, source: str) -> None:
        """Take a config that can be trained; while a run goes on, only its learning rate has an effect on it."""
        if (config, source, None) == (self.config, self.source, self.config_error):
            return
        self.config, self.source, self.config_error = config, source, None
        if self._job is not None and self._job.control.learning_rate != config.learning_rate:
            self._job.control.learning_rate = config.learning_rate
        self.configChanged.emit()

    def set_config_error(self, error: ConfigError) -> None:
        """The person has entered something that cannot be trained."""
        self.config_error = error
        self.configChanged.emit()

    @property
    def can_continue(self) -> bool:
        """Whether a run with this config could go on from the current network."""
        return (
            self.model is not None
            and self.model.sizes[1:-1] == self.config.hidden
            and type(self.model.activation) is ACTIVATIONS[self.config.activation]
        )

    # ------------------------------------------------------------ training

    def train(self) -> None:
        """Start a run, or go on with a paused one."""
        if self.state == "paused":
            self.resume()
        else:
            self._start(paused=False)

    def step(self) -> None:
        """Train on one mini-batch and stay paused; starts a run if there is none."""
        if self.state == "idle":
            self._start(paused=True)
        if self.state == "paused" and self._job is not None:
            self._job.control.allow_step()

    def pause(self) -> None:
        if self.state == "training" and self._job is not None:
            self._job.control.pause()
            self._set_state("paused")

    def resume(self) -> None:
        if self.state == "paused" and self._job is not None:
            self._job.control.resume()
            self._set_state("training")

    def stop(self) -> None:
        """End the run after the mini-batch at hand; the network stays as it is then."""
        if self._job is not None:
            self._job.control.stop()

    def _start(self, *, paused: bool) -> None:
        if self.state != "idle" or self.config_error is not None:
            return
        if self._teaching_job is not None:
            self._teaching_job.cancelled.set()  # its network will be another when the run ends
        control = TrainingControl(self.config.learning_rate, paused=paused)
        start_from = self.model if self.continues and self.can_continue else None
        taught = self.taught_drawings if start_from is not None else 0
        job = TrainingJob(self.config, self.source, control, start_from, self._claim(), taught_drawings=taught)
        self._begin(job, paused=paused)

    def _begin(self, job: TrainingJob, *, paused: bool, taken_up: RecoverableRun | None = None) -> None:
        self._job, self._taken_up = job, taken_up
        self._is_new_network = job.start_from is None
        self._before, self._went_back = self._work(), False
        self.run_gave_a_network = False
        self._remove_unneeded_files()
        self._clear_history()
        self._set_state("paused" if paused else "training")
        self._read_again()
        self._thread.start()
        self._jobQueued.emit(job)

    @property
    def can_go_back(self) -> bool:
        """Whether there is a network from before the last run."""
        return self.state == "idle" and self._before is not None

    @property
    def name_before(self) -> str | None:
        """What the network is called that `go_back` would bring."""
        return self._before.name if self._before is not None else None

    def go_back(self) -> None:
        """Exchange the current network, its curves, settings and file with those from before the last run."""
        work = self._before
        if self.state != "idle" or work is None:
            return
        self._before, self._went_back = self._work(), not self._went_back
        self._checkpoint_path = work.checkpoint_path
        self.history, self.preparation, self.diagnosis = work.history, work.preparation, work.diagnosis
        self.run_gave_a_network = work.is_from_run
        self.historyCleared.emit()
        self._set_model(work.model, work.meta, pretrained=work.is_pretrained, uses_handwriting=work.uses_handwriting)
        self._set_document(work.path, modified=work.modified, name=work.name)
        if work.preparation is not None:
            self.set_config(work.preparation.job.config, work.preparation.job.source)
        else:
            self._take_settings(work.model, work.meta)
        self.progressed.emit()

    def _work(self) -> NetworkSnapshot | None:
        if self.model is None:
            return None
        return NetworkSnapshot(
            self.model,
            self.meta,
            self.is_pretrained,
            self.uses_handwriting,
            self.history,
            self.preparation,
            self.path,
            self.modified,
            self._checkpoint_path,
            self.name,
            self.diagnosis,
            self.run_gave_a_network,
        )

    @property
    def has_unsaved_way_back(self) -> bool:
        """Whether the network that `go_back` put aside has not been saved."""
        return self._went_back and self._before is not None and self._before.modified

    def _abandon_run(self, *, keep: bool) -> None:
        """Forget the run at once: whatever it still reports is ignored. If it is kept, another window may go on."""
        files = {self._checkpoint_path}
        if self._job is not None:
            self._job.control.abandon(keep=keep)
            files.add(self._job.checkpoint_path)
            self._job = None
        if keep:
            self._runs.leave(*files)
        self._checkpoint_path = None
        self._set_state("idle")

    def close(self, *, keep_checkpoint: bool = False) -> bool:
        """Stop training and wait for its thread, a second at most; False if it has not ended until then.

        keep_checkpoint: the run's checkpoint stays, for another session to go on with; else it is thrown away. The
        session cannot be used after that.
        """
        self._abandon_run(keep=keep_checkpoint)
        self._reading_timer.stop()
        self._drawings_timer.stop()
        if self._teaching_job is not None:
            self._teaching_job.cancelled.set()
        self.uses_handwriting = False  # whatever a lesson still reports, no other is begun
        deadline = QDeadlineTimer(CLOSING_MS)
        threads = (self._thread, self._teaching_thread)
        for thread in threads:
            thread.requestInterruption()
            thread.quit()
        has_ended = all([thread.wait(deadline) for thread in threads])  # noqa: C419  each of them
        if not keep_checkpoint:
            self._before = None
            self._remove_unneeded_files()
        if has_ended:  # else the run may still be written, and no other window shall have it
            self._runs.release()
        sys.setswitchinterval(self._switch_interval_s)
        return has_ended

    # ------------------------------------------------------------ runs that are kept

    def look_for_runs(self) -> None:
        """Find the runs that other windows left behind; `left_behind` lists them, newest first."""
        self.left_behind = self._runs.left_behind()
        self.leftBehindChanged.emit()

    def go_on_with(self, kept: RecoverableRun, *, keep_checkpoint: bool = False) -> None:
        """Take up a run where it was left, with the settings that it had; the run at hand, if any, ends.

        keep_checkpoint: whether another window may go on with that one.
        """
        if self._job is not None:
            self._abandon_run(keep=keep_checkpoint)
        was_left_behind = kept in self.left_behind
        if was_left_behind:
            self.left_behind.remove(kept)
            self._runs.take(kept)
        rate = kept.summary.learning_rate
        self.set_config(replace(kept.summary.config, learning_rate=rate), kept.source)
        job = TrainingJob.resuming(kept.path, kept.summary, kept.path if was_left_behind else self._claim())
        self._begin(job, paused=False, taken_up=kept if was_left_behind else None)

    def throw_away(self, kept: RecoverableRun) -> None:
        """Forget a run that was left behind."""
        self._runs.remove(kept.path)
        self.left_behind.remove(kept)
        self.leftBehindChanged.emit()

    def _claim(self) -> Path | None:
        """A file to keep a new run in; None where nothing can be kept."""
        try:
            return self._runs.claim()
        except OSError as error:
            self._on_checkpoint_failed(f"{self._runs.folder} cannot be written to: {reason_of(error)}.")
            return None

    def _remove_unneeded_files(self) -> None:
        """Of this window's runs those are kept that can be gone on with or back to."""
        needed = {self._checkpoint_path}
        if self._before is not None:
            needed.add(self._before.checkpoint_path)
        if self._job is not None:
            needed.add(self._job.checkpoint_path)
        self._runs.remove_all_but(needed)

    @Slot(str)
    def _on_checkpoint_failed(self, reason: str) -> None:
        self.noticed.emit(f"The run goes on, but would be lost if the program ended now: {reason}")

    @Slot(object)
    def _on_prepared(self, preparation: Preparation) -> None:
        if preparation.job is self._job:
            self.preparation = preparation
            self.history = History(preparation.steps_per_epoch)
            self.history.extend(preparation.losses, preparation.epochs)
            self.history.rate_changes = _rate_changes(preparation.job)
            self.prepared.emit()

    @Slot(object)
    def _on_progressed(self, progress: Progress) -> None:
        if progress.job is not self._job:
            return
        self.history.extend([step.loss for step in progress.steps], progress.epochs)
        self.history.rate_changes = _rate_changes(progress.job)
        if progress.samples_per_second:
            self.samples_per_second = progress.samples_per_second
        if progress.model is not None and len(self.history):
            self._checkpoint_path = progress.job.checkpoint_path
            uses_handwriting = self.run_gave_a_network and self.uses_handwriting  # chosen for this very network
            self._set_model(progress.model, {}, uses_handwriting=uses_handwriting)
            if not self.run_gave_a_network:
                self.run_gave_a_network = True
                # A new network must not overwrite the file of the old one.
                path = None if self._is_new_network else self.path
                if path is None:
                    self._new_networks += 1
                self._set_document(path, modified=True, name=self._run_name(progress.job, path))
            else:
                self._set_document(self.path, modified=True, name=self.name)
        self.progressed.emit()

    @Slot(object)
    def _on_ended(self, outcome: TrainingResult) -> None:
        if outcome.job is not self._job:
            return
        self._job = None
        self.diagnosis = outcome.diagnosis
        if self._taken_up is not None and not self.run_gave_a_network:
            self._runs.leave(self._taken_up.path)
            self.left_behind.insert(0, self._taken_up)  # it could not be taken up now, but perhaps later
        self._taken_up = None
        self._remove_unneeded_files()
        if self.run_gave_a_network:
            self._set_document(self.path, modified=self.modified, name=self._run_name(outcome.job, self.path))
            self.meta = self._describe(outcome.job, outcome.test, outcome.calibration)
        self._set_state("idle")
        self._learn_handwriting()
        self._read_again()
        self.progressed.emit()
        if outcome.error:
            self.failed.emit(outcome.error)

    def _describe(
        self, job: TrainingJob, test: tuple[float, float] | None = None, calibration: Calibration | None = None
    ) -> dict[str, Any]:
        threads = self.preparation.blas_threads if self.preparation else None
        return job.record(self.history.epochs, threads, test, calibration)

    def _clear_history(self, history: History | None = None) -> None:
        self.history = History() if history is None else history
        self.preparation = None
        self.diagnosis = None
        self.samples_per_second = 0.0
        self.historyCleared.emit()

    def _set_state(self, state: State) -> None:
        if state != self.state:
            self.state = state
            self.stateChanged.emit(state)

    @property
    def epochs_done(self) -> float:
        """How many epochs of the run are done, with its fraction."""
        return self.history.epochs_trained

    def _run_name(self, job: TrainingJob, path: Path | None) -> str:
        """What a network is called that has just been trained, or is being trained now."""
        if path is not None:
            return f"{path.name}, trained further"
        layers = "-".join(map(str, job.config.hidden)) or "no hidden layer"
        epochs = f"{self.epochs_done:.3g} epoch{'s' * (self.epochs_done != 1)}"
        return f"New network {self._new_networks} ({layers}, {'in training' if self._job else epochs})"

    @property
    def seconds_left(self) -> float | None:
        """An estimate from the speed of the last second or so; None while there is none."""
        if self.preparation is None or not self.samples_per_second or self._job is None:
            return None
        samples_left = (self._job.config.epochs - self.epochs_done) * self.preparation.training_count
        return max(samples_left, 0.0) / self.samples_per_second

    @property
    def run_config(self) -> TrainingConfig | None:
        """The config of the run that goes on now."""
        return self._job.config if self._job else None

    @property
    def curves_config(self) -> TrainingConfig | None:
        """The config of the run whose history this is; None if that is not known."""
        if self.preparation is not None:
            return self.preparation.job.config
        known = self.history.epochs and isinstance(self.meta.get("config"), dict)
        return config_from_dict(self.meta["config"]) if known else None

    @property
    def shows_failed_run(self) -> bool:
        """Whether the history is that of a run without a network of its own; that at hand is from before it."""
        return self.state == "idle" and len(self.history) > 0 and not self.run_gave_a_network

    # ------------------------------------------------------------ the network and its file

    def open_pretrained(self, *, keep_checkpoint: bool = False, take_settings: bool = True) -> None:
        """Take the network that comes with the project. Raises ModelFileError.

        take_settings: whether its settings, too; its training takes minutes. keep_checkpoint: see `open`.
        """
        model = self._take_file(data.asset_path(PRETRAINED), None, keep_checkpoint=keep_checkpoint, pretrained=True)
        if take_settings:
            self._take_settings(model, self.meta)

    def open(self, path: Path, *, keep_checkpoint: bool = False) -> None:
        """Take the network of a file, and the config that it was trained with; a run that goes on ends.

        keep_checkpoint: whether another window may go on with that. Raises ModelFileError, and nothing changes then.
        """
        self._take_settings(self._take_file(path, path, keep_checkpoint=keep_checkpoint), self.meta)

    def _take_settings(self, model: MLP, meta: dict[str, Any]) -> None:
        """Take the config that a network was trained with, as far as its file tells."""
        self.set_config(_config_of(model, meta), self.source)

    def _take_file(self, file: Path, path: Path | None, *, keep_checkpoint: bool, pretrained: bool = False) -> MLP:
        model, meta = reader.load_reader(file)
        self._abandon_run(keep=keep_checkpoint)
        self._remove_unneeded_files()
        self.run_gave_a_network = True
        self._set_document(path, modified=False, name=path.name if path else "Pretrained network")
        self._clear_history(recorded_history(meta, _steps_per_epoch(meta)))
        uses_handwriting = pretrained and self.pretrained_uses_handwriting
        self._set_model(model, meta, pretrained=pretrained, uses_handwriting=uses_handwriting)
        return model

    def save(self, path: Path) -> None:
        """Write the current network, as it was trained. Raises ModelFileError; the older file is then as it was.

        The suffix is .npz, and is appended where there is none.
        """
        if self.model is None:
            raise ModelFileError("There is no network to save yet.")
        path = npz_path(path)
        save_model(path, self.model, self._describe(self._job) if self._job and len(self.history) else self.meta)
        if self._job is None:
            self._checkpoint_path = None
            self._remove_unneeded_files()
        self._set_document(path, modified=False, name=path.name)

    def save_with_handwriting(self, path: Path) -> None:
        """Write the copy of the current network that has learnt the person's handwriting, and with it of how many
        drawings and how well that copy reads the test digits. The current network stays what it is, saved or not.

        Raises ModelFileError; the older file is then as it was.
        """
        aid = self._reading_aid
        if aid is None or aid.model is None or aid.test is None:
            raise ModelFileError("Your handwriting has not been learnt by this network.")
        loss, accuracy = aid.test
        taught = self.taught_drawings + len(aid.lesson.drawings)
        told = {"test_loss": loss, "test_accuracy": accuracy, "taught_drawings": taught}
        path = npz_path(path)
        save_model(path, aid.model, {**self.meta, **told})
        if self.path is not None and path.resolve() == self.path.resolve():
            self._set_document(
                self.path, modified=True, name=self.name
            )  # the network as it was trained is no longer in its file

    @property
    def taught_drawings(self) -> int:
        """How many drawings the current network itself has learnt: it was saved with somebody's handwriting."""
        return taught_drawings_of(self.meta)

    def _set_model(
        self, model: MLP, meta: dict[str, Any], *, pretrained: bool = False, uses_handwriting: bool = False
    ) -> None:
        """Take a network as it was trained; a copy of it learns the person's handwriting if that is wanted."""
        self.model, self.meta = model, meta
        self.is_pretrained, self.uses_handwriting = pretrained, uses_handwriting
        self._aid = None
        self._learn_handwriting()
        self.modelChanged.emit()
        self._read_again()

    def _set_document(self, path: Path | None, *, modified: bool, name: str) -> None:
        if (path, modified, name) != (self.path, self.modified, self.name):
            self.path, self.modified, self.name = path, modified, name
            self.documentChanged.emit()

    # ------------------------------------------------------------ the drawing

    def set_drawing(self, strokes: Sequence[NDArray[np.float64]]) -> None:
        """Read these strokes, (n, 2) each, soon: many changes within a few milliseconds are read once."""
        if not self._teacher_is_ready:
            self._teacher_is_ready = True
            self._teaching_thread.start()
            self._teachingExpected.emit()
        self._strokes, self._drawing_changed = list(strokes), True
        if not self._reading_timer.isActive():
            self._reading_timer.start()

    def predict(self, picture: digits.Picture) -> Prediction | None:
        """What `reading_model` thinks of a 28 x 28 picture; None for a blank one or where it can give no answer."""
        model = self.reading_model
        if model is None:
            return None
        return reader.predict(model, self.meta, picture, with_handwriting=model is not self.model)

    def _read_again(self) -> None:
        """Read the drawing soon, as what reads it has changed."""
        self._reading_timer.start()

    @Slot()
    def _read_drawing(self) -> None:
        was_blank = self.prediction is None and not self.picture.any()
        drawn = self._drawing_changed
        if drawn:
            self.picture, self._drawing_changed = digits.rasterize(self._strokes), False
        self.prediction = self.predict(self.picture)
        if drawn or not was_blank:  # for a blank canvas, one network is as good as another
            self.predictionChanged.emit()

    def read_as_drawn(self) -> tuple[digits.Picture, Prediction | None]:
        """The sheet merely scaled down, and what the network would make of that."""
        picture = digits.as_drawn(self._strokes)
        return picture, self.predict(picture)

    # ------------------------------------------------------------ the person's handwriting

    @property
    def reading_model(self) -> MLP | None:
        """The network that reads the drawing: the current one, or its copy that has learnt the person's handwriting."""
        aid = self._reading_aid
        return self.model if aid is None else aid.model

    @property
    def _reading_aid(self) -> TeachingResult | None:
        """The copy that reads in the current network's place. A network in training reads by itself."""
        return self._aid if self.uses_handwriting and self.state == "idle" else None

    @property
    def handwriting_state(self) -> HandwritingState:
        """Whether the person's handwriting helps with reading now, or is being learnt so that it can."""
        if not self.uses_handwriting or self.state != "idle":
            return "off"
        if self.is_learning:
            return "learning"
        return "off" if self._aid is None else "on"

    @property
    def handwriting_accuracy(self) -> float | None:
        """How well the copy that reads with the person's handwriting reads the test digits; None if none reads."""
        aid = self._reading_aid
        return None if aid is None or aid.test is None else aid.test[1]

    def use_handwriting(self, use: bool) -> None:
        """Whether the person's handwriting is to help with reading for the current network, after its run if one goes
        on. For the pretrained network the choice is kept in `pretrained_uses_handwriting`."""
        if use == self.uses_handwriting:
            return
        self.uses_handwriting = use
        if self.is_pretrained:
            self.pretrained_uses_handwriting = use
        self._handwriting_changed()

    @property
    def is_learning(self) -> bool:
        """Whether drawings are being learnt now, or read so that they can be."""
        return self._teaching_job is not None or bool(self.drawing_store.unread)

    @property
    def can_teach(self) -> bool:
        """Whether there is a drawing that could be taught, and a network to learn it."""
        return self.model is not None and bool(self._strokes) and not is_dot(self._strokes)

    @property
    def taught_label(self) -> int | None:
        """The digit that the drawing on the canvas was taught as; None if it was not taught."""
        drawing = self._taught_drawing()
        return None if drawing is None else drawing.label

    def _taught_drawing(self) -> Drawing | None:
        if self._taught_last is None:
            return None
        name, strokes = self._taught_last
        # The canvas keeps a stroke's array through undo and redo, so the same arrays are the same drawing.
        if list(map(id, strokes)) != list(map(id, self._strokes)):
            return None
        return next((drawing for drawing in reversed(self.drawing_store.drawings) if drawing.name == name), None)

    def teach(self, label: int) -> None:
        """Keep the drawing with this label; a second label corrects the first. It is learnt if the person's handwriting
        is used with the current network. A dot is not taught."""
        if not self.can_teach:
            return
        taught = self._taught_drawing()
        if taught is not None:
            self.relabel([taught], label)
            return
        self._change_store(self.drawing_store.add, self._strokes, label)
        self._taught_last = self.drawing_store.drawings[-1].name, self._strokes
        self._handwriting_changed()

    def relabel(self, drawings: Sequence[Drawing], label: int) -> None:
        """Correct the digit of drawings that were taught."""
        wrong = [drawing for drawing in drawings if drawing.label != label]
        if wrong:
            self._change_store(self.drawing_store.relabel, wrong, label)
            self._handwriting_changed()

    def forget_drawings(self, drawings: Sequence[Drawing]) -> None:
        self._change_store(self.drawing_store.remove, *drawings)
        self._handwriting_changed()

    def undo_teaching(self) -> None:
        """Take the drawing back that was taught last."""
        if self.drawing_store.drawings:
            self.forget_drawings(self.drawing_store.drawings[-1:])

    def forget_handwriting(self) -> None:
        """Throw every taught drawing away, other windows' too."""
        self._change_store(self.drawing_store.forget)
        self._handwriting_changed()

    def _change_store(self, change: Callable[..., object], *arguments: object) -> None:
        try:
            change(*arguments)
        except DrawingStoreError as error:
            self.failed.emit(str(error))

    def _handwriting_changed(self) -> None:
        self._learn_handwriting()
        self._read_again()
        self.handwritingChanged.emit()

    def _learn_handwriting(self) -> None:
        """Have a copy of the current network learn all drawings, unless that is not wanted now or has been done.

        It always begins with the network as it was trained, so every drawing can be taken back.
        """
        if self._teaching_job is not None:
            self._teaching_job.cancelled.set()  # when it has ended, another begins
            return
        drawings = tuple(self.drawing_store.drawings[-MAX_DRAWINGS:])
        if not drawings:
            self._aid = None
        if self.model is None or self.state != "idle" or not self.uses_handwriting:
            return
        if (
            not drawings
            or self.drawing_store.unread
            or (self._aid is not None and self._aid.lesson.drawings == drawings)
        ):
            return
        self._teaching_job = TeachingJob(self.model, drawings)
        self._teaching_thread.start()
        self._teachingQueued.emit(self._teaching_job)
        self.handwritingChanged.emit()

    @Slot()
    def _read_drawings(self) -> None:
        self._teaching_thread.start()
        self._drawingsAsked.emit(self.drawing_store)

    @Slot(object)
    def _on_drawings_read(self, read: list[Drawing]) -> None:
        self.drawing_store.include(read)
        self._handwriting_changed()

    @Slot(object)
    def _on_taught(self, taught: TeachingResult) -> None:
        self._teaching_job = None
        if taught.lesson.cancelled.is_set():
            self._learn_handwriting()
        elif taught.model is not None:
            self._aid = taught
            self._read_again()
        self.handwritingChanged.emit()
        if taught.error is not None:
            self.failed.emit(taught.error)

    # ------------------------------------------------------------ examples of MNIST's digits

    def ask_for_samples(self) -> None:
        """Have `samples`, uint8 (8, 28, 28), soon; `samplesReady` tells when."""
        if self.samples is None:
            self._teaching_thread.start()
            self._samplesAsked.emit()

    @Slot(object)
    def _on_samples(self, samples: NDArray[np.uint8]) -> None:
        self.samples = samples
        self.samplesReady.emit()


def config_to_json(config: TrainingConfig, source: str) -> str:
    return json.dumps({"config": config.to_dict(), "source": source})


def config_from_json(text: str) -> tuple[TrainingConfig, str]:
    """What `config_to_json` was given; the defaults if the text is of no use."""
    try:
        stored = json.loads(text)
        source = stored["source"]
    except (TypeError, ValueError, KeyError, RecursionError):
        return TrainingConfig(), "mnist"
    return config_from_dict(stored.get("config")), source if source in list(data.SOURCES) else "mnist"


def config_from_dict(stored: Any) -> TrainingConfig:
    """What `TrainingConfig.to_dict` gave; the default config if this is none."""
    try:
        return TrainingConfig(**stored)
    except (TypeError, ValueError):
        return TrainingConfig()


def _config_of(model: MLP, meta: dict[str, Any]) -> TrainingConfig:
    """The config that a network was trained with, as far as its file tells; its layers are what they are."""
    kept = config_from_dict(meta.get("config"))
    activation = next(name for name, kind in ACTIVATIONS.items() if kind is type(model.activation))
    return replace(kept, hidden=model.sizes[1:-1], activation=activation)


def _steps_per_epoch(meta: dict[str, Any]) -> int:
    """How many mini-batches an epoch had, by what a file tells of it; 1 where that cannot be said."""
    config, source = meta.get("config"), meta.get("dataset")
    if not isinstance(config, dict) or not isinstance(source, str) or source not in data.SOURCES:
        return 1
    known, count = config_from_dict(config), data.SOURCES[source].training_count
    return math.ceil((count - round(count * known.validation_share)) / known.batch_size)


def _rate_changes(job: TrainingJob) -> list[tuple[int, float]]:
    return [(int(change["mini_batches"]), change["learning_rate"]) for change in list(job.rate_changes)]
