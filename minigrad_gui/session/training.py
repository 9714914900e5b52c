"""The current run and its curves. The training loop itself runs in a thread of its own."""

from dataclasses import replace
from typing import Literal

from PySide6.QtCore import QDeadlineTimer, QObject, QThread, Signal, Slot

from engine.record import TrainingRecord
from minigrad_gui import data
from minigrad_gui.dataset_cache import DatasetCache
from minigrad_gui.history import History
from minigrad_gui.machine_code import MachineCode
from minigrad_gui.runner import TrainingJob, TrainingResult
from minigrad_gui.runs import RunStore
from minigrad_gui.session.curves import Curves
from minigrad_gui.worker import Preparation, Progress, TrainingWorker

State = Literal["idle", "training", "paused"]


class Training(QObject):
    """Starts and controls runs, one at a time, and collects what they report."""

    stateChanged = Signal(str)  # noqa: N815
    prepared = Signal()
    progressed = Signal()
    historyCleared = Signal()  # noqa: N815
    networkTrained = Signal(object, object, bool)  # noqa: N815  MLP, TrainingJob, whether it is the run's first
    ending = Signal(object)  # TrainingResult, before the state changes
    ended = Signal(object)  # TrainingResult
    checkpointFailed = Signal(str)  # noqa: N815
    _jobQueued = Signal(object)  # noqa: N815

    def __init__(
        self,
        datasets: DatasetCache | None = None,
        parent: QObject | None = None,
        store: RunStore | None = None,
        machine_code: MachineCode | None = None,
    ) -> None:
        super().__init__(parent)
        self._state: State = "idle"
        self._job: TrainingJob | None = None
        self._curves = Curves()
        self._samples_per_second = 0.0
        self._thread = QThread(self)
        self._thread.setObjectName("training")
        self._worker = TrainingWorker(datasets, store, machine_code)
        self._worker.moveToThread(self._thread)
        self._jobQueued.connect(self._worker.run)
        self._worker.prepared.connect(self._on_prepared)
        self._worker.progressed.connect(self._on_progressed)
        self._worker.ended.connect(self._on_ended)
        self._worker.checkpointFailed.connect(self.checkpointFailed)

    @property
    def state(self) -> State:
        return self._state

    @property
    def job(self) -> TrainingJob | None:
        """The run in progress."""
        return self._job

    @property
    def can_be_kept(self) -> bool:
        """Whether the run in progress has trained, also before it was resumed; until then nothing can be kept."""
        return self._job is not None and (len(self._curves.history) > 0 or self._job.resume_from is not None)

    @property
    def curves(self) -> Curves:
        """Those of the run in progress, of the last run, or of the run that produced the current network."""
        return self._curves

    @property
    def samples_per_second(self) -> float:
        return self._samples_per_second

    @property
    def epochs_done(self) -> float:
        """The number of epochs done, including the fraction of the current one."""
        return self._curves.history.epochs_trained

    @property
    def seconds_left(self) -> float | None:
        """Estimated from the speed of about the last second; None without a run or a speed."""
        preparation = self._curves.preparation
        if preparation is None or not self._samples_per_second or self._job is None:
            return None
        samples_left = (self._job.config.epochs - self.epochs_done) * preparation.training_count
        return max(samples_left, 0.0) / self._samples_per_second

    @property
    def shows_failed_run(self) -> bool:
        """Whether the curves show a run that ended without producing a network; the current one is from before it."""
        return self._state == "idle" and len(self._curves.history) > 0 and not self._curves.gave_a_network

    def start(self, job: TrainingJob) -> None:
        self._job = job
        self.show(Curves())
        self._set_state("paused" if job.control.paused else "training")
        self._thread.start()
        self._jobQueued.emit(job)

    def pause(self) -> None:
        if self._state == "training" and self._job is not None:
            self._job.control.pause()
            self._set_state("paused")

    def resume(self) -> None:
        if self._state == "paused" and self._job is not None:
            self._job.control.resume()
            self._set_state("training")

    def step(self) -> None:
        """Let a paused run train on one more mini-batch."""
        if self._state == "paused" and self._job is not None:
            self._job.control.allow_step()

    def stop(self) -> None:
        """End the run after the current mini-batch; the network stays as it is then."""
        if self._job is not None:
            self._job.control.stop()

    def set_learning_rate(self, rate: float) -> None:
        """Set the learning rate from the next mini-batch on."""
        if self._job is not None:
            self._job.control.learning_rate = rate

    def abandon(self, *, keep: bool) -> TrainingJob | None:
        """End the run at once and ignore what it still reports. keep: whether its checkpoint is still wanted."""
        job, self._job = self._job, None
        if job is not None:
            job.control.abandon(keep=keep)
        self._set_state("idle")
        return job

    def show(self, curves: Curves) -> None:
        """Show the curves of another run."""
        self._curves, self._samples_per_second = curves, 0.0
        self.historyCleared.emit()

    def record(self, result: TrainingResult | None = None) -> TrainingRecord:
        """How the network was trained: by the run in progress, or by the run that ended with this result."""
        job = result.job if result is not None else self._job
        assert job is not None
        preparation = self._curves.preparation
        threads = preparation.blas_threads if preparation is not None else None
        return job.result_record(self._curves.history.epochs, threads, self.class_names, result)

    @property
    def class_names(self) -> tuple[str, ...]:
        """What the run in progress, or the last one, tells apart."""
        preparation = self._curves.preparation
        return data.DIGIT_NAMES if preparation is None else preparation.class_names

    def quit(self) -> None:
        """Ask the thread to end."""
        self._thread.requestInterruption()
        self._thread.quit()

    def wait(self, deadline: QDeadlineTimer) -> bool:
        """Wait for the thread; whether it has ended by the deadline."""
        return self._thread.wait(deadline)

    @Slot(object)
    def _on_prepared(self, preparation: Preparation) -> None:
        if preparation.job is self._job:
            begins = preparation.job.config.begins(preparation.steps_per_epoch)
            history = History(preparation.steps_per_epoch, begins)
            history.extend(preparation.losses, preparation.epochs)
            history.rate_changes = list(preparation.job.rate_changes)
            self._curves = Curves(history, preparation)
            self.prepared.emit()

    @Slot(object)
    def _on_progressed(self, progress: Progress) -> None:
        if progress.job is not self._job:
            return
        history = self._curves.history
        history.extend([step.loss for step in progress.steps], progress.epochs)
        history.rate_changes = list(progress.job.rate_changes)
        self._samples_per_second = progress.samples_per_second or self._samples_per_second
        if progress.validation is not None:
            self._curves = replace(self._curves, validation=progress.validation)
        for batch, model in progress.moments:
            self._curves.snapshots.add(batch, model)
        if progress.model is not None and len(history):
            is_first = not self._curves.gave_a_network
            self._curves = replace(self._curves, gave_a_network=True)
            self._curves.snapshots.add(len(history), progress.model)
            self.networkTrained.emit(progress.model, progress.job, is_first)
        self.progressed.emit()

    @Slot(object)
    def _on_ended(self, result: TrainingResult) -> None:
        if result.job is not self._job:
            return
        self._job = None
        self._curves = replace(self._curves, diagnosis=result.diagnosis, validation=None)
        self.ending.emit(result)
        self._set_state("idle")
        self.ended.emit(result)

    def _set_state(self, state: State) -> None:
        if state != self._state:
            self._state = state
            self.stateChanged.emit(state)
